/** How long waits took, as bars: one for each range of lengths. */

import { sharp } from "./axis.js";
import { el } from "./dom.js";
import { count, duration, plural } from "./format.js";

const HEIGHT = 120;
const FOOT = 18;

/**
 * @param {import("./types.js").Area["histogram"] | undefined} histogram
 * @param {import("./colours.js").Theme} theme
 * @returns {HTMLElement}
 */
export function histogramOf(histogram, theme) {
    const whole = (histogram?.waits ?? []).reduce((sum, waits) => sum + waits, 0);
    if (!histogram || whole === 0) {
        return el("p", { class: "quiet" }, "There are no waits.");
    }
    const canvas = el("canvas", { class: "histogram", role: "img", "aria-label": inWords(histogram, whole) });
    const words = el("p", { class: "quiet" }, inWords(histogram, whole));
    const observer = new ResizeObserver(() => {
        if (!canvas.isConnected) {
            observer.disconnect();
            return;
        }
        drawBars(canvas, histogram, theme);
    });
    const box = el("div", {}, canvas, words);
    observer.observe(box);
    return box;
}

/**
 * @param {import("./types.js").Area["histogram"]} histogram
 * @param {number} whole
 */
function inWords(histogram, whole) {
    const at = (/** @type {number} */ part) => {
        let reached = 0;
        const i = histogram.waits.findIndex((waits) => {
            reached += waits;
            return reached >= part * whole;
        });
        return duration(histogram.least_ns[Math.max(0, i)] ?? 0);
    };
    return `${plural(whole, "wait")}: half of them took ${at(0.5)} or more, a tenth ${at(0.9)}, a hundredth ${at(0.99)}.`;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("./types.js").Area["histogram"]} histogram
 * @param {import("./colours.js").Theme} theme
 */
function drawBars(canvas, { least_ns, waits }, theme) {
    const width = canvas.parentElement?.clientWidth ?? 300;
    const context = sharp(canvas, width, HEIGHT);
    context.fillStyle = theme.paper;
    context.fillRect(0, 0, width, HEIGHT);
    const used = waits.flatMap((one, i) => (one > 0 ? [i] : []));
    const [first, last] = [used[0] ?? 0, used[used.length - 1] ?? 0];
    const step = Math.min(40, width / (last - first + 1));
    const most = Math.max(...waits);
    context.font = "11px system-ui, sans-serif";
    let wordsEnd = -1;
    for (let i = first; i <= last; i++) {
        const x = (i - first) * step;
        const tall = ((HEIGHT - FOOT - 14) * (waits[i] ?? 0)) / most;
        context.fillStyle = theme.fill[3] ?? "";
        context.fillRect(
            x,
            HEIGHT - FOOT - Math.max(tall, (waits[i] ?? 0) > 0 ? 1 : 0),
            Math.max(1, step - 1),
            Math.max(tall, (waits[i] ?? 0) > 0 ? 1 : 0),
        );
        context.fillStyle = theme.muted;
        if (waits[i] === most) {
            context.fillText(count(most), x, HEIGHT - FOOT - tall - 3);
        }
        const words = duration(least_ns[i] ?? 0);
        if (x > wordsEnd && x + context.measureText(words).width < width) {
            context.fillText(words, x, HEIGHT - 4);
            wordsEnd = x + context.measureText(words).width + 10;
        }
    }
}
