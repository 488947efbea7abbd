/** A recording as one file of HTML: it is the same page, with the network off. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { atRest, axe, CTRACE, EXAMPLES, open, run, view, windowOf } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "ctrace-file-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 50 }));

const MARKUP = `</script><script>window.harmed=1</script><img src=x onerror="window.harmed=1">`;
const recording = join(folder, `"><b>convoy.data`);
const file = join(folder, "convoy.html");

before(async () => {
    await run(CTRACE, ["record", "-o", recording, join(EXAMPLES, "convoy"), MARKUP]);
    await run(CTRACE, ["timeline", recording, "-o", file]);
});

/** The file in a browser that has no network; what it loads beside itself is among the troubles. */
async function openFile(test, hash = "", how = {}) {
    const address = `${pathToFileURL(file)}${hash}`;
    const opened = await open(test, address, { offline: true, ...how });
    const loaded = await opened.page.evaluate(() => performance.getEntriesByType("resource").length);
    assert.equal(loaded, 0, "it loads nothing");
    return opened;
}

/** What the file tells first. */
function overviewOf(path) {
    const [, packed] = /data-question="overview[^"]*">([^<]*)</.exec(readFileSync(path, "utf8"));
    return JSON.parse(gunzipSync(Buffer.from(packed, "base64")));
}

/** A whole millisecond amid the lives of its threads, in ns: a busy machine starts them late. */
function middleOf({ lives }) {
    return Math.round((lives.from + lives.to) / 2e6) * 1e6;
}

/** All of which the file has the details. */
function keptIntervals() {
    const pattern = /data-question="interval[^"]*">([^<]*)</g;
    return [...readFileSync(file, "utf8").matchAll(pattern)].flatMap(([, packed]) =>
        JSON.parse(gunzipSync(Buffer.from(packed, "base64"))),
    );
}

/** The pixels of the rows of threads; what is above them is longer in a file. */
function picture(page) {
    return page.evaluate(() => {
        const rows = document.getElementById("rows-canvas");
        const part = Object.assign(document.createElement("canvas"), { width: rows.width, height: 200 });
        part.getContext("2d").drawImage(rows, 0, 0);
        return part.toDataURL();
    });
}

test("a file shows what the server shows", async (test) => {
    const { page, troubles } = await openFile(test);
    const served = await open(test, await view(test, recording));
    for (const hash of ["", "#from=300000000&to=450000000"]) {
        for (const [one, address] of [
            [page, `${pathToFileURL(file)}${hash}`],
            [served.page, `${served.page.url().split("#")[0]}${hash}`],
        ]) {
            await one.goto("about:blank");
            await one.goto(address);
            await one.waitForSelector("#findings-list:not([aria-busy])");
            await one.mouse.move(0, 0);
        }
        // The words in wide waits come one by one.
        let same = false;
        for (const end = Date.now() + 60_000; !same && Date.now() < end; ) {
            await Promise.all([atRest(page), atRest(served.page)]);
            same = (await picture(page)) === (await picture(served.page));
            await page.waitForTimeout(100);
        }
        assert.ok(same, `the pictures of ${hash} differ`);
    }
    assert.equal(
        await page.locator("#findings-list").innerText(),
        await served.page.locator("#findings-list").innerText(),
    );
    assert.deepEqual([troubles, served.troubles], [[], []]);
});

test("a file leads from a finding to the wait, and to who ended it", async (test) => {
    const { page, troubles } = await openFile(test);
    await page.locator(".finding", { hasText: "statistics_lock" }).click();
    await page.waitForSelector("#panel .flame");
    assert.match(await page.locator("#panel").innerText(), /of 4 rows/);
    const wait = keptIntervals().find((one) => /mutex/.test(one.text) && one.waker);
    await page.evaluate((chosen) => {
        location.hash = `chosen=${chosen}`;
    }, `${wait.lane}@${wait.from}`);
    await page.waitForSelector("#panel .facts");
    const told = await page.locator("#panel").innerText();
    assert.match(told, /statistics_lock.*serve_page.*convoy\.c:\d+.*Ended by/s);
    const first = windowOf(page).chosen;
    await page.keyboard.press("[");
    await page.waitForFunction((chosen) => !location.hash.includes(chosen), first);
    await page.waitForSelector("#panel .facts");
    assert.notEqual(windowOf(page).chosen.split("@")[0], first.split("@")[0]);
    await page.locator("#path-button").click();
    await page.locator('[data-tab="tables"]').click();
    await page.waitForSelector("#tables-tab table");
    await page.locator("#tables-tab input").fill("worker-3");
    assert.equal(await page.locator("#tables-tab tbody tr").count(), 1);
    assert.deepEqual(troubles, []);
});

test("what a file lacks is said, and where it is", async (test) => {
    const { page, troubles } = await openFile(test, "#area=300000000-300000500");
    await page.getByText("This cannot be summed up").waitFor();
    assert.match(await page.locator("#panel").innerText(), /ctrace view sums up any/);
    await page.locator("#panel button.link").first().click();
    await page.waitForSelector("#panel .flame");
    assert.equal(await page.locator("#panel a.download").count(), 0);
    await page.locator("#kept summary").click();
    assert.match(await page.locator("#kept").innerText(), /ctrace view .*convoy\.data/);
    await page.locator('[data-tab="sql"]').click();
    await page.getByText("Run (Ctrl+Enter)").click();
    await page.waitForSelector("#sql-tab .complaint");
    assert.match(await page.locator("#sql-tab .complaint").innerText(), /ctrace query/);
    await page.locator('[data-tab="timeline"]').click();
    await page.keyboard.press("n");
    assert.match(await page.locator("#trouble").innerText(), /In a file notes can only be read/);
    await page.getByText("Dismiss").click();
    assert.doesNotMatch(await page.locator("#window-length").innerText(), /stretched/);
    await page.locator("#plot").focus();
    for (let i = 0; i < 30 && !/stretched/.test(await page.locator("#window-length").innerText()); i++) {
        await page.keyboard.press("w");
    }
    assert.match(await page.locator("#window-length").innerText(), /stretched/);
    await atRest(page);
    assert.deepEqual(troubles, []);
});

test("a file has the notes, to be read", async (test) => {
    const overview = overviewOf(file);
    const at = String(BigInt(overview.begin_ns) + BigInt(middleOf(overview)));
    const text = "The burst\nbegins <b>here</b>";
    const notes = [{ id: "00000000000000a1", version: 1, at_ns: at, text }];
    const beside = `${recording}.notes.json`;
    writeFileSync(beside, JSON.stringify({ schema: "ctrace-notes-1", notes }));
    test.after(() => rmSync(beside));
    const noted = join(folder, "noted.html");
    await run(CTRACE, ["timeline", recording, "-o", noted]);
    const { page, troubles } = await open(test, String(pathToFileURL(noted)), { offline: true });
    await page.locator("#flags .flag").click();
    assert.equal(await page.locator("#note .note-words").innerText(), text);
    assert.match(await page.locator("#note-title").innerText(), /^Note at \d/);
    assert.deepEqual(await page.locator("#note button").allInnerTexts(), ["Close"]);
    assert.deepEqual(await axe(page), []);
    await page.keyboard.press("Enter");
    await page.locator("#note").waitFor({ state: "hidden" });
    assert.equal(await page.locator("#note-button").isVisible(), false);
    await page.locator("#note-list summary").click();
    await page.getByText("Read", { exact: true }).click();
    assert.equal(await page.locator("#note .note-words").innerText(), text);
    assert.deepEqual(troubles, []);
});

test("a file of a window shows that, and says so", async (test) => {
    const part = join(folder, "part.html");
    const begin = middleOf(overviewOf(file));
    const [first, last] = [begin, begin + 1e8].map((at) => `${at / 1e6}ms`);
    await run(CTRACE, ["timeline", recording, "-o", part, `--from=${first}`, `--to=${last}`]);
    const { page, troubles } = await open(test, String(pathToFileURL(part)), { offline: true });
    const { from, to } = windowOf(page);
    assert.deepEqual([from, to], [begin, begin + 1e8]);
    assert.match(await page.locator("#facts").innerText(), /^100 ms of /);
    await page.locator("#kept summary").click();
    assert.match(await page.locator("#kept .only").innerText(), /one stretch .* from \d.*s to \d.*s, of \d/);
    await page.locator("#plot").focus();
    for (let i = 0; i < 12; i++) {
        await page.keyboard.press("s");
        await page.keyboard.press("d");
    }
    await page.waitForURL(new RegExp(`#from=${begin - 5e6}&to=${begin + 1.05e8}`));
    await page.locator("#fit-button").click();
    await page.waitForURL(new RegExp(`#from=${begin - 1e6}&to=${begin + 1.01e8}`));
    await page.locator("#ask-button").click();
    await page.waitForSelector("#panel .flame");
    await page.locator("#path-button").click();
    await atRest(page);
    assert.deepEqual(troubles, []);
});

for (const [name, how] of [
    ["as it is", {}],
    ["in the dark", { colorScheme: "dark" }],
    ["on a phone", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
]) {
    test(`a file is harmless, and for everybody: ${name}`, async (test) => {
        const { page, troubles } = await openFile(test, "", how);
        await page.locator("#kept summary").click();
        await page.getByText("How it was recorded").click();
        await page.locator("#ask-button").click();
        await page.waitForSelector("#panel .flame");
        const found = await page.evaluate(() => ({
            isHarmed: "harmed" in window,
            foreign: document.querySelectorAll("main img, main script, main svg, main b b").length,
            scripts: document.querySelectorAll("script:not(.kept)").length,
            text: document.querySelector("#facts").title + document.body.innerText,
            inside: document.documentElement.scrollWidth,
            shown: innerWidth,
        }));
        assert.deepEqual([found.isHarmed, found.foreign, found.scripts], [false, 0, 1]);
        assert.ok(found.text.includes("window.harmed=1"), "the command is shown as it is");
        assert.ok(found.inside <= found.shown, `${found.inside} px in ${found.shown}`);
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(troubles, []);
    });
}

test("nothing of a recording is text of the file", () => {
    const text = readFileSync(file, "utf8");
    assert.doesNotMatch(text, /harmed|serve_page|worker-1/);
    assert.match(
        text,
        /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-/,
    );
    const foreign = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].filter(
        ([, address]) => !/^(?:data:image\/svg|#)/.test(address),
    );
    assert.deepEqual(foreign, []);
});
