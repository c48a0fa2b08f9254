/** What runs in the browser: bundled by the test, called by name. */

import {
  Chain,
  Contract,
  ContractFile,
  accountFromSecret,
  connectWallet,
  verifyReceipt,
  wallets,
  type Hex,
} from "../../src/index.js";

/** What the test gives to the page. */
export interface Task {
  node: string;
  genesis: Hex;
  contract: Hex;
  metadata: object;
}

/** What it gives back. */
export interface Outcome {
  tally: unknown;
  worker: Hex;
  receipt: { holds: boolean; links: number };
  wallets: string[];
  accounts: string[];
  mine: unknown;
  prompts: string[];
  refused: string;
}

/** An extension-shaped wallet: its keys are development keys, and it keeps what it was asked to sign. */
function inject(prompts: string[]): { refuse: boolean } {
  const state = { refuse: false };
  const account = accountFromSecret("//Alice");
  const signRaw = async ({ data }: { data: Hex }) => {
    const bytes = Uint8Array.from(data.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    prompts.push(new TextDecoder().decode(bytes));
    if (state.refuse) throw new Error("Cancelled");
    const signature = await account.signer.signBytes(bytes);
    return { id: 1, signature: `0x${Array.from(signature, (byte) => byte.toString(16).padStart(2, "0")).join("")}` };
  };
  const enable = async () => ({
    signer: { signRaw, signPayload: () => Promise.reject(new Error("no transactions here")) },
    accounts: {
      get: async () => [
        { address: account.address, name: "Alice", type: "sr25519" },
        { address: account.address, name: "an Ethereum account", type: "ethereum" },
      ],
      subscribe: () => () => {},
    },
  });
  (globalThis as { injectedWeb3?: unknown }).injectedWeb3 = { scripted: { version: "1.0", enable } };
  return state;
}

/** The story: read, ask, check, sign. */
export async function story(task: Task): Promise<Outcome> {
  const prompts: string[] = [];
  const wallet = inject(prompts);
  const chain = await Chain.connect(task.node, { genesis: task.genesis });
  try {
    const contract = await Contract.at(chain, task.contract, ContractFile.parse(task.metadata));
    const tally = await contract.query("tally", [], { receipt: true });
    const verdict = await verifyReceipt(await contract.receiptFile(tally), { genesis: task.genesis });
    const { accounts } = await connectWallet("scripted", "the test");
    const [alice] = accounts;
    const mine = await contract.query("my_report", [1], { account: alice! });
    await contract.query("my_report", [1], { account: alice! });
    wallet.refuse = true;
    const anew = await Contract.at(chain, task.contract, contract.file);
    const refused = await anew.query("my_report", [1], { account: alice! }).then(
      () => "nothing",
      (error: Error) => error.message,
    );
    return {
      tally: plain(tally.value),
      worker: tally.worker,
      receipt: { holds: verdict.holds, links: verdict.links.length },
      wallets: wallets().map(({ name }) => name),
      accounts: accounts.map(({ name }) => name ?? ""),
      mine: plain(mine.value),
      prompts,
      refused,
    };
  } finally {
    chain.close();
  }
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? Number(item) : item)));
}
