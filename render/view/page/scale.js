/** Where moments are, in pixels; and the ticks of the axis. */

/**
 * @typedef {object} Scale
 * @property {number} from the moment at the left edge
 * @property {number} to
 * @property {number} width in CSS pixels
 * @property {number} px_ns nanoseconds in a CSS pixel
 */

/**
 * @param {import("./types.js").Span} view
 * @param {number} width
 * @returns {Scale}
 */
export function scaleOf(view, width) {
    return { from: view.from, to: view.to, width, px_ns: (view.to - view.from) / Math.max(1, width) };
}

/**
 * @param {Scale} scale
 * @param {number} moment_ns
 */
export function xOf(scale, moment_ns) {
    return (moment_ns - scale.from) / scale.px_ns;
}

/**
 * @param {Scale} scale
 * @param {number} x
 */
export function momentAt(scale, x) {
    return scale.from + x * scale.px_ns;
}

/**
 * The level at which a column is one device pixel wide, or up to two: each pixel shows the exact
 * shares of one column.
 * @param {Scale} scale
 * @param {number} ratio device pixels in a CSS pixel
 */
export function levelOf(scale, ratio) {
    return Math.max(0, Math.min(62, Math.ceil(Math.log2(scale.px_ns / ratio) - 1e-9)));
}

const TICK_PX = 110;

/**
 * Round moments, far enough apart to be written.
 * @param {Scale} scale
 */
export function ticksOf(scale) {
    const least_ns = TICK_PX * scale.px_ns;
    const power = 10 ** Math.floor(Math.log10(least_ns));
    const step_ns = Math.max(1, power * ([1, 2, 5].find((factor) => factor * power >= least_ns) ?? 10));
    /** @type {number[]} */
    const moments = [];
    for (
        let at = Math.ceil(scale.from / step_ns) * step_ns;
        at < scale.to && moments.length < 200;
        at += step_ns
    ) {
        moments.push(at);
    }
    return { step_ns, moments };
}
