// Verdicts on a list of cases; runs after web/verifier.js, in Node.js or in a page.
async function check({ wasm, cases }) {
  const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const verifier = await loadVerifier(bytes(wasm));
  const verdicts = cases.map(({ file, genesis, trustedSet, logged, nowMs }) =>
    verifier.verify(bytes(file), {
      genesis: genesis ?? undefined,
      trustedSet: bytes(trustedSet),
      logged,
      nowMs,
    }),
  );
  return JSON.stringify(verdicts);
}
