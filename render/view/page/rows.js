/** Which rows there are, from top to bottom: processes with their threads, CPUs, and what was waited for. */

/**
 * @typedef {object} Row
 * @property {string} lane what it shows; of a header the group that it opens and closes
 * @property {"header" | "kind" | "thread" | "cpu" | "thing"} sort
 * @property {string} name
 * @property {string} detail
 * @property {string} [title] more than the name, if that is short for it
 * @property {boolean} [isOpen] of headers and kinds
 * @property {boolean} [isInside] of a kind that is open
 * @property {number} y
 * @property {number} height
 * @property {number} full how many there may be in a column: the height stands for that
 */

import { count, plural } from "./format.js";

export const HEIGHTS = { header: 26, kind: 30, thread: 30, cpu: 18, thing: 24 };

/** With more rows than this, kinds of threads are one row each at first. */
const ROWS_AT_FIRST = 24;
const THINGS_AT_FIRST = 6;
const CPUS_AT_FIRST = 8;

/** @typedef {import("./app.js").App} App */

/**
 * @param {App} app
 * @returns {Row[]}
 */
export function rowsOf(app) {
    /** @type {Row[]} */
    const rows = [];
    addPins(app, rows);
    const inKinds = new Set(app.overview.kinds.flatMap((kind) => kind.threads));
    app.overview.processes.forEach((process, number) => {
        addProcess(app, rows, number, `${process.name}`, inKinds);
    });
    addCpus(app, rows);
    addThings(app, rows);
    let y = 0;
    for (const row of rows) {
        row.y = y;
        y += row.height;
    }
    return rows;
}

/**
 * @param {Row["sort"]} sort
 * @param {string} lane
 * @param {string} name
 * @param {string} detail
 * @param {Partial<Row>} [more]
 * @returns {Row}
 */
function row(sort, lane, name, detail, more) {
    return { sort, lane, name, detail, y: 0, height: HEIGHTS[sort], full: 1, ...more };
}

/**
 * Groups are open or closed at first, and remember whether they have been turned.
 * @param {App} app
 * @param {string} group
 * @param {boolean} atFirst
 */
function isOpen(app, group, atFirst) {
    return app.view.turned.includes(group) !== atFirst;
}

/**
 * @param {App} app
 * @param {Row[]} rows
 */
function addPins(app, rows) {
    const known = app.view.pins.filter((lane) => app.names.has(lane));
    if (known.length === 0) {
        return;
    }
    rows.push(row("header", "", "Pinned", "", { isOpen: true }));
    for (const lane of known) {
        rows.push(rowOfLane(app, lane));
    }
}

/**
 * @param {App} app
 * @param {string} lane
 */
function rowOfLane(app, lane) {
    const thread = app.threads.get(lane);
    if (thread) {
        return row("thread", lane, thread.name, String(thread.tid));
    }
    const kind = app.overview.kinds.find((one) => one.lane === lane);
    if (kind) {
        return row("kind", lane, kind.name, plural(kind.threads.length, "thread"), {
            full: kind.threads.length,
        });
    }
    return row(lane.startsWith("c") ? "cpu" : "thing", lane, app.nameOf(lane), "");
}

/**
 * @param {App} app
 * @param {Row[]} rows
 * @param {number} number
 * @param {string} name
 * @param {Set<number>} inKinds
 */
function addProcess(app, rows, number, name, inKinds) {
    const { overview } = app;
    const threads = overview.threads.filter((thread) => thread.process === number);
    if (threads.length === 0) {
        return;
    }
    const process = overview.processes[number];
    const group = `p${number}`;
    const open = isOpen(app, group, true);
    const detail = `${process?.pid ?? ""}   ${plural(threads.length, "thread")}   ${process?.title ?? ""}`;
    rows.push(row("header", group, name, detail, { isOpen: open }));
    if (!open) {
        return;
    }
    const shown = new Set();
    for (const thread of threads) {
        const index = Number(thread.lane.slice(1));
        const kind = inKinds.has(index)
            ? overview.kinds.find((one) => one.threads.includes(index))
            : undefined;
        if (!kind) {
            rows.push(row("thread", thread.lane, thread.name, String(thread.tid)));
        } else if (!shown.has(kind)) {
            shown.add(kind);
            addKind(app, rows, kind);
        }
    }
}

/**
 * @param {App} app
 * @param {Row[]} rows
 * @param {import("./types.js").Kind} kind
 */
function addKind(app, rows, kind) {
    const open = isOpen(app, kind.lane, app.overview.threads.length <= ROWS_AT_FIRST);
    const detail = plural(kind.threads.length, "thread");
    rows.push(row("kind", kind.lane, kind.name, detail, { isOpen: open, full: kind.threads.length }));
    if (!open) {
        return;
    }
    for (const index of kind.threads) {
        const thread = app.threads.get(`t${index}`);
        if (thread) {
            rows.push(row("thread", thread.lane, thread.name, String(thread.tid), { isInside: true }));
        }
    }
}

/**
 * @param {App} app
 * @param {Row[]} rows
 */
function addCpus(app, rows) {
    const { cpus } = app.overview;
    if (cpus.length === 0) {
        return;
    }
    const open = isOpen(app, "cpus", cpus.length <= CPUS_AT_FIRST);
    rows.push(
        row("header", "cpus", "CPUs", `${plural(cpus.length, "CPU")} on which the program ran`, {
            isOpen: open,
        }),
    );
    if (open) {
        rows.push(...cpus.map((cpu) => row("cpu", cpu.lane, cpu.name, "")));
    }
}

/**
 * @param {App} app
 * @param {Row[]} rows
 */
function addThings(app, rows) {
    const { objects, object_count } = app.overview;
    const waited = objects.filter((thing) => thing.ns > 0);
    if (waited.length === 0) {
        return;
    }
    const open = isOpen(app, "things", waited.length <= THINGS_AT_FIRST);
    const shown = open ? waited : waited.slice(0, THINGS_AT_FIRST);
    const of = shown.length < object_count ? `${count(shown.length)} of ${count(object_count)}, ` : "";
    rows.push(
        row("header", "things", "Waited for", `${of}most time first; the height is how many wait`, {
            isOpen: open,
        }),
        ...shown.map((thing) => row("thing", thing.lane, shortOf(thing.text), "", { title: thing.text })),
    );
}

/**
 * "mutex queue_lock" of "mutex 0x5555 (queue_lock)": rows have little room.
 * @param {string} text
 */
export function shortOf(text) {
    return text.replace(/^(.*?)(?:0x)?[0-9a-f]+ \((.+)\)$/, "$1$2");
}

/**
 * The row at a height, or the last one above it.
 * @param {Row[]} rows by y
 * @param {number} y
 */
export function indexAt(rows, y) {
    let low = 0;
    let high = rows.length;
    while (low + 1 < high) {
        const middle = (low + high) >> 1;
        if ((rows[middle]?.y ?? 0) <= y) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}
