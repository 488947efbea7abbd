/**
 * What the page asks, answered from the page itself: a file has the answers to what is asked first,
 * each in an element that says to which question, as base64 of gzip.
 */

import { emptyTiles, laneOf, stretch } from "./stretch.js";

const COLUMNS = 256;
const UNPACKED_KEPT = 48;

/**
 * @typedef {Record<string, string | number | undefined>} Question
 * @typedef {{element: Element, place: number}} Piece a part of what an element holds
 * @typedef {Piece & {first: number, count: number}} KeptTile
 * @typedef {Piece & {from: number, to: number}} KeptInterval
 * @typedef {{from: number, to: number, lanes: string, flame: string, element: Element}} KeptArea
 */

/** Of all, by what they are asked for. */
class Store {
    constructor() {
        /** @type {Map<string, Element>} */
        this.whole = new Map();
        /** @type {Map<string, Map<number, Map<number, KeptTile>>>} by lane, level and number */
        this.tiles = new Map();
        /** @type {Map<string, KeptInterval[]>} by lane */
        this.intervals = new Map();
        /** @type {KeptArea[]} */
        this.areas = [];
        /** @type {Map<Element, Promise<ArrayBuffer>>} the last ones that were looked at */
        this.unpacked = new Map();
        const elements = typeof document === "undefined" ? [] : document.querySelectorAll("script.kept");
        for (const element of elements) {
            const [name = "", words] = (element.getAttribute("data-question") ?? "").split("?");
            this.#note(element, name, new URLSearchParams(words));
        }
    }

    /**
     * @param {Element} element
     * @param {string} name
     * @param {URLSearchParams} words
     */
    #note(element, name, words) {
        const [from, to] = [Number(words.get("from")), Number(words.get("to"))];
        if (name === "tiles") {
            this.#noteTiles(element, words);
        } else if (name === "interval") {
            this.#noteIntervals(element, words.get("of") ?? "");
        } else if (name === "area") {
            const [lanes, flame] = [words.get("lanes") ?? "", words.get("flame") ?? ""];
            this.areas.push({ from, to, lanes, flame, element });
        } else {
            this.whole.set(name === "path" ? `path ${from} ${to}` : name, element);
        }
    }

    /**
     * @param {Element} element
     * @param {URLSearchParams} words
     */
    #noteTiles(element, words) {
        const [level, first] = [Number(words.get("level")), Number(words.get("first"))];
        const count = Number(words.get("count"));
        const index = Math.floor(first / COLUMNS);
        (words.get("lanes") ?? "").split(",").forEach((lane, place) => {
            const levels = this.tiles.get(lane) ?? new Map();
            const row = levels.get(level) ?? new Map();
            row.set(index, { element, place, first, count });
            levels.set(level, row);
            this.tiles.set(lane, levels);
        });
    }

    /**
     * @param {Element} element
     * @param {string} names "t3@12-500,t4@13-900"
     */
    #noteIntervals(element, names) {
        names.split(",").forEach((name, place) => {
            const [lane = "", from, to] = name.split(/[@-]/);
            const own = this.intervals.get(lane) ?? [];
            own.push({ from: Number(from), to: Number(to), element, place });
            this.intervals.set(lane, own);
        });
    }

    /**
     * @param {Element} element
     * @returns {Promise<ArrayBuffer>}
     */
    unpack(element) {
        const bytes = this.unpacked.get(element) ?? gunzip(element.textContent ?? "");
        this.unpacked.delete(element);
        this.unpacked.set(element, bytes);
        const oldest = this.unpacked.keys().next().value;
        if (oldest && this.unpacked.size > UNPACKED_KEPT) {
            this.unpacked.delete(oldest);
        }
        return bytes;
    }

    /** @param {Element} element */
    async parse(element) {
        return JSON.parse(new TextDecoder().decode(await this.unpack(element)));
    }
}

const store = new Store();

/** Whether the page is a file, and there is no server. */
export const isStored = store.whole.has("overview");

/** @param {string} base64 */
async function gunzip(base64) {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
        bytes[i] = text.charCodeAt(i);
    }
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
}

/**
 * The finest level that a lane's tiles are there of, and not finer than one.
 * @param {string} lane
 * @param {number} level
 * @returns {number | undefined}
 */
function levelFor(lane, level) {
    const coarser = [...(store.tiles.get(lane)?.keys() ?? [])].filter((one) => one >= level);
    return coarser.length > 0 ? Math.min(...coarser) : undefined;
}

/** @param {Question} question */
async function tilesOf({ lanes, level, first, count }) {
    const [to, begin, columns] = [Number(level), Number(first), Number(count)];
    const asked = String(lanes).split(",");
    const { bytes, arrays } = emptyTiles(asked.length, to, begin, columns);
    const answers = await Promise.all(
        asked.map((lane, i) => fillLane(lane, to, begin, columns, arrays[i] ?? new Float64Array())),
    );
    return answers.every(Boolean) ? bytes : null;
}

/**
 * @param {string} lane
 * @param {number} level
 * @param {number} first
 * @param {number} count
 * @param {Float64Array} numbers
 * @returns {Promise<boolean>} whether anything is known of it
 */
async function fillLane(lane, level, first, count, numbers) {
    const from = levelFor(lane, level);
    const row = from === undefined ? undefined : store.tiles.get(lane)?.get(from);
    if (from === undefined || !row) {
        return false;
    }
    const wide = 2 ** (from - level);
    /** @type {Float64Array | null} */
    let tile = null;
    /** @type {KeptTile | undefined} */
    let piece;
    let tileIndex = -1;
    for (let i = 0; i < count; i++) {
        const coarse = Math.floor((first + i) / wide);
        if (Math.floor(coarse / COLUMNS) !== tileIndex) {
            tileIndex = Math.floor(coarse / COLUMNS);
            piece = row.get(tileIndex);
            tile = piece ? laneOf(await store.unpack(piece.element), piece.place, piece.count) : null;
        }
        const index = coarse - (piece?.first ?? 0);
        if (tile && piece && index >= 0 && index < piece.count) {
            stretch(
                {
                    numbers: tile,
                    index,
                    begin_ns: coarse * 2 ** from,
                    length_ns: 2 ** from,
                },
                { numbers, index: i, begin_ns: (first + i) * 2 ** level, length_ns: 2 ** level },
                lane.startsWith("t"),
            );
        }
    }
    return true;
}

/** @param {Question} question */
async function intervalOf({ lane, at }) {
    const moment = Number(at);
    const kept = store.intervals
        .get(String(lane))
        ?.find((one) => one.from <= moment && (moment < one.to || moment === one.from));
    return kept ? JSON.stringify((await store.parse(kept.element))[kept.place]) : null;
}

/** @param {Question} question */
async function areaOf({ from, to, lanes = "", flame }) {
    const overview = await overviewOf();
    const threads = threadsOf(String(lanes), overview);
    const kept = store.areas.find(
        (area) =>
            area.from === Math.round(Number(from)) &&
            area.to === Math.round(Number(to)) &&
            (area.flame === flame || flame === undefined) &&
            threadsOf(area.lanes, overview) === threads,
    );
    return kept ? store.unpack(kept.element) : null;
}

/**
 * The same for the same threads, however they are named.
 * @param {string} lanes
 * @param {import("./types.js").Overview} overview
 */
function threadsOf(lanes, { kinds }) {
    const threads = lanes
        .split(",")
        .flatMap((lane) => kinds.find((kind) => kind.lane === lane)?.threads.map((one) => `t${one}`) ?? lane);
    return [...new Set(threads)].sort().join(",");
}

/** @returns {Promise<import("./types.js").Overview>} */
async function overviewOf() {
    const element = store.whole.get("overview");
    return store.parse(/** @type {Element} */ (element));
}

/** @type {Record<string, (question: Question) => Promise<ArrayBuffer | string | null>>} */
const ANSWERS = { tiles: tilesOf, interval: intervalOf, area: areaOf };

/** @type {Record<string, string>} what is called otherwise here */
const NAMES = { findings: "report", table: "report" };

/**
 * @param {string} what
 * @param {Question} question
 * @returns {Promise<ArrayBuffer | string | null>} null: the file does not have it
 */
export async function storedAnswer(what, question) {
    const answer = ANSWERS[what];
    if (answer) {
        return answer(question);
    }
    const name =
        what === "path" && !question["lane"]
            ? `path ${Math.round(Number(question["from"]))} ${Math.round(Number(question["to"]))}`
            : (NAMES[what] ?? what);
    const element = store.whole.get(name);
    return element ? store.unpack(element) : null;
}

/**
 * What the file is, and has.
 * @returns {Promise<{directory: string, max_bytes: number, intervals: number}>}
 */
export async function describeFile() {
    const element = store.whole.get("file");
    const told = element ? await store.parse(element) : {};
    const counts = [...store.intervals.values()].map((own) => own.length);
    return { ...told, intervals: counts.reduce((sum, one) => sum + one, 0) };
}

/** The finest levels that there are of the lanes: those that are folded at first have coarser ones. */
export function finestLevels() {
    return [...store.tiles.values()].map((levels) => Math.min(...levels.keys()));
}

/**
 * Whether a lane's columns of that level are made of coarser ones.
 * @param {string} lane
 * @param {number} level
 */
export function isStretched(lane, level) {
    const levels = store.tiles.get(lane);
    return levels !== undefined && Math.min(...levels.keys()) > level;
}

/**
 * The stretches of time of which there are sums, of all threads or of some.
 * @returns {KeptArea[]}
 */
export function keptAreas() {
    return store.areas.filter((area) => area.flame === "wait");
}
