/** Names out of a program are text, whatever they say; and the page is one for everybody. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { atRest, axe, open, PAGE, windowOf } from "./harness.mjs";
import { HOSTILE, serve } from "./mock.mjs";

async function openMock(test, how) {
    const { server, address } = await serve(PAGE);
    test.after(() => server.close());
    return open(test, address, how);
}

test("the longest turn of a loop is summed up, where no wait took it; the longest wait is chosen", async (test) => {
    const { page, troubles } = await openMock(test);
    await page.locator("button.longest").nth(1).click();
    await page.waitForSelector("#panel .flame");
    assert.equal(windowOf(page).words.get("area"), "50000000-90000000@t1");
    assert.equal(windowOf(page).chosen, "");
    await page.locator("button.longest").nth(0).click();
    await page.waitForFunction(() => location.hash.includes("chosen=t1@"));
    assert.equal(windowOf(page).words.get("area"), null);
    assert.deepEqual(troubles, []);
});

/** Opens all that shows names, one after the other. */
async function showEverything(page, look) {
    await look("the timeline");
    const { width } = await page.locator("#plot").boundingBox();
    await page.locator("#plot").click({ position: { x: Math.round(width * 0.4), y: 45 } });
    await page.waitForSelector("#panel .stack");
    await look("an interval");
    await page.locator("#ask-button").click();
    await page.waitForSelector("#panel .flame");
    await look("sums");
    await page.keyboard.press("/");
    await page.locator("#search input").fill("img");
    await look("search");
    await page.keyboard.press("Escape");
    await page.locator('[data-tab="tables"]').click();
    await page.waitForSelector("#tables-tab table");
    await look("tables");
    await page.locator('[data-tab="sql"]').click();
    await page.getByText("Run (Ctrl+Enter)").click();
    await page.waitForSelector("#sql-tab table");
    await look("SQL");
    await page.locator("#help-button").click();
    await look("help");
}

test("hostile names are shown as text, everywhere", async (test) => {
    const { page, troubles } = await openMock(test);
    const seen = new Set();
    await showEverything(page, async (where) => {
        const found = await page.evaluate(() => ({
            isHarmed: "harmed" in window,
            foreign: document.querySelectorAll("main img, main script, main svg, dialog img, dialog svg")
                .length,
            text: document.body.innerText,
        }));
        assert.equal(found.isHarmed, false, where);
        assert.equal(found.foreign, 0, where);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is the point
        assert.doesNotMatch(found.text, /[\u0000-\u0008\u000b-\u001f\u202e\u2066]/, where);
        assert.deepEqual(await axe(page), [], where);
        seen.add(where);
        if (where === "the timeline") {
            assert.ok(found.text.includes(HOSTILE.markup), "markup is readable");
            assert.ok(found.text.includes("safe\\u{202e}gnp.exe"), "what turns text around is told");
            assert.ok(found.text.length < 20_000, "long names are cut");
        }
    });
    assert.equal(seen.size, 7);
    assert.deepEqual(troubles, []);
});

for (const [name, how] of [
    ["in the dark", { colorScheme: "dark" }],
    ["on a phone", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
    ["at 200 %", { viewport: { width: 640, height: 480 }, deviceScaleFactor: 2 }],
]) {
    test(`axe-core finds nothing, and nothing sticks out sideways: ${name}`, async (test) => {
        const { page } = await openMock(test, how);
        await showEverything(page, async (where) => {
            const [inside, shown] = await page.evaluate(() => [
                document.documentElement.scrollWidth,
                innerWidth,
            ]);
            assert.ok(inside <= shown, `${where}: ${inside} px in ${shown}`);
            assert.deepEqual(await axe(page), [], where);
        });
    });
}

test("keys alone lead to an interval, to who ended it, and back", async (test) => {
    const { page, troubles } = await openMock(test);
    await page.locator("#plot").focus();
    for (const key of ["ArrowDown", "ArrowDown", "Enter"]) {
        await page.keyboard.press(key);
    }
    await page.waitForSelector("#panel .stack");
    const first = new URL(page.url()).hash;
    assert.match(first, /chosen=t0@/);
    await page.keyboard.press("[");
    await page.waitForFunction(() => location.hash.includes("chosen=t1@"));
    await page.keyboard.press("z");
    await page.waitForFunction((hash) => location.hash === hash, first);
    await page.keyboard.press("w");
    await page.keyboard.press("Shift+Digit3");
    await page.waitForFunction(() => location.hash.includes("marks=3:"));
    const near = windowOf(page);
    await page.keyboard.press("f");
    await page.waitForFunction((from) => !location.hash.includes(`from=${from}&`), near.from);
    await page.keyboard.press("Digit3");
    await page.waitForFunction((from) => location.hash.includes(`from=${from}&`), near.from);
    await atRest(page);
    assert.deepEqual(troubles, []);
});

test("a server that is gone is said, and what is there stays", async (test) => {
    const { server, address } = await serve(PAGE);
    const { page } = await open(test, address);
    server.closeAllConnections?.();
    await new Promise((resolve) => server.close(resolve));
    await page.locator("#plot").focus();
    for (let i = 0; i < 6; i++) {
        await page.keyboard.press("w");
    }
    await page.waitForSelector("#trouble:not([hidden])");
    assert.match(await page.locator("#trouble").innerText(), /does not answer/);
});
