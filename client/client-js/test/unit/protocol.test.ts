/** The protocol's bytes: the same as Rust's, for the same keys and the same randomness. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { accountFromSecret } from "../../src/account.js";
import { certificateText, isSigned, issueSessionKey } from "../../src/certificate.js";
import { openCommand, sealCommand } from "../../src/command.js";
import { LABELS, codeHash, contractId, derive, systemContractId, taggedHash } from "../../src/domain.js";
import { concat, fromHex, toHex, utf8 } from "../../src/hex.js";
import { DoesNotOpen, HpkeSecret, UnusableKey, open, seal } from "../../src/hpke.js";
import { decodeAll } from "../../src/scale.js";
import { SessionError, openSession, sealQuery, unpad, type Identity } from "../../src/session.js";
import { Certificate, CommandPayload, Envelope, HpkeSealed, QueryReply, Receipt, sealedToWorkerAad, type QueryRequest } from "../../src/wire.js";
import { isReceiptSigned } from "../../src/replicas.js";
import { hexFixture, of32, seeded, updateFixture } from "../fixtures.js";

const NOW = 1_700_000_000_000;
const GENESIS = of32(1);
const WORKER = of32(2);

const workerKey = await HpkeSecret.fromSeed(fromHex(of32(3)));
const address = { genesis: GENESIS, worker: WORKER, hpkePublicKey: workerKey.publicKey };
const sessionKey = await HpkeSecret.fromSeed(fromHex(of32(5)));

const request: QueryRequest = {
  target: { tag: "Call", value: { contract: of32(6) } },
  input: fromHex("deadbeef"),
  value: 7n,
  gasLimit: 8n,
  estimate: false,
  minimumBlock: 9,
  expiresAtMs: BigInt(NOW + 10_000),
  nonce: `0x${"0a".repeat(16)}`,
  receipt: false,
};

function certificate(): Certificate {
  return decodeAll(Certificate, hexFixture("certificate.hex")["certificate"]!, 1024);
}

const identity = (): Identity => ({ sessionKey, certificate: certificate() });

test("a session's bytes are Rust's, both ways", async () => {
  const fixture = hexFixture("session.hex");
  const opening = await openSession(address, identity(), NOW, seeded(1000));
  assert.equal(toHex(opening.bytes), toHex(fixture["opening"]!));
  const session = await opening.finish(fixture["accept"]!);
  const first = await session.seal(request);
  const second = await session.seal(request);
  assert.equal(toHex(first.bytes), toHex(fixture["query-0"]!));
  assert.equal(toHex(second.bytes), toHex(fixture["query-1"]!));
  const reply = await second.reply.open(fixture["reply-1"]!);
  assert.equal(reply.blockNumber, 11);
  assert.equal(reply.blockHash, of32(12));
  assert.equal(reply.stateRoot, of32(13));
  assert.ok(reply.result.ok);
  assert.deepEqual(reply.result.value, {
    flags: 0,
    data: new Uint8Array(100).fill(14),
    gasConsumed: 15n,
    gasRequired: 16n,
    storageDeposit: -17n,
  });
  // Sealed to one number, it opens for no other.
  await assert.rejects(first.reply.open(fixture["reply-1"]!), SessionError);
});

test("an answer to an opening holds only as the worker made it", async () => {
  const fixture = hexFixture("session.hex");
  for (const place of [0, 15, 16, 47, 48, 55, 56, 87]) {
    const opening = await openSession(address, identity(), NOW, seeded(1000));
    const altered = new Uint8Array(fixture["accept"]!);
    altered[place]! ^= 1;
    await assert.rejects(opening.finish(altered), SessionError, `byte ${place}`);
  }
  const opening = await openSession(address, identity(), NOW, seeded(1000));
  await assert.rejects(opening.finish(concat(fixture["accept"]!, Uint8Array.of(0))), /not a valid encoding/);
  // An ephemeral key of small order would make the shared secret zero.
  const zero = new Uint8Array(fixture["accept"]!);
  zero.fill(0, 16, 48);
  await assert.rejects(opening.finish(zero), SessionError);
  // Another opening of the same client.
  const other = await openSession(address, identity(), NOW, seeded(1001));
  await assert.rejects(other.finish(fixture["accept"]!), SessionError);
});

test("numbers of queries at once are different", async () => {
  const opening = await openSession(address, identity(), NOW, seeded(1000));
  const session = await opening.finish(hexFixture("session.hex")["accept"]!);
  const sealed = await Promise.all(Array.from({ length: 20 }, () => session.seal(request)));
  const numbers = sealed.map(({ bytes }) => {
    const envelope = decodeAll(Envelope, bytes, 4096);
    assert.equal(envelope.tag, "Session");
    return envelope.tag === "Session" ? envelope.value.sequence : -1n;
  });
  assert.deepEqual(numbers.map(Number), Array.from({ length: 20 }, (_, place) => place));
});

test("one-shot queries are Rust's bytes", async () => {
  const fixture = hexFixture("one-shot.hex");
  const anonymous = await sealQuery(address, undefined, request, seeded(3000));
  assert.equal(toHex(anonymous.bytes), toHex(fixture["anonymous"]!));
  const { bytes, reply } = await sealQuery(address, identity(), request, seeded(4000));
  assert.equal(toHex(bytes), toHex(fixture["with-certificate"]!));
  assert.equal((await reply.open(fixture["reply"]!)).blockNumber, 11);
  await assert.rejects(anonymous.reply.open(fixture["reply"]!), SessionError);
});

test("a command is Rust's bytes and opens for its route alone", async () => {
  const contractSeed = derive("phat/v1/contract-hpke-key" as never, fromHex(of32(51)), [fromHex(of32(52))]);
  assert.equal((await HpkeSecret.fromSeed(contractSeed)).publicKey, toHex(hexFixture("key-tree.hex")["contract-hpke-public"]!));
  const sealed = decodeAll(CommandPayload, hexFixture("command.hex")["sealed"]!, 4096);
  assert.equal(sealed.tag, "Sealed");
  const key = await HpkeSecret.generate(seeded(1));
  const route = { genesis: GENESIS, contract: of32(6), sender: of32(7) };
  const command = {
    tag: "InkMessage" as const,
    value: { nonce: fromHex("010203"), message: fromHex("deadbeef"), transfer: 1n, gasLimit: 2n, storageDepositLimit: undefined },
  };
  const payload = await sealCommand(key.publicKey, route, command);
  assert.deepEqual(await openCommand(key, route, payload), command);
  for (const other of [{ genesis: of32(9) }, { contract: of32(9) }, { sender: of32(9) }]) {
    await assert.rejects(openCommand(key, { ...route, ...other }, payload), DoesNotOpen);
  }
});

test("a certificate's text is Rust's, and what accounts sign here holds", async () => {
  const fixture = hexFixture("certificate.hex");
  const { account, sessionKey: key, expiresAtMs } = certificate();
  const text = certificateText(GENESIS, account, key, expiresAtMs);
  assert.equal(`<Bytes>${text}</Bytes>`, new TextDecoder().decode(fixture["signed"]!));
  assert.ok(isSigned(GENESIS, certificate()));
  assert.ok(!isSigned(of32(9), certificate()));
  for (const kind of ["sr25519", "ed25519"] as const) {
    const issued = await issueSessionKey(accountFromSecret("//Alice", { kind }), GENESIS, NOW);
    assert.ok(isSigned(GENESIS, issued.certificate));
    assert.equal(issued.certificate.kind.tag.toLowerCase(), kind);
  }
});

test("a receipt that Rust signed holds, and no altered one", () => {
  for (const [name, bytes] of Object.entries(hexFixture("receipt.hex"))) {
    const receipt = decodeAll(Receipt, bytes, 4096);
    assert.ok(isReceiptSigned(receipt), name);
    assert.ok(!isReceiptSigned({ ...receipt, leafIndex: receipt.leafIndex ^ 1 }), name);
    assert.ok(!isReceiptSigned({ ...receipt, body: { ...receipt.body, blockNumber: 99 } }), name);
    assert.ok(!isReceiptSigned({ ...receipt, path: [...receipt.path, new Uint8Array(32)] }), name);
  }
});

test("a key of small order is no key to seal to", async () => {
  for (const key of [of32(0), `0x01${"00".repeat(31)}` as const]) {
    await assert.rejects(seal(key, undefined, LABELS.sealedCommand, new Uint8Array(), utf8("x"), seeded(1)), UnusableKey);
    await assert.rejects(sealQuery({ ...address, hpkePublicKey: key }, undefined, request), /usable X25519 key/);
  }
});

test("what is sealed in auth mode opens with the sender's key alone", async () => {
  const aad = sealedToWorkerAad(LABELS.sessionOpen, GENESIS, WORKER);
  const fixture = decodeAll(HpkeSealed, hexFixture("session.hex")["opening"]!, 2048);
  const { plaintext } = await open(workerKey, sessionKey.publicKey, LABELS.sessionOpen, aad, fixture);
  assert.ok(plaintext.length > 100);
  await assert.rejects(open(workerKey, undefined, LABELS.sessionOpen, aad, fixture), DoesNotOpen);
  await assert.rejects(open(workerKey, of32(9), LABELS.sessionOpen, aad, fixture), DoesNotOpen);
});

test("padding is Rust's", () => {
  const padded = new Uint8Array(256);
  padded.set([3, 0, 0, 0, 7, 8, 9]);
  assert.deepEqual([...unpad(padded)], [7, 8, 9]);
  const dirty = new Uint8Array(padded);
  dirty[255] = 1;
  for (const wrong of [dirty, padded.subarray(1), concat(padded, new Uint8Array(256)), new Uint8Array(3)]) {
    assert.throws(() => unpad(wrong), SessionError);
  }
});

test("hashes are those of the domain", () => {
  assert.notEqual(
    toHex(taggedHash(LABELS.receiptLeaf, [utf8("ab"), utf8("c")])),
    toHex(taggedHash(LABELS.receiptLeaf, [utf8("a"), utf8("bc")])),
  );
  assert.equal(codeHash(new Uint8Array()), "0x0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  assert.match(contractId(of32(1), of32(2), of32(3), new Uint8Array()), /^0x[0-9a-f]{64}$/);
  assert.match(systemContractId(of32(1)), /^0x[0-9a-f]{64}$/);
});

test("what this side seals goes into the fixture that Rust opens", async () => {
  const account = accountFromSecret("//Alice");
  const issued = await issueSessionKey(account, GENESIS, NOW + 1_000_000);
  const ed = await issueSessionKey(accountFromSecret("//Bob", { kind: "ed25519" }), GENESIS, NOW + 1_000_000);
  const opening = await openSession(address, issued, NOW);
  const edOpening = await openSession(address, ed, NOW);
  const anonymous = await openSession(address, undefined, NOW);
  const { bytes } = await sealQuery(address, issued, request);
  const contract = await HpkeSecret.fromSeed(fromHex(of32(8)));
  const route = { genesis: GENESIS, contract: of32(6), sender: account.id };
  const payload = await sealCommand(contract.publicKey, route, {
    tag: "InkMessage",
    value: { nonce: fromHex("0102"), message: fromHex("deadbeef"), transfer: 5n, gasLimit: 6n, storageDepositLimit: 7n },
  });
  updateFixture("from-js.json", () => ({
    account: account.id,
    edAccount: ed.certificate.account,
    opening: toHex(opening.bytes),
    edOpening: toHex(edOpening.bytes),
    anonymousOpening: toHex(anonymous.bytes),
    oneShot: toHex(bytes),
    command: toHex(CommandPayload.enc(payload)),
  }));
  assert.ok(QueryReply);
});
