/**
 * Types of contracts: from the metadata to shapes, and values as people write them to SCALE and back.
 *
 * The values are those of the Rust SDK and the CLI (`client/client` `text`): `Option` is a value or `null`; an enum is
 * `"Name"` or `{ Name: fields }`; an account is an address; bytes are hexadecimal after `0x`; a struct is an object, a
 * tuple a list, and a struct of one field without a name is that field. Whole numbers of more than 32 bits are `bigint`.
 */

import { createCodec, createDecoder, i16, i32, i64, i8 } from "scale-ts";
import { formatAddress, parseAddress } from "./address.js";
import { printable } from "./errors.js";
import { fromHex, shorten, toHex } from "./hex.js";
import {
  DecodeError,
  bool,
  compact,
  fixedBytes,
  hex32,
  i128,
  str,
  u128,
  u16,
  u32,
  u64,
  u8,
  type Codec,
} from "./scale.js";

/** How deep a value may be nested. */
const DEPTH_MAX = 32;
/** Longest list of things that take no bytes. */
const EMPTY_ITEMS_MAX = 65_536;

/** A field of a struct, a tuple or a variant. */
export interface Field {
  /** Missing in tuples. */
  name?: string;
  type: TypeShape;
  docs: string;
}

/** A variant of an enum. */
export interface Variant {
  name: string;
  index: number;
  fields: Field[];
  docs: string;
}

/**
 * What a value looks like: a tree for forms. `name` is the type as people read it. A type that contains itself leads
 * back to its own shape.
 */
export type TypeShape = { name: string } & (
  | { kind: "bool" | "text" | "account" | "nothing" }
  | { kind: "integer"; signed: boolean; bits: 8 | 16 | 32 | 64 | 128; min: bigint; max: bigint; compact: boolean }
  /** Without `length` any number of them. */
  | { kind: "bytes"; length?: number }
  | { kind: "list"; item: TypeShape; length?: number }
  | { kind: "tuple"; items: TypeShape[] }
  /** Its fields have names, all or none; none where it has no field. */
  | { kind: "struct"; fields: Field[] }
  | { kind: "enum"; variants: Variant[] }
  | { kind: "option"; inner: TypeShape }
  | { kind: "unsupported"; reason: string }
);

interface RawField {
  name?: string | null;
  type: number;
  docs?: string[];
}
interface RawVariant {
  name: string;
  index: number;
  fields?: RawField[];
  docs?: string[];
}
/** A type in the metadata, as `scale-info` writes it. */
export interface RawType {
  id: number;
  type: {
    path?: string[];
    params?: { name: string; type?: number | null }[];
    def: {
      primitive?: string;
      composite?: { fields?: RawField[] };
      variant?: { variants?: RawVariant[] };
      sequence?: { type: number };
      array?: { len: number; type: number };
      tuple?: number[];
      compact?: { type: number };
      bitsequence?: unknown;
    };
  };
}

/** The types of one contract. */
export class TypeRegistry {
  private readonly raw: Map<number, RawType["type"]>;
  private readonly shapes = new Map<number, TypeShape>();

  constructor(types: RawType[]) {
    this.raw = new Map(types.map(({ id, type }) => [id, type]));
  }

  /** The shape of a type. */
  shape(id: number): TypeShape {
    const known = this.shapes.get(id);
    if (known) return known;
    // Kept before it is filled, so that a type that contains itself finds itself.
    const shape = { name: this.name(id) } as TypeShape;
    this.shapes.set(id, shape);
    return Object.assign(shape, this.describe(id), { name: shape.name });
  }

  private describe(id: number): Omit<TypeShape, "name"> & { name?: string } {
    const type = this.raw.get(id);
    if (!type) return { kind: "unsupported", reason: "its type is missing in the metadata" } as never;
    const { def } = type;
    const ident = type.path?.at(-1) ?? "";
    if (ident === "AccountId" || ident === "AccountId32") return { kind: "account" };
    if (def.primitive !== undefined) return primitiveShape(def.primitive) as never;
    if (def.compact) {
      const inner = this.shape(def.compact.type);
      const isNumber = inner.kind === "integer" && !inner.signed;
      return (isNumber ? { ...inner, compact: true } : { kind: "unsupported", reason: "compact values of this type" }) as never;
    }
    if (def.sequence) return this.listShape(def.sequence.type, undefined) as never;
    if (def.array) return this.listShape(def.array.type, def.array.len) as never;
    if (def.tuple) {
      const items = def.tuple.map((item) => this.shape(item));
      return (items.length === 0 ? { kind: "nothing" } : { kind: "tuple", items }) as never;
    }
    if (def.composite) return this.structShape(def.composite.fields ?? []) as never;
    if (def.variant) {
      const variants = def.variant.variants ?? [];
      const some = ident === "Option" ? variants.find((variant) => variant.name === "Some")?.fields?.[0] : undefined;
      if (some) return { kind: "option", inner: this.shape(some.type) } as never;
      return { kind: "enum", variants: variants.map((variant) => this.variant(variant)) } as never;
    }
    return { kind: "unsupported", reason: "bit sequences are not supported" } as never;
  }

  private listShape(item: number, length: number | undefined): object {
    const size = length === undefined ? {} : { length };
    if (this.raw.get(item)?.def.primitive === "u8") return { kind: "bytes", ...size };
    return { kind: "list", item: this.shape(item), ...size };
  }

  private structShape(fields: RawField[]): object {
    const [only] = fields;
    // A struct of one field without a name is that field; the outer name stays.
    if (only && fields.length === 1 && !only.name) return this.shape(only.type);
    return { kind: "struct", fields: fields.map((field) => this.field(field)) };
  }

  private field({ name, type, docs }: RawField): Field {
    return { ...(name && { name }), type: this.shape(type), docs: (docs ?? []).join(" ").trim() };
  }

  private variant({ name, index, fields, docs }: RawVariant): Variant {
    return { name, index, fields: (fields ?? []).map((field) => this.field(field)), docs: (docs ?? []).join(" ").trim() };
  }

  /** A type as people read it. */
  name(id: number, depth = 0): string {
    const type = this.raw.get(id);
    if (!type || depth > DEPTH_MAX) return "?";
    const { def } = type;
    const of = (inner: number) => this.name(inner, depth + 1);
    if (def.primitive !== undefined) return def.primitive === "str" ? "String" : def.primitive;
    if (def.sequence) return `Vec<${of(def.sequence.type)}>`;
    if (def.array) return `[${of(def.array.type)}; ${def.array.len}]`;
    if (def.tuple) return `(${def.tuple.map(of).join(", ")})`;
    if (def.compact) return of(def.compact.type);
    if (!def.composite && !def.variant) return "BitSequence";
    const ident = type.path?.at(-1) ?? "?";
    const parameters = (type.params ?? []).flatMap((parameter) => parameter.type ?? []);
    return parameters.length === 0 || ident === "AccountId" ? ident : `${ident}<${parameters.map(of).join(", ")}>`;
  }
}

function primitiveShape(primitive: string): object {
  if (primitive === "bool") return { kind: "bool" };
  if (primitive === "str") return { kind: "text" };
  const [, sign, digits] = /^([ui])(8|16|32|64|128)$/.exec(primitive) ?? [];
  if (sign === undefined) {
    const what = primitive === "char" ? "characters" : "256-bit numbers";
    return { kind: "unsupported", reason: `${what} are not supported` };
  }
  const bits = Number(digits);
  const signed = sign === "i";
  const top = 1n << BigInt(signed ? bits - 1 : bits);
  return { kind: "integer", signed, bits, min: signed ? -top : 0n, max: top - 1n, compact: false };
}

/** A value is not of its type. Its text says where. */
export class ValueError extends Error {
  override name = "ValueError";
}

function at<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ValueError) throw new ValueError(`${place}: ${error.message}`);
    throw error;
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (value instanceof Uint8Array) return "bytes";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return shorten(typeof value === "string" ? JSON.stringify(value) : String(value));
}

function expected(what: string, value: unknown): ValueError {
  return new ValueError(`expected ${what}, found ${describe(value)}`);
}

/** A codec of whatever a shape says. */
function anyCodec(encode: (value: unknown) => Uint8Array, decode: (bytes: Uint8Array) => unknown): Codec<unknown> {
  return createCodec<unknown>(encode, createDecoder(decode));
}

const codecs = new WeakMap<TypeShape, Codec<unknown>>();

/** The codec of a shape. Its values are the module's; encoding takes some forms more. */
export function codecOf(shape: TypeShape): Codec<unknown> {
  let codec = codecs.get(shape);
  if (!codec) {
    // Made when first used, so that a type that contains itself can be.
    let made: Codec<unknown> | undefined;
    const lazy = () => (made ??= makeCodec(shape));
    codec = anyCodec(
      (value: unknown) => lazy().enc(value),
      (bytes) => lazy().dec(bytes),
    );
    codecs.set(shape, codec);
  }
  return codec;
}

function makeCodec(shape: TypeShape): Codec<unknown> {
  switch (shape.kind) {
    case "bool":
      return checked(bool, (value) => {
        if (typeof value !== "boolean") throw expected("true or false", value);
        return value;
      });
    case "text":
      return checked(str, (value) => {
        if (value === null || value === undefined) throw expected("text", value);
        return typeof value === "string" ? value : printable(value);
      });
    case "account":
      return anyCodec((value: unknown) => hex32.enc(asAccount(value)), (bytes) => formatAddress(hex32.dec(bytes)));
    case "nothing":
      return anyCodec(
        (value: unknown) => {
          if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return new Uint8Array();
          throw expected("nothing", value);
        },
        () => null,
      );
    case "integer":
      return integerCodec(shape);
    case "bytes":
      return bytesCodec(shape.length);
    case "list":
      return listCodec(shape.item, shape.length);
    case "tuple":
      return fieldsCodec(shape.items.map((type) => ({ type, docs: "" })));
    case "struct":
      return fieldsCodec(shape.fields);
    case "enum":
      return enumCodec(shape.variants);
    case "option":
      return optionCodec(shape.inner);
    case "unsupported": {
      const refuse = () => {
        throw new ValueError(shape.reason);
      };
      return anyCodec(refuse, refuse);
    }
  }
}

function checked<T>(codec: Codec<T>, check: (value: unknown) => T): Codec<unknown> {
  return anyCodec(
    (value) => codec.enc(check(value)),
    (bytes) => codec.dec(bytes),
  );
}

function asAccount(value: unknown) {
  if (value instanceof Uint8Array && value.length === 32) return toHex(value);
  if (typeof value !== "string") throw expected("an address", value);
  try {
    return parseAddress(value);
  } catch (error) {
    throw new ValueError((error as Error).message);
  }
}

/** A whole number from what may be one. */
function asInteger(value: unknown, min: bigint, max: bigint): bigint {
  let number: bigint | undefined;
  if (typeof value === "bigint") number = value;
  else if (typeof value === "number" && Number.isSafeInteger(value)) number = BigInt(value);
  else if (typeof value === "string" && /^-?\d[\d_]*$/.test(value)) number = BigInt(value.replaceAll("_", ""));
  if (number === undefined) throw expected(`a whole number from ${min} to ${max}`, value);
  if (number > max) throw new ValueError(`${describe(value)} is above the most this type holds, ${max}`);
  if (number < min) throw expected(`a whole number from ${min} to ${max}`, value);
  return number;
}

const INTEGERS = {
  unsigned: { 8: u8, 16: u16, 32: u32, 64: u64, 128: u128 },
  signed: { 8: i8, 16: i16, 32: i32, 64: i64, 128: i128 },
} as const;

function integerCodec(shape: TypeShape & { kind: "integer" }): Codec<unknown> {
  const { bits, min, max } = shape;
  const small = bits <= 32;
  const inner = (shape.compact ? compact : INTEGERS[shape.signed ? "signed" : "unsigned"][bits]) as Codec<number | bigint>;
  return anyCodec(
    (value: unknown) => {
      const number = asInteger(value, min, max);
      return inner.enc(small ? Number(number) : number);
    },
    (bytes) => {
      const number = BigInt(inner.dec(bytes));
      if (number > max) throw new DecodeError(`a number above ${max}`);
      return small ? Number(number) : number;
    },
  );
}

/** How many items a list says that it has; bounded by the bytes that are left. */
function readLength(bytes: Uint8Array): number {
  const length = Number(compact.dec(bytes));
  const left = bytes.byteLength - (bytes as Uint8Array & { i: number }).i;
  if (length > Math.max(left, EMPTY_ITEMS_MAX)) throw new DecodeError("a list that is longer than its bytes");
  return length;
}

function bytesCodec(length: number | undefined): Codec<unknown> {
  const encode = (value: unknown): Uint8Array => {
    const bytes = asBytes(value);
    if (length === undefined) return concatLength(bytes.length, bytes);
    if (bytes.length !== length) throw new ValueError(`expected ${length} bytes, found ${bytes.length}`);
    return bytes;
  };
  return anyCodec(
    encode,
    (bytes) => toHex(fixedBytes(length ?? readLength(bytes)).dec(bytes)),
  );
}

function concatLength(length: number, ...parts: Uint8Array[]): Uint8Array {
  const prefix = compact.enc(length);
  const all = new Uint8Array(prefix.length + parts.reduce((sum, part) => sum + part.length, 0));
  all.set(prefix);
  let place = prefix.length;
  for (const part of parts) {
    all.set(part, place);
    place += part.length;
  }
  return all;
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") {
    if (!value.startsWith("0x")) {
      throw new ValueError("bytes are written as 0x and hexadecimal digits, or as a list of numbers");
    }
    try {
      return fromHex(value);
    } catch (error) {
      throw new ValueError(`not hexadecimal: ${(error as Error).message}`);
    }
  }
  if (!Array.isArray(value)) throw expected("a list, like [1, 2]", value);
  return Uint8Array.from(value, (item: unknown, place) =>
    at(`item ${place + 1}`, () => Number(asInteger(item, 0n, 255n))),
  );
}

function listCodec(item: TypeShape, length: number | undefined): Codec<unknown> {
  const inner = codecOf(item);
  return anyCodec(
    (value: unknown) => {
      if (!Array.isArray(value)) throw expected(length === undefined ? "a list, like [1, 2]" : "a list", value);
      if (length !== undefined && value.length !== length) {
        throw new ValueError(`expected ${length} items, found ${value.length}`);
      }
      const items = value.map((one: unknown, place) => at(`item ${place + 1}`, () => inner.enc(one)));
      const whole = concatLength(value.length, ...items);
      return length === undefined ? whole : whole.subarray(compact.enc(value.length).length);
    },
    (bytes) => Array.from({ length: length ?? readLength(bytes) }, () => inner.dec(bytes)),
  );
}

/** Struct, tuple, or the fields of a variant. */
function fieldsCodec(fields: Field[]): Codec<unknown> {
  const named = fields.length > 0 && fields.every((field) => field.name !== undefined);
  const inner = fields.map((field) => codecOf(field.type));
  return anyCodec(
    (value: unknown) => {
      const values = named && isRecord(value) ? byName(value, fields) : byPlace(value, fields);
      const place = (at: number) => (named ? `field ${fields[at]?.name}` : `value ${at + 1}`);
      const parts = values.map((one, number) => at(place(number), () => inner[number]!.enc(one)));
      return concatLength(0, ...parts).subarray(1);
    },
    (bytes) => {
      const values = inner.map((codec) => codec.dec(bytes));
      return named ? Object.fromEntries(fields.map((field, place) => [field.name, values[place]])) : values;
    },
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function byName(value: Record<string, unknown>, fields: Field[]): unknown[] {
  const unknown = Object.keys(value).find((name) => !fields.some((field) => field.name === name));
  if (unknown !== undefined) throw new ValueError(`there is no field ${unknown}`);
  return fields.map(({ name, type }) => {
    const given = value[name ?? ""];
    // An option may be left out.
    if (given === undefined && type.kind !== "option") throw new ValueError(`the field ${name} is missing`);
    return given;
  });
}

function byPlace(value: unknown, fields: Field[]): unknown[] {
  if (fields.length === 0 && (value === null || value === undefined || (isRecord(value) && Object.keys(value).length === 0))) {
    return [];
  }
  if (isRecord(value)) throw new ValueError("expected a list, found an object");
  if (!Array.isArray(value)) throw expected(`a list of ${fields.length}`, value);
  if (value.length !== fields.length) throw new ValueError(`expected ${fields.length} values, found ${value.length}`);
  return value;
}

/** The codec of a variant's fields; one without a name is the value itself. */
function variantCodec({ fields }: Variant): Codec<unknown> {
  const [only] = fields;
  return only && fields.length === 1 && only.name === undefined ? codecOf(only.type) : fieldsCodec(fields);
}

function enumCodec(variants: Variant[]): Codec<unknown> {
  const inner = new Map(variants.map((variant) => [variant.index, variantCodec(variant)]));
  return anyCodec(
    (value: unknown) => {
      const [name, fields] = chosen(value);
      const variant = variants.find((candidate) => candidate.name === name);
      if (!variant) {
        throw new ValueError(`no variant ${name}; there are ${variants.map((candidate) => candidate.name).join(", ")}`);
      }
      if (variant.fields.length === 0) {
        if (fields !== null && fields !== undefined) throw new ValueError(`the variant ${name} has no fields`);
        return u8.enc(variant.index);
      }
      const bytes = inner.get(variant.index)!.enc(fields);
      return concatLength(0, u8.enc(variant.index), bytes).subarray(1);
    },
    (bytes) => {
      const index = u8.dec(bytes);
      const variant = variants.find((candidate) => candidate.index === index);
      if (!variant) throw new DecodeError(`there is no variant ${index}`);
      return variant.fields.length === 0 ? variant.name : { [variant.name]: inner.get(index)!.dec(bytes) };
    },
  );
}

function chosen(value: unknown): [string, unknown] {
  if (typeof value === "string") return [value, null];
  const entries = isRecord(value) ? Object.entries(value) : [];
  const [only] = entries;
  if (!only || entries.length !== 1) throw expected('a variant: "Name" or {"Name": value}', value);
  return only;
}

function optionCodec(shape: TypeShape): Codec<unknown> {
  const inner = codecOf(shape);
  return anyCodec(
    (value: unknown) =>
      value === null || value === undefined ? u8.enc(0) : concatLength(0, u8.enc(1), inner.enc(value)).subarray(1),
    (bytes) => {
      const tag = u8.dec(bytes);
      if (tag > 1) throw new DecodeError("not an option");
      return tag === 0 ? null : inner.dec(bytes);
    },
  );
}

/**
 * Reads an argument as typed on a command line: JSON, or bare text where the type is text, an account or bytes. Whole
 * numbers stay text, so that none of their digits is lost.
 */
export function parseArgument(text: string): unknown {
  if (/^-?\d+$/.test(text)) return text;
  const quoted = text.replace(/"(?:\\.|[^"\\])*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
  try {
    return JSON.parse(quoted) as unknown;
  } catch {
    return text;
  }
}

