/** An account's permission for a session key: the one thing that a wallet signs for queries. */

import { ed25519, sr25519 } from "@polkadot-labs/hdkd-helpers";
import type { Account } from "./account.js";
import { PhatError, SigningRefused, textOf } from "./errors.js";
import { fromHex, utf8, type Hex } from "./hex.js";
import { HpkeSecret } from "./hpke.js";
import { secureRandom, type Random } from "./random.js";
import type { Identity } from "./session.js";
import type { Certificate } from "./wire.js";

/** How long a certificate is made to last, milliseconds. */
export const CERTIFICATE_LIFETIME_MS = 60 * 60 * 1000;
/** What of it must be left for it to be used again, milliseconds. */
const USABLE_MS = 5 * 60 * 1000;

/** The text that the account signs. */
export function certificateText(genesis: Hex, account: Hex, sessionKey: Hex, expiresAtMs: number | bigint): string {
  return [
    "Phat query certificate",
    `Network: ${genesis}`,
    `Account: ${account}`,
    `Session key: ${sessionKey}`,
    `Valid until: ${expiresAtMs} (milliseconds since 1970)`,
    "Whoever holds the session key may read as this account. It cannot spend or change anything.",
  ].join("\n");
}

/** Whether the account signed the certificate, on the network of `genesis`. */
export function isSigned(genesis: Hex, certificate: Certificate): boolean {
  const { account, sessionKey, expiresAtMs, kind, signature } = certificate;
  const text = utf8(`<Bytes>${certificateText(genesis, account, sessionKey, expiresAtMs)}</Bytes>`);
  const curve = kind.tag === "Sr25519" ? sr25519 : ed25519;
  try {
    return curve.verify(signature, text, fromHex(account, 32));
  } catch {
    return false;
  }
}

/** A session key and the account's certificate for it. */
export async function issueSessionKey(
  account: Account,
  genesis: Hex,
  expiresAtMs: number,
  random: Random = secureRandom,
): Promise<Identity> {
  const sessionKey = await HpkeSecret.generate(random);
  const what = "the permission to ask in your name";
  let signature: Uint8Array;
  try {
    signature = await account.signText(certificateText(genesis, account.id, sessionKey.publicKey, expiresAtMs));
  } catch (error) {
    if (error instanceof PhatError) throw error;
    throw new SigningRefused(what, textOf(error), { cause: error });
  }
  const kind =
    account.kind === "sr25519"
      ? { tag: "Sr25519" as const, value: undefined }
      : { tag: "Ed25519" as const, value: undefined };
  const certificate: Certificate = {
    account: account.id,
    sessionKey: sessionKey.publicKey,
    expiresAtMs: BigInt(expiresAtMs),
    kind,
    signature,
  };
  // A worker would only say that it does not hold.
  if (signature.length !== 64 || !isSigned(genesis, certificate)) {
    throw new SigningRefused(what, "its signature is not that of the account over the text; choose an sr25519 or ed25519 account");
  }
  return { sessionKey, certificate };
}

/**
 * Session keys of accounts. Where a person is asked for each signature, one certificate serves all workers until
 * shortly before its end; otherwise each session has a key of its own, so that a watcher cannot tie sessions
 * together by it.
 */
export class SessionKeys {
  private readonly kept = new Map<Hex, { identity: Promise<Identity>; expiresAtMs: number }>();

  constructor(private readonly genesis: Hex) {}

  /** A session key of the account. */
  of(account: Account): Promise<Identity> {
    const now = Date.now();
    const expiresAtMs = now + CERTIFICATE_LIFETIME_MS;
    if (!account.asksPerson) return issueSessionKey(account, this.genesis, expiresAtMs);
    const kept = this.kept.get(account.id);
    if (kept && kept.expiresAtMs > now + USABLE_MS) return kept.identity;
    const identity = issueSessionKey(account, this.genesis, expiresAtMs);
    this.kept.set(account.id, { identity, expiresAtMs });
    // Who refused may be asked again.
    identity.catch(() => this.kept.delete(account.id));
    return identity;
  }
}
