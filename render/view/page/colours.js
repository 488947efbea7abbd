/** The states' colours and patterns: those of the still picture, and how they look on dark. */

/**
 * In the order of the numbers that the server sends.
 * @type {ReadonlyArray<string>}
 */
export const STATES = ["running", "runnable", "net", "sync", "syscall", "sleep", "other", "unknown"];

export const MEANINGS = [
    "on a CPU",
    "in line for a CPU",
    "waiting for the network",
    "waiting for a lock or another thread",
    "waiting in another system call",
    "sleeping, with nothing to wait for",
    "off the CPU for another reason",
    "not known",
];

/** How states share a column, from the bottom of the bar upwards. */
export const STACKING = [0, 1, 4, 3, 2, 5, 6, 7];

const LIGHT = ["#2ba37f", "#f0e05a", "#2f7fc1", "#dd6b2c", "#6a1b7a", "#d3d9e2", "#d88fc4", "#5b626d"];
const LIGHT_TEXT = ["#06231a", "#3a3500", "#ffffff", "#2b1000", "#ffffff", "#39414d", "#36102c", "#ffffff"];
const DARK = ["#2ba37f", "#e3d24a", "#4f8ff0", "#e67a3d", "#963b9e", "#4a5361", "#d88fc4", "#7a828e"];
const DARK_TEXT = ["#06231a", "#3a3500", "#04121f", "#2b1000", "#ffffff", "#e6eaf0", "#36102c", "#0c0e11"];

/**
 * @typedef {object} Theme
 * @property {boolean} isDark
 * @property {string[]} fill a colour for each state
 * @property {string[]} text what is readable on it
 * @property {Uint32Array} pixels the colours as they lie in image data
 * @property {string} paper
 * @property {string} band
 * @property {string} line
 * @property {string} grid
 * @property {string} ink
 * @property {string} muted
 * @property {string} accent
 * @property {string} selection
 */

/**
 * @param {boolean} isDark
 * @returns {Theme}
 */
export function themeOf(isDark) {
    const fill = isDark ? DARK : LIGHT;
    return {
        isDark,
        fill,
        text: isDark ? DARK_TEXT : LIGHT_TEXT,
        pixels: Uint32Array.from(fill, pixelOf),
        paper: isDark ? "#14171c" : "#ffffff",
        band: isDark ? "#1d2229" : "#f1f3f6",
        line: isDark ? "#20262e" : "#f0f2f5",
        grid: isDark ? "#2b323c" : "#dfe3e8",
        ink: isDark ? "#e8ebf0" : "#1d232b",
        muted: isDark ? "#9aa4b2" : "#5b6472",
        accent: isDark ? "#ff6fa3" : "#c2004e",
        selection: isDark ? "#7fb4ff" : "#0b57d0",
    };
}

/**
 * A colour as image data has it: little-endian RGBA.
 * @param {string} colour
 */
export function pixelOf(colour) {
    const value = Number.parseInt(colour.slice(1), 16);
    return ((0xff << 24) | ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

const PATTERN_PX = 6;

/**
 * Whether a state's pattern has a mark at this pixel, so that states are told apart without
 * colours: lines one way for sync, the other way for net, dots for syscall, bars for runnable.
 * @param {number} state
 * @param {number} x
 * @param {number} y
 */
export function isMarked(state, x, y) {
    switch (state) {
        case 1:
            return y % PATTERN_PX === 2 && x % 2 === 0;
        case 2:
            return (x + PATTERN_PX - (y % PATTERN_PX)) % PATTERN_PX === 0;
        case 3:
            return (x + y) % PATTERN_PX === 0;
        case 4:
            return x % 4 === 1 && y % 4 === 1;
        case 6:
            return x % PATTERN_PX === 0;
        case 7:
            return (x + y) % 4 === 0 || (x + 4 - (y % 4)) % 4 === 0;
        default:
            return false;
    }
}
