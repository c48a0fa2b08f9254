// What a person has typed into a form for a contract's type, and the value that it makes. The SDK encodes
// the value and has the last word; the checks here put a message beside the field it belongs to.

import { parseAddress, type TypeShape } from "@phat/client";

export type Draft =
  | { kind: "text"; text: string }
  | { kind: "bool"; on: boolean }
  | { kind: "items"; items: Draft[] }
  | { kind: "choice"; variant: number; fields: Draft[] }
  | { kind: "maybe"; inner: Draft | null }
  | { kind: "nothing" };

/** Longest list that a form grows to; more belongs into a program. */
export const ITEMS_MAX = 256;

type Fields = { name?: string; type: TypeShape }[];

function fieldsOf(shape: TypeShape): Fields {
  if (shape.kind === "struct") return shape.fields;
  if (shape.kind === "tuple") return shape.items.map((type) => ({ type }));
  return [];
}

/** An empty form. */
export function emptyDraft(shape: TypeShape): Draft {
  switch (shape.kind) {
    case "bool":
      return { kind: "bool", on: false };
    case "nothing":
      return { kind: "nothing" };
    case "list":
      return {
        kind: "items",
        items: Array.from({ length: Math.min(shape.length ?? 0, ITEMS_MAX) }, () => emptyDraft(shape.item)),
      };
    case "tuple":
    case "struct":
      return { kind: "items", items: fieldsOf(shape).map((field) => emptyDraft(field.type)) };
    case "enum":
      return choose(shape, 0);
    case "option":
      return { kind: "maybe", inner: null };
    default:
      return { kind: "text", text: "" };
  }
}

export function choose(shape: TypeShape & { kind: "enum" }, variant: number): Draft {
  return {
    kind: "choice",
    variant,
    fields: (shape.variants[variant]?.fields ?? []).map((field) => emptyDraft(field.type)),
  };
}

/** Why what was typed is no value of its type; null if it is one. Fields inside have their own word. */
export function wrongText(shape: TypeShape, text: string): string | null {
  const typed = text.trim();
  switch (shape.kind) {
    case "integer": {
      const digits = typed.replaceAll("_", "").replaceAll(" ", "");
      if (!/^-?\d+$/.test(digits)) return `A whole number${shape.signed ? "" : ", not below 0"}.`;
      const value = BigInt(digits);
      return value < shape.min || value > shape.max ? `From ${shape.min} to ${shape.max}.` : null;
    }
    case "account":
      if (typed === "") return "An address.";
      try {
        parseAddress(typed);
        return null;
      } catch (error) {
        return error instanceof Error ? error.message : "That is no address.";
      }
    case "bytes": {
      if (!/^0x([0-9a-fA-F]{2})*$/.test(typed)) return "0x and an even number of hexadecimal digits.";
      const length = (typed.length - 2) / 2;
      return shape.length !== undefined && length !== shape.length
        ? `Exactly ${shape.length} bytes, these are ${length}.`
        : null;
    }
    case "unsupported":
      return `Forms do not have this type: ${shape.reason}.`;
    default:
      return null;
  }
}

export type Read = { ok: true; value: unknown } | { ok: false };

const BAD: Read = { ok: false };

function readAll(fields: Fields, drafts: Draft[]): Read {
  const values = fields.map((field, place) => readDraft(field.type, drafts[place] ?? emptyDraft(field.type)));
  if (values.some((value) => !value.ok)) return BAD;
  const named = fields.length > 0 && fields.every((field) => field.name !== undefined);
  const plain = values.map((value) => (value.ok ? value.value : null));
  return {
    ok: true,
    value: named ? Object.fromEntries(fields.map((field, place) => [field.name, plain[place]])) : plain,
  };
}

/** The value of a form as the SDK takes it; not ok while a field is wrong. */
export function readDraft(shape: TypeShape, draft: Draft): Read {
  switch (draft.kind) {
    case "nothing":
      return { ok: true, value: null };
    case "bool":
      return { ok: true, value: draft.on };
    case "text": {
      if (wrongText(shape, draft.text) !== null) return BAD;
      if (shape.kind === "text") return { ok: true, value: draft.text };
      const typed = draft.text.trim();
      return {
        ok: true,
        value: shape.kind === "integer" ? BigInt(typed.replaceAll("_", "").replaceAll(" ", "")) : typed,
      };
    }
    case "maybe":
      if (shape.kind !== "option" || draft.inner === null) return { ok: true, value: null };
      return readDraft(shape.inner, draft.inner);
    case "items":
      if (shape.kind !== "list") return readAll(fieldsOf(shape), draft.items);
      return readAll(
        draft.items.map(() => ({ type: shape.item })),
        draft.items,
      );
    case "choice": {
      const variant = shape.kind === "enum" ? shape.variants[draft.variant] : undefined;
      if (!variant) return BAD;
      if (variant.fields.length === 0) return { ok: true, value: variant.name };
      const read = readAll(variant.fields, draft.fields);
      if (!read.ok) return BAD;
      const [only] = variant.fields;
      const alone = variant.fields.length === 1 && only?.name === undefined && Array.isArray(read.value);
      return { ok: true, value: { [variant.name]: alone ? (read.value as unknown[])[0] : read.value } };
    }
  }
}
