/** What the tests of the page share: a browser, a server, and ways to ask both. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const CTRACE = process.env.CTRACE_PROGRAM;
export const EXAMPLES = process.env.CTRACE_EXAMPLES;
export const WORKLOADS = process.env.CTRACE_WORKLOADS;
export const PAGE = process.env.CTRACE_PAGE;

/** Runs a command to its end, and fails if it does. */
export async function run(command, words, options = {}) {
    const process = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let out = "";
    process.stdout.on("data", (piece) => {
        out += piece;
    });
    process.stderr.on("data", (piece) => {
        out += piece;
    });
    const status = await new Promise((resolve) => process.on("close", resolve));
    assert.equal(status, 0, `${command} ${words.join(" ")}: ${out}`);
    return out;
}

/** Serves recordings, until the test is over; tells where. */
export async function view(test, ...directories) {
    const server = spawn(CTRACE, ["view", "--no-browser", ...directories], {
        stdio: ["ignore", "pipe", "inherit"],
    });
    test.after(() => server.kill("SIGINT"));
    for await (const line of createInterface({ input: server.stdout })) {
        const address = /http:\S+/.exec(line);
        if (address) {
            return address[0];
        }
    }
    throw new Error("ctrace view ended without an address");
}

/**
 * A page of the browser that fails the test over whatever goes wrong in it.
 * @param {object} how what a browser's context takes: viewport, colorScheme ...
 */
export async function open(test, address, how = {}) {
    const browser = await chromium.launch({
        executablePath: "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
    test.after(() => browser.close());
    const context = await browser.newContext({
        viewport: { width: 1400, height: 900 },
        reducedMotion: "reduce",
        permissions: ["clipboard-read", "clipboard-write"],
        ...how,
    });
    const page = await context.newPage();
    const troubles = [];
    page.on("pageerror", (error) => troubles.push(String(error)));
    page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
    page.setDefaultTimeout(Number(process.env.CTRACE_VIEW_TIMEOUT_MS ?? 20_000));
    await page.goto(address);
    await page.waitForSelector("#findings-list:not([aria-busy])");
    await atRest(page);
    return { page, troubles };
}

/** Until all that is shown is drawn of tiles that are there. */
export async function atRest(page) {
    await page.waitForSelector('#plot[data-whole="true"]');
}

/** What a reader who cannot see, or cannot use a pointer, would stumble over. */
export async function axe(page) {
    // Not as a script of the page: its policy keeps foreign ones out, as it should.
    await page.evaluate(AXE);
    const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
    return violations.map(
        (one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" | ")}`,
    );
}

/** The times that the address says, in ns. */
export function windowOf(page) {
    const words = new URLSearchParams(new URL(page.url()).hash.slice(1));
    return {
        from: Number(words.get("from")),
        to: Number(words.get("to")),
        chosen: words.get("chosen") ?? "",
        words,
    };
}
