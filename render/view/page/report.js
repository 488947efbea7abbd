/** The report on a recording, which the server makes once for all parts of the page. */

import { ask } from "./api.js";

/** @typedef {Record<string, any> & {findings: import("./types.js").Finding[]}} Report */

/** @type {Map<number, Promise<Report>>} */
const reports = new Map();

/**
 * @param {number} recording
 * @returns {Promise<Report>}
 */
export function reportOf(recording) {
    let report = reports.get(recording);
    if (!report) {
        report = /** @type {Promise<Report>} */ (ask("findings", { r: recording }));
        reports.set(recording, report);
        // What failed is asked for anew.
        report.catch(() => reports.delete(recording));
    }
    return report;
}

/**
 * A report tells the clock's time; large numbers come as text.
 * @param {number | string} clock_ns
 * @param {import("./types.js").Overview} overview
 */
export function momentOf(clock_ns, overview) {
    return Number(BigInt(clock_ns) - BigInt(overview.begin_ns));
}
