/** Accounts that sign: with a key that this program holds, or through a wallet. */

import { ed25519CreateDerive, sr25519CreateDerive } from "@polkadot-labs/hdkd";
import {
  DEV_PHRASE,
  generateMnemonic,
  mnemonicToMiniSecret,
  parseSuri,
  type KeyPair,
} from "@polkadot-labs/hdkd-helpers";
import type { PolkadotSigner } from "polkadot-api";
import { getPolkadotSigner } from "polkadot-api/signer";
import { formatAddress, parseAddress } from "./address.js";
import { PhatError } from "./errors.js";
import { fromHex, toHex, utf8, type Hex } from "./hex.js";

/** How an account signs. */
export type KeyKind = "sr25519" | "ed25519";

/** Somebody who signs. */
export interface Account {
  /** The account's public key, which is its id on chain. */
  readonly id: Hex;
  /** The same as people write it. */
  readonly address: string;
  /** What its holder calls it. */
  readonly name?: string;
  readonly kind: KeyKind;
  /** Whether a person is asked at each signature. */
  readonly asksPerson: boolean;
  /** Signs transactions, as polkadot-api asks for it. */
  readonly signer: PolkadotSigner;
  /** Signs a text, wrapped in `<Bytes>` and `</Bytes>` as wallets do; gives the 64 bytes of the signature. */
  signText(text: string): Promise<Uint8Array>;
}

/** Options of {@link accountFromSecret}. */
export interface SecretOptions {
  /** `sr25519` by default. */
  kind?: KeyKind;
  name?: string;
}

const NOT_A_SECRET =
  "not a secret: expected a phrase of 12 to 24 words, //Name (development networks), or 0x and 32 bytes of hexadecimal";

/**
 * An account whose key this program holds: from a phrase, `//Name`, or a seed, each with derivations after it.
 *
 * Where people have wallets, use those. The text is not repeated in errors.
 *
 * @throws PhatError where the text is no secret
 */
export function accountFromSecret(secret: string, options: SecretOptions = {}): Account {
  const kind = options.kind ?? "sr25519";
  let pair: KeyPair;
  try {
    pair = readSecret(secret.trim(), kind);
  } catch {
    // The cause may hold words of the phrase.
    throw new PhatError("argument", NOT_A_SECRET);
  }
  const sign = (bytes: Uint8Array) => pair.sign(bytes);
  return {
    ...identity(pair.publicKey, kind, options.name),
    asksPerson: false,
    signer: getPolkadotSigner(pair.publicKey, kind === "sr25519" ? "Sr25519" : "Ed25519", sign),
    signText: async (text) => sign(utf8(`<Bytes>${text}</Bytes>`)),
  };
}

function readSecret(secret: string, kind: KeyKind): KeyPair {
  const whole = secret.startsWith("/") ? DEV_PHRASE + secret : secret;
  const { phrase, paths, password } = parseSuri(whole);
  if (phrase === undefined) throw new Error(NOT_A_SECRET);
  const seed = phrase.startsWith("0x") ? fromHex(phrase, 32) : mnemonicToMiniSecret(phrase, password ?? "");
  return (kind === "sr25519" ? sr25519CreateDerive : ed25519CreateDerive)(seed)(paths ?? "");
}

function identity(publicKey: Uint8Array, kind: KeyKind, name: string | undefined) {
  const id = toHex(publicKey);
  return { id, address: formatAddress(id), kind, ...(name !== undefined && { name }) };
}

/** A fresh phrase of 12 words, to be kept secret. */
export function generateSecret(): string {
  return generateMnemonic(128);
}

/** What {@link accountFromSigner} takes. */
export interface SignerOptions {
  /** Whose signer it is; by default the signer's public key. */
  address?: string;
  kind: KeyKind;
  signer: PolkadotSigner;
  /** As {@link Account.signText}; by default the signer's `signBytes`, which wraps the text. */
  signText?: (text: string) => Promise<Uint8Array>;
  name?: string;
  /** By default true. */
  asksPerson?: boolean;
}

/** An account behind a signer of polkadot-api: a hardware wallet, a remote one. */
export function accountFromSigner(options: SignerOptions): Account {
  const { signer, kind } = options;
  const publicKey = options.address === undefined ? signer.publicKey : fromHex(parseAddress(options.address));
  return {
    ...identity(publicKey, kind, options.name),
    asksPerson: options.asksPerson ?? true,
    signer,
    signText: options.signText ?? ((text) => signer.signBytes(utf8(text))),
  };
}
