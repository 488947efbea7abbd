/** The tiles that are there, those that are asked for, and those that are not wanted any more. */

import { askBytes, isAbort } from "./api.js";
import { decode } from "./columns.js";

export const TILE_COLUMNS = 256;
const LANES_AT_ONCE = 32;
const ASKED_AT_ONCE = 4;
const TILES_KEPT = 1600;
/** After a failure nothing is asked for so long. */
const SILENT_MS = 2000;

/**
 * @typedef {object} Tile
 * @property {import("./columns.js").Columns} columns
 * @property {ImageBitmap | null} picture null: not drawn yet
 * @property {number} style of which it was drawn
 * @property {number} used when it was last looked at
 *
 * @typedef {{level: number, index: number, lanes: string[], abort: AbortController}} Request
 */

export class Tiles {
    /**
     * @param {string} key tells recordings apart
     * @param {number} recording
     * @param {() => void} onArrival
     * @param {(error: unknown) => void} onFailure
     */
    constructor(key, recording, onArrival, onFailure) {
        this.key = key;
        this.recording = recording;
        this.onArrival = onArrival;
        this.onFailure = onFailure;
        /** @type {Map<string, Tile>} */
        this.tiles = new Map();
        /** @type {Request[]} */
        this.asked = [];
        /** @type {Omit<Request, "abort">[]} */
        this.wanted = [];
        /** @type {Set<string>} */
        this.coming = new Set();
        this.clock = 0;
        this.silentUntil_ms = 0;
    }

    /**
     * @param {string} lane
     * @param {number} level
     * @param {number} index
     */
    get(lane, level, index) {
        const tile = this.tiles.get(`${lane}/${level}/${index}`);
        if (tile) {
            tile.used = ++this.clock;
        }
        return tile;
    }

    /**
     * What a picture is made of.
     * @param {import("./plot.js").Frame} frame
     */
    wantFor({ rows, level, scale }) {
        const lanes = [
            ...new Set(
                rows.filter((row) => row.sort !== "header" && row.sort !== "request").map((row) => row.lane),
            ),
        ];
        const tile_ns = TILE_COLUMNS * 2 ** level;
        const first = Math.max(0, Math.floor(scale.from / tile_ns));
        this.want(lanes, level, first, Math.max(first, Math.ceil(scale.to / tile_ns) - 1));
    }

    /**
     * Of all that is shown now. What is on its way and not among it is cancelled.
     * @param {string[]} lanes the most important first
     * @param {number} level
     * @param {number} first
     * @param {number} last
     */
    want(lanes, level, first, last) {
        const seen = new Set(lanes);
        for (const request of this.asked) {
            const isSeen = request.level === level && request.index >= first - 1 && request.index <= last + 1;
            if (!isSeen || !request.lanes.some((lane) => seen.has(lane))) {
                request.abort.abort();
            }
        }
        this.wanted = [];
        const middle = Math.floor((first + last) / 2);
        for (let distance = 0; distance <= last - first + 1; distance++) {
            for (const index of new Set([middle - distance, middle + distance])) {
                if (index >= first && index <= last) {
                    this.#wantTiles(lanes, level, index);
                }
            }
        }
        this.#askNext();
    }

    /**
     * @param {string[]} lanes
     * @param {number} level
     * @param {number} index
     */
    #wantTiles(lanes, level, index) {
        const missing = lanes.filter((lane) => {
            const name = `${lane}/${level}/${index}`;
            return !this.tiles.has(name) && !this.coming.has(name);
        });
        for (let i = 0; i < missing.length; i += LANES_AT_ONCE) {
            this.wanted.push({ level, index, lanes: missing.slice(i, i + LANES_AT_ONCE) });
        }
    }

    #askNext() {
        while (this.asked.length < ASKED_AT_ONCE && performance.now() >= this.silentUntil_ms) {
            const next = this.wanted.shift();
            if (!next) {
                return;
            }
            const request = { ...next, abort: new AbortController() };
            this.asked.push(request);
            for (const lane of request.lanes) {
                this.coming.add(`${lane}/${request.level}/${request.index}`);
            }
            this.#ask(request);
        }
    }

    /** @param {Request} request */
    async #ask(request) {
        const { level, index, lanes, abort } = request;
        try {
            const question = {
                r: this.recording,
                lanes: lanes.join(","),
                level,
                first: index * TILE_COLUMNS,
                count: TILE_COLUMNS,
                v: this.key,
            };
            this.#keep(request, await askBytes("tiles", question, abort.signal));
        } catch (error) {
            if (!isAbort(error)) {
                this.silentUntil_ms = performance.now() + SILENT_MS;
                this.onFailure(error);
            }
        }
        this.asked = this.asked.filter((other) => other !== request);
        for (const lane of lanes) {
            this.coming.delete(`${lane}/${level}/${index}`);
        }
        this.#askNext();
        this.onArrival();
    }

    /**
     * @param {Request} request
     * @param {ArrayBuffer} bytes
     */
    #keep({ level, index, lanes }, bytes) {
        decode(bytes).forEach((columns, i) => {
            this.tiles.set(`${lanes[i]}/${level}/${index}`, {
                columns,
                picture: null,
                style: -1,
                used: ++this.clock,
            });
        });
        if (this.tiles.size > TILES_KEPT * 1.2) {
            this.#forget();
        }
    }

    #forget() {
        const byUse = [...this.tiles].sort((a, b) => a[1].used - b[1].used);
        for (const [name, tile] of byUse.slice(0, this.tiles.size - TILES_KEPT)) {
            tile.picture?.close();
            this.tiles.delete(name);
        }
    }

    get isBusy() {
        return this.asked.length > 0;
    }
}
