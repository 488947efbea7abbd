/** Parts of the page that need no browser. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(join(process.env.CTRACE_PAGE, name)));
const COLUMN_NS = 2 ** 20;
const HEIGHT = 100;
const STYLE = {
    height: HEIGHT,
    tick_height: 0,
    full_ns: COLUMN_NS,
    pixels: Uint32Array.from([10, 11, 12, 13, 14, 15, 16, 17]),
    mark: 99,
    hasPatterns: false,
};

globalThis.ImageData = class {
    constructor(width, height) {
        Object.assign(this, { width, height, data: new Uint8ClampedArray(width * height * 4) });
    }
};

/** A tile of one lane, as the server sends it. */
function tileOf(arrays) {
    const count = arrays[0].length;
    const bytes = new ArrayBuffer(32 + 12 * count * 8);
    const head = new DataView(bytes);
    [0x54455643, 1, 1, count].forEach((value, i) => {
        head.setUint32(4 * i, value, true);
    });
    arrays.forEach((values, i) => {
        new Float64Array(bytes, 32 + i * count * 8, count).set(values);
    });
    return bytes;
}

/** How many pixels of a column have each colour. */
function heightsOf(image, x) {
    const pixels = new Uint32Array(image.data.buffer);
    const heights = {};
    for (let y = 0; y < image.height; y++) {
        const colour = pixels[y * image.width + x];
        heights[colour] = (heights[colour] ?? 0) + 1;
    }
    return heights;
}

function columnOf(ns, longest) {
    return [...ns.map((one) => [one * COLUMN_NS]), ...longest.map((one) => [one])];
}

test("a column has the states' shares, in pixels", async () => {
    const { decode, draw } = await load("columns.js");
    const shares = [0.25, 0.1, 0, 0.5, 0, 0, 0, 0];
    const [columns] = decode(tileOf(columnOf(shares, [0, 100, 3, 7])));
    assert.deepEqual(heightsOf(draw(columns, COLUMN_NS, STYLE), 0), { 0: 15, 10: 25, 11: 10, 13: 50 });
    assert.equal(columns.thread[0], 7);
});

test("one long wait among a million short ones has a mark, and a higher one", async () => {
    const { decode, draw } = await load("columns.js");
    const style = { ...STYLE, tick_height: 16 };
    const marks = [1000, 500_000].map((length_ns) => {
        const [columns] = decode(tileOf(columnOf([1, 0, 0, 0, 0, 0, 0, 0], [5, 5 + length_ns, 3, 0])));
        return heightsOf(draw(columns, COLUMN_NS, style), 0)[13] ?? 0;
    });
    assert.ok(marks[0] >= 1 && marks[1] > marks[0] + 3, `${marks}`);
});

test("what is no tile is refused", async () => {
    const { decode } = await load("columns.js");
    const tile = tileOf(columnOf([1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0]));
    assert.throws(() => decode(tile.slice(0, 40)), /reload/);
    new DataView(tile).setUint32(0, 1, true);
    assert.throws(() => decode(tile), /reload/);
    assert.throws(() => decode(new ArrayBuffer(3)), /reload/);
});

test("a view is read from its address as it was written", async () => {
    const { emptyView, readHash, writeHash } = await load("address.js");
    const view = {
        ...emptyView(),
        from: 12,
        to: 3456,
        chosen: "t3@99",
        area: "5-9@t1,k0",
        turned: ["k0", "cpus", "q1"],
        pins: ["o4"],
        marks: "1:5-9",
        base: "1:5-9@t1",
        beside: "2",
        sql: "SELECT '#&=%' FROM x",
    };
    assert.deepEqual({ ...emptyView(), ...readHash(writeHash(view)) }, view);
    for (const hash of ["", "#from=9&to=5", "#from=-1&to=x&pins=<b>,t99&r=-4", "#%E0%A4%A"]) {
        const read = readHash(hash);
        assert.ok(read.from === undefined && (read.pins ?? []).every((lane) => /^t\d+$/.test(lane)), hash);
    }
});

test("what changed is what either has, the most first", async () => {
    const { changesOf, colourOfChange, changeInWords, readBase } = await load("compare.js");
    const rows = (...pairs) => pairs.map(([name, ns]) => ({ name, ns }));
    const changes = changesOf(
        rows(["a", 10], ["b", 5], ["c", 0]),
        rows(["b", 2], ["d", 20], ["b", 1]),
        (row) => row.name,
        (row) => row.ns,
        2,
    );
    assert.deepEqual(
        changes.map(({ name, now_ns, base_ns }) => [name, now_ns, base_ns]),
        [
            ["d", 0, 40],
            ["a", 10, 0],
            ["b", 5, 6],
        ],
    );
    assert.equal(changeInWords(3e9, 1e9), "+2.00 s, 3.00 times");
    assert.equal(changeInWords(0, 1e9), "−1.00 s, gone");
    assert.notEqual(colourOfChange(5, 1, false).fill, colourOfChange(1, 5, false).fill);
    assert.deepEqual(readBase("1:5-9@t1"), { recording: 1, area: "5-9@t1" });
    assert.deepEqual(
        ["", "x", "1:9-5", "1:<b>", "100:"].map((text) => readBase(text)),
        [null, null, null, null, null],
    );
});

test("a flame graph of two has what either has, and loses no time", async () => {
    globalThis.document ??= {};
    const { merged, inverted } = await load("flame.js");
    const frame = (name) => ({ function: name, file: `/${name}.c`, line: 1 });
    const now = {
        frames: [frame("main"), frame("lock"), frame("read")],
        nodes: [
            [-1, -1, 0, 9, 9],
            [0, 0, 1, 9, 9],
            [1, 1, 8, 8, 5],
        ],
    };
    const base = {
        frames: [frame("read"), frame("main"), frame("lock")],
        nodes: [
            [-1, -1, 0, 10, 1],
            [0, 1, 0, 10, 1],
            [1, 0, 7, 7, 1],
            [1, 2, 3, 3, 1],
        ],
    };
    const { frames, root } = merged(now, base, 2);
    const say = (node) =>
        `${frames[node.frame]?.function ?? "all"} ${node.total_ns}/${node.base_ns}` +
        (node.children.length > 0 ? ` (${node.children.map(say).join(", ")})` : "");
    assert.equal(say(root), "all 9/20 (main 9/20 (lock 8/6, read 0/14))");
    const leaves = inverted(root).children.map(say).sort();
    assert.deepEqual(leaves, ["lock 8/6 (main 8/6)", "main 1/0", "read 0/14 (main 0/14)"]);
});

test("a function that others call in another recording is one from the leaves on, too", async () => {
    globalThis.document ??= {};
    const { merged, inverted } = await load("flame.js");
    const called = (caller, ns) => ({
        frames: [{ function: caller }, { function: "lock" }],
        nodes: [
            [-1, -1, 0, ns, 1],
            [0, 0, 0, ns, 1],
            [1, 1, ns, ns, 1],
        ],
    });
    const { frames, root } = merged(called("new_way", 4), called("old_way", 6), 1);
    const leaves = inverted(root).children;
    assert.deepEqual(
        leaves.map((leaf) => [frames[leaf.frame].function, leaf.total_ns, leaf.base_ns]),
        [["lock", 4, 6]],
    );
});

test("requests that found no row are not among those that are shown", async () => {
    const { servedOf } = await load("requests.js");
    const slowest_requests = Array.from({ length: 8 }, (_, i) => ({
        server: "127.0.0.1:80",
        begin_ns: 10,
        duration_ns: 100 + i,
        parts: [],
    }));
    const report = { slowest_requests, servers: [{ server: "127.0.0.1:80", requests: 90 }] };
    const [served] = servedOf(report, { begin_ns: "0", threads: [] });
    assert.equal(served.rows.length, 6);
    assert.equal(served.detail, "6 of the 8 slowest of 90 requests");
});

test("times and names read well", async () => {
    const { duration, moment, parseTime, safe, share, shortOf } = await load("format.js");
    const times = [0, 7, 999, 1000, 12_345, 999_600, 29_600_000, 1.25e9, 7.5e12];
    const words = ["0 ns", "7 ns", "999 ns", "1.00 us", "12.3 us", "1.00 ms", "29.6 ms", "1.25 s", "7,500 s"];
    assert.deepEqual(times.map(duration), words);
    assert.equal(moment(4_690_000_000, 2_000_000), "4.690 s");
    assert.deepEqual(
        ["1.5s", "50%", "3 us", "x"].map((text) => parseTime(text, 10)),
        [1.5e9, 5, 3000, null],
    );
    assert.equal(share(1, 1e9), "< 0.1 %");
    assert.equal(safe("a\u202eb\nc"), "a\\u{202e}b\\u{a}c");
    assert.equal(safe("x".repeat(5000)).length, 241);
    assert.equal(shortOf("mutex 0x55e2 (queue_lock)"), "mutex queue_lock");
});

test("finer columns of a file are stretched from coarser ones, and lose nothing", async () => {
    const { emptyTiles, laneOf, stretch } = await load("stretch.js");
    const { bytes, arrays } = emptyTiles(2, 4, 0, 1);
    // 16 ns: 3 in the longest wait, which began before, 4 in others of another state, 9 running.
    arrays[1].set([9, 0, 0, 3, 0, 4, 0, 0, -5, 3, 3, 7]);
    const finer = emptyTiles(1, 0, 0, 16).arrays[0];
    for (let i = 0; i < 16; i++) {
        const coarse = { numbers: laneOf(bytes, 1, 1), index: 0, begin_ns: 0, length_ns: 16 };
        stretch(coarse, { numbers: finer, index: i, begin_ns: i, length_ns: 1 }, true);
    }
    const row = (array) => [...finer.subarray(array * 16, (array + 1) * 16)];
    const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);
    assert.deepEqual(row(3).slice(0, 5), [1, 1, 1, 0, 0]);
    assert.deepEqual(row(8).slice(1, 4), [-5, -5, Number.NaN]);
    for (const [state, ns] of [9, 0, 0, 3, 0, 4].entries()) {
        assert.ok(Math.abs(sum(row(state)) - ns) < 1e-9, `state ${state}`);
    }
    for (let i = 0; i < 16; i++) {
        assert.ok(Math.abs(sum([0, 3, 5].map((state) => row(state)[i])) - 1) < 1e-9, `column ${i}`);
    }
});
