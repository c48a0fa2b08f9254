// Loads the receipt verifier and calls it. For browsers and Node.js; needs nothing else.
//
//   const verifier = await loadVerifier(await (await fetch("receipt_verifier.wasm")).arrayBuffer());
//   const verdict = verifier.verify(fileBytes, { genesis: "0x…", nowMs: Date.now() });
//   verdict.holds; verdict.links; verdict.failed; verdict.reason; verdict.unchecked; verdict.warning
//
// Options: genesis (hash of the network's first block; without it the network is whatever the file says),
// nowMs (to tell how old the proof is), logged (the file must show the receipt in the worker's log on chain),
// trustedSet (bytes of a file of `phat receipt trusted-set`). A crash of the module is an exception.

function parseHash(text) {
  const digits = text.replace(/^0x/, "");
  if (!/^[0-9a-fA-F]{64}$/.test(digits)) {
    throw new TypeError("a genesis hash has 32 bytes in hex");
  }
  return Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
}

export async function loadVerifier(wasm) {
  const module = await WebAssembly.compile(wasm);
  return {
    verify(file, options = {}) {
      // A new instance for each file: nothing that one leaves behind meets the next.
      const { memory, phat_alloc, phat_verify } = new WebAssembly.Instance(module, {}).exports;
      const put = (bytes) => {
        if (!bytes || bytes.length === 0) return 0;
        const pointer = phat_alloc(bytes.length);
        new Uint8Array(memory.buffer, pointer, bytes.length).set(bytes);
        return pointer;
      };
      const trusted = options.trustedSet ?? new Uint8Array();
      const genesis = options.genesis === undefined ? 0 : put(parseHash(options.genesis));
      const pointer = phat_verify(
        put(file),
        file.length,
        genesis,
        put(trusted),
        trusted.length,
        options.logged ? 1 : 0,
        options.nowMs ?? -1,
      ) >>> 0;
      const length = new DataView(memory.buffer).getUint32(pointer, true);
      const json = new Uint8Array(memory.buffer, pointer + 4, length);
      return JSON.parse(new TextDecoder().decode(json));
    },
  };
}
