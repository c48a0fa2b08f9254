// Chromium, and what every page is held to.

import { strict as assert } from "node:assert";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
/** Where the pictures go: artefacts, not part of the tree. */
export const SHOTS = process.env.PHAT_SHOTS ?? join(import.meta.dirname ?? ".", "shots");

export async function openBrowser() {
  const executablePath = PROGRAMS.find((path) => existsSync(path));
  if (!executablePath) throw new Error("there is no Chromium; cargo xtask test installs it on Debian");
  mkdirSync(SHOTS, { recursive: true });
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
    ],
  });
}

/** A page that collects what goes wrong in it. */
export async function openPage(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A policy that is broken, or a component that is used wrongly; what a worker or node refuses is its own text.
    if (/Content Security Policy|Minified React error|Warning:/.test(message.text())) faults.push(message.text());
  });
  return { page, faults };
}

/** No page may have what keeps people out: contrast, names, roles, order. */
export async function checkAccessible(page, where) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
    return violations.map(
      ({ id, impact, nodes }) =>
        `${id} (${impact}): ${nodes
          .slice(0, 3)
          .map((node) => node.target.join(" "))
          .join("; ")}`,
    );
  });
  assert.deepEqual(violations, [], `accessibility of ${where}`);
}

/** Nothing may be wider than the screen. */
export async function checkFits(page, where) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${where} is ${over} px wider than the screen`);
}
