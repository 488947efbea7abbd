/**
 * Draws pictures of the page of ctrace view: what a visitor of the project sees of it.
 *
 *   node pictures.mjs FOLDER              three views of a recording made for it, FOLDER/view-*.png
 *   node pictures.mjs FOLDER DATA ...     the first sight of each of these recordings
 */

import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { atRest, CTRACE, EXAMPLES, open, run, view } from "./harness.mjs";

const VIEWPORT = { width: 1200, height: 720 };

/** A clone has all that there ever was. */
const MOST_BYTES = 150_000;

/** What was begun ends as in a test, the last first. */
const endings = [];
const until = { after: (end) => endings.unshift(end) };

/** A stretch of four threads: where their time went. */
async function showStretch(page) {
    await page.locator(".finding", { hasText: "statistics_lock" }).click();
    await page.waitForSelector("#panel .flame");
}

/** One wait: what it was for, in which code, and who ended it. */
async function showWait(page) {
    await showStretch(page);
    await page.locator("button.longest", { hasText: "worker" }).first().click();
    await page.waitForSelector("#panel .stack");
}

const VIEWS = { findings: () => {}, wait: showWait, stretch: showStretch };

async function draw(address, path, show = VIEWS.findings) {
    const { page } = await open(until, address, { viewport: VIEWPORT });
    await show(page);
    await page.mouse.move(0, 0);
    await atRest(page);
    const picture = await page.screenshot({ animations: "disabled" });
    if (picture.length > MOST_BYTES) {
        throw new Error(`${path} would have ${picture.length} bytes: make the viewport smaller`);
    }
    writeFileSync(path, picture);
}

/** Of a program in a folder of its own: the page names the folder, and nothing of who drew it. */
async function drawConvoy(folder) {
    const scratch = mkdtempSync(join(tmpdir(), "ctrace-"));
    until.after(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 50 }));
    copyFileSync(join(EXAMPLES, "convoy"), join(scratch, "convoy"));
    const recording = join(scratch, "ctrace.data");
    await run(CTRACE, ["record", "-o", recording, "./convoy"], { cwd: scratch });
    const address = await view(until, recording);
    for (const [name, show] of Object.entries(VIEWS)) {
        await draw(address, join(folder, `view-${name}.png`), show);
    }
}

const [folder, ...recordings] = process.argv.slice(2);
try {
    if (recordings.length === 0) {
        await drawConvoy(folder);
    }
    for (const recording of recordings) {
        await draw(await view(until, recording), join(folder, `${basename(recording, ".data")}.png`));
    }
} finally {
    for (const end of endings) {
        await end();
    }
}
