/** A real recording, through the real server, in a real browser. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { atRest, axe, CTRACE, EXAMPLES, open, run, view, WORKLOADS, windowOf } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "ctrace-view-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 50 }));
const convoy = join(folder, "convoy.data");

before(() => run(CTRACE, ["record", "-o", convoy, join(EXAMPLES, "convoy")]));

/** The row of a thread, in pixels of the plot. */
async function rowOf(page, name) {
    const label = page.locator(".label.thread", { hasText: name }).first();
    const [box, plot] = [await label.boundingBox(), await page.locator("#plot").boundingBox()];
    return box.y + box.height / 2 - plot.y;
}

/** How many pixels of the rows have a state's colour. */
function pixelsOf(page, colour) {
    return page.evaluate((wanted) => {
        const canvas = document.getElementById("rows-canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const [red, green, blue] = wanted.match(/\w\w/g).map((part) => Number.parseInt(part, 16));
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
            count += data[i] === red && data[i + 1] === green && data[i + 2] === blue ? 1 : 0;
        }
        return count;
    }, colour);
}

test("the convoy says who waited for whom, and why", async (test) => {
    const { page, troubles } = await open(test, await view(test, convoy));
    assert.match(await page.locator("#program").innerText(), /convoy/);
    const finding = page.locator(".finding", { hasText: "statistics_lock" });
    assert.match(await finding.innerText(), /worker-\*.*serve_page/s);
    assert.ok((await pixelsOf(page, "dd6b2c")) > 500, "sync waits are in the picture");

    await finding.click();
    await page.waitForSelector("#panel .flame");
    assert.match(await page.locator("#panel").innerText(), /statistics_lock/);
    await page.locator("#panel .part", { hasText: "Longest" }).locator("button.link").first().click();
    await page.waitForFunction(() => /chosen=t\d+@/.test(location.hash));
    await page.waitForSelector("#panel .facts");
    await page.keyboard.press("Escape");

    await page.locator("#plot").click({ position: { x: 400, y: await rowOf(page, "worker-2") } });
    await page.waitForSelector("#panel h2");
    assert.match(windowOf(page).chosen, /^t\d+@\d+$/);
    assert.deepEqual(troubles, []);
});

test("a name that is kept in two parts reads as one", async (test) => {
    const { page, troubles } = await open(test, await view(test, convoy));
    const label = page.locator(".label.thing", { hasText: "statistics_lock" });
    const [begin, end] = [
        await label.locator(".text").boundingBox(),
        await label.locator(".tail").boundingBox(),
    ];
    assert.ok(Math.abs(begin.x + begin.width - end.x) < 1, "nothing is between its parts");
    assert.deepEqual(troubles, []);
});

test("threads that nobody wakes are not among those that waited throughout", async (test) => {
    const stranded = join(folder, "stranded.data");
    await run(CTRACE, [
        "record",
        "-o",
        stranded,
        "--",
        "sh",
        "-c",
        `${WORKLOADS}/hangs stranded 1500 || true`,
    ]);
    const { page, troubles } = await open(test, await view(test, stranded));
    for (const name of ["reader", "writer", "flusher"]) {
        await page.locator(".label.thread", { hasText: name }).waitFor();
    }
    assert.equal(await page.locator(".label", { hasText: "waited throughout" }).count(), 0);
    assert.deepEqual(troubles, []);
});

test("a wake is followed back to who made it, and the address opens the same view", async (test) => {
    const address = await view(test, convoy);
    const { page, troubles } = await open(test, address);
    const overview = await page.evaluate(() => fetch("api/overview").then((answer) => answer.json()));
    const area = await page.evaluate(
        (to) => fetch(`api/area?from=0&to=${to}`).then((answer) => answer.json()),
        overview.length_ns,
    );
    const wait = area.longest.find((one) => /mutex/.test(one.text));
    await page.goto(
        `${address}#from=${wait.from - 1000}&to=${wait.to + 1000}&chosen=${wait.lane}@${wait.from}`,
    );
    await page.reload();
    await page.waitForSelector("#panel .stack");
    const told = await page.locator("#panel").innerText();
    assert.match(told, /statistics_lock/);
    assert.match(told, /serve_page/);
    assert.match(told, /convoy\.c:\d+/);
    assert.match(told, /Ended by/);
    await page.keyboard.press("[");
    await page.waitForFunction((chosen) => !location.hash.includes(chosen), `${wait.lane}@${wait.from}`);
    const { words } = windowOf(page);
    assert.notEqual(words.get("chosen").split("@")[0], wait.lane);
    const link = page.url();
    await page.goto("about:blank");
    await page.goto(link);
    await page.waitForSelector("#panel h2");
    assert.equal(page.url(), link);
    assert.deepEqual(troubles, []);
});

test("a finding leads to the threads that it speaks of, and to its longest wait", async (test) => {
    const { page, troubles } = await open(test, await view(test, convoy));
    const { overview, finding } = await page.evaluate(async () => {
        const [overview, report] = await Promise.all(
            ["overview", "findings"].map((what) => fetch(`api/${what}`).then((answer) => answer.json())),
        );
        return { overview, finding: report.findings.find((one) => one.rule === "lock") };
    });
    await page.locator(".finding", { hasText: "statistics_lock" }).click();
    await page.waitForSelector("#panel .flame");
    const [, ends, lanes] = /^(\d+-\d+)@(.*)$/.exec(windowOf(page).words.get("area"));
    const wanted = overview.threads.filter((thread) => finding.tids.includes(thread.tid));
    assert.equal(wanted.length, 4);
    assert.deepEqual(
        lanes.split(","),
        wanted.map((thread) => thread.lane),
    );
    const begin = Number(overview.begin_ns);
    assert.equal(ends, `${finding.from_ns - begin}-${finding.to_ns - begin}`);
    const { kind, address } = finding.objects[0];
    const lock = overview.objects.find((one) => one.address === address && one.kind === kind);
    assert.equal(lock.name, "statistics_lock");
    await page.locator("button.longest").first().click();
    await page.waitForSelector("#panel .facts");
    assert.match(await page.locator("#panel").innerText(), /statistics_lock.*sync.*Ended by/s);
    const at = Number(windowOf(page).chosen.split("@")[1]);
    assert.ok(at >= finding.longest.from_ns - begin && at < finding.longest.to_ns - begin);
    assert.deepEqual(troubles, []);
});

test("notes are kept with the recording, and two pages lose nothing of each other's", async (test) => {
    const address = await view(test, convoy);
    const pages = [await open(test, address), await open(test, address)];
    const [first, second] = pages.map(({ page }) => page);
    const write = async (page, text) => {
        await page.locator("#note-text").fill(text);
        await page.keyboard.press("Control+Enter");
    };
    for (const [page, text] of [
        [first, "the lock is held here"],
        [second, "<b>and</b> here"],
    ]) {
        await page.keyboard.press(page === second ? "d" : "f"); // not at the same moment
        await page.keyboard.press("n");
        await write(page, text);
        await page.waitForSelector("#note:not([open])", { state: "attached" });
    }
    assert.equal(await second.locator(".flag").count(), 2);
    assert.equal(await first.locator(".flag").count(), 1);

    // Both change the same one: the later page is told, and what was typed there stays.
    await second.locator(".flag", { hasText: "the lock" }).press("Enter");
    await write(second, "held by worker-1");
    await second.waitForSelector('.flag:has-text("worker-1")');
    await first.locator(".flag").press("Enter");
    await write(first, "held by worker-2");
    await first.waitForSelector("#note .complaint:not(:empty)");
    assert.match(await first.locator("#note .complaint").innerText(), /meanwhile.*held by worker-1/s);
    assert.equal(await first.locator("#note-text").inputValue(), "held by worker-2");
    assert.deepEqual(await axe(first), []);
    await first.keyboard.press("Control+Enter");
    await first.waitForSelector("#note:not([open])", { state: "attached" });
    assert.deepEqual(await first.locator(".flag").allInnerTexts(), [
        "⚑ held by worker-2",
        "⚑ <b>and</b> here",
    ]);
    assert.deepEqual(await axe(first), []);

    const third = (await open(test, await view(test, convoy))).page;
    await third.locator("#note-list summary").click();
    assert.match(await third.locator("#note-list").innerText(), /2 notes.*worker-2.*<b>and<\/b> here/s);
    for (let left = 2; left > 0; left--) {
        await third.locator("#note-list").getByText("Edit").first().click();
        await third.locator("#note").getByText("Remove").click();
        await third.waitForFunction((count) => document.querySelectorAll(".flag").length < count, left);
    }
    for (const { troubles } of pages) {
        assert.deepEqual(
            troubles.filter((one) => !/status of 409/.test(one)),
            [],
        );
    }
});

test("a note that is saved twice at once is there once, and notes that cannot be read are told of", async (test) => {
    const { page } = await open(test, await view(test, convoy));
    await page.keyboard.press("n");
    await page.locator("#note-text").fill("once");
    await page.locator("#note-text").evaluate((area) => {
        for (let i = 0; i < 2; i++) {
            area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true }));
        }
    });
    await page.waitForSelector("#note:not([open])", { state: "attached" });
    const { notes, place } = await page.evaluate(() => fetch("api/notes").then((answer) => answer.json()));
    assert.deepEqual(
        notes.map(({ text }) => text),
        ["once"],
    );
    writeFileSync(place, "damaged");
    test.after(() => rmSync(place));
    await page.reload();
    await page.waitForSelector("#trouble:not([hidden])");
    assert.match(await page.locator("#trouble").innerText(), /notes\.json is damaged/);
});

test("two recordings are seen together, and what changed is told", async (test) => {
    const cured = join(folder, "cured.data");
    await run(CTRACE, ["record", "-o", cured, join(EXAMPLES, "convoy_cured")]);
    const { page, troubles } = await open(test, await view(test, convoy, cured));
    await page.waitForSelector('#beside-plot[data-whole="true"]');
    assert.match(await page.locator("#beside").innerText(), /cured\.data.*convoy_cured.*worker-/s);

    // Both move as one, and end where the longer one does.
    const [one, other] = await page.evaluate(() =>
        Promise.all([0, 1].map((r) => fetch(`api/overview?r=${r}`).then((answer) => answer.json()))),
    );
    const longest = Math.max(...[one, other].map(({ lives }) => lives.to - lives.from));
    await page.keyboard.press("f");
    await page.waitForFunction((length_ns) => {
        const words = new URLSearchParams(location.hash.slice(1));
        const shown_ns = Number(words.get("to")) - Number(words.get("from"));
        return shown_ns > length_ns && shown_ns < 1.1 * length_ns;
    }, longest);

    await page.keyboard.press("m");
    await page.locator('[aria-label="Compare with"]').selectOption("1:");
    await page.waitForSelector("#panel .flame");
    const told = await page.locator("#panel").innerText();
    assert.match(told, /What changed, by state/);
    assert.match(told, /pthread_mutex_lock, in serve_page\s+[\d.]+ m?s\s+0 ns\s+\+[\d.]+ m?s, new/);
    assert.match(told, /only there.*the same.*only here/s);
    await page.locator("canvas.flame").hover({ position: { x: 50, y: 5 } });
    assert.match(await page.locator("#panel").innerText(), /all: here [\d.,]+ m?s, there [\d.,]+ m?s: [+−]/);
    assert.deepEqual(await axe(page), []);
    const link = page.url();
    await page.goto("about:blank");
    await page.goto(link);
    await page.waitForSelector("#panel .flame");
    assert.match(await page.locator("#panel").innerText(), /What changed, by state/);

    // A click there asks that recording.
    await page.waitForSelector("#findings-list:not([aria-busy])");
    await page.waitForSelector('#beside-plot[data-whole="true"]');
    await page.keyboard.press("Escape");
    const row = page.locator("#beside .label.thread", { hasText: "convoy_cured" }).first();
    await row.locator(".pin").click();
    await page.waitForSelector("#beside .label.header >> text=Pinned");
    await page.waitForSelector('#beside-plot[data-whole="true"]');
    const [box, plot] = [await row.boundingBox(), await page.locator("#beside-plot").boundingBox()];
    const [x, y] = [plot.x + plot.width / 4, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.waitForSelector("#tip:not([hidden])");
    assert.match(await page.locator("#tip").innerText(), /convoy_cured.*longest here: sync/s);
    await page.mouse.click(x, y);
    await page.waitForFunction(() => location.hash.includes("r=1"));
    await page.waitForSelector("#labels .label.header >> text=Pinned");
    await page.waitForSelector("#panel .facts");
    assert.match(await page.locator("#program").innerText(), /convoy_cured/);
    assert.match(await page.locator("#beside-title").innerText(), /convoy\.data/);
    assert.deepEqual(troubles, []);
});

test("a stretch is compared with one that was kept", async (test) => {
    const { page, troubles } = await open(test, await view(test, convoy));
    const { lives } = await page.evaluate(() => fetch("api/overview").then((answer) => answer.json()));
    const half = Math.round((lives.from + lives.to) / 2);
    const sumUp = (from, to) =>
        page.evaluate((area) => {
            const words = new URLSearchParams(location.hash.slice(1));
            words.set("area", area);
            history.pushState(null, "", `#${words}`);
            dispatchEvent(new PopStateEvent("popstate"));
        }, `${from}-${to}`);
    await sumUp(lives.from, half);
    await page.getByText("Compare others with it").click();
    await sumUp(half, lives.to);
    await page.waitForFunction(() => /second|What changed/.test(document.getElementById("panel").innerText));
    const areas = await page.evaluate(
        (ends) => Promise.all(ends.map((q) => fetch(`api/area?${q}`).then((answer) => answer.json()))),
        [`from=${half}&to=${lives.to}`, `from=${lives.from}&to=${half}`],
    );
    const cells = page.locator('[aria-label="Change by state"] tbody tr', { hasText: "sync" }).locator("td");
    const { duration } = await import(join(process.env.CTRACE_PAGE, "format.js"));
    assert.deepEqual(
        (await cells.allInnerTexts()).slice(1, 3),
        areas.map((area) => duration(area.ns[3])),
    );
    assert.deepEqual(troubles, []);
});

test("requests are rows: who asked, how long, and who served it", async (test) => {
    const slow = join(folder, "slow.data");
    await run(CTRACE, ["record", "-o", slow, join(EXAMPLES, "slow_peer")]);
    const { page, troubles } = await open(test, await view(test, slow));
    const { overview, slowest } = await page.evaluate(async () => {
        const [overview, report] = await Promise.all(
            ["overview", "findings"].map((what) => fetch(`api/${what}`).then((answer) => answer.json())),
        );
        return { overview, slowest: report.slowest_requests[0] };
    });
    await page.locator(".label.request").first().click();
    await page.waitForSelector("#panel .flame");
    const told = await page.locator("#panel .part", { hasText: "The request" }).innerText();
    assert.ok(told.includes(`${slowest.client} asked ${slowest.server}`), told);
    assert.ok(told.includes(`served by ${slowest.reader} ${slowest.reader_tid}`), told);
    const [, from, to, lanes] = /^(\d+)-(\d+)@(.*)$/.exec(windowOf(page).words.get("area"));
    assert.equal(Number(to) - Number(from), Number(slowest.duration_ns));
    assert.equal(Number(from), slowest.begin_ns - Number(overview.begin_ns));
    const served = overview.threads.filter((thread) =>
        [slowest.reader_tid, slowest.writer_tid].includes(thread.tid),
    );
    assert.deepEqual(
        lanes.split(",").sort(),
        served.map((thread) => thread.lane),
    );
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(troubles, []);
});

test("wheel and drag zoom and move, and the picture follows", async (test) => {
    const { page, troubles } = await open(test, await view(test, convoy));
    const whole = windowOf(page);
    const plot = await page.locator("#plot").boundingBox();
    await page.mouse.move(plot.x + 300, plot.y + 60);
    for (let i = 0; i < 8; i++) {
        await page.mouse.wheel(0, -200);
    }
    await page.waitForFunction((length) => {
        const words = new URLSearchParams(location.hash.slice(1));
        return Number(words.get("to")) - Number(words.get("from")) < length / 30;
    }, whole.to - whole.from);
    await atRest(page);
    const near = windowOf(page);
    await page.mouse.down();
    await page.mouse.move(plot.x + 100, plot.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.waitForFunction(
        (from) => Number(new URLSearchParams(location.hash.slice(1)).get("from")) > from,
        near.from,
    );
    assert.ok(
        Math.abs(windowOf(page).to - windowOf(page).from - (near.to - near.from)) < 10,
        "a drag keeps the scale",
    );
    await page.keyboard.press("z");
    await page.waitForFunction((from) => location.hash.includes(`from=${from}&`), near.from);
    assert.deepEqual(troubles, []);
});

test("a stretch's profile is one that go tool pprof reads, and says the same", async (test) => {
    const { page, troubles } = await open(test, await view(test, convoy));
    const axis = await page.locator("#axis-plot").boundingBox();
    await page.mouse.move(axis.x + 100, axis.y + 10);
    await page.mouse.down();
    await page.mouse.move(axis.x + 500, axis.y + 10, { steps: 3 });
    await page.mouse.up();
    await page.waitForSelector("#panel a.download");
    const coming = page.waitForEvent("download");
    await page.getByText("Profile of sync waits").click();
    const file = join(folder, "sync.pb.gz");
    await (await coming).saveAs(file);
    const top = await run("go", ["tool", "pprof", "-top", file], { env: { ...process.env, HOME: folder } });
    assert.match(top, /serve_page/);
    assert.deepEqual(troubles, []);
});

test("tables and SQL answer", async (test) => {
    const { page, troubles } = await open(test, await view(test, convoy));
    await page.locator('[data-tab="tables"]').click();
    await page.waitForSelector("#tables-tab table");
    await page.locator("#tables-tab input").fill("worker-3");
    assert.equal(await page.locator("#tables-tab tbody tr").count(), 1);
    await page.getByText("Copy as CSV").click();
    await page.waitForFunction(() => document.body.innerText.includes("copied 1 rows"));
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^Thread,Tid,.*\r\nworker-3,/s);
    await page.locator('[data-tab="sql"]').click();
    await page.locator("#sql").fill("SELECT thread FROM threads WHERE thread = 'worker-4'");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("#sql-tab td");
    assert.match(await page.locator("#sql-tab tbody").innerText(), /worker-4/);
    await page.locator("#sql").fill("SELECT nonsense");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("#sql-tab .complaint");
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(
        troubles.filter((one) => !/status of 4\d\d/.test(one)),
        [],
    );
});
