/** Accounts, addresses and wallets. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { accountFromSecret, generateSecret } from "../../src/account.js";
import { formatAddress, parseAddress } from "../../src/address.js";
import { fromHex, toHex } from "../../src/hex.js";
import { connectWallet, wallets } from "../../src/wallet.js";

const ALICE = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
const DEV = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

test("secrets are the accounts that everybody else makes of them", () => {
  assert.equal(accountFromSecret("//Alice").id, ALICE);
  assert.equal(accountFromSecret(` ${DEV}//Alice\n`).id, ALICE);
  assert.equal(
    accountFromSecret("//Alice", { kind: "ed25519" }).id,
    "0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee",
  );
  assert.equal(
    accountFromSecret("0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e//Alice").id,
    ALICE,
  );
  assert.equal(accountFromSecret("//Alice", { name: "Alice" }).name, "Alice");
  const phrase = generateSecret();
  assert.equal(phrase.split(" ").length, 12);
  assert.equal(accountFromSecret(phrase).id, accountFromSecret(phrase).id);
});

test("what is no secret is refused, and not repeated", () => {
  for (const wrong of ["", "alice", "0x12", `${DEV} extra`, "walk ".repeat(12).trim(), "//", "0xzz"]) {
    assert.throws(() => accountFromSecret(wrong), (error: unknown) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /^not a secret: expected a phrase/);
      assert.equal(error.cause, undefined);
      return true;
    });
  }
});

test("addresses are read with any prefix, and a mistyped one is not", () => {
  assert.equal(parseAddress("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"), ALICE);
  assert.equal(parseAddress(formatAddress(ALICE)), ALICE);
  assert.equal(parseAddress(ALICE.toUpperCase().replace("0X", "0x")), ALICE);
  assert.match(formatAddress(ALICE), /^4/);
  assert.throws(() => parseAddress("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"), /checksum is wrong/);
  assert.throws(() => parseAddress("5F"), /expected an address/);
  assert.throws(() => parseAddress("0x12"), /64 hexadecimal digits/);
  assert.throws(() => parseAddress(""), /expected an address/);
});

test("hexadecimal is read strictly", () => {
  assert.equal(toHex(fromHex("0xFF00")), "0xff00");
  for (const wrong of ["0x1", "0xgg", "zz", "0x 1"]) assert.throws(() => fromHex(wrong), TypeError);
  assert.throws(() => fromHex("0x12", 32), /expected 32 bytes/);
});

test("a wallet that is not there is said so", async () => {
  assert.deepEqual(wallets(), []);
  await assert.rejects(connectWallet("talisman", "test"), /this browser has no wallet talisman; install one/);
});
