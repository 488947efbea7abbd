/**
 * Opens a page of ctrace view, zooms and moves in it for ten seconds, and prints as JSON how that
 * went. It takes playwright-core of tests/view, and chromium.
 *
 *   node view.mjs ADDRESS
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../view/", import.meta.url));
const { chromium } = require("playwright-core");

const SECONDS = 10;
const PLOT = { x: 300, y: 30 };

/** The value that this part of all are not above. */
function quantile(values, part) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? null;
}

/** Of the process that has the page: what is its own, and its part of what it shares. */
async function pageMegabytes(browser) {
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const sizes = processInfo
        .filter(({ type }) => type === "renderer")
        .map(({ id }) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))[1]));
    return Math.max(...sizes) / 1024;
}

/** In, along and out again, as fast as a hand does it. */
async function moveAbout(page) {
    const plot = await page.locator("#plot").boundingBox();
    await page.mouse.move(plot.x + PLOT.x, plot.y + PLOT.y);
    const end = Date.now() + SECONDS * 1000;
    for (let step = 0; Date.now() < end; step++) {
        const phase = step % 120;
        if (phase < 50) {
            await page.mouse.wheel(0, -60);
        } else if (phase < 70) {
            await page.keyboard.press("d");
        } else {
            await page.mouse.wheel(0, 60);
        }
        await page.waitForTimeout(30);
    }
}

const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
await page.addInitScript(() => {
    performance.setResourceTimingBufferSize(100_000);
    window.frames_ms = [];
    let before = 0;
    const note = (now) => {
        window.frames_ms.push(now - before);
        before = now;
        requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
    const observer = new MutationObserver(() => {
        if (document.getElementById("plot")?.dataset["whole"] === "true") {
            window.whole_ms ??= performance.now();
        }
    });
    observer.observe(document, { subtree: true, childList: true, attributes: true });
});
await page.goto(process.argv[2]);
await page.waitForFunction(() => window.whole_ms !== undefined, null, { timeout: 600_000 });
await page.evaluate(() => {
    window.frames_ms.length = 0;
});
await moveAbout(page);
const found = await page.evaluate(() => ({
    whole_ms: window.whole_ms,
    frames_ms: window.frames_ms,
    tiles_ms: performance
        .getEntriesByType("resource")
        .filter((entry) => entry.name.includes("api/tiles"))
        .map((entry) => entry.duration),
}));
console.log(
    JSON.stringify({
        first_paint_ms: found.whole_ms,
        tiles: found.tiles_ms.length,
        tile_p99_ms: quantile(found.tiles_ms, 0.99),
        frames: found.frames_ms.length,
        frame_p95_ms: quantile(found.frames_ms, 0.95),
        page_mb: await pageMegabytes(browser),
    }),
);
await browser.close();
