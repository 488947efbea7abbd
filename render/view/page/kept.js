/** What a file says of itself: what it has of the recording, and what only ctrace view has. */

import { button, byId, el, fill } from "./dom.js";
import { count, duration, moment, plural } from "./format.js";
import { describeFile, finestLevels, isStored, isStretched, keptAreas } from "./stored.js";

/** In which columns the rows are there. */
function columnsInWords() {
    const levels = finestLevels();
    const [finest, coarsest] = [Math.min(...levels), Math.max(...levels)].map((level) =>
        duration(2 ** level),
    );
    return `${finest} and more${finest === coarsest ? "" : `, of some rows of ${coarsest} and more`}`;
}

/**
 * @param {import("./types.js").Span} window
 * @param {number} length_ns
 */
function stretchInWords({ from, to }, length_ns) {
    const edge = (to - from) / 1000;
    const span = `from ${moment(from, edge)} to ${moment(to, edge)}`;
    return `It has one stretch of the recording, as it was asked for: ${span}, of ${duration(length_ns)}. Waits that reach beyond it are whole; of what else was before and after it, nothing is in here.`;
}

/** @param {import("./app.js").App} app */
export async function showKept(app) {
    if (!isStored) {
        return;
    }
    const { directory, max_bytes, intervals } = await describeFile();
    const { length_ns, lives, window } = app.overview;
    const all = window ? "that stretch" : "the whole run";
    const parts = keptAreas().filter((area) => area.from !== lives.from || area.to !== lives.to);
    const has = [
        `the timeline in columns of ${columnsInWords()}; finer ones are stretched from these`,
        `${count(intervals)} waits in detail: the longest, and what those did who ended them`,
        `sums of ${all}, by threads and by kinds, and of ${plural(parts.length, "part")} of it`,
        `findings and tables as of ${all}`,
    ];
    const lacks = "sums of any other stretch, other waits, SQL, profiles and pictures to download";
    fill(
        byId("kept"),
        el("summary", {}, "This page is a file: what it leaves out"),
        window ? el("p", { class: "only" }, stretchInWords(window, length_ns)) : null,
        el("p", {}, `In at most ${(max_bytes / 1e6).toFixed(1)} MB it has, of the recording ${directory}:`),
        el("ul", {}, ...has.map((line) => el("li", {}, line))),
        el("p", {}, `It lacks ${lacks}. All of that is in `, el("code", {}, `ctrace view ${directory}`), "."),
    );
    byId("kept").hidden = false;
}

/**
 * What is to be said of a picture.
 * @param {import("./plot.js").Frame | null} frame
 */
export function stretchedWords(frame) {
    return frame?.rows.some((row) => isStretched(row.lane, frame.level)) ? ", stretched" : "";
}

/**
 * Stretches that can be summed up in a file, beside one that cannot.
 * @param {import("./app.js").App} app
 */
export function keptStretches(app) {
    const areas = keptAreas().filter((area) => area.lanes === "");
    const choice = areas.map(({ from, to }) => {
        const words = `${moment(from, (to - from) / 100)}, for ${duration(to - from)}`;
        const choose = () => app.show({ area: `${from}-${to}`, chosen: "" });
        return el("li", {}, button(words, choose, { class: "link" }));
    });
    return choice.length > 0 ? [el("p", {}, "It has those from:"), el("ul", {}, ...choice)] : [];
}
