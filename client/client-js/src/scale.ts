/**
 * SCALE, as the codec `scale-ts` does it, made strict.
 *
 * `scale-ts` reads what no encoder writes: booleans that are 2, lengths in more bytes than they need, text that
 * is not UTF-8. So a value is taken only if it encodes to the very bytes it came from ({@link decodeAll}); then
 * nothing is left over either. Lists and bytes are bounded before they are made.
 */

import {
  Bytes,
  Enum,
  Option,
  Struct,
  Tuple,
  bool,
  compact,
  createCodec,
  createDecoder,
  enhanceCodec,
  i128,
  str,
  u128,
  u16,
  u32,
  u64,
  u8,
  type Codec,
} from "scale-ts";
import { concat, equalBytes, fromHex, toHex, type Hex } from "./hex.js";

export { Enum, Option, Struct, Tuple, bool, compact, i128, str, u128, u16, u32, u64, u8, type Codec };
export type { CodecType } from "scale-ts";

/** Bytes from outside are not an encoding of what they should be. */
export class DecodeError extends Error {
  override name = "DecodeError";
}

/** What `scale-ts` hands to a decoder: bytes with the place up to which they are read. */
type Reader = Uint8Array & { i: number };

/** Decodes untrusted bytes: at most `bytesMax` of them, and all of them. */
export function decodeAll<T>(codec: Codec<T>, bytes: Uint8Array, bytesMax: number): T {
  if (bytes.length > bytesMax) throw new DecodeError(`longer than ${bytesMax} bytes`);
  // `scale-ts` reads from the start of the buffer, whatever part of it the array is.
  const whole = new Uint8Array(bytes);
  let value: T;
  let again: Uint8Array;
  try {
    value = codec.dec(whole);
    again = codec.enc(value);
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw new DecodeError("not a valid encoding");
  }
  if (!equalBytes(whole, again)) throw new DecodeError("not a valid encoding, or bytes are left over");
  return value;
}

/** Exactly so many bytes. */
export function fixedBytes(length: number): Codec<Uint8Array> {
  return createCodec(
    (value: Uint8Array) => {
      if (value.length !== length) throw new TypeError(`expected ${length} bytes, found ${value.length}`);
      return value;
    },
    createDecoder((bytes) => {
      const reader = bytes as Reader;
      const end = reader.i + length;
      if (end > reader.byteLength) throw new DecodeError("cut short");
      const value = new Uint8Array(reader.buffer.slice(reader.i, end));
      reader.i = end;
      return value;
    }),
  );
}

/** Exactly so many bytes, as {@link Hex}. */
export function fixedHex(length: number): Codec<Hex> {
  return enhanceCodec(fixedBytes(length), (value: Hex) => fromHex(value, length), toHex);
}

/** A list of at most `most` items. */
export function list<T>(item: Codec<T>, most: number): Codec<T[]> {
  return createCodec(
    (values: T[]) => concat(compact.enc(values.length), ...values.map((value) => item.enc(value))),
    createDecoder((bytes) => {
      const length = Number(compact.dec(bytes));
      if (length > most) throw new DecodeError(`a list of ${length} items, where ${most} are the most`);
      return Array.from({ length }, () => item.dec(bytes));
    }),
  );
}

/** Bytes with their length before them. */
export const bytes: Codec<Uint8Array> = Bytes();
/** The same as {@link Hex}. */
export const hexBytes: Codec<Hex> = enhanceCodec(bytes, (value: Hex) => fromHex(value), toHex);
/** 32 bytes: an id, a key, a hash. */
export const hex32: Codec<Hex> = fixedHex(32);
/** 16 bytes. */
export const hex16: Codec<Hex> = fixedHex(16);

/** What Rust calls a result. */
export type Result<T, E> = { ok: true; value: T } | { ok: false; error: E };

/** A {@link Result}. */
export function result<T, E>(value: Codec<T>, error: Codec<E>): Codec<Result<T, E>> {
  const inner = Enum({ Ok: value, Err: error });
  return enhanceCodec(
    inner as unknown as Codec<{ tag: "Ok"; value: T } | { tag: "Err"; value: E }>,
    (from: Result<T, E>) =>
      from.ok ? { tag: "Ok" as const, value: from.value } : { tag: "Err" as const, value: from.error },
    (to) => (to.tag === "Ok" ? { ok: true, value: to.value } : { ok: false, error: to.value }),
  );
}

/** Nothing, in no bytes. */
export const nothing: Codec<undefined> = createCodec(
  () => new Uint8Array(),
  () => undefined,
);
