/** Columns that are finer than those that a file has: as much as these tell. */

/** As the server sends tiles: see columns.js. */
const MAGIC = 0x54455643;
const VERSION = 1;
const HEADER_BYTES = 32;
const STATES = 8;
export const TILE_ARRAYS = STATES + 4;

/**
 * An answer without its numbers.
 * @param {number} lanes
 * @param {number} level
 * @param {number} first
 * @param {number} count
 * @returns {{bytes: ArrayBuffer, arrays: Float64Array[]}} one array of all numbers for each lane
 */
export function emptyTiles(lanes, level, first, count) {
    const numbers = TILE_ARRAYS * count;
    const bytes = new ArrayBuffer(HEADER_BYTES + lanes * numbers * 8);
    const head = new DataView(bytes);
    [MAGIC, VERSION, lanes, count].forEach((value, i) => {
        head.setUint32(4 * i, value, true);
    });
    head.setFloat64(16, level, true);
    head.setFloat64(24, first, true);
    const arrays = Array.from(
        { length: lanes },
        (_, lane) => new Float64Array(bytes, HEADER_BYTES + lane * numbers * 8, numbers),
    );
    for (const array of arrays) {
        array.fill(Number.NaN, STATES * count, (STATES + 2) * count);
    }
    return { bytes, arrays };
}

/**
 * All numbers of a lane in an answer.
 * @param {ArrayBuffer} bytes
 * @param {number} lane
 * @param {number} count
 */
export function laneOf(bytes, lane, count) {
    const numbers = TILE_ARRAYS * count;
    return new Float64Array(bytes, HEADER_BYTES + lane * numbers * 8, numbers);
}

/**
 * @typedef {object} Column
 * @property {Float64Array} numbers of a lane's tile
 * @property {number} index of the column in it
 * @property {number} begin_ns
 * @property {number} length_ns
 */

/**
 * One column out of a coarser one: its share of each state's time. The longest interval is there
 * with its ends: what lies in it is exact, if the lane is one thread's, and so is the share of the
 * rest where nothing else was.
 * @param {Column} coarse
 * @param {Column} fine of which the numbers are set
 * @param {boolean} isThread
 */
export function stretch(coarse, fine, isThread) {
    const [from, to] = [coarse.numbers.length / TILE_ARRAYS, fine.numbers.length / TILE_ARRAYS];
    const at = (/** @type {number} */ array) => coarse.numbers[array * from + coarse.index] ?? 0;
    const set = (/** @type {number} */ array, /** @type {number} */ value) => {
        fine.numbers[array * to + fine.index] = value;
    };
    const [begin, end, longest] = [at(STATES), at(STATES + 1), at(STATES + 2)];
    const inside = isThread ? overlap(coarse, begin, end) : 0;
    const own = isThread ? overlap(fine, begin, end) : 0;
    const rest = coarse.length_ns - inside;
    const share = rest > 0 ? (fine.length_ns - own) / rest : 0;
    for (let state = 0; state < STATES; state++) {
        const [there, here] = state === longest ? [inside, own] : [0, 0];
        set(state, here + Math.max(0, at(state) - there) * share);
    }
    if (overlap(fine, begin, end) > 0) {
        [begin, end, longest, at(STATES + 3)].forEach((value, i) => {
            set(STATES + i, value);
        });
    }
}

/**
 * @param {Column} column
 * @param {number} begin not a number: there is none
 * @param {number} end
 */
function overlap({ begin_ns, length_ns }, begin, end) {
    return Math.max(0, Math.min(end, begin_ns + length_ns) - Math.max(begin, begin_ns)) || 0;
}
