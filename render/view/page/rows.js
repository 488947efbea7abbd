/** Which rows there are, from top to bottom: processes with their threads, CPUs, and what was waited for. */

/**
 * @typedef {object} Row
 * @property {string} lane what it shows; of a header the group that it opens and closes
 * @property {"header" | "kind" | "thread" | "request" | "cpu" | "thing"} sort
 * @property {string} name
 * @property {string} detail
 * @property {string} [title] more than the name, if that is short for it
 * @property {number} [state] whose colour it has, where it has but one
 * @property {boolean} [isOpen] of headers and kinds
 * @property {boolean} [isInside] of a kind that is open
 * @property {import("./requests.js").Request[]} [requests] of a row of requests
 * @property {number} y
 * @property {number} height
 * @property {number} full how many there may be in a column: the height stands for that
 */

import { count, plural, shortOf } from "./format.js";

export const HEIGHTS = { header: 26, kind: 30, thread: 30, request: 21, cpu: 18, thing: 24 };

/** With more rows than this, kinds of threads are one row each at first. */
const ROWS_AT_FIRST = 24;
const THINGS_AT_FIRST = 6;
const QUIET_AT_LEAST = 3;
const QUIET_WAITS = 6;
const SHORT_AT_LEAST = 4;
const SHORT_SHARE = 0.1;
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
    addProcesses(app, rows);
    addRequests(app, rows);
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
    const thing = app.overview.objects.find((one) => one.lane === lane);
    if (thing) {
        return row("thing", lane, shortOf(thing.text), "", { title: thing.text, state: thing.state });
    }
    return row("cpu", lane, app.nameOf(lane), "");
}

/**
 * Those that lived through little of the run are one row at first, if there are many.
 * @param {App} app
 * @param {Row[]} rows
 */
function addProcesses(app, rows) {
    const { processes, threads, lives } = app.overview;
    /** @type {Map<number, import("./types.js").Thread[]>} */
    const byProcess = new Map(processes.map((_, number) => [number, []]));
    for (const thread of threads) {
        byProcess.get(thread.process)?.push(thread);
    }
    const kinds = kindsOf(app);
    const there = [...byProcess].filter(([, own]) => own.length > 0);
    const short = new Set(there.filter(([, own]) => isShort(own, lives)).map(([number]) => number));
    const isFolded = short.size >= SHORT_AT_LEAST && short.size < there.length;
    for (const [number, own] of there) {
        if (!isFolded || !short.has(number)) {
            addProcess(app, rows, number, own, kinds);
        }
    }
    if (!isFolded) {
        return;
    }
    const open = isOpen(app, "short", false);
    const names = [...new Set([...short].map((number) => processes[number]?.name ?? ""))].join(", ");
    const title = `${count(short.size)} processes that did not live long`;
    rows.push(row("header", "short", title, names, { isOpen: open }));
    for (const [number, own] of open ? there : []) {
        if (short.has(number)) {
            addProcess(app, rows, number, own, kinds);
        }
    }
}

/**
 * @param {import("./types.js").Thread[]} threads
 * @param {import("./types.js").Span} lives
 */
function isShort(threads, lives) {
    return threads.every((thread) => thread.to - thread.from < SHORT_SHARE * (lives.to - lives.from));
}

/**
 * Kinds by the numbers of their threads; only those whose threads are all of one process.
 * @param {App} app
 * @returns {Map<number, import("./types.js").Kind>}
 */
function kindsOf(app) {
    const { kinds } = app.overview;
    const ofOne = kinds.filter(
        (kind) => new Set(kind.threads.map((thread) => app.threads.get(`t${thread}`)?.process)).size === 1,
    );
    return new Map(
        ofOne.flatMap((kind) => kind.threads.map((thread) => /** @type {const} */ ([thread, kind]))),
    );
}

/**
 * @param {App} app
 * @param {Row[]} rows
 * @param {number} number
 * @param {import("./types.js").Thread[]} threads
 * @param {Map<number, import("./types.js").Kind>} kinds by the number of a thread
 */
function addProcess(app, rows, number, threads, kinds) {
    const process = app.overview.processes[number];
    const name = process?.name ?? "";
    const group = `p${number}`;
    const open = isOpen(app, group, true);
    const detail = `${process?.pid ?? ""}   ${plural(threads.length, "thread")}   ${process?.title ?? ""}`;
    rows.push(row("header", group, name, detail, { isOpen: open }));
    if (!open) {
        return;
    }
    const shown = new Set();
    const quiet = new Set(
        threads.filter((thread) => !kinds.has(numberOf(thread)) && isQuiet(thread, process)),
    );
    const isFolded = quiet.size >= QUIET_AT_LEAST;
    for (const thread of threads) {
        if (isFolded && quiet.has(thread)) {
            continue;
        }
        const kind = kinds.get(numberOf(thread));
        if (!kind) {
            rows.push(row("thread", thread.lane, thread.name, String(thread.tid)));
        } else if (!shown.has(kind)) {
            shown.add(kind);
            addKind(app, rows, kind);
        }
    }
    if (isFolded) {
        addQuiet(app, rows, number, [...quiet]);
    }
}

/** @param {import("./types.js").Thread} thread */
function numberOf(thread) {
    return Number(thread.lane.slice(1));
}

/**
 * Did nothing but wait, once or twice: such threads say little, and would take most of the room. But
 * one that waits for what cannot end is what one looks for.
 * @param {import("./types.js").Thread} thread
 * @param {import("./types.js").Process | undefined} process
 */
function isQuiet(thread, process) {
    const active_ns = (thread.ns[0] ?? 0) + (thread.ns[1] ?? 0);
    const isMain = thread.tid === process?.pid;
    return (
        !isMain &&
        !thread.is_hung &&
        thread.waits <= QUIET_WAITS &&
        active_ns < (thread.to - thread.from) / 1000
    );
}

/**
 * @param {App} app
 * @param {Row[]} rows
 * @param {number} number
 * @param {import("./types.js").Thread[]} quiet
 */
function addQuiet(app, rows, number, quiet) {
    const group = `q${number}`;
    const open = isOpen(app, group, false);
    const names = [...new Set(quiet.map((thread) => thread.name))].join(", ");
    rows.push(
        row("header", group, `${plural(quiet.length, "thread")} waited throughout`, names, {
            isOpen: open,
            isInside: true,
        }),
    );
    if (open) {
        rows.push(
            ...quiet.map((thread) =>
                row("thread", thread.lane, thread.name, String(thread.tid), { isInside: true }),
            ),
        );
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
function addRequests(app, rows) {
    app.served.forEach((served, number) => {
        const group = `s${number}`;
        const open = isOpen(app, group, true);
        rows.push(
            row("header", group, "Requests", `at ${served.name}, ${served.detail}`, { isOpen: open }),
            ...(open ? served.rows : []).map((requests, index) =>
                row("request", `${group}r${index}`, index === 0 ? "slowest" : "open at once", "", {
                    requests,
                    title: `Requests at ${served.name}`,
                }),
            ),
        );
    });
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
    const detail = `${of}most time first, idle last; the height is how many wait`;
    rows.push(
        row("header", "things", "Waited for", detail, { isOpen: open }),
        ...shown.map((thing) => rowOfLane(app, thing.lane)),
    );
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
