import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// What the page may do, for hosts that send no headers of their own; `phat dev` sends the same
// (`client/dev-network/src/console.rs`). It talks to nodes and workers anywhere, and runs no script but its own.
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self' http: https: ws: wss:",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export default defineConfig({
  // Relative, so that the page works in any folder of any host.
  base: "./",
  // The SDK is a folder beside this one with packages of its own: one copy of what both use is enough.
  resolve: { dedupe: ["polkadot-api", "rxjs", "@polkadot-api/substrate-bindings"] },
  plugins: [
    react(),
    {
      name: "content-security-policy",
      apply: "build",
      transformIndexHtml: (html) =>
        html.replace(
          "<meta charset",
          `<meta http-equiv="Content-Security-Policy" content="${POLICY}" />\n    <meta charset`,
        ),
    },
  ],
  build: { target: "es2022", chunkSizeWarningLimit: 1200, assetsInlineLimit: 0 },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
