/** What the parts of the page share: the recording, what is shown of it, and who wants to know. */

import { emptyView, readHash, writeHash } from "./address.js";
import { themeOf } from "./colours.js";

/** A step in the browser's history is made when the window has been at rest for so long. */
const REST_MS = 350;
const TOGETHER_MS = 800;

/** @typedef {import("./address.js").View} View */
/** @typedef {"view" | "theme" | "chosen" | "area" | "tab" | "rows" | "path" | "base" | "beside"} Topic */

export class App {
    /** @param {import("./types.js").Overview} overview */
    constructor(overview) {
        this.overview = overview;
        /** How long the longest one is of those that are shown, from its threads' begin on. */
        this.reach_ns = overview.lives.to - overview.lives.from;
        /** @type {import("./requests.js").Served[]} requests, once they are known */
        this.served = [];
        this.names = namesOf(overview);
        this.threads = new Map(overview.threads.map((thread) => [thread.lane, thread]));
        /** @type {View} */
        this.view = { ...emptyView(), ...overview.lives, ...readHash(location.hash) };
        if (this.view.beside) {
            // How long the other one is comes to be known later.
            this.reach_ns = Math.max(this.reach_ns, this.view.to - this.view.from);
        }
        Object.assign(this.view, this.#kept(this.view.from, this.view.to));
        this.theme = themeOf(false);
        this.hasPatterns = false;
        /** @type {Map<Topic, (() => void)[]>} */
        this.listeners = new Map();
        this.steps = 0;
        this.restTimer = 0;
        /** When something was chosen last. */
        this.step_ms = Number.NEGATIVE_INFINITY;
        addEventListener("popstate", (event) => {
            clearTimeout(this.restTimer);
            this.steps = Number(event.state?.step ?? 0);
            this.#goTo({ ...emptyView(), ...overview.lives, ...readHash(location.hash) });
        });
        this.steps = Number(history.state?.step ?? 0);
        history.replaceState({ step: this.steps }, "", writeHash(this.view));
    }

    /**
     * @param {Topic} topic
     * @param {() => void} listener
     */
    on(topic, listener) {
        this.listeners.set(topic, [...(this.listeners.get(topic) ?? []), listener]);
    }

    /** @param {Topic} topic */
    tell(topic) {
        for (const listener of this.listeners.get(topic) ?? []) {
            listener();
        }
    }

    /**
     * Shows something else, and remembers where one was.
     * @param {Partial<View>} change
     */
    show(change) {
        const before = this.view;
        if (change.from !== undefined && change.to !== undefined) {
            Object.assign(change, this.#kept(change.from, change.to));
        }
        this.view = { ...before, ...change };
        clearTimeout(this.restTimer);
        if (isMoveAlone(change)) {
            this.restTimer = setTimeout(() => this.#remember(true), REST_MS);
        } else {
            this.#remember(false);
        }
        this.#tellOf(before);
    }

    /** Back to what was shown before. */
    back() {
        clearTimeout(this.restTimer);
        this.#remember(true);
        if (this.steps > 0) {
            history.back();
        }
    }

    /**
     * A move that follows a choice at once is a part of it: one step back undoes both.
     * @param {boolean} isMove
     */
    #remember(isMove) {
        const hash = writeHash(this.view);
        if (hash === location.hash) {
            return;
        }
        const now = performance.now();
        if (isMove && now - this.step_ms < TOGETHER_MS) {
            history.replaceState({ step: this.steps }, "", hash);
        } else {
            this.steps++;
            history.pushState({ step: this.steps }, "", hash);
        }
        this.step_ms = isMove ? Number.NEGATIVE_INFINITY : now;
    }

    /** @param {View} view */
    #goTo(view) {
        const before = this.view;
        this.view = { ...view, ...this.#kept(view.from, view.to) };
        this.#tellOf(before);
    }

    /** @param {View} before */
    #tellOf(before) {
        const { view } = this;
        if (view.recording !== before.recording) {
            location.reload();
            return;
        }
        if (String(view.turned) !== String(before.turned) || String(view.pins) !== String(before.pins)) {
            this.tell("rows");
        }
        for (const topic of /** @type {const} */ (["tab", "area", "chosen", "path", "base", "beside"])) {
            if (view[topic] !== before[topic]) {
                this.tell(topic);
            }
        }
        this.tell("view");
    }

    /**
     * A window that is in what there is of the recording, and at least a few nanoseconds long.
     * @param {number} from
     * @param {number} to
     */
    #kept(from, to) {
        const { length_ns, lives, window } = this.overview;
        const first = window?.from ?? 0;
        const whole = window ? window.to - first : Math.max(length_ns, lives.from + this.reach_ns);
        const length = Math.min(Math.max(to - from, 50), whole * 1.1);
        const middle = (from + to) / 2;
        const latest = first + whole * 1.05 - length;
        const begin = Math.max(first - 0.05 * whole, Math.min(middle - length / 2, latest));
        return { from: Math.max(0, begin), to: Math.max(0, begin) + length };
    }

    /**
     * What a lane is called.
     * @param {string | undefined} lane
     */
    nameOf(lane = "") {
        return this.names.get(lane) || lane;
    }
}

/**
 * @param {import("./types.js").Overview} overview
 * @returns {Map<string, string>}
 */
export function namesOf(overview) {
    const named = [...overview.threads, ...overview.kinds, ...overview.cpus];
    return new Map([
        ...named.map((one) => /** @type {[string, string]} */ ([one.lane, one.name])),
        ...overview.objects.map((one) => /** @type {[string, string]} */ ([one.lane, one.text])),
    ]);
}

/** @param {Partial<View>} change */
function isMoveAlone(change) {
    return Object.keys(change).every((name) => name === "from" || name === "to");
}
