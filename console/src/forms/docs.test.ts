import type { TypeShape } from "@phat/client";
import { expect, it } from "vitest";
import { answerShape, docsOf } from "./docs";

it.each([
  ["Sums. The chair at any time. # Errors [`Error::StillOpen`] before", "Sums. The chair at any time."],
  [["Sets up with `districts`", " as pairs."], "Sets up with districts as pairs."],
  ["# Errors", ""],
  ["Number #1", "Number #1"],
])("%j is read without what tools read", (docs, text) => expect(docsOf(docs)).toBe(text));

it("an answer is what is in the results around it", () => {
  const text: TypeShape = { name: "String", kind: "text" };
  const result = (inner: TypeShape): TypeShape => ({
    name: `Result<${inner.name}, Error>`,
    kind: "enum",
    variants: [
      { name: "Ok", index: 0, fields: [{ type: inner, docs: "" }], docs: "" },
      { name: "Err", index: 1, fields: [{ type: text, docs: "" }], docs: "" },
    ],
  });
  expect(answerShape(result(result(text)))).toBe(text);
  expect(answerShape(text)).toBe(text);
});
