/** Values and their bytes: the same as Rust's, which wrote the fixtures. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ContractFile } from "../../src/contract-file.js";
import { contractId, systemContractId } from "../../src/domain.js";
import { ArgumentError, ContractFileError } from "../../src/errors.js";
import { fromHex, toHex, utf8, type Hex } from "../../src/hex.js";
import { clusterIdOf, keys } from "../../src/keys.js";
import { DecodeError, decodeAll, type Codec } from "../../src/scale.js";
import { parseArgument, type TypeShape } from "../../src/types.js";
import * as wire from "../../src/wire.js";
import { jsonFixture, of32 } from "../fixtures.js";

interface WireFixture {
  values: { type: "QueryRequest" | "QueryError" | "QueryReply" | "CommandOutcome" | "CommandPayload" | "LogInclusion"; hex: Hex; value: unknown }[];
  requestCommitment: Hex;
  answerCommitment: Hex;
  contractId: Hex;
  systemContractId: Hex;
  keys: Record<"worker" | "contractStakeOf" | "receiptLog" | "blockHash" | "timestamp" | "clusterId", Hex>;
}

const fixture = jsonFixture<WireFixture>("wire.json");

/** A value as the fixture writes it. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === "bigint") return item.toString();
    return item instanceof Uint8Array ? toHex(item) : item;
  });
  return JSON.parse(text) as unknown;
}

test("values of the protocol are read and written as Rust does", () => {
  assert.ok(fixture.values.length > 15);
  for (const { type, hex, value } of fixture.values) {
    const codec = wire[type] as unknown as Codec<unknown>;
    const decoded = decodeAll(codec, fromHex(hex), 1024 * 1024);
    assert.deepEqual(plain(decoded), value, type);
    assert.equal(toHex(codec.enc(decoded)), hex, type);
  }
});

test("bytes that are cut short, go on, or are altered at a length are no values", () => {
  for (const { type, hex } of fixture.values) {
    const codec = wire[type] as unknown as Codec<unknown>;
    const bytes = fromHex(hex);
    for (let end = 0; end < bytes.length; end++) {
      assert.throws(() => decodeAll(codec, bytes.subarray(0, end), 1024), DecodeError, `${type} cut at ${end}`);
    }
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    assert.throws(() => decodeAll(codec, longer, 2048), DecodeError, type);
    assert.throws(() => decodeAll(codec, bytes, bytes.length - 1), /longer than/, type);
  }
});

test("what no encoder writes is no value", () => {
  const request = fixture.values.find(({ type }) => type === "QueryRequest")!;
  const altered = fromHex(request.hex);
  // A boolean that is 2: the last byte.
  altered[altered.length - 1] = 2;
  assert.throws(() => decodeAll(wire.QueryRequest as unknown as Codec<unknown>, altered, 1024), DecodeError);
  // A length of 0 in two bytes.
  assert.throws(() => decodeAll(wire.InkCommand as unknown as Codec<unknown>, fromHex("000100"), 1024), DecodeError);
  // Text that is not UTF-8.
  assert.throws(() => decodeAll(wire.QueryError as unknown as Codec<unknown>, fromHex("0704ff"), 1024), DecodeError);
  // A list that says that it has a thousand million items.
  const endless = fromHex(`${"00".repeat(4 + 32 + 32 + 8)}feffffff`);
  assert.throws(() => decodeAll(wire.CommandOutcome as unknown as Codec<unknown>, endless, 1024), DecodeError);
  // A variant that there is not.
  assert.throws(() => decodeAll(wire.QueryError as unknown as Codec<unknown>, fromHex("63"), 1024), DecodeError);
});

test("hashes, ids and storage keys are Rust's", () => {
  const request = decodeAll(wire.QueryRequest as unknown as Codec<wire.QueryRequest>, fromHex(fixture.values[0]!.hex), 1024);
  assert.equal(wire.requestCommitment(of32(50), request), fixture.requestCommitment);
  const answer = { ok: false as const, error: { tag: "Expired" as const, value: undefined } };
  assert.equal(wire.answerCommitment(`0x${"0a".repeat(16)}`, answer), fixture.answerCommitment);
  assert.equal(contractId(of32(1), of32(2), of32(3), utf8("salt")), fixture.contractId);
  assert.equal(systemContractId(of32(3)), fixture.systemContractId);
  assert.equal(toHex(keys.worker(of32(2))), fixture.keys.worker);
  assert.equal(toHex(keys.contractStakeOf(of32(50), of32(6))), fixture.keys.contractStakeOf);
  assert.equal(toHex(keys.receiptLog(of32(2), 7n)), fixture.keys.receiptLog);
  assert.equal(toHex(keys.blockHash(8)), fixture.keys.blockHash);
  assert.equal(toHex(keys.timestamp()), fixture.keys.timestamp);
  assert.equal(clusterIdOf(9n), fixture.keys.clusterId);
});

interface ValuesFixture {
  encode: { message: string; args: unknown[]; hex: Hex }[];
  decode: { message: string; hex: Hex; ok: boolean; value: unknown }[];
  refused: { message: string; args: unknown[]; error: string }[];
}

const file = ContractFile.parse(jsonFixture<object>("shapes.json"));
const values = jsonFixture<ValuesFixture>("values.json");

/** A value as Rust writes it: numbers beyond what every JSON reader keeps are text. */
function asRust(value: unknown): unknown {
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item !== "bigint") return item;
    const most = 2n ** 53n;
    return item <= most && item >= -most ? Number(item) : item.toString();
  });
  return JSON.parse(text) as unknown;
}

test("arguments of contracts are Rust's bytes", () => {
  for (const { message, args, hex } of values.encode) {
    assert.equal(toHex(file.encode(message, args)), hex, message);
  }
});

test("answers of contracts are Rust's values", () => {
  for (const { message, hex, ok, value } of values.decode) {
    const outcome = file.decode(message, fromHex(hex));
    assert.equal(outcome.ok, ok, message);
    assert.deepEqual(asRust(outcome.ok ? outcome.value : outcome.error), value, message);
  }
});

test("what was answered can be asked", () => {
  for (const { message, hex, ok } of values.decode) {
    if (message !== "draw" && message !== "plant" && message !== "count") continue;
    const outcome = file.decode(message, fromHex(hex));
    assert.ok(ok && outcome.ok);
    // Selector, then what followed the `Ok` of ink!.
    assert.equal(toHex(file.encode(message, [outcome.value]).slice(4)), `0x${hex.slice(4)}`, message);
  }
});

test("wrong arguments are refused in Rust's words", () => {
  for (const { message, args, error } of values.refused) {
    assert.throws(() => file.encode(message, args), { name: "ArgumentError", message: error }, message);
  }
});

test("answers that do not fit the metadata are refused", () => {
  for (const { message, hex } of values.decode) {
    const bytes = fromHex(hex);
    const longer = new Uint8Array([...bytes, 0]);
    assert.throws(() => file.decode(message, longer), ContractFileError, message);
    if (bytes.length > 1) assert.throws(() => file.decode(message, bytes.subarray(0, -1)), ContractFileError, message);
  }
});

test("a type that contains itself has a shape that leads back to it", () => {
  const tree = file.message("plant").args[0]!.type as TypeShape & { kind: "struct" };
  assert.equal(tree.name, "Tree");
  const children = tree.fields[1]!.type as TypeShape & { kind: "list" };
  assert.equal(children.item, tree);
});

test("arguments as people type them", () => {
  assert.equal(parseArgument("340282366920938463463374607431768211455"), "340282366920938463463374607431768211455");
  assert.deepEqual(parseArgument("[18446744073709551615, \"1234567890123456789\"]"), ["18446744073709551615", "1234567890123456789"]);
  assert.equal(parseArgument("hello"), "hello");
  assert.equal(parseArgument("true"), true);
  assert.deepEqual(parseArgument('{"a": 1.5}'), { a: 1.5 });
  assert.equal(toHex(file.encodeText("find", ["42"])), toHex(file.encode("find", [42n])));
  assert.throws(() => file.encodeText("find", ["x"]), ArgumentError);
});

test("files that are no contracts are refused, with the reason", () => {
  const whole = jsonFixture<Record<string, unknown>>("shapes.json");
  const check = (contract: string | object, reason: RegExp) =>
    assert.throws(() => ContractFile.parse(contract), { name: "ContractFileError", message: reason });
  check("{", /not a .contract file/);
  check({}, /it has no source/);
  check({ ...whole, version: "3" }, /version 3/);
  check({ ...whole, source: { hash: of32(77), wasm: "0x00" } }, /altered or cut short/);
  check({ ...whole, spec: { constructors: [], messages: [{ label: "x", selector: "0x12", args: [] }] } }, /selector of x/);
  assert.throws(() => file.message("nothing"), /there are: place, find, draw, plant, count, Trait::rest/);
  assert.throws(() => ContractFile.parse({ ...whole, spec: { constructors: [], messages: [] } }).constructorOf(), /no constructor/);
});
