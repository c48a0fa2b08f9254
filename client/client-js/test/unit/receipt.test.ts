/** The Rust verifier, as this package carries it. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ProofInvalid } from "../../src/errors.js";
import { ProvenState, proveFinal } from "../../src/proof.js";
import { verifyReceipt } from "../../src/receipt.js";
import { ROOT, of32 } from "../fixtures.js";

const fixture = readFileSync(join(ROOT, "core/receipt/tests/fixtures/receipt.json"));
const whole = JSON.parse(fixture.toString()) as Record<string, string> & { genesis: `0x${string}` };
/** When the fixture is checked. */
const nowMs = 1_800_000_090_000;

test("a receipt holds, link by link", async () => {
  const verdict = await verifyReceipt(new Uint8Array(fixture), { genesis: whole.genesis, nowMs, logged: true });
  assert.equal(verdict.holds, true, JSON.stringify(verdict));
  assert.equal(verdict.links.length, 11);
  assert.ok(verdict.links.every(({ name, finding }) => name !== "" && finding !== ""));
});

test("an altered one does not, and says which link", async () => {
  for (const part of ["request", "answer", "receipt", "evidence", "registration", "chain_proof"]) {
    const hex = whole[part]!;
    const middle = Math.floor(hex.length / 4) * 2;
    const digit = hex[middle] === "0" ? "1" : "0";
    const altered = { ...whole, [part]: hex.slice(0, middle) + digit + hex.slice(middle + 1) };
    const bytes = new TextEncoder().encode(JSON.stringify(altered));
    const verdict = await verifyReceipt(bytes, { genesis: whole.genesis, nowMs });
    assert.equal(verdict.holds, false, part);
    assert.ok(verdict.failed && verdict.reason, part);
  }
  const elsewhere = await verifyReceipt(new Uint8Array(fixture), { genesis: of32(9), nowMs });
  assert.equal(elsewhere.failed, "network");
  assert.equal((await verifyReceipt(new Uint8Array())).holds, false);
  assert.equal((await verifyReceipt(new Uint8Array(fixture), { trustedSet: new Uint8Array([123]) })).holds, false);
});

test("what is no proof is refused with the reason", async () => {
  const start = { tag: "Genesis" as const, value: { hash: of32(1), header: new Uint8Array(100), authorities: [] } };
  await assert.rejects(proveFinal(start, [Uint8Array.of(0, 1)]), (error: unknown) => {
    assert.ok(error instanceof ProofInvalid);
    assert.match(error.message, /another network/);
    return true;
  });
  const set = { id: 3n, authorities: [[of32(2), 1n] as [`0x${string}`, bigint]] };
  const known = { tag: "Known" as const, value: { after: 7, set } };
  await assert.rejects(proveFinal(known, [Uint8Array.of(0, 1)]), ProofInvalid);
  await assert.rejects(proveFinal({ tag: "Known", value: { after: 7, set: { id: 3n, authorities: [] } } }, [Uint8Array.of(0, 1)]), /cannot be one/);
  const block = { number: 1, hash: of32(1), stateRoot: of32(2), set, finished: true };
  await assert.rejects(ProvenState.prove(block, [], [Uint8Array.of(1)]), ProofInvalid);
  const empty = await ProvenState.prove(block, [], []);
  assert.throws(() => empty.read(Uint8Array.of(1)), /does not cover/);
});
