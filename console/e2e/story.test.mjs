// The whole story in a browser, against a network of real processes: look around, deploy, ask, command, verify,
// stake, declare a place, run a pool, vote. Each page is looked at in both colours and at phone width, and held to the
// rules of accessibility. Speaks in roles and visible text.

import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { after, before, test as register } from "node:test";
import { join } from "node:path";
import { checkAccessible, checkFits, openBrowser, openPage, SHOTS } from "./browser.mjs";
import { required, startNetwork } from "./network.mjs";
import { installWallet } from "./wallet.mjs";

/** A step that waits for the chain and its workers. */
const CHAIN = { timeout: 90_000 };

let network, browser, context, page, faults;
/** Found on the way, needed later. */
const found = { contract: null, receipt: null, worker: null, referendum: null, spend: null };

before(
  async () => {
    [network, browser] = await Promise.all([startNetwork(), openBrowser()]);
    assert.ok(network.info.console, "phat dev serves no console: is it built?");
    context = await browser.newContext({
      viewport: { width: 1360, height: 900 },
      colorScheme: "light",
      acceptDownloads: true,
    });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    ({ page, faults } = await openPage(context));
  },
  { timeout: 240_000 },
);

after(async () => {
  await browser?.close();
  await network?.stop();
});

let broken = null;

/** A step of the story. Each leans on those before: after one that failed the rest is not told, and the page is kept as it was. */
function test(name, step) {
  register(name, async (context) => {
    if (broken) return context.skip(`not told: “${broken}” failed`);
    try {
      await step();
    } catch (error) {
      broken = name;
      await page?.screenshot({ path: join(SHOTS, "failed.png"), fullPage: true }).catch(() => {});
      const said = await page
        ?.locator("[role=alert]")
        .allTextContents()
        .catch(() => []);
      error.message = `${error.message}\nat ${page?.url()}\nthe page says: ${said?.join(" | ") || "nothing"}\nand: ${faults?.join(" | ")}`;
      throw error;
    }
  });
}

const go = (hash) => page.goto(`${network.info.console}${hash}`);
const heading = (name) => page.getByRole("heading", { level: 1, name });

async function signIn(name) {
  await page.locator("header.topbar").getByRole("button").last().click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: new RegExp(`^${name}`) })
    .click();
  await page.locator("header.topbar").getByRole("button", { name }).waitFor();
}

test("the overview is live and says how the network is", async () => {
  await page.goto(network.info.console);
  await heading("Overview").waitFor();
  await page.getByText(/The network (is healthy|works)/).waitFor(CHAIN);
  const number = async () => Number((await page.locator(".pulse .number").textContent()).replace(/\D/g, ""));
  await page.locator(".pulse .number").waitFor();
  const first = await number();
  await page.waitForFunction(
    (from) => Number(document.querySelector(".pulse .number").textContent.replace(/\D/g, "")) > from,
    first,
    CHAIN,
  );
  await page.getByText(/[23] seen serving/).waitFor(CHAIN);
  assert.match(await page.locator(".figures").first().textContent(), /Gatekeepers1/);
  assert.match(await page.getByRole("table", { name: "Clusters" }).textContent(), /Cluster 1/);
});

test("the server's headers keep the page to itself", async () => {
  const response = await page.request.get(network.info.console);
  const headers = response.headers();
  assert.match(headers["content-security-policy"], /default-src 'none'/);
  assert.equal(headers["x-content-type-options"], "nosniff");
  const other = await page.request.get(network.info.console, { headers: { host: "elsewhere.example" } });
  assert.equal(other.status(), 403);
});

test("workers, and one of them", async () => {
  await go("#/workers");
  const rows = page.getByRole("table", { name: "Workers" }).getByRole("row");
  await rows.nth(3).waitFor(CHAIN);
  await page.getByRole("button", { name: "Serving" }).click();
  const worker = network.info.workers.find((one) => one.role === "worker");
  found.worker = `0x${worker.worker.replace(/^0x/, "")}`;
  await page.getByRole("table", { name: "Workers" }).getByRole("link").first().click();
  await heading(/^Worker/).waitFor();
  await page.getByText("a development key: proves nothing").waitFor();
});

test("a development account deploys a program", async () => {
  await go("#/deploy");
  await page.getByLabel("Drop a .contract file").setInputFiles(required("PHAT_BALLOT_CONTRACT"));
  await page.getByText("Connect an account to deploy").waitFor();
  await signIn("Alice");
  await page.getByRole("button", { name: "Use my address for chair" }).click();
  // Nothing is sent while something is wrong, and the field says what.
  await page.getByRole("button", { name: "Add to districts" }).click();
  await page.getByRole("button", { name: "Deploy ballot" }).click();
  await page.getByText("A whole number, not below 0.").first().waitFor();
  for (const [place, name] of ["Ada", "Grace"].entries()) {
    await page.getByRole("button", { name: "Add to candidates" }).click();
    await page
      .getByLabel(`candidates ${place + 1}`, { exact: false })
      .first()
      .fill(name);
  }
  const district = page.getByRole("group", { name: /^districts 1/ });
  await district.getByLabel(/^Value 1/).fill("1");
  await district.getByRole("button", { name: "Use my address for Value 2" }).click();
  await page.getByRole("button", { name: "Deploy ballot" }).click();
  await page.getByText("ballot runs").waitFor(CHAIN);
  await page.getByRole("link", { name: "Open it" }).click();
  await heading(/ballot/).waitFor();
  found.contract = new URL(page.url()).hash;
  await page.getByText("ready").first().waitFor(CHAIN);
});

const choose = (message) =>
  page
    .getByRole("button", { name: new RegExp(`^${message}\\b`) })
    .first()
    .click();
const result = () => page.getByRole("status", { name: "Result" });

test("a command is sealed, run and changes what is answered", async () => {
  await choose("report");
  await page.getByLabel(/^district/).fill("1");
  for (const [place, votes] of ["120", "95"].entries()) {
    await page.getByRole("button", { name: "Add to votes" }).click();
    await page
      .getByLabel(`votes ${place + 1}`, { exact: false })
      .first()
      .fill(votes);
  }
  await page.getByRole("button", { name: "Send the command" }).click();
  await result().getByText("Done").waitFor(CHAIN);
  await choose("my_report");
  await page.getByLabel(/^district/).fill("1");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await result().getByText("Answer").waitFor(CHAIN);
  assert.match(await result().textContent(), /120/);
  await checkAccessible(page, "a contract with an answer");
});

test("what a contract refuses is said in its own words", async () => {
  // Nobody sees the results before the election is closed.
  await choose("results");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByRole("alert").waitFor(CHAIN);
  assert.match(await page.getByRole("alert").textContent(), /There is no answer.*StillOpen/);
});

test("an answer with a receipt is saved", async () => {
  await choose("close");
  await page.getByRole("button", { name: "Send the command" }).click();
  await result().getByText("Done").waitFor(CHAIN);
  await choose("tally");
  await page.getByLabel(/^With a receipt/).check();
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await result().getByText("Answer").waitFor(CHAIN);
  const download = page.waitForEvent("download", CHAIN);
  await page.getByRole("button", { name: "Save the receipt" }).click();
  found.receipt = readFileSync(await (await download).path());
});

test("the receipt holds, link by link, and an altered one does not", async () => {
  await go("#/verify");
  const drop = (buffer) =>
    page.getByLabel("Drop a receipt file").setInputFiles({ name: "tally.json", mimeType: "application/json", buffer });
  await drop(found.receipt);
  await page.getByText("The receipt holds").waitFor(CHAIN);
  assert.equal((await page.locator(".chain .holds").count()) >= 10, true);
  await shoot("verify-holds");
  await page.getByRole("button", { name: "Check another file" }).click();
  const altered = JSON.parse(found.receipt.toString());
  altered.answer = altered.answer.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
  await drop(Buffer.from(JSON.stringify(altered)));
  await page.getByText("The receipt does not hold").waitFor(CHAIN);
  assert.equal(await page.locator(".chain .fails").count(), 1);
  await checkAccessible(page, "a receipt that does not hold");
  await page.getByRole("button", { name: "Check another file" }).click();
  await drop(Buffer.from("nonsense"));
  await page.getByText("The receipt does not hold").waitFor(CHAIN);
});

test("the owner reads the log, a stranger does not", async () => {
  await go(found.contract);
  await page.getByRole("button", { name: "Log" }).click();
  await page.getByRole("log").or(page.getByText("It has written nothing here")).waitFor(CHAIN);
  await signIn("Bob");
  await page.getByText("Only its owner reads its log").waitFor();
  await signIn("Alice");
});

test("a stake shows its estimate, is set, and comes back", async () => {
  await page.getByRole("button", { name: "Stake" }).click();
  const stake = page.getByLabel("Your stake, in all");
  await stake.fill("0.5");
  await page.getByRole("button", { name: "Set the stake" }).click();
  await page.getByText("At least 1 PHA, or 0 to take it back.").waitFor();
  await stake.fill("100");
  await page.getByText(/Instead of/).waitFor();
  await page.getByRole("button", { name: "Set the stake" }).click();
  await page.getByText("The stake is set").waitFor(CHAIN);
  await page
    .locator(".figures")
    .first()
    .getByText(/weight 10\s000/)
    .waitFor(CHAIN);
  await page.getByRole("button", { name: "Take it all back" }).click();
  await page.getByRole("button", { name: "Set the stake" }).click();
  await page.locator(".figures").first().getByText("weight 0").waitFor(CHAIN);
});

test("an operator declares a place, and the map shows it", async () => {
  // The operator of the first worker that serves (`client/dev-network/src/setup.rs` `OPERATORS`).
  await signIn("Charlie");
  await go(`#/workers/${found.worker}`);
  await page.getByRole("heading", { name: "Declare its place" }).waitFor(CHAIN);
  for (const [label, text] of [
    ["Country", "ca"],
    ["City", "Montréal"],
    ["Latitude", "95"],
    ["Longitude", "-73.6"],
  ]) {
    await page.getByLabel(label, { exact: true }).fill(text);
  }
  await page.getByRole("button", { name: "Declare this place" }).click();
  await page.getByText("A number from −90 to 90.").waitFor();
  await page.getByLabel("Latitude", { exact: true }).fill("45.52");
  await page.getByRole("button", { name: "Declare this place" }).click();
  await page.getByText("The place is declared").waitFor(CHAIN);
  await go("#/map");
  const pin = page.getByRole("button", { name: "Montréal, Canada: 1 worker" });
  await pin.focus();
  await page.keyboard.press("Enter");
  await page.getByText("Montréal, Canada").waitFor();
});

test("pools: made, filled and left; or clearly not there", async () => {
  await go("#/pools");
  const none = page.getByText("This network has no pools");
  const make = page.getByRole("button", { name: "Make a pool" });
  await none.or(make).first().waitFor(CHAIN);
  if (await none.isVisible()) return;
  await make.click();
  await page.getByText("The pool is there; find it in the list").waitFor(CHAIN);
  await page.getByRole("table", { name: "Pools" }).getByRole("link").last().click();
  await heading(/^Pool/).waitFor();
  found.pool = new URL(page.url()).hash;
  await page.getByLabel("Delegate").fill("250");
  await page.getByRole("button", { name: "Delegate" }).click();
  await page.getByText("Delegated", { exact: true }).waitFor(CHAIN);
  await page.getByText("250 PHA").first().waitFor(CHAIN);
  await page.getByLabel("Leave with").fill("50");
  await page.getByRole("button", { name: "Leave with this much" }).click();
  await page.getByText("Done", { exact: true }).waitFor(CHAIN);
  await page.getByText("200 PHA").first().waitFor(CHAIN);
});

test("governance: a proposal is read, voted on, and its tally seen; delegating and taking back", async () => {
  await go("#/governance");
  const none = page.getByText("Nobody votes on this network");
  const tracks = page.getByRole("table", { name: "Tracks" });
  await none.or(tracks).first().waitFor(CHAIN);
  if (await none.isVisible()) return;
  await page.getByText("No referendum goes on").waitFor();
  const lifetime = ["attestation", "PhalaRegistry.set_registration_lifetime", "864000000"];
  const { referendum } = await network.run("vote", "propose", ...lifetime, "--as", "//Alice");
  found.referendum = `#/referenda/${referendum}`;
  await page
    .getByRole("table", { name: "Referenda" })
    .getByRole("link", { name: `${referendum}: PhalaRegistry.set_registration_lifetime` })
    .click(CHAIN);
  await heading(new RegExp(`^Referendum ${referendum}`)).waitFor(CHAIN);
  const change = page.getByRole("table", { name: "What changes" });
  assert.match(await change.textContent(), /A registration holds.*10 days/);
  await page.getByText("Nobody’s vote is kept").waitFor();

  await signIn("Dave");
  await page.getByLabel("With how much").fill("999999999999");
  await page.getByRole("button", { name: "Vote", exact: true }).click();
  await page.getByText(/that may vote\./).waitFor();
  await page.getByLabel("With how much").fill("1000");
  await page.getByLabel("Conviction").selectOption("2");
  await page.getByText(/It counts as 2\s000 PHA for/).waitFor();
  await page.getByRole("button", { name: "Vote", exact: true }).click();
  await page.getByText("It is counted").waitFor(CHAIN);
  await page.getByText("You vote for it").waitFor(CHAIN);
  await page
    .getByRole("table", { name: "Votes" })
    .getByText(/1\s000 PHA/)
    .waitFor(CHAIN);
  await page.getByText("2\u00a0000 PHA", { exact: true }).waitFor(CHAIN);
  const shown = await network.run("vote", "show", String(referendum));
  assert.equal(shown.ayes, "2000000000000000");

  await signIn("Eve");
  await page.getByRole("button", { name: "Against" }).click();
  await page.getByLabel("With how much").fill("500");
  await page.getByRole("button", { name: "Vote", exact: true }).click();
  await page.getByText("You vote against it").waitFor(CHAIN);
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("You vote against it").waitFor({ state: "detached", ...CHAIN });

  // What is free of it is unlocked; then somebody else votes with it.
  await go("#/governance");
  await page.getByRole("button", { name: "Unlock what is free" }).click(CHAIN);
  await page.getByText("You have no vote and no delegation.").or(page.getByText("0 PHA locked")).first().waitFor(CHAIN);
  await page.getByLabel("On the track").selectOption({ label: "Attestation" });
  const { address } = await network.run("account", "show", "//Dave");
  await page.getByLabel("Who votes").fill(address);
  await page.getByLabel("With how much of yours").fill("300");
  await page.getByRole("button", { name: "Delegate your vote" }).click();
  await page.getByText("Your vote is delegated").waitFor(CHAIN);
  await page.getByText(/300 PHA vote through/).waitFor(CHAIN);
  await go(found.referendum);
  await page.getByText("Somebody votes for you on this track").waitFor(CHAIN);
  await page.getByText("2\u00a0300 PHA", { exact: true }).waitFor(CHAIN);
  await go("#/governance");
  await page.getByRole("button", { name: "Take the delegation back" }).click(CHAIN);
  await page.getByText(/300 PHA vote through/).waitFor({ state: "detached", ...CHAIN });
});

test("treasury: a spend gets its deposit in the page, passes, and is paid", async () => {
  if (!found.referendum) return;
  await go("#/treasury");
  await page.getByText("Nothing is approved").waitFor(CHAIN);
  const { address } = await network.run("account", "show", "//Ferdie");
  const spend = ["small_spender", "Treasury.spend", "null", "1000000000", address, "null"];
  const { referendum } = await network.run("vote", "propose", ...spend, "--undecided", "--as", "//Alice");
  found.spend = `#/referenda/${referendum}`;
  await signIn("Alice");
  await go(found.spend);
  await page.getByText(/Pays 0.001 PHA from the treasury/).waitFor(CHAIN);
  await page.getByRole("button", { name: "Put the deposit down" }).click();
  await page.getByRole("heading", { name: "It awaits its deposit" }).waitFor({ state: "detached", ...CHAIN });
  await page.locator("h1").getByText("being decided").waitFor(CHAIN);
  // More than a tenth of all PHA is support enough at once.
  await page.getByLabel("With how much").fill("5000000");
  await page.getByRole("button", { name: "Vote", exact: true }).click();
  await page.getByText("You vote for it").waitFor(CHAIN);
  await network.run("vote", "cast", String(referendum), "aye", "9000000", "--as", "//Bob");
  await page.locator("h1").getByText("approved").waitFor(CHAIN);
  await page.getByRole("heading", { name: "What it was about" }).waitFor(CHAIN);
  await go("#/treasury");
  await page.getByRole("button", { name: "Have spend 0 paid" }).click(CHAIN);
  await page.getByText("It is paid").waitFor(CHAIN);
  await page.getByRole("table", { name: "Approved spends" }).getByText("paid", { exact: true }).waitFor(CHAIN);
});

test("a wallet signs what it is shown, and may refuse", async () => {
  const own = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  const wallet = await installWallet(own, "//Dave", "Dave's");
  const { page: other, faults: wrong } = await openPage(own);
  await other.goto(`${network.info.console}${found.contract}`);
  await other.getByRole("heading", { level: 1 }).waitFor(CHAIN);
  await other.locator("header.topbar").getByRole("button").last().click();
  const dialog = other.getByRole("dialog");
  await dialog.getByRole("button", { name: /test-wallet/ }).click();
  await dialog.getByRole("button", { name: /Dave's/ }).click();
  await other.getByRole("button", { name: "Stake" }).click();
  await other.getByLabel("Your stake, in all").fill("7");
  wallet.refuse = true;
  await other.getByRole("button", { name: "Set the stake" }).click();
  await other.getByText("The stake was not set").waitFor(CHAIN);
  wallet.refuse = false;
  await other.getByRole("button", { name: "Set the stake" }).click();
  await other.getByText("The stake is set").waitFor(CHAIN);
  assert.deepEqual(
    wallet.shown.map((one) => one.kind),
    ["transaction"],
  );
  // A question as the wallet's account: the wallet shows a text that says for which network, and until when.
  await other.getByRole("button", { name: "Ask and command" }).click();
  await other.getByLabel("Drop its .contract file").setInputFiles(required("PHAT_BALLOT_CONTRACT"));
  await other.getByRole("button", { name: /^tally\b/ }).click();
  await other.getByRole("button", { name: "Ask", exact: true }).click();
  await other.getByRole("status", { name: "Result" }).getByText("Answer").waitFor(CHAIN);
  assert.equal(wallet.shown.at(-1).kind, "text");
  assert.deepEqual(wrong, []);
  await own.close();
});

test("a dead node, another network's page and a wrong address say what to do", async () => {
  const own = await browser.newContext();
  const { page: other } = await openPage(own);
  await other.goto(`${network.info.console}?node=ws://127.0.0.1:9`);
  await other.getByRole("alert").waitFor({ timeout: 90_000 });
  await other.getByRole("button", { name: "Connect to this node" }).waitFor();
  await other.goto(`${network.info.console}#/contracts/0x${"ab".repeat(32)}`);
  await other.getByText("No such contract on this network").waitFor(CHAIN);
  await other.goto(`${network.info.console}#/nowhere`);
  await other.getByRole("heading", { name: "There is no such page" }).waitFor();
  await own.close();
});

test("the page can be used by keyboard alone", async () => {
  await go("#/");
  // From the start, where nothing has the focus yet.
  await page.reload();
  await heading("Overview").waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the page");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  const term = page.getByRole("button", { name: "Gatekeepers" });
  await term.focus();
  await page.keyboard.press("Enter");
  await page.getByText(/A threshold of them/).waitFor();
  await page.keyboard.press("Escape");
  await page.getByText(/A threshold of them/).waitFor({ state: "detached" });
});

const LOOKS = [
  { tag: "light", width: 1360, height: 900, colorScheme: "light" },
  { tag: "dark", width: 1360, height: 900, colorScheme: "dark" },
  { tag: "phone-light", width: 390, height: 844, colorScheme: "light" },
  { tag: "phone-dark", width: 390, height: 844, colorScheme: "dark" },
];

async function shoot(name, on = page) {
  await on.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

for (const { tag, width, height, colorScheme } of LOOKS) {
  test(`every page, ${tag}`, async () => {
    const own = await browser.newContext({ viewport: { width, height }, colorScheme });
    const { page: look, faults: wrong } = await openPage(own);
    const pages = {
      overview: "#/",
      map: "#/map",
      workers: "#/workers",
      worker: `#/workers/${found.worker}`,
      pools: "#/pools",
      pool: found.pool ?? "#/pools/0",
      governance: "#/governance",
      referendum: found.referendum ?? "#/referenda/0",
      spend: found.spend ?? "#/referenda/1",
      treasury: "#/treasury",
      contracts: "#/contracts",
      contract: found.contract,
      deploy: "#/deploy",
      verify: "#/verify",
      network: "#/network",
      unknown: "#/nowhere",
    };
    for (const [name, hash] of Object.entries(pages)) {
      await look.goto(`${network.info.console}${hash}`);
      await look.getByRole("heading", { level: 1 }).waitFor(CHAIN);
      await look.waitForFunction(() => document.querySelectorAll(".skeleton").length === 0, undefined, CHAIN);
      if (name === "contract" || name === "deploy") {
        const label = name === "deploy" ? "Drop a .contract file" : "Drop its .contract file";
        await look.getByLabel(label).setInputFiles(required("PHAT_BALLOT_CONTRACT"));
        await look.getByText(/What it can be asked|How it starts/).waitFor(CHAIN);
      }
      if (name === "overview")
        await look.waitForFunction(() => document.querySelectorAll(".ribbon i.final").length > 8, undefined, CHAIN);
      await checkFits(look, `${name}, ${tag}`);
      await checkAccessible(look, `${name}, ${tag}`);
      await shoot(`${name}-${tag}`, look);
    }
    assert.deepEqual(wrong, []);
    await own.close();
  });
}

test("nothing went wrong in the page meanwhile", () => assert.deepEqual(faults, []));
