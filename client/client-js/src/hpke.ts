/**
 * Sealing to a public key: HPKE (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM.
 *
 * `info` is the domain label; what else a message is bound to goes into the associated data. AES is the
 * platform's (WebCrypto), which browsers give to secure contexts alone: https, or localhost.
 */

import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { DhkemX25519HkdfSha256 } from "@hpke/dhkem-x25519";
import { derive, type Label } from "./domain.js";
import { Unsupported } from "./errors.js";
import { fromHex, toHex, utf8, type Hex } from "./hex.js";
import type { Random } from "./random.js";

const EXPORT_CONTEXT = utf8("phat/v1/export");

let suite: CipherSuite | undefined;

function theSuite(): CipherSuite {
  if (globalThis.crypto?.subtle === undefined) {
    throw new Unsupported(
      "there is no WebCrypto here: browsers give it to secure contexts alone; open the page over https, or on localhost",
    );
  }
  return (suite ??= new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  }));
}

/** The recipient's key is not a usable X25519 key. */
export class UnusableKey extends Error {
  override name = "UnusableKey";
}

/** A message does not open. Deliberately without a reason. */
export class DoesNotOpen extends Error {
  override name = "DoesNotOpen";
}

/** A static X25519 key that a session speaks as. */
export class HpkeSecret {
  private constructor(
    readonly pair: CryptoKeyPair,
    /** The public key. */
    readonly publicKey: Hex,
  ) {}

  /** The key of a 32-byte seed, by `DeriveKeyPair` of RFC 9180, 7.1.3. */
  static async fromSeed(seed: Uint8Array): Promise<HpkeSecret> {
    const { kem } = theSuite();
    const pair = await kem.deriveKeyPair(new Uint8Array(seed));
    return new HpkeSecret(pair, toHex(new Uint8Array(await kem.serializePublicKey(pair.publicKey))));
  }

  /** A new key. */
  static generate(random: Random): Promise<HpkeSecret> {
    return HpkeSecret.fromSeed(random(32));
  }
}

/** Makes further keys that only the two ends of a sealed message know. */
export class Exporter {
  constructor(private readonly secret: Uint8Array) {}

  /** The key for one purpose. */
  key(label: Label): Uint8Array {
    return derive(label, this.secret);
  }
}

/** A sealed message. */
export interface Sealed {
  encapsulatedKey: Hex;
  ciphertext: Uint8Array;
}

/**
 * Seals to `recipient`; with a `sender`, so that the recipient knows that its holder did (RFC 9180, 5.1.3).
 *
 * @throws UnusableKey
 */
export async function seal(
  recipient: Hex,
  sender: HpkeSecret | undefined,
  label: Label,
  aad: Uint8Array,
  plaintext: Uint8Array,
  random: Random,
): Promise<{ sealed: Sealed; exporter: Exporter }> {
  const hpke = theSuite();
  try {
    const context = await hpke.createSenderContext({
      recipientPublicKey: await hpke.kem.deserializePublicKey(fromHex(recipient, 32)),
      info: utf8(label),
      ekm: random(32),
      ...(sender && { senderKey: sender.pair }),
    });
    const ciphertext = new Uint8Array(await context.seal(new Uint8Array(plaintext), new Uint8Array(aad)));
    const exported = new Uint8Array(await context.export(EXPORT_CONTEXT, 32));
    return {
      sealed: { encapsulatedKey: toHex(new Uint8Array(context.enc)), ciphertext },
      exporter: new Exporter(exported),
    };
  } catch (cause) {
    throw new UnusableKey("the recipient's key is not a usable X25519 key; get it from the chain again", { cause });
  }
}

/**
 * Opens what {@link seal} sealed to `recipient`: what workers do, and tests.
 *
 * @throws DoesNotOpen
 */
export async function open(
  recipient: HpkeSecret,
  sender: Hex | undefined,
  label: Label,
  aad: Uint8Array,
  sealed: Sealed,
): Promise<{ plaintext: Uint8Array; exporter: Exporter }> {
  const hpke = theSuite();
  try {
    const context = await hpke.createRecipientContext({
      recipientKey: recipient.pair,
      enc: fromHex(sealed.encapsulatedKey, 32),
      info: utf8(label),
      ...(sender && { senderPublicKey: await hpke.kem.deserializePublicKey(fromHex(sender, 32)) }),
    });
    const plaintext = new Uint8Array(await context.open(new Uint8Array(sealed.ciphertext), new Uint8Array(aad)));
    return { plaintext, exporter: new Exporter(new Uint8Array(await context.export(EXPORT_CONTEXT, 32))) };
  } catch (cause) {
    throw new DoesNotOpen("the message does not open: made for another key or purpose, or damaged", { cause });
  }
}
