/** What the pointer is at, in words beside it. */

import { byId, el, fill } from "./dom.js";
import { duration, moment, share } from "./format.js";
import { columnAt, placeAt } from "./point.js";
import { linesOf, requestAt } from "./requests.js";

/**
 * What a recording's states and lanes are called.
 * @typedef {{overview: import("./types.js").Overview, nameOf: (lane: string) => string}} Names
 *
 * Where the pointer is: what waits are for is known where that was written into them.
 * @typedef {import("./point.js").Timeline & {plot: HTMLElement,
 *     words?: {get: (lane: string, begin_ns: number) => string | undefined}}} Pointed
 */

export class Tip {
    /**
     * @param {Names} app
     * @param {Pointed} timeline
     */
    constructor(app, timeline) {
        this.app = app;
        this.timeline = timeline;
        this.box = byId("tip");
    }

    /**
     * @param {number} x
     * @param {number} y
     */
    show(x, y) {
        const place = placeAt(this.timeline, x, y);
        const column = place && columnAt(this.timeline, place.row, place.moment);
        const request = place && requestAt(place.row, this.timeline.scale, x);
        if (request) {
            fill(this.box, ...linesOf(request).map((line) => el("div", {}, line)));
            this.#place(x, y);
            return;
        }
        if (!place || !column || place.row.sort === "header") {
            this.hide();
            return;
        }
        const step = this.timeline.scale.px_ns;
        fill(
            this.box,
            el("div", { class: "tip-head" }, place.row.name, el("span", {}, moment(place.moment, step))),
            ...this.#states(place.row, column),
            this.#longest(place.row, column),
        );
        this.#place(x, y);
    }

    /**
     * @param {number} x
     * @param {number} y
     */
    #place(x, y) {
        this.box.hidden = false;
        const room = this.timeline.plot.getBoundingClientRect();
        const { offsetWidth, offsetHeight } = this.box;
        const left = Math.min(room.left + x + 16, innerWidth - offsetWidth - 8);
        const below = room.top + y + 18;
        const top = below + offsetHeight > innerHeight - 8 ? room.top + y - offsetHeight - 12 : below;
        this.box.style.left = `${Math.max(8, left)}px`;
        this.box.style.top = `${Math.max(8, top)}px`;
    }

    /**
     * @param {import("./rows.js").Row} row
     * @param {import("./point.js").Column} column
     */
    #states(row, column) {
        const whole = column.ns.reduce((sum, ns) => sum + ns, 0);
        const states = column.ns
            .map((ns, state) => ({ ns, state }))
            .filter(({ ns }) => ns > 0)
            .sort((a, b) => b.ns - a.ns);
        if (row.sort === "thing") {
            return [el("div", {}, `${(whole / column.column_ns).toFixed(2)} waiting on average`)];
        }
        if (row.sort === "cpu") {
            return [el("div", {}, `the program ran on it for ${share(whole, column.column_ns)} of the time`)];
        }
        return states.map(({ ns, state }) => {
            const chip = el("span", { class: "chip", "data-state": state });
            return el("div", {}, chip, `${this.app.overview.states[state]?.name ?? ""}  ${share(ns, whole)}`);
        });
    }

    /**
     * @param {import("./rows.js").Row} row
     * @param {import("./point.js").Column} column
     */
    #longest(row, column) {
        if (Number.isNaN(column.begin_ns)) {
            return null;
        }
        const text =
            this.timeline.words?.get(row.lane, column.begin_ns) ??
            this.app.overview.states[column.state]?.name;
        const whose = row.sort === "thread" ? "" : `, ${this.app.nameOf(`t${column.thread}`)}`;
        return el(
            "div",
            { class: "tip-foot" },
            `longest here: ${text} ${duration(column.end_ns - column.begin_ns)}${whose}`,
        );
    }

    hide() {
        this.box.hidden = true;
    }
}
