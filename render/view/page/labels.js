/** The names of the rows: buttons, since they open and close groups and choose threads. */

import { el, fill } from "./dom.js";
import { slowestIn } from "./requests.js";

/** @typedef {import("./rows.js").Row} Row */

/**
 * Whose rows they are.
 * @typedef {object} Owner
 * @property {string} current the row that keys mean
 * @property {number} width
 * @property {HTMLElement} scroller
 * @property {(group: string) => void} turn
 * @property {(lane: string) => void} pin
 * @property {(x: number, y: number) => void} click
 * @property {(request: import("./requests.js").Request | undefined) => void} ask
 */

/** The end of an address, of a path or of a number says more than its begin, and is always there. */
const TAIL = 12;
const SHORT = 20;

/** @param {Row} row */
function textOf(row) {
    const isLong = row.sort === "thing" && row.name.length > SHORT;
    const cut = isLong ? row.name.length - TAIL : row.name.length;
    return [
        el("span", { class: isLong ? "text cut" : "text" }, row.name.slice(0, cut)),
        isLong && el("span", { class: "tail" }, row.name.slice(cut)),
    ];
}

export class Labels {
    /**
     * @param {import("./app.js").App} app
     * @param {Owner} timeline
     * @param {HTMLElement} box
     */
    constructor(app, timeline, box) {
        this.app = app;
        this.timeline = timeline;
        this.box = box;
        /** @type {Map<number, {row: Row, element: HTMLElement}>} */
        this.shown = new Map();
    }

    /**
     * The row that keys mean.
     * @param {string} lane
     */
    mark(lane) {
        for (const { row, element } of this.shown.values()) {
            element.classList.toggle("current", lane !== "" && row.lane === lane);
        }
    }

    /** The rows are others now. */
    invalidate() {
        const focused = document.activeElement?.closest("[data-lane]")?.getAttribute("data-lane");
        this.shown.clear();
        this.box.replaceChildren();
        this.refocus = focused;
    }

    /**
     * Those of the visible rows, and no others.
     * @param {Row[]} rows
     * @param {number} _scroll
     */
    update(rows, _scroll) {
        const seen = new Set(rows.map((row) => row.y));
        for (const [y, { element }] of this.shown) {
            if (!seen.has(y) && !element.contains(document.activeElement)) {
                element.remove();
                this.shown.delete(y);
            }
        }
        for (const row of rows) {
            if (!this.shown.has(row.y)) {
                this.#add(row);
            }
        }
    }

    /** @param {Row} row */
    #add(row) {
        const element = row.sort === "header" ? this.#header(row) : this.#label(row);
        element.style.top = `${row.y}px`;
        element.style.height = `${row.height}px`;
        element.classList.toggle("current", row.lane !== "" && row.lane === this.timeline.current);
        this.shown.set(row.y, { row, element });
        const after = [...this.shown.values()]
            .filter((one) => one.row.y > row.y)
            .sort((a, b) => a.row.y - b.row.y)[0];
        this.box.insertBefore(element, after?.element ?? null);
        if (this.refocus && this.refocus === row.lane) {
            /** @type {HTMLElement | null} */ (element.querySelector("button"))?.focus({
                preventScroll: true,
            });
            this.refocus = undefined;
        }
    }

    /** @param {Row} row */
    #header(row) {
        const words = [el("b", {}, row.name), el("span", { class: "detail" }, row.detail)];
        const title = `${row.name} ${row.detail}`;
        if (!row.lane) {
            return el("div", { class: "label header", "data-lane": row.lane, title }, ...words);
        }
        const turn = () => this.timeline.turn(row.lane);
        const inside = el("button", {
            type: "button",
            "aria-expanded": String(row.isOpen),
            onclick: turn,
            title,
        });
        fill(inside, el("span", { class: "turn", "aria-hidden": "true" }, row.isOpen ? "▾" : "▸"), ...words);
        const sort = `label header${row.isInside ? " minor" : ""}`;
        return el("div", { class: sort, "data-lane": row.lane }, inside);
    }

    /** @param {Row} row */
    #label(row) {
        const isKind = row.sort === "kind" && row.isOpen !== undefined;
        const act = () => (isKind ? this.timeline.turn(row.lane) : this.#choose(row));
        const title = row.title ?? `${row.name} ${row.detail}`;
        const main = el("button", { type: "button", class: "name", onclick: act, title });
        if (isKind) {
            main.setAttribute("aria-expanded", String(row.isOpen));
        }
        fill(
            main,
            isKind && el("span", { class: "turn", "aria-hidden": "true" }, row.isOpen ? "▾" : "▸"),
            ...textOf(row),
            el("span", { class: "detail" }, row.detail),
        );
        if (row.sort === "request") {
            return el("div", { class: "label request", "data-lane": row.lane }, main);
        }
        const isPinned = this.app.view.pins.includes(row.lane);
        const pin = el(
            "button",
            {
                type: "button",
                class: "pin",
                "aria-pressed": String(isPinned),
                "aria-label": `Pin ${row.name} to the top`,
                title: isPinned ? "Unpin" : "Pin to the top",
                onclick: () => this.timeline.pin(row.lane),
            },
            isPinned ? "●" : "○",
        );
        const sort = `label ${row.sort}${row.isInside ? " inside" : ""}`;
        return el("div", { class: sort, "data-lane": row.lane }, main, pin);
    }

    /**
     * What the row did in the middle of what is shown.
     * @param {Row} row
     */
    #choose(row) {
        if (row.requests) {
            this.timeline.ask(slowestIn(row, this.app.view));
            return;
        }
        this.timeline.click(this.timeline.width / 2, row.y - this.timeline.scroller.scrollTop + 1);
    }
}
