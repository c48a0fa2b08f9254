// Packs the Rust verifier into src/verifier-wasm.ts. `cargo xtask receipt-verifier` builds it; the environment
// variable PHAT_RECEIPT_VERIFIER names it, or it lies in the workspace's build folder.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(here, "../../../target");
const places = [
  process.env.PHAT_RECEIPT_VERIFIER,
  ...["wasm32v1-none", "wasm32-unknown-unknown"].map((name) =>
    join(`${target}-wasm-verifier`, name, "wasm/receipt_verifier.wasm"),
  ),
].filter((place) => place !== undefined);
const wasm = places.find((place) => existsSync(place));
if (wasm === undefined) {
  console.error(`there is no receipt_verifier.wasm in ${places.join(" or ")}: run cargo xtask receipt-verifier first`);
  process.exit(1);
}
const bytes = readFileSync(wasm);
const packed = gzipSync(bytes, { level: 9 });
const text = `// Written by scripts/verifier.mjs: client/receipt-verifier, ${bytes.length} bytes of WebAssembly, packed.
export const WASM_GZIP_BASE64: string =
  "${packed.toString("base64")}";
`;
const file = join(here, "../src/verifier-wasm.ts");
if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
