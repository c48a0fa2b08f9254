/** Bytes as text, and small things about bytes. */

/** Bytes in hexadecimal after `0x`, lower case. */
export type Hex = `0x${string}`;

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes as {@link Hex}. */
export function toHex(bytes: Uint8Array): Hex {
  let text = "0x";
  for (const byte of bytes) text += DIGITS[byte];
  return text as Hex;
}

/**
 * Bytes of hexadecimal text, with or without `0x`.
 *
 * @param length how many bytes there must be
 * @throws TypeError where the text is not that
 */
export function fromHex(text: string, length?: number): Uint8Array<ArrayBuffer> {
  const digits = text.startsWith("0x") ? text.slice(2) : text;
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) {
    throw new TypeError(`expected 0x and pairs of hexadecimal digits, found ${shorten(text)}`);
  }
  if (length !== undefined && digits.length !== 2 * length) {
    throw new TypeError(`expected ${length} bytes in hexadecimal, found ${digits.length / 2}`);
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let place = 0; place < bytes.length; place++) {
    bytes[place] = Number.parseInt(digits.slice(2 * place, 2 * place + 2), 16);
  }
  return bytes;
}

/** Hex text as this package writes it: lower case with `0x`; `length` as in {@link fromHex}. */
export function normalHex(text: string, length?: number): Hex {
  return toHex(fromHex(text, length));
}

/** Text that fits into an error. */
export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** All bytes in one array. */
export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Whether both are the same bytes; takes as long wherever they differ. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let place = 0; place < one.length; place++) difference |= one[place]! ^ other[place]!;
  return difference === 0;
}

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
