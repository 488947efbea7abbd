/** A tile's columns: what the server sent of one lane, and the picture of it. */

import { isMarked, STACKING } from "./colours.js";

const MAGIC = 0x54455643;
const VERSION = 1;
const HEADER_BYTES = 32;
const ARRAYS = 12;

/**
 * @typedef {object} Columns
 * @property {Float32Array[]} ns by state
 * @property {Float64Array} begin_ns of the longest interval; NaN: there is none
 * @property {Float64Array} end_ns
 * @property {Float64Array} state
 * @property {Float64Array} thread
 * @property {number} most the most time that a column has, all states together
 */

/**
 * @param {ArrayBuffer} bytes
 * @returns {Columns[]} one for each lane, in the order in which they were asked for
 */
export function decode(bytes) {
    const head = new DataView(bytes);
    if (
        bytes.byteLength < HEADER_BYTES ||
        head.getUint32(0, true) !== MAGIC ||
        head.getUint32(4, true) !== VERSION
    ) {
        throw new Error("a tile is not what this page knows: reload it");
    }
    const lanes = head.getUint32(8, true);
    const count = head.getUint32(12, true);
    if (bytes.byteLength !== HEADER_BYTES + lanes * ARRAYS * count * 8) {
        throw new Error("a tile is not as long as it says: reload the page");
    }
    return Array.from({ length: lanes }, (_, lane) => {
        /** @param {number} array */
        const at = (array) =>
            new Float64Array(bytes, HEADER_BYTES + (lane * ARRAYS + array) * count * 8, count);
        return kept(
            Array.from({ length: 8 }, (_, state) => at(state)),
            [at(8), at(9), at(10), at(11)],
        );
    });
}

/**
 * Copies, so that the answer that it came in can go.
 * @param {Float64Array[]} states
 * @param {[Float64Array, Float64Array, Float64Array, Float64Array]} longest
 * @returns {Columns}
 */
function kept(states, [begin, end, state, thread]) {
    const ns = states.map((column) => Float32Array.from(column));
    let most = 0;
    for (let i = 0; i < begin.length; i++) {
        let sum = 0;
        for (const column of ns) {
            sum += column[i] ?? 0;
        }
        most = Math.max(most, sum);
    }
    return {
        ns,
        begin_ns: begin.slice(),
        end_ns: end.slice(),
        state: state.slice(),
        thread: thread.slice(),
        most,
    };
}

/**
 * How a lane's columns are drawn.
 * @typedef {object} Style
 * @property {number} height in pixels of the picture
 * @property {number} tick_height of that, for the marks of the longest waits; 0: none
 * @property {number} full_ns what a column's whole height stands for
 * @property {Uint32Array} pixels a colour for each state
 * @property {number} mark the colour of patterns
 * @property {number} [only] the state that all of it stands for
 * @property {boolean} hasPatterns
 */

/**
 * The picture of one lane's tile, a pixel wide for each column.
 * @param {Columns} columns
 * @param {number} column_ns
 * @param {Style} style
 */
export function draw(columns, column_ns, style) {
    const width = columns.begin_ns.length;
    const image = new ImageData(width, style.height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let x = 0; x < width; x++) {
        drawShares(pixels, width, x, columns, style);
        if (style.tick_height > 0) {
            drawTick(pixels, width, x, columns, column_ns, style);
        }
    }
    return image;
}

/**
 * @param {Uint32Array} pixels
 * @param {number} width
 * @param {number} x
 * @param {Columns} columns
 * @param {Style} style
 */
function drawShares(pixels, width, x, columns, style) {
    const room = style.height - style.tick_height;
    let reached_ns = 0;
    let bottom = style.height;
    for (const state of STACKING) {
        const ns = columns.ns[state]?.[x] ?? 0;
        if (ns <= 0) {
            continue;
        }
        reached_ns += ns;
        const top = style.height - Math.round(room * Math.min(1, reached_ns / style.full_ns));
        const shown = style.only ?? state;
        const colour = style.pixels[shown] ?? 0;
        for (let y = bottom - 1; y >= top; y--) {
            pixels[y * width + x] = style.hasPatterns && isMarked(shown, x, y) ? style.mark : colour;
        }
        bottom = Math.min(bottom, top);
    }
}

/**
 * The longest wait that is shorter than the column, and so not to be seen for itself: the higher
 * its mark, the longer.
 * @param {Uint32Array} pixels
 * @param {number} width
 * @param {number} x
 * @param {Columns} columns
 * @param {number} column_ns
 * @param {Style} style
 */
function drawTick(pixels, width, x, columns, column_ns, style) {
    const length_ns = (columns.end_ns[x] ?? 0) - (columns.begin_ns[x] ?? 0);
    const state = columns.state[x] ?? 0;
    if (!(length_ns >= 0) || length_ns >= column_ns || state === 0) {
        return;
    }
    const steps = style.tick_height - 1;
    const height = Math.max(1, Math.round(steps * (1 + Math.log2(Math.max(length_ns, 1) / column_ns) / 16)));
    const colour = style.pixels[state] ?? 0;
    const bottom = style.tick_height - 1;
    for (let y = bottom - 1; y >= Math.max(0, bottom - height); y--) {
        pixels[y * width + x] = colour;
    }
}
