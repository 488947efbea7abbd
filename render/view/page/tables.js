/** The tables of the report: threads, locks, places, calls, peers, requests. */

import { button, byId, el, fill } from "./dom.js";
import { count, duration } from "./format.js";
import { placeOf } from "./pieces.js";
import { reportOf } from "./report.js";
import { tableOf } from "./table.js";

/** @typedef {Record<string, any>} Entry */
/** @typedef {import("./table.js").Column<Entry>} Column */

/**
 * @param {string} title
 * @param {string} member
 * @returns {Column}
 */
const text = (title, member) => ({ title, value: (row) => row[member] });

/**
 * @param {string} title
 * @param {string} member
 * @returns {Column}
 */
const number = (title, member) => ({
    title,
    value: (row) => Number(row[member] ?? 0),
    show: (row) => count(Number(row[member] ?? 0)),
    isNumber: true,
});

/**
 * @param {string} title
 * @param {(row: Entry) => unknown} of
 * @returns {Column}
 */
const time = (title, of) => ({
    title,
    value: (row) => Number(of(row) ?? 0),
    show: (row) => (of(row) === undefined ? "" : duration(Number(of(row)))),
    isNumber: true,
});

/** @param {Entry} row */
const innermost = (row) => row["stack"]?.[0] ?? { function: "" };

/** @type {Column[]} */
const WHERE = [
    { title: "Function", value: (row) => innermost(row).function },
    { title: "Line", value: (row) => placeOf(innermost(row)) },
];

/** @type {Column[]} */
const PERCENTILES = [
    time("Total", (row) => row["total_ns"]),
    time("Median", (row) => row["p50_ns"]),
    time("p90", (row) => row["p90_ns"]),
    time("p99", (row) => row["p99_ns"]),
    time("Longest", (row) => row["longest_ns"]),
];

const STATES = ["running", "runnable", "net", "sync", "syscall", "sleep", "other", "unknown"];

/** @type {{name: string, title: string, member: string, sortBy: number, columns: Column[]}[]} */
const TABLES = [
    {
        name: "threads",
        title: "Threads",
        member: "threads",
        sortBy: 3,
        columns: [
            text("Thread", "name"),
            { title: "Tid", value: (row) => row["tid"], show: (row) => String(row["tid"]), isNumber: true },
            number("Waits", "waits"),
            time("Lifetime", (row) => row["end_ns"] - row["start_ns"]),
            ...STATES.map((state) => time(state, (row) => row["time_ns"]?.[state])),
        ],
    },
    {
        name: "locks",
        title: "Locks",
        member: "locks",
        sortBy: 2,
        columns: [
            text("Lock", "object"),
            number("Waits", "count"),
            time("Total", (row) => row["total_ns"]),
            time("Longest", (row) => row["longest_ns"]),
            number("Threads", "threads"),
            number("Longest queue", "longest_queue"),
            time("Longest hold", (row) => row["longest_known_hold_ns"]),
            time("Holder running", (row) => row["meanwhile_ns"]?.running),
            time("Holder in line for a CPU", (row) => row["meanwhile_ns"]?.runnable),
            time("Holder waiting", (row) => row["meanwhile_ns"]?.waiting),
        ],
    },
    {
        name: "places",
        title: "Places",
        member: "sites",
        sortBy: 1,
        columns: [
            number("Waits", "count"),
            time("Total", (row) => row["total_ns"]),
            time("Longest", (row) => row["longest_ns"]),
            text("Class", "class"),
            text("Operation", "operation"),
            text("On", "object"),
            ...WHERE,
        ],
    },
    {
        name: "longest",
        title: "Longest waits",
        member: "longest_waits",
        sortBy: 0,
        columns: [
            time("Length", (row) => row["duration_ns"]),
            text("Thread", "thread"),
            text("Operation", "operation"),
            text("On", "object"),
            ...WHERE,
        ],
    },
    {
        name: "calls",
        title: "Calls",
        member: "calls",
        sortBy: 2,
        columns: [
            text("Operation", "operation"),
            number("Calls", "calls"),
            time("Total", (row) => row["total_ns"]),
            time("Median", (row) => row["p50_ns"]),
            time("p99", (row) => row["p99_ns"]),
        ],
    },
    {
        name: "peers",
        title: "Peers",
        member: "peers",
        sortBy: 3,
        columns: [text("Peer", "peer"), text("By", "process"), number("Answers", "answers"), ...PERCENTILES],
    },
    {
        name: "servers",
        title: "Requests",
        member: "servers",
        sortBy: 3,
        columns: [
            text("Served at", "server"),
            text("By", "process"),
            number("Requests", "requests"),
            ...PERCENTILES,
        ],
    },
    {
        name: "slowest",
        title: "Slowest requests",
        member: "slowest_requests",
        sortBy: 0,
        columns: [
            time("Length", (row) => row["duration_ns"]),
            text("Served at", "server"),
            text("Client", "client"),
            text("Read by", "reader"),
            text("Answered by", "writer"),
            time("Unread for", (row) => row["unread_ns"]),
        ],
    },
];

export class Tables {
    /** @param {import("./app.js").App} app */
    constructor(app) {
        this.app = app;
        this.box = byId("tables-tab");
        /** @type {Record<string, Entry[]> | null} */
        this.report = null;
        this.isLoading = false;
        app.on("tab", () => this.show());
        app.on("view", () => this.report && this.#isOld() && this.show());
        this.shown = "";
    }

    #isOld() {
        return this.app.view.tab === "tables" && this.shown !== this.app.view.table;
    }

    async show() {
        if (this.app.view.tab !== "tables") {
            return;
        }
        if (!this.report) {
            if (this.isLoading) {
                return;
            }
            this.isLoading = true;
            fill(this.box, el("p", { class: "quiet" }, "Reading the recording …"));
            try {
                this.report = await reportOf(this.app.view.recording);
            } catch (error) {
                fill(
                    this.box,
                    el("h2", {}, "There are no tables"),
                    el("p", {}, String(/** @type {Error} */ (error).message)),
                );
            }
            this.isLoading = false;
        }
        if (this.report) {
            this.#draw(this.report);
        }
    }

    /** @param {Record<string, Entry[]>} report */
    #draw(report) {
        const there = TABLES.filter((table) => (report[table.member] ?? []).length > 0);
        const chosen = there.find((table) => table.name === this.app.view.table) ?? there[0];
        this.shown = this.app.view.table;
        if (!chosen) {
            fill(this.box, el("p", { class: "quiet" }, "Nothing was recorded that a table could show."));
            return;
        }
        const choice = there.map((table) =>
            button(
                `${table.title} ${count((report[table.member] ?? []).length)}`,
                () => this.app.show({ table: table.name }),
                {
                    "aria-pressed": String(table === chosen),
                },
            ),
        );
        fill(
            this.box,
            el("div", { class: "row-of-buttons", role: "group", "aria-label": "Which table" }, ...choice),
            el("h2", {}, chosen.title),
            tableOf(
                chosen.title,
                report[chosen.member] ?? [],
                usedColumns(chosen.columns, report[chosen.member] ?? []),
                {
                    sortBy: chosen.sortBy,
                },
            ),
        );
    }
}

/**
 * Columns of states in which nothing ever was would only be in the way; the others stay where they are.
 * @param {Column[]} columns
 * @param {Entry[]} rows
 */
function usedColumns(columns, rows) {
    return columns.filter(
        (column) => !STATES.includes(column.title) || rows.some((row) => Number(column.value(row)) > 0),
    );
}
