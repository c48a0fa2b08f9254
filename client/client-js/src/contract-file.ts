/** A contract's metadata: which messages it has, how their arguments are written, what they answer. */

import { codeHash as hashOf } from "./domain.js";
import { ArgumentError, ContractFileError, textOf } from "./errors.js";
import { concat, fromHex, normalHex, toHex, type Hex } from "./hex.js";
import { DecodeError, decodeAll } from "./scale.js";
import { TypeRegistry, ValueError, codecOf, parseArgument, type RawType, type TypeShape } from "./types.js";
import { ANSWER_BYTES_MAX } from "./wire.js";

/** Longest file that is read, bytes: code in hexadecimal, and metadata. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** Versions of ink!'s metadata that are known. */
const VERSIONS = ["4", "5"];

/** An argument of a message. */
export interface MessageArgument {
  name: string;
  type: TypeShape;
}

/** A message or constructor. */
export interface Message {
  label: string;
  /** Its first four bytes. */
  selector: Hex;
  args: MessageArgument[];
  /** What it answers, in ink!'s own `Result` about the call itself; missing where nothing. */
  returns?: TypeShape;
  /** Whether it changes state: then it is called, not queried. */
  mutates: boolean;
  /** Whether it takes a value. */
  payable: boolean;
  /** Whether it is the one to take where none is named. */
  default: boolean;
  docs: string;
  /** `name: Type, …` of its arguments. */
  signature: string;
}

/** What a message answered: a value, or the contract's error, after which nothing changed. */
export type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown };

interface RawMessage {
  label: string;
  selector: string;
  args: { label: string; type: { type: number } }[];
  returnType?: { type: number } | null;
  mutates?: boolean;
  payable?: boolean;
  default?: boolean;
  docs?: string[];
}

interface RawFile {
  source: { hash: string; wasm?: string };
  contract?: { name?: string; version?: string; authors?: string[] };
  spec: { constructors: RawMessage[]; messages: RawMessage[]; docs?: string[] };
  types: RawType[];
  version?: string | number;
}

/** A contract: its code and its metadata. */
export class ContractFile {
  private constructor(
    readonly name: string,
    readonly version: string,
    readonly docs: string,
    /** Hash of its code. */
    readonly codeHash: Hex,
    /** Its WebAssembly; missing where the file holds metadata alone. */
    readonly code: Uint8Array | undefined,
    readonly constructors: Message[],
    readonly messages: Message[],
    /** All its types. */
    readonly types: TypeRegistry,
  ) {}

  /**
   * Reads a `.contract` file or its metadata (ink! 4 and 5).
   *
   * @throws ContractFileError where it is no such file, or its code is not what its hash says
   */
  static parse(file: string | Uint8Array | object): ContractFile {
    const raw = rawFile(file);
    const version = String(raw.version ?? "");
    if (version !== "" && !VERSIONS.includes(version)) {
      throw new ContractFileError(`its metadata is of version ${version}; versions ${VERSIONS.join(" and ")} are read (ink! 4 and 5)`);
    }
    try {
      return ContractFile.read(raw);
    } catch (error) {
      if (error instanceof ContractFileError) throw error;
      throw new ContractFileError(`not a .contract file: ${textOf(error)}`, { cause: error });
    }
  }

  private static read(raw: RawFile): ContractFile {
    const stated = normalHex(raw.source.hash, 32);
    const code = raw.source.wasm === undefined ? undefined : fromHex(raw.source.wasm);
    const found = code && hashOf(code);
    if (found !== undefined && found !== stated) {
      throw new ContractFileError(
        `the file's code has hash ${found}, but the file says ${stated}: it was altered or cut short`,
      );
    }
    const types = new TypeRegistry(raw.types);
    const read = (message: RawMessage) => readMessage(message, types);
    return new ContractFile(
      raw.contract?.name ?? "",
      raw.contract?.version ?? "",
      (raw.spec.docs ?? []).join(" ").trim(),
      stated,
      code,
      raw.spec.constructors.map(read),
      raw.spec.messages.map(read),
      types,
    );
  }

  /** A constructor by name, or the default one. */
  constructorOf(name?: string): Message {
    if (name !== undefined) return find("constructor", name, this.constructors);
    const [first] = this.constructors;
    const chosen = this.constructors.find((message) => message.default) ?? this.constructors.find(({ label }) => label === "new");
    if (chosen ?? first) return (chosen ?? first)!;
    throw new ContractFileError("the contract has no constructor");
  }

  /** A message by name. */
  message(name: string): Message {
    return find("message", name, this.messages);
  }

  /**
   * Selector and arguments.
   *
   * @throws ArgumentError, which names the argument and its type
   */
  encode(message: Message | string, args: readonly unknown[] = []): Uint8Array {
    const of = typeof message === "string" ? this.message(message) : message;
    if (args.length !== of.args.length) {
      throw new ArgumentError(`${of.label} takes ${of.args.length} argument(s) (${of.signature}), ${args.length} given`);
    }
    const parts = of.args.map(({ name, type }, place) => encodeArgument(of.label, name, type, args[place]));
    return concat(fromHex(of.selector, 4), ...parts);
  }

  /** As {@link encode}, from arguments as people type them: `true`, `42`, `text`, an address, JSON. */
  encodeText(message: Message | string, args: readonly string[]): Uint8Array {
    return this.encode(message, args.map(parseArgument));
  }

  /**
   * What a message returned, from its bytes.
   *
   * @throws ContractFileError where the bytes are not of the type in the metadata
   */
  decode(message: Message | string, data: Uint8Array): Outcome {
    const { returns } = typeof message === "string" ? this.message(message) : message;
    if (!returns || data.length === 0) return { ok: true, value: null };
    let value: unknown;
    try {
      value = decodeAll(codecOf(returns), data, ANSWER_BYTES_MAX);
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof ValueError)) throw error;
      throw new ContractFileError(
        `the answer does not fit the metadata: ${error.message}; is this the metadata of the contract asked?`,
        { cause: error },
      );
    }
    // ink! wraps every answer in Result<_, LangError>; people want what is inside, and a message that itself returns a
    // Result has said all with it.
    const outer = unwrap(returns, value);
    return outer.outcome.ok && outer.inside ? unwrap(outer.inside, outer.outcome.value).outcome : outer.outcome;
  }
}

/** Takes a result apart, with the type of what is inside; all else is itself. */
function unwrap(type: TypeShape, value: unknown): { outcome: Outcome; inside?: TypeShape } {
  const isResult = type.kind === "enum" && type.variants.length === 2 && /^Result</.test(type.name);
  if (!isResult) return { outcome: { ok: true, value } };
  const [name, inner] = typeof value === "string" ? [value, null] : (Object.entries(value as object)[0] as [string, unknown]);
  if (name === "Err") return { outcome: { ok: false, error: inner } };
  const inside = type.variants.find((variant) => variant.name === name)?.fields[0]?.type;
  return { outcome: { ok: true, value: inner }, ...(inside && { inside }) };
}

function rawFile(file: string | Uint8Array | object): RawFile {
  let json: unknown = file;
  if (typeof file === "string" || file instanceof Uint8Array) {
    if (file.length > FILE_BYTES_MAX) throw new ContractFileError(`longer than ${FILE_BYTES_MAX} bytes`);
    const text = typeof file === "string" ? file : new TextDecoder().decode(file);
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw new ContractFileError(`not a .contract file: ${textOf(error)}`, { cause: error });
    }
  }
  const found = json as Partial<RawFile> | null;
  const missing = (["source", "spec", "types"] as const).find((part) => typeof found?.[part] !== "object");
  if (missing !== undefined) throw new ContractFileError(`not a .contract file: it has no ${missing}`);
  return found as RawFile;
}

function readMessage(raw: RawMessage, types: TypeRegistry): Message {
  const args = raw.args.map(({ label, type }) => ({ name: label, type: types.shape(type.type) }));
  let selector: Hex;
  try {
    selector = toHex(fromHex(raw.selector, 4));
  } catch {
    throw new ContractFileError(`not a .contract file: the selector of ${raw.label}`);
  }
  return {
    label: raw.label,
    selector,
    args,
    ...(raw.returnType && { returns: types.shape(raw.returnType.type) }),
    mutates: raw.mutates ?? false,
    payable: raw.payable ?? false,
    default: raw.default ?? false,
    docs: (raw.docs ?? []).join(" ").trim(),
    signature: args.map(({ name, type }) => `${name}: ${type.name}`).join(", "),
  };
}

function find(kind: string, name: string, messages: Message[]): Message {
  const found = messages.find((message) => message.label === name);
  if (found) return found;
  const known = messages.map((message) => message.label).join(", ");
  throw new ContractFileError(`there is no ${kind} ${name}; there are: ${known}`);
}

function encodeArgument(label: string, name: string, type: TypeShape, value: unknown): Uint8Array {
  try {
    return codecOf(type).enc(value);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ArgumentError(`argument ${name} of ${label} is of type ${type.name}: ${error.message}`, name, type.name);
  }
}
