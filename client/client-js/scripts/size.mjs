// How large the package is in a browser: bundled and minified by esbuild, as it is and as servers pack it.

import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const { outputFiles } = await build({
  stdin: { contents: 'export * from "./dist/index.js";', resolveDir: new URL("..", import.meta.url).pathname },
  bundle: true,
  minify: true,
  splitting: true,
  format: "esm",
  platform: "browser",
  outdir: "size",
  write: false,
  logLevel: "error",
  external: ["ws"],
});
for (const { path, contents } of outputFiles) {
  const name = path.split("/").at(-1);
  console.log(`${name}: ${contents.length} bytes, ${gzipSync(contents, { level: 9 }).length} packed`);
}
