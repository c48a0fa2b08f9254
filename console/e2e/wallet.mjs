// A wallet as pages see one: `window.injectedWeb3`, with the keys outside the page. It signs what it is asked
// to, and keeps what it was shown.

import { sr25519CreateDerive } from "@polkadot-labs/hdkd";
import { DEV_PHRASE, entropyToMiniSecret, mnemonicToEntropy, ss58Address } from "@polkadot-labs/hdkd-helpers";
import { Blake2256, compact } from "@polkadot-api/substrate-bindings";

const derive = sr25519CreateDerive(entropyToMiniSecret(mnemonicToEntropy(DEV_PHRASE)));

const bytes = (hex) => Uint8Array.from(hex.replace(/^0x/, "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (data) => `0x${Buffer.from(data).toString("hex")}`;

function number(value, length) {
  const data = Buffer.alloc(length);
  data.writeUInt32LE(Number(BigInt(value)));
  return data;
}

/** What is signed of a transaction, in the order of the runtime's extensions (`chain/runtime/src/lib.rs`). */
function payloadBytes(payload) {
  const whole = Buffer.concat([
    bytes(payload.method),
    bytes(payload.era),
    compact.enc(BigInt(payload.nonce)),
    compact.enc(BigInt(payload.tip)),
    number(payload.specVersion, 4),
    number(payload.transactionVersion, 4),
    bytes(payload.genesisHash),
    bytes(payload.blockHash),
  ]);
  return whole.length > 256 ? Blake2256(whole) : whole;
}

/** Puts a wallet into every page of the context. `refuse` makes it say no from then on. */
export async function installWallet(context, path, name) {
  const pair = derive(path);
  const address = ss58Address(pair.publicKey, 42);
  const wallet = { shown: [], refuse: false, address };
  const answer = (sign) => {
    if (wallet.refuse) throw new Error("Cancelled");
    return sign();
  };
  await context.exposeFunction("walletPayload", (payload) =>
    answer(() => {
      wallet.shown.push({ kind: "transaction", payload });
      return hex(Buffer.concat([Buffer.from([1]), pair.sign(payloadBytes(payload))]));
    }),
  );
  await context.exposeFunction("walletRaw", (data) =>
    answer(() => {
      wallet.shown.push({ kind: "text", text: Buffer.from(bytes(data)).toString() });
      const text = Buffer.from(bytes(data));
      const wrapped =
        text.subarray(0, 7).toString() === "<Bytes>"
          ? text
          : Buffer.concat([Buffer.from("<Bytes>"), text, Buffer.from("</Bytes>")]);
      return hex(pair.sign(wrapped));
    }),
  );
  await context.addInitScript(
    ([address, name]) => {
      const account = { address, name, type: "sr25519" };
      window.injectedWeb3 = {
        "test-wallet": {
          version: "1.0.0",
          enable: async () => ({
            accounts: {
              get: async () => [account],
              subscribe: (listener) => {
                listener([account]);
                return () => {};
              },
            },
            signer: {
              signPayload: async (payload) => ({ id: 1, signature: await window.walletPayload(payload) }),
              signRaw: async ({ data }) => ({ id: 1, signature: await window.walletRaw(data) }),
            },
          }),
        },
      };
    },
    [address, name],
  );
  return wallet;
}
