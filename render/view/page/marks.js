/** What lies over the rows: words in wide waits, what is chosen, who woke whom, the critical path. */

import { duration } from "./format.js";
import { BARS } from "./plot.js";
import { xOf } from "./scale.js";
import { TILE_COLUMNS } from "./tiles.js";

const LEAST_LABEL_PX = 64;

/** @typedef {import("./plot.js").Frame} Frame */
/** @typedef {import("./rows.js").Row} Row */

/**
 * Words in the waits that have room for them.
 * @param {Frame} frame
 * @param {(lane: string, from: number) => string | undefined} textOf more than its state, if known
 * @param {string[]} states
 */
export function drawWords(frame, textOf, states) {
    const { context } = frame;
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const row of frame.rows) {
        if (row.sort === "thread") {
            for (const wide of wideWaits(frame, row)) {
                const words = textOf(row.lane, wide.from) ?? states[wide.state] ?? "";
                drawWord(frame, row, wide, `${words}  ${duration(wide.to - wide.from)}`);
            }
        }
    }
}

/**
 * @param {Frame} frame
 * @param {Row} row
 * @returns {{from: number, to: number, state: number}[]}
 */
export function wideWaits(frame, row) {
    const { scale, level, tiles } = frame;
    const column_ns = 2 ** level;
    const step_ns = Math.max(column_ns, (LEAST_LABEL_PX / 2) * scale.px_ns);
    /** @type {{from: number, to: number, state: number}[]} */
    const found = [];
    let at = Math.max(0, scale.from);
    while (at < scale.to) {
        const column = Math.floor(at / column_ns);
        const columns = tiles.get(row.lane, level, Math.floor(column / TILE_COLUMNS))?.columns;
        const i = column % TILE_COLUMNS;
        const from = columns?.begin_ns[i] ?? Number.NaN;
        const to = columns?.end_ns[i] ?? Number.NaN;
        const shown_ns = Math.min(to, scale.to) - Math.max(from, scale.from);
        if (shown_ns / scale.px_ns >= LEAST_LABEL_PX) {
            found.push({ from, to, state: columns?.state[i] ?? 0 });
            at = Math.max(to, at + step_ns);
        } else {
            at += step_ns;
        }
    }
    return found.filter((wide, i) => wide.from !== found[i - 1]?.from);
}

/**
 * @param {Frame} frame
 * @param {Row} row
 * @param {{from: number, to: number, state: number}} wide
 * @param {string} words
 */
function drawWord(frame, row, wide, words) {
    const { context, scale, scroll, theme } = frame;
    const bar = BARS[row.sort];
    const left = Math.max(0, xOf(scale, wide.from));
    const right = Math.min(scale.width, xOf(scale, wide.to));
    context.save();
    context.beginPath();
    context.rect(left + 2, row.y - scroll, right - left - 6, row.height);
    context.clip();
    if (frame.hasPatterns) {
        context.fillStyle = theme.fill[wide.state] ?? theme.paper;
        context.fillRect(
            left + 3,
            row.y - scroll + bar.top + bar.tick + 2,
            context.measureText(words).width + 6,
            bar.height - bar.tick - 4,
        );
    }
    context.fillStyle = theme.text[wide.state] ?? theme.ink;
    context.fillText(words, left + 6, row.y - scroll + bar.top + bar.tick + (bar.height - bar.tick) / 2 + 1);
    context.restore();
}

/**
 * Lines down from the flags of notes.
 * @param {Frame} frame
 * @param {number[]} moments
 */
export function drawMoments(frame, moments) {
    const { context, scale, theme, height } = frame;
    context.strokeStyle = theme.accent;
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    context.beginPath();
    for (const at of moments) {
        const x = Math.round(xOf(scale, at)) + 0.5;
        context.moveTo(x, 0);
        context.lineTo(x, height);
    }
    context.stroke();
    context.setLineDash([]);
}

/**
 * A frame around an interval.
 * @param {Frame} frame
 * @param {string} lane
 * @param {import("./types.js").Span} span
 */
export function drawChosen(frame, lane, span) {
    const { context, scale, scroll, theme } = frame;
    for (const row of frame.rows.filter((one) => one.lane === lane)) {
        const bar = BARS[row.sort];
        const left = Math.max(-4, xOf(scale, span.from));
        const right = Math.min(scale.width + 4, xOf(scale, span.to));
        const top = row.y - scroll + bar.top + bar.tick;
        context.lineWidth = 4;
        context.strokeStyle = theme.paper;
        context.strokeRect(left, top, Math.max(2, right - left), bar.height - bar.tick);
        context.lineWidth = 2;
        context.strokeStyle = theme.selection;
        context.strokeRect(left, top, Math.max(2, right - left), bar.height - bar.tick);
    }
}

/**
 * From who let somebody go on to whom it let go.
 * @param {Frame} frame
 * @param {string} from
 * @param {string} to
 * @param {number} moment
 */
export function drawArrow(frame, from, to, moment) {
    const { context, scale, scroll, theme } = frame;
    const x = xOf(scale, moment);
    const waker = middleOf(frame, from);
    const woken = middleOf(frame, to);
    if (x < 0 || x > scale.width || waker === null || woken === null) {
        return;
    }
    const begin = waker - scroll;
    const end = woken - scroll;
    const side = end > begin ? -1 : 1;
    for (const [width, colour] of /** @type {const} */ ([
        [4, theme.paper],
        [1.5, theme.ink],
    ])) {
        context.strokeStyle = context.fillStyle = colour;
        context.lineWidth = width;
        context.beginPath();
        context.moveTo(x, begin);
        context.lineTo(x, end + side * 9);
        context.stroke();
    }
    context.beginPath();
    context.arc(x, begin, 3, 0, 2 * Math.PI);
    context.moveTo(x, end + side * 7);
    context.lineTo(x - 4, end + side * 14);
    context.lineTo(x + 4, end + side * 14);
    context.fill();
}

/**
 * @param {Frame} frame
 * @param {string} lane
 */
function middleOf(frame, lane) {
    const row = frame.rows.find((one) => one.lane === lane);
    return row ? row.y + row.height / 2 : null;
}

/**
 * @param {Frame} frame
 * @param {import("./types.js").Path["steps"]} steps
 */
export function drawPath(frame, steps) {
    const { context, scale, scroll, theme } = frame;
    const rows = new Map(frame.rows.map((row) => [row.lane, row]));
    context.beginPath();
    let before = -1;
    for (const step of steps) {
        const row = rows.get(step.lane ?? "");
        if (!row || step.to < scale.from || step.from > scale.to) {
            before = -1;
            continue;
        }
        const y = row.y - scroll + row.height - 3;
        const left = xOf(scale, step.from);
        if (before === step.from) {
            context.lineTo(left, y);
        } else {
            context.moveTo(left, y);
        }
        context.lineTo(xOf(scale, step.to), y);
        before = step.to;
    }
    context.lineJoin = "round";
    for (const [width, colour] of /** @type {const} */ ([
        [5, theme.paper],
        [2.5, theme.accent],
    ])) {
        context.lineWidth = width;
        context.strokeStyle = colour;
        context.stroke();
    }
}

/**
 * What is asked about: all else steps back.
 * @param {Frame} frame
 * @param {import("./types.js").Span} span
 * @param {string[]} lanes none: all
 */
export function drawArea(frame, span, lanes) {
    const { context, scale, scroll, theme, height } = frame;
    const left = Math.max(0, xOf(scale, span.from));
    const right = Math.min(scale.width, xOf(scale, span.to));
    context.globalAlpha = 0.55;
    context.fillStyle = theme.paper;
    context.fillRect(0, 0, left, height);
    context.fillRect(right, 0, scale.width - right, height);
    if (lanes.length > 0 && right > left) {
        for (const row of frame.rows.filter((one) => !lanes.includes(one.lane))) {
            context.fillRect(left, row.y - scroll, right - left, row.height);
        }
    }
    context.globalAlpha = 1;
    context.fillStyle = theme.selection;
    context.fillRect(left - 1, 0, 2, height);
    context.fillRect(right - 1, 0, 2, height);
}
