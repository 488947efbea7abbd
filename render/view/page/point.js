/** What lies at a point of the timeline. */

import { indexAt } from "./rows.js";
import { momentAt } from "./scale.js";
import { TILE_COLUMNS } from "./tiles.js";

/**
 * What has rows, and tiles of them.
 * @typedef {object} Timeline
 * @property {import("./rows.js").Row[]} rows
 * @property {import("./plot.js").Frame | null} frame
 * @property {import("./tiles.js").Tiles} tiles
 * @property {import("./scale.js").Scale} scale
 * @property {HTMLElement} scroller
 */

/**
 * @typedef {object} Column what is known of a row at a moment
 * @property {number[]} ns by state
 * @property {number} column_ns
 * @property {number} begin_ns of the longest interval there
 * @property {number} end_ns
 * @property {number} state of it
 * @property {number} thread whose it is
 */

/**
 * @param {Timeline} timeline
 * @param {import("./rows.js").Row} row
 * @param {number} moment
 * @returns {Column | null}
 */
export function columnAt(timeline, row, moment) {
    const level = timeline.frame?.level ?? 0;
    const column = Math.floor(moment / 2 ** level);
    const columns = timeline.tiles.get(row.lane, level, Math.floor(column / TILE_COLUMNS))?.columns;
    if (!columns) {
        return null;
    }
    const i = column % TILE_COLUMNS;
    return {
        ns: columns.ns.map((values) => values[i] ?? 0),
        column_ns: 2 ** level,
        begin_ns: columns.begin_ns[i] ?? Number.NaN,
        end_ns: columns.end_ns[i] ?? Number.NaN,
        state: columns.state[i] ?? 0,
        thread: columns.thread[i] ?? Number.NaN,
    };
}

/**
 * @param {Timeline} timeline
 * @param {number} x
 * @param {number} y from the top of what is visible
 * @returns {{row: import("./rows.js").Row, moment: number, ref: import("./types.js").Ref | null} | null}
 */
export function placeAt(timeline, x, y) {
    const row = timeline.rows[indexAt(timeline.rows, y + timeline.scroller.scrollTop)];
    if (!row || y + timeline.scroller.scrollTop > row.y + row.height) {
        return null;
    }
    const moment = Math.max(0, momentAt(timeline.scale, x));
    return { row, moment, ref: row.sort === "header" ? null : refAt(timeline, row, moment) };
}

/**
 * The interval that one means: the one at the moment if it can be seen, else the longest there.
 * @param {Timeline} timeline
 * @param {import("./rows.js").Row} row
 * @param {number} moment
 * @returns {import("./types.js").Ref | null}
 */
export function refAt(timeline, row, moment) {
    const column = columnAt(timeline, row, moment);
    const isThread = row.sort === "thread";
    if (!column || Number.isNaN(column.begin_ns)) {
        return isThread ? { lane: row.lane, at: Math.floor(moment) } : null;
    }
    const lane = isThread ? row.lane : `t${column.thread}`;
    const isThere = column.begin_ns <= moment && moment < column.end_ns;
    const isSmall = column.end_ns - column.begin_ns < 3 * column.column_ns;
    if (isThread && !isThere && !isSmall) {
        return { lane, at: Math.floor(moment) };
    }
    return { lane, at: isThere ? Math.floor(moment) : column.begin_ns };
}
