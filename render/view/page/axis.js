/** The axis above the rows, and the whole run above that: what all threads did, and what is shown of it. */

import { askBytes } from "./api.js";
import { STACKING } from "./colours.js";
import { decode } from "./columns.js";
import { moment } from "./format.js";
import { scaleOf, ticksOf, xOf } from "./scale.js";

const STRIP_COLUMNS = 512;
const STRIP_LANES = 64;

/**
 * A canvas that is as sharp as the screen.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @returns {CanvasRenderingContext2D}
 */
export function sharp(canvas, width, height) {
    const ratio = devicePixelRatio || 1;
    const [across, down] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
    if (canvas.width !== across || canvas.height !== down) {
        canvas.width = across;
        canvas.height = down;
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) {
        throw new Error("the browser gives no canvas");
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("./types.js").Span} view
 * @param {number} width
 * @param {import("./colours.js").Theme} theme
 * @param {{at: number, name: string}[]} marks
 */
export function drawAxis(canvas, view, width, theme, marks) {
    const height = 26;
    const context = sharp(canvas, width, height);
    const scale = scaleOf(view, width);
    const { step_ns, moments } = ticksOf(scale);
    context.fillStyle = theme.paper;
    context.fillRect(0, 0, width, height);
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const at of moments) {
        const x = Math.round(xOf(scale, at));
        context.fillStyle = theme.grid;
        context.fillRect(x, height - 6, 1, 6);
        context.fillStyle = theme.muted;
        const words = moment(at, step_ns);
        const room = context.measureText(words).width / 2;
        if (x - room > 0 && x + room < width) {
            context.fillText(words, x - room, 11);
        }
    }
    for (const mark of marks) {
        const x = xOf(scale, mark.at);
        context.fillStyle = theme.accent;
        context.fillRect(x - 1, height - 12, 2, 12);
        context.fillText(mark.name, x + 4, height - 7);
    }
}

/** All threads together over the whole run: the strip above the axis. */
export class Strip {
    /**
     * @param {import("./app.js").App} app
     * @param {HTMLCanvasElement} canvas
     */
    constructor(app, canvas) {
        this.app = app;
        this.canvas = canvas;
        /** @type {Float64Array[]} */
        this.ns = [];
        const { from, to } = app.overview.lives;
        this.level = Math.max(0, Math.ceil(Math.log2((to - from) / (STRIP_COLUMNS - 2))));
        this.first = Math.floor(from / 2 ** this.level);
    }

    /** The window of the strip. */
    get span() {
        return this.app.overview.lives;
    }

    /** Asks for what all threads did. */
    async load() {
        const { overview, view } = this.app;
        const folded = new Set(overview.kinds.flatMap((kind) => kind.threads));
        const alone = overview.threads.filter((thread) => !folded.has(Number(thread.lane.slice(1))));
        const lanes = [...overview.kinds, ...alone].map((one) => one.lane);
        const sums = Array.from({ length: 8 }, () => new Float64Array(STRIP_COLUMNS));
        for (let i = 0; i < lanes.length; i += STRIP_LANES) {
            const bytes = await askBytes("tiles", {
                r: view.recording,
                lanes: lanes.slice(i, i + STRIP_LANES).join(","),
                level: this.level,
                first: this.first,
                count: STRIP_COLUMNS,
                v: overview.begin_ns,
            });
            for (const columns of decode(bytes)) {
                columns.ns.forEach((values, state) => {
                    values.forEach((value, column) => {
                        const sum = sums[state];
                        if (sum) {
                            sum[column] = (sum[column] ?? 0) + value;
                        }
                    });
                });
            }
        }
        this.ns = sums;
    }

    /**
     * @param {number} width
     * @param {number} height
     */
    draw(width, height) {
        const { theme, view } = this.app;
        const context = sharp(this.canvas, width, height);
        const scale = scaleOf(this.span, width);
        context.fillStyle = theme.band;
        context.fillRect(0, 0, width, height);
        this.#drawStates(context, scale, height);
        const left = Math.max(0, xOf(scale, view.from));
        const right = Math.min(width, xOf(scale, view.to));
        context.globalAlpha = 0.62;
        context.fillStyle = theme.paper;
        context.fillRect(0, 0, left, height);
        context.fillRect(right, 0, width - right, height);
        context.globalAlpha = 1;
        context.strokeStyle = theme.selection;
        context.lineWidth = 1.5;
        context.strokeRect(left + 0.75, 0.75, Math.max(3, right - left - 1.5), height - 1.5);
    }

    /**
     * @param {CanvasRenderingContext2D} context
     * @param {import("./scale.js").Scale} scale
     * @param {number} height
     */
    #drawStates(context, scale, height) {
        let most = 1;
        for (let i = 0; i < STRIP_COLUMNS; i++) {
            most = Math.max(
                most,
                this.ns.reduce((sum, values) => sum + (values[i] ?? 0), 0),
            );
        }
        const column_ns = 2 ** this.level;
        const reached = new Float64Array(STRIP_COLUMNS);
        for (const state of STACKING) {
            context.fillStyle = this.app.theme.fill[state] ?? "";
            for (let i = 0; i < STRIP_COLUMNS; i++) {
                const ns = this.ns[state]?.[i] ?? 0;
                if (ns > 0) {
                    const left = Math.round(xOf(scale, (this.first + i) * column_ns));
                    const right = Math.round(xOf(scale, (this.first + i + 1) * column_ns));
                    const bottom = height * (1 - (reached[i] ?? 0) / most);
                    const tall = (height * ns) / most;
                    context.fillRect(left, bottom - tall, right - left, tall);
                    reached[i] = (reached[i] ?? 0) + ns;
                }
            }
        }
    }
}
