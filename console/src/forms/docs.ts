// What a contract's author wrote about it, and its types, without what only Rust's tools read.

import type { TypeShape } from "@phat/client";

/** The first section of a documentation comment, in plain text. */
export function docsOf(docs: string | string[]): string {
  const text = (Array.isArray(docs) ? docs.join(" ") : docs).replace(/\s+/g, " ");
  return text
    .split(/(?:^| )# /)[0]!
    .replace(/\[?`([^`]*)`\]?/g, "$1")
    .trim();
}

/** What an answer holds when all is well: errors have a place of their own. */
export function answerShape(shape: TypeShape): TypeShape {
  if (shape.kind !== "enum") return shape;
  const [ok, error] = ["Ok", "Err"].map((name) => shape.variants.find((variant) => variant.name === name));
  if (!ok || !error || shape.variants.length !== 2) return shape;
  const inner = ok.fields[0]?.type;
  return inner ? answerShape(inner) : { name: "()", kind: "nothing" };
}
