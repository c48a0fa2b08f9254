// An election on a development network, from Node.js:
//
//   phat dev                                                          in one terminal
//   node client/client-js/examples/ballot.mjs ballot.contract         in another, after npm run build
//
// The network is that of `phat dev` in this folder, or the node that PHAT_NODE names.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Chain, ContractFile, ContractRefused, accountFromSecret, deploy, verifyReceipt } from "@phat/client";

const [path] = process.argv.slice(2);
if (path === undefined || !existsSync(path)) {
  console.error("usage: node ballot.mjs FILE.contract, of guest/examples/ballot, built by phat build");
  process.exit(2);
}
const dev = ".phat/dev/network.json";
const { node, genesis } = existsSync(dev) ? JSON.parse(readFileSync(dev, "utf8")) : {};

// Whoever knows the genesis hash pins it: a node of another network is refused.
const chain = await Chain.connect(process.env.PHAT_NODE ?? node ?? "ws://127.0.0.1:9944", { genesis });
const alice = accountFromSecret("//Alice"); // on development networks she has funds
const bob = accountFromSecret("//Bob");

const { contract } = await deploy(chain, ContractFile.parse(readFileSync(path)), {
  account: alice,
  args: [alice.address, ["Ada", "Grace"], [[1, alice.address], [2, bob.address]]],
  onProgress: ({ step }) => console.log(`  ${step}…`),
});
console.log(`contract ${contract.id}`);

// Sealed, in order, on chain.
await contract.call("report", [1, [120, 95]], { account: alice });
await contract.call("report", [2, [80, 130]], { account: bob });

// Nobody but the chair sees the tally before the close.
try {
  await contract.query("tally", [], { account: bob });
} catch (error) {
  if (!(error instanceof ContractRefused)) throw error;
  console.log(`Bob asks too early: ${error.error}`);
}
await contract.call("close", [], { account: alice });

// Two workers, one answer; and a file that anybody can check, without any network.
const tally = await contract.query("tally", [], { receipt: true, replicas: 2 });
console.log("tally", tally.value.votes, `from block ${tally.block.number}, ${tally.replicas.agreed} of 2 workers agree`);
const file = await contract.receiptFile(tally);
writeFileSync("tally.json", file);
const verdict = await verifyReceipt(file, { genesis: chain.genesis });
for (const { name, finding } of verdict.links) console.log(`  ${name}: ${finding}`);
console.log(verdict.holds ? "the receipt holds: tally.json" : `the receipt does not hold: ${verdict.reason}`);
chain.close();
