/** What is otherwise in one stretch than in another, of the same recording or of another one. */

import { readArea } from "./address.js";
import { ask } from "./api.js";
import { el } from "./dom.js";
import { duration } from "./format.js";
import { part } from "./pieces.js";
import { tableOf } from "./table.js";

/** @typedef {import("./types.js").Area} Area */
/** @typedef {{name: string, now_ns: number, base_ns: number}} Change */

/**
 * With what one compares: a stretch of a recording; without ends all of it, with "=" for them the
 * same stretch, counted from where the recording's threads begin.
 * @typedef {{recording: number, area: string}} Base
 */

/**
 * "1:FROM-TO@lanes", "1:", "1:=", or null.
 * @param {string} text
 * @returns {Base | null}
 */
export function readBase(text) {
    const match = /^(\d{1,2}):(.*)$/.exec(text);
    if (!match) {
        return null;
    }
    const area = String(match[2]);
    return area === "" || area === "=" || readArea(area) ? { recording: Number(match[1]), area } : null;
}

/**
 * @param {Base} base
 * @param {{from: number, to: number}} here
 * @param {import("./types.js").Overview} overview of what is shown
 * @returns {Promise<{from: number, to: number, lanes: string[]}>}
 */
export async function stretchOf(base, here, overview) {
    const told = readArea(base.area);
    if (told) {
        return told;
    }
    /** @type {import("./types.js").Overview} */
    const { lives } = await ask("overview", { r: base.recording });
    if (base.area === "") {
        return { ...lives, lanes: [] };
    }
    const from = Math.max(lives.from, here.from - overview.lives.from + lives.from);
    return { from, to: Math.max(from + 1, here.to - overview.lives.from + lives.from), lanes: [] };
}

/**
 * "1.20 s more", "the same": a colour alone says it to few.
 * @param {number} now_ns
 * @param {number} base_ns
 */
export function changeInWords(now_ns, base_ns) {
    const change_ns = now_ns - base_ns;
    if (Math.abs(change_ns) < 1) {
        return "the same";
    }
    const much = `${change_ns > 0 ? "+" : "−"}${duration(Math.abs(change_ns))}`;
    if (base_ns < 1) {
        return `${much}, new`;
    }
    return now_ns < 1 ? `${much}, gone` : `${much}, ${(now_ns / base_ns).toFixed(2)} times`;
}

/**
 * Of two lists by name: what is in either.
 * @template T
 * @param {T[]} now
 * @param {T[]} base
 * @param {(row: T) => string} nameOf
 * @param {(row: T) => number} nsOf
 * @param {number} factor of the base's times
 * @returns {Change[]} the largest changes first
 */
export function changesOf(now, base, nameOf, nsOf, factor) {
    /** @type {Map<string, Change>} */
    const changes = new Map();
    const changeOf = (/** @type {T} */ row) => {
        const name = nameOf(row);
        const change = changes.get(name) ?? { name, now_ns: 0, base_ns: 0 };
        changes.set(name, change);
        return change;
    };
    for (const row of now) {
        changeOf(row).now_ns += nsOf(row);
    }
    for (const row of base) {
        changeOf(row).base_ns += nsOf(row) * factor;
    }
    const size = (/** @type {Change} */ change) => Math.abs(change.now_ns - change.base_ns);
    return [...changes.values()]
        .filter(({ now_ns, base_ns }) => Math.max(now_ns, base_ns) >= 1)
        .sort((a, b) => size(b) - size(a));
}

/**
 * @param {string} caption
 * @param {string} what
 * @param {Change[]} changes
 */
function tableOfChanges(caption, what, changes) {
    /** @type {import("./table.js").Column<Change>[]} */
    const columns = [
        { title: what, value: (row) => row.name },
        { title: "Here", value: (row) => row.now_ns, show: (row) => duration(row.now_ns), isNumber: true },
        { title: "There", value: (row) => row.base_ns, show: (row) => duration(row.base_ns), isNumber: true },
        {
            title: "Change",
            value: (row) => row.now_ns - row.base_ns,
            show: (row) => changeInWords(row.now_ns, row.base_ns),
            isNumber: true,
        },
    ];
    return tableOf(caption, changes, columns, { isSmall: true });
}

/**
 * @param {Area} now
 * @param {Area} base
 * @param {number} factor
 * @param {import("./types.js").State[]} states
 */
export function partOfChanges(now, base, factor, states) {
    const byState = (/** @type {Area} */ area) =>
        area.ns.map((ns, state) => ({ name: states[state]?.name ?? "?", ns })).filter(({ ns }) => ns > 0);
    // Not by line: lines move from version to version.
    const placeName = (/** @type {Area["places"][number]} */ row) =>
        row.function ? `${row.op}, in ${row.function}` : row.op;
    return [
        part(
            "What changed, by state",
            tableOfChanges(
                "Change by state",
                "State",
                changesOf(
                    byState(now),
                    byState(base),
                    (row) => row.name,
                    (row) => row.ns,
                    factor,
                ),
            ),
        ),
        part(
            "By place",
            tableOfChanges(
                "Change by place",
                "Place",
                changesOf(now.places, base.places, placeName, (row) => row.ns, factor),
            ),
        ),
    ];
}

/* ---- Colours ---- */

const LESS = { light: [33, 102, 172], dark: [90, 169, 255] };
const MORE = { light: [178, 24, 43], dark: [255, 122, 99] };
/** From where on words in the colour of the paper are read better than those in that of ink. */
const STRONG = { light: 0.7, dark: 0.5 };
const SAME = { light: [240, 240, 240], dark: [58, 64, 72] };

/**
 * Blue: less than there; red: more. Both can be told apart by who sees no difference between red
 * and green; and what stands in the box has a sign.
 * @param {number} now_ns
 * @param {number} base_ns
 * @param {boolean} isDark
 */
export function colourOfChange(now_ns, base_ns, isDark) {
    const side = isDark ? "dark" : "light";
    const part = (now_ns - base_ns) / Math.max(1, now_ns + base_ns);
    const end = (part < 0 ? LESS : MORE)[side];
    const mixed = SAME[side].map((value, i) => Math.round(value + ((end[i] ?? 0) - value) * Math.abs(part)));
    return {
        fill: `rgb(${mixed.join(" ")})`,
        isStrong: Math.abs(part) > STRONG[side],
    };
}

/**
 * @param {boolean} isDark
 * @returns {HTMLElement}
 */
export function legendOfChange(isDark) {
    /** @type {[string, number, number][]} */
    const steps = [
        ["only there", 0, 1],
        ["half as much", 1, 2],
        ["the same", 1, 1],
        ["twice as much", 2, 1],
        ["only here", 1, 0],
    ];
    const items = steps.map(([words, now, base]) => {
        const chip = el("span", { class: "chip", "aria-hidden": "true" });
        chip.style.background = colourOfChange(now * 1e9, base * 1e9, isDark).fill;
        return el("li", {}, chip, words);
    });
    return el("ul", { class: "states-list", "aria-label": "Colours of the flame graph" }, ...items);
}
