/** The slowest requests that the program served, as rows of the timeline: who asked, how long, in which threads. */

import { duration, plural, safe, share } from "./format.js";
import { BARS } from "./plot.js";
import { momentOf, reportOf } from "./report.js";
import { momentAt, xOf } from "./scale.js";

/** So many may be open at once before some find no row. */
const ROWS_OF_SERVER = 6;
const WORDS_PX = 60;
const NEAR_PX = 4;

/**
 * @typedef {object} Request
 * @property {number} from
 * @property {number} to
 * @property {string} client
 * @property {string} server
 * @property {string[]} lanes of who read and who answered it
 * @property {string} by their names
 * @property {{words: string, ns: number}[]} parts where the time went
 *
 * @typedef {{name: string, detail: string, rows: Request[][]}} Served at one address
 */

/**
 * @param {import("./types.js").Overview} overview
 * @param {number | undefined} tid
 * @param {number} from
 * @param {number} to
 */
function threadOf(overview, tid, from, to) {
    return overview.threads.find((one) => one.tid === tid && one.from < to && one.to > from);
}

/** @param {Record<string, any>} part */
function wordsOf(part) {
    const { state, peer, behind, operation, object } = part;
    if (state === "calling" && peer) {
        return `for ${peer}`;
    }
    if (state === "queued" && behind) {
        return `behind the one of ${behind}`;
    }
    if (state === "waiting" && operation) {
        return `${operation}${object ? ` on ${object}` : ""}`;
    }
    return state === "either" ? "for this or other requests" : state;
}

/**
 * @param {Record<string, any>} told
 * @param {import("./types.js").Overview} overview
 * @returns {Request}
 */
function requestOf(told, overview) {
    const from = momentOf(told["begin_ns"], overview);
    const to = from + Number(told["duration_ns"]);
    const threads = [told["reader_tid"], told["writer_tid"]].map((tid) => threadOf(overview, tid, from, to));
    const known = [...new Set(threads)].filter((thread) => thread !== undefined);
    return {
        from,
        to,
        client: told["client"] || "an unknown client",
        server: told["server"] || "an unknown address",
        lanes: known.map((thread) => thread.lane),
        by: known.map((thread) => `${thread.name} ${thread.tid}`).join(", then "),
        parts: told["parts"].map((/** @type {Record<string, any>} */ part) => ({
            words: wordsOf(part),
            ns: Number(part["total_ns"]),
        })),
    };
}

/**
 * @param {import("./report.js").Report} report
 * @param {import("./types.js").Overview} overview
 * @returns {Served[]}
 */
export function servedOf(report, overview) {
    /** @type {Map<string, Request[]>} */
    const byServer = new Map();
    for (const told of report["slowest_requests"] ?? []) {
        const request = requestOf(told, overview);
        byServer.set(request.server, [...(byServer.get(request.server) ?? []), request]);
    }
    return [...byServer].map(([name, requests]) => {
        const all = (report["servers"] ?? []).find(
            (/** @type {Record<string, any>} */ one) => one["server"] === name,
        );
        const of = all ? ` of ${plural(Number(all["requests"]), "request")}` : "";
        const rows = packed(requests);
        const shown = rows.flat().length;
        const some = shown < requests.length ? `${shown} of ` : "";
        return { name, detail: `${some}the ${requests.length} slowest${of}`, rows };
    });
}

/**
 * Those that were open at once are below each other; the slowest come first, so that none of them
 * is the one without a row.
 * @param {Request[]} requests
 */
function packed(requests) {
    /** @type {Request[][]} */
    const rows = [];
    for (const request of [...requests].sort((a, b) => b.to - b.from - (a.to - a.from))) {
        let row = rows.find((one) =>
            one.every((other) => other.to <= request.from || other.from >= request.to),
        );
        if (!row && rows.length < ROWS_OF_SERVER) {
            row = [];
            rows.push(row);
        }
        row?.push(request);
    }
    for (const row of rows) {
        row.sort((a, b) => a.from - b.from);
    }
    return rows;
}

/**
 * They come later than the rows of threads do.
 * @param {import("./app.js").App} app
 */
export async function loadRequests(app) {
    try {
        app.served = servedOf(await reportOf(app.view.recording), app.overview);
    } catch {
        return; // the findings say why
    }
    if (app.served.length > 0) {
        app.tell("rows");
    }
}

/**
 * @param {import("./plot.js").Frame} frame
 * @param {import("./rows.js").Row} row
 */
export function drawRequests(frame, row) {
    const { context, scale, scroll, theme } = frame;
    const bar = BARS[row.sort];
    const top = row.y - scroll + bar.top;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const request of row.requests ?? []) {
        const left = Math.max(-4, xOf(scale, request.from));
        const right = Math.min(scale.width + 4, xOf(scale, request.to));
        if (right < 0 || left > scale.width) {
            continue;
        }
        const width = Math.max(2, right - left);
        context.fillStyle = theme.band;
        context.fillRect(left, top, width, bar.height);
        context.strokeStyle = theme.selection;
        context.lineWidth = 1;
        context.strokeRect(left + 0.5, top + 0.5, Math.max(1, width - 1), bar.height - 1);
        if (width >= WORDS_PX) {
            context.save();
            context.beginPath();
            context.rect(left, top, width - 4, bar.height);
            context.clip();
            context.fillStyle = theme.ink;
            const words = `${duration(request.to - request.from)}  ${safe(request.client, 60)}`;
            context.fillText(words, Math.max(left, 0) + 4, top + bar.height / 2 + 1);
            context.restore();
        }
    }
}

/**
 * The one at a moment, or so near that it is meant.
 * @param {import("./rows.js").Row} row
 * @param {import("./scale.js").Scale} scale
 * @param {number} x
 * @returns {Request | undefined}
 */
export function requestAt(row, scale, x) {
    const [from, to] = [momentAt(scale, x - NEAR_PX), momentAt(scale, x + NEAR_PX)];
    const near = (row.requests ?? []).filter((one) => one.from < to && one.to > from);
    const at = momentAt(scale, x);
    return near.find((one) => one.from <= at && at < one.to) ?? near[0];
}

/**
 * The slowest that is shown.
 * @param {import("./rows.js").Row} row
 * @param {import("./types.js").Span} span
 * @returns {Request | undefined}
 */
export function slowestIn(row, { from, to }) {
    const shown = (row.requests ?? []).filter((one) => one.from < to && one.to > from);
    return shown.sort((a, b) => b.to - b.from - (a.to - a.from))[0];
}

/**
 * @param {Request} request
 * @returns {string[]} a line each
 */
export function linesOf(request) {
    const whole = request.to - request.from;
    return [
        `${request.client} asked ${request.server}: answered after ${duration(whole)}`,
        request.by ? `served by ${request.by}` : "",
        ...request.parts
            .slice(0, 4)
            .map(({ words, ns }) => `${share(ns, whole)}, ${duration(ns)}: ${safe(words, 120)}`),
    ].filter(Boolean);
}
