import type { TypeShape } from "@phat/client";
import { describe, expect, it } from "vitest";
import { choose, emptyDraft, readDraft, wrongText, type Draft } from "./draft";

const text: TypeShape = { name: "String", kind: "text" };
const u8: TypeShape = { name: "u8", kind: "integer", signed: false, bits: 8, min: 0n, max: 255n, compact: false };
const pair: TypeShape = { name: "(String, u8)", kind: "tuple", items: [text, u8] };
const option: TypeShape = { name: "Option<u8>", kind: "option", inner: u8 };
const person: TypeShape = {
  name: "Person",
  kind: "struct",
  fields: [
    { name: "name", type: text, docs: "" },
    { name: "age", type: option, docs: "" },
  ],
};
const shape: TypeShape & { kind: "enum" } = {
  name: "Shape",
  kind: "enum",
  variants: [
    { name: "Dot", index: 0, fields: [], docs: "" },
    { name: "Circle", index: 1, fields: [{ type: u8, docs: "" }], docs: "" },
    { name: "Box", index: 2, fields: [{ name: "side", type: u8, docs: "" }], docs: "" },
  ],
};
const typed = (value: string): Draft => ({ kind: "text", text: value });

describe("what is typed becomes what the SDK takes", () => {
  it.each(
    (
      [
        [text, typed(" as it stands "), " as it stands "],
        [u8, typed(" 2_5 5 "), 255n],
        [{ name: "bool", kind: "bool" }, { kind: "bool", on: true }, true],
        [option, { kind: "maybe", inner: null }, null],
        [option, { kind: "maybe", inner: typed("7") }, 7n],
        [pair, { kind: "items", items: [typed("Ada"), typed("1")] }, ["Ada", 1n]],
        [{ name: "Vec<u8>", kind: "list", item: u8 }, { kind: "items", items: [typed("1"), typed("2")] }, [1n, 2n]],
        [person, { kind: "items", items: [typed("Ada"), { kind: "maybe", inner: null }] }, { name: "Ada", age: null }],
        [shape, choose(shape, 0), "Dot"],
        [shape, { kind: "choice", variant: 1, fields: [typed("3")] }, { Circle: 3n }],
        [shape, { kind: "choice", variant: 2, fields: [typed("4")] }, { Box: { side: 4n } }],
      ] as [TypeShape, Draft, unknown][]
    ).map((one) => [one[0].name, ...one] as const),
  )("%s", (_, type, draft, value) => expect(readDraft(type, draft)).toEqual({ ok: true, value }));
});

it.each(
  (
    [
      [u8, ""],
      [u8, "256"],
      [u8, "-1"],
      [u8, "1.5"],
      [{ name: "[u8; 2]", kind: "bytes", length: 2 }, "0x0102ff"],
      [{ name: "Vec<u8>", kind: "bytes" }, "0x123"],
      [{ name: "AccountId", kind: "account" }, "nobody"],
      [{ name: "x", kind: "unsupported", reason: "bits" }, ""],
    ] as [TypeShape, string][]
  ).map((one) => [one[0].name, ...one] as const),
)("%s refuses a wrong value with a reason", (_, type, value) => {
  expect(wrongText(type, value)).toBeTruthy();
  expect(readDraft(type, typed(value))).toEqual({ ok: false });
});

it("an empty form has a field for each part", () => {
  expect(emptyDraft(person)).toEqual({ kind: "items", items: [typed(""), { kind: "maybe", inner: null }] });
  expect(emptyDraft({ name: "[u8; 3]", kind: "list", item: u8, length: 3 })).toMatchObject({ items: [{}, {}, {}] });
});
