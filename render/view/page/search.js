/** Finds threads, processes, locks and moments by name, and goes there. */

import { byId, el, fill } from "./dom.js";
import { parseTime } from "./format.js";

const SHOWN = 12;

/** @typedef {{name: string, detail: string, go: () => void}} Hit */

export class Search {
    /**
     * @param {import("./app.js").App} app
     * @param {import("./timeline.js").Timeline} timeline
     */
    constructor(app, timeline) {
        this.app = app;
        this.timeline = timeline;
        this.dialog = /** @type {HTMLDialogElement} */ (byId("search"));
        this.input = el("input", {
            type: "search",
            placeholder: "Thread, process, lock, or a moment such as 1.5s or 50%",
            "aria-label": "Search",
            role: "combobox",
            "aria-expanded": "true",
            "aria-controls": "hits",
            "aria-autocomplete": "list",
        });
        this.list = el("ul", { id: "hits", role: "listbox", "aria-label": "Found" });
        /** @type {Hit[]} */
        this.hits = [];
        this.current = 0;
        fill(this.dialog, this.input, this.list);
        this.input.addEventListener("input", () => this.#find());
        this.input.addEventListener("keydown", (event) => this.#key(event));
    }

    open() {
        this.input.value = "";
        this.#find();
        this.dialog.showModal();
        this.input.focus();
    }

    #find() {
        const words = this.input.value.trim().toLowerCase();
        const { overview } = this.app;
        /** @type {Hit[]} */
        const hits = [];
        const at = words === "" ? null : parseTime(words, overview.length_ns);
        if (at !== null) {
            hits.push({ name: `the moment ${words}`, detail: "", go: () => this.timeline.centre(at) });
        }
        const isFound = (/** @type {string} */ text) => text.toLowerCase().includes(words);
        const lanes = [
            ...overview.threads.map((one) => ({
                lane: one.lane,
                name: one.name,
                detail: `thread ${one.tid}`,
            })),
            ...overview.kinds.map((one) => ({
                lane: one.lane,
                name: one.name,
                detail: `${one.threads.length} threads`,
            })),
            ...overview.objects.map((one) => ({ lane: one.lane, name: one.text, detail: "waited for" })),
            ...overview.cpus.map((one) => ({ lane: one.lane, name: one.name, detail: "CPU" })),
        ];
        for (const one of lanes) {
            if (hits.length >= SHOWN) {
                break;
            }
            if (isFound(`${one.name} ${one.detail}`)) {
                hits.push({ name: one.name, detail: one.detail, go: () => this.#show(one.lane) });
            }
        }
        this.hits = hits;
        this.current = 0;
        this.#draw();
    }

    /** @param {string} lane */
    #show(lane) {
        this.app.show({ tab: "timeline" });
        if (lane.startsWith("o") && !this.timeline.rows.some((row) => row.lane === lane)) {
            this.timeline.turn("things");
        }
        this.timeline.reveal(lane);
        this.timeline.setCurrent(lane);
    }

    #draw() {
        const items = this.hits.map((hit, index) => {
            const item = el(
                "li",
                {
                    role: "option",
                    id: `hit-${index}`,
                    "aria-selected": String(index === this.current),
                    class: "hit",
                    onclick: () => this.#go(hit),
                },
                el("span", {}, hit.name),
                el("span", { class: "quiet" }, hit.detail),
            );
            return item;
        });
        this.input.setAttribute("aria-activedescendant", items.length > 0 ? `hit-${this.current}` : "");
        fill(this.list, ...items);
        if (items.length === 0) {
            this.list.append(
                el(
                    "li",
                    { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "quiet" },
                    "Nothing is called that.",
                ),
            );
        }
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
        if (step !== 0 && this.hits.length > 0) {
            event.preventDefault();
            this.current = (this.current + step + this.hits.length) % this.hits.length;
            this.#draw();
        }
        if (event.key === "Escape") {
            event.preventDefault();
            this.dialog.close();
        }
        const hit = this.hits[this.current];
        if (event.key === "Enter" && hit) {
            event.preventDefault();
            this.#go(hit);
        }
    }

    /** @param {Hit} hit */
    #go(hit) {
        this.dialog.close();
        hit.go();
    }
}
