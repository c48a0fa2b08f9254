/** Accounts as people write them. */

import { ss58Decode, ss58Encode } from "@polkadot-labs/hdkd-helpers";
import { ArgumentError } from "./errors.js";
import { fromHex, normalHex, shorten, toHex, type Hex } from "./hex.js";

/** The network's prefix of addresses. */
export const SS58_PREFIX = 30;

/** SS58 text of an account; by default with the network's prefix. */
export function formatAddress(account: Hex, prefix = SS58_PREFIX): string {
  return ss58Encode(fromHex(account, 32), prefix);
}

/**
 * Reads an account: SS58 with any prefix, or 32 bytes of hexadecimal.
 *
 * @throws ArgumentError
 */
export function parseAddress(text: string): Hex {
  if (text.startsWith("0x")) {
    try {
      return normalHex(text, 32);
    } catch {
      throw new ArgumentError(`expected 0x and 64 hexadecimal digits, found ${shorten(text)}`);
    }
  }
  let account: Uint8Array;
  try {
    [account] = ss58Decode(text);
  } catch (error) {
    const mistyped = error instanceof Error && error.message === "Invalid checksum";
    throw new ArgumentError(
      mistyped
        ? "the address's checksum is wrong; was a character mistyped?"
        : `expected an address (SS58, like 45R…) or 0x and 64 hexadecimal digits, found ${shorten(text)}`,
    );
  }
  if (account.length !== 32) throw new ArgumentError("an address of another length than an account's");
  return toHex(account);
}
