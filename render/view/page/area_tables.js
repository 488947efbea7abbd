/** The tables of a stretch of time: its longest waits, who, where, and on what. */

import { button } from "./dom.js";
import { count, duration, shortOf } from "./format.js";
import { part, placeOf } from "./pieces.js";
import { tableOf } from "./table.js";

/** @typedef {import("./types.js").Area} Area */

/**
 * @template T
 * @param {string} title
 * @param {(row: T) => number} nsOf
 * @returns {import("./table.js").Column<T>}
 */
function timeColumn(title, nsOf) {
    return {
        title,
        value: nsOf,
        show: (row) => (nsOf(row) > 0 ? duration(nsOf(row)) : ""),
        isNumber: true,
    };
}

/**
 * @template {{waits: number}} T
 * @returns {import("./table.js").Column<T>}
 */
function waitsColumn() {
    return { title: "Waits", value: (row) => row.waits, show: (row) => count(row.waits), isNumber: true };
}

/**
 * @param {import("./app.js").App} app
 * @param {Area} area
 */
export function longestOf(app, area) {
    /** @type {import("./table.js").Column<Area["longest"][number]>[]} */
    const columns = [
        timeColumn("Length", (row) => row.to - row.from),
        { title: "Thread", value: (row) => app.nameOf(row.lane) },
        {
            title: "What",
            value: (row) => row.text,
            show: (row) =>
                button(
                    shortOf(row.text) || "wait",
                    () => app.show({ chosen: `${row.lane}@${row.from}`, area: "" }),
                    { class: "link" },
                ),
        },
    ];
    return part("Longest", tableOf("Longest intervals", area.longest, columns, { isSmall: true }));
}

/**
 * @param {import("./app.js").App} app
 * @param {Area} area
 * @param {(lane: string) => void} reveal
 */
export function threadsOf(app, area, reveal) {
    const nameOf = (/** @type {Area["threads"][number]} */ row) => row.name || app.nameOf(row.lane);
    /** @type {import("./table.js").Column<Area["threads"][number]>[]} */
    const columns = [
        {
            title: "Thread",
            value: nameOf,
            show: (row) => button(nameOf(row), () => reveal(row.lane), { class: "link" }),
        },
        waitsColumn(),
    ];
    app.overview.states.forEach((state, index) => {
        if (area.threads.some((row) => (row.ns[index] ?? 0) > 0)) {
            columns.push(timeColumn(state.name, (row) => row.ns[index] ?? 0));
        }
    });
    return part("Threads", tableOf("Threads in this stretch", area.threads, columns));
}

/** @param {Area} area */
export function placesOf(area) {
    /** @type {import("./table.js").Column<Area["places"][number]>[]} */
    const columns = [
        timeColumn("Time", (row) => row.ns),
        waitsColumn(),
        { title: "Function", value: (row) => row.function },
        { title: "Line", value: (row) => placeOf(row) },
        { title: "By", value: (row) => row.op },
    ];
    return part("Places", tableOf("Places where was waited", area.places, columns, { isSmall: true }));
}

/** @param {Area} area */
export function objectsOf(area) {
    /** @type {import("./table.js").Column<Area["objects"][number]>[]} */
    const columns = [
        timeColumn("Time", (row) => row.ns),
        waitsColumn(),
        { title: "What", value: (row) => row.text, show: (row) => shortOf(row.text) },
    ];
    return part(
        "Locks, descriptors and others",
        tableOf("What was waited for", area.objects, columns, { isSmall: true }),
    );
}
