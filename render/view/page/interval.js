/** What one interval was: asked of the server, told in the panel, and followed from wake to wake. */

import { readRef, writeArea } from "./address.js";
import { Asker } from "./api.js";
import { announce, button, byId, el, fill } from "./dom.js";
import { duration, moment, share, shortOf } from "./format.js";
import { part, stackOf } from "./pieces.js";

/** @typedef {import("./types.js").Interval} Interval */
/** @typedef {import("./types.js").Ref} Ref */

export class IntervalPanel {
    /**
     * @param {import("./app.js").App} app
     * @param {import("./timeline.js").Timeline} timeline
     * @param {(error: unknown) => void} onFailure
     */
    constructor(app, timeline, onFailure) {
        this.app = app;
        this.timeline = timeline;
        this.onFailure = onFailure;
        this.panel = byId("panel");
        this.asker = new Asker();
        /** @type {Interval | null} */
        this.interval = null;
        app.on("chosen", () => this.load());
    }

    async load() {
        const ref = readRef(this.app.view.chosen);
        if (!ref) {
            this.asker.cancel();
            this.interval = this.timeline.chosen = null;
            return;
        }
        try {
            const question = { r: this.app.view.recording, lane: ref.lane, at: ref.at };
            const found = await this.asker.ask("interval", question);
            if (found) {
                this.#show(/** @type {Interval} */ (found));
            }
        } catch (error) {
            fill(
                this.panel,
                el("h2", {}, "Nothing is known of it"),
                el("p", {}, String(/** @type {Error} */ (error).message)),
            );
        }
    }

    /** @param {Interval} interval */
    #show(interval) {
        this.interval = this.timeline.chosen = interval;
        this.timeline.setCurrent(interval.lane);
        this.timeline.reveal(interval.lane);
        this.#bringIntoView(interval);
        const { app } = this;
        const state = app.overview.states[interval.state]?.name ?? "";
        const title = shortOf(interval.text ?? "") || (interval.state === 1 ? "in line for a CPU" : state);
        const step = Math.max(1, (interval.to - interval.from) / 100);
        fill(
            this.panel,
            el(
                "div",
                { class: "panel-head" },
                el("h2", {}, el("span", { class: "chip", "data-state": interval.state }), title),
                button("✕", () => app.show({ chosen: "" }), {
                    "aria-label": "Close the details",
                    title: "Close (Escape)",
                }),
            ),
            el(
                "dl",
                { class: "facts" },
                ...fact(
                    "Thread",
                    `${app.nameOf(interval.lane)} ${app.threads.get(interval.lane)?.tid ?? ""}`,
                ),
                ...fact("State", state + (interval.is_idle ? ", idle" : "")),
                ...fact("How long", this.#lengthOf(interval)),
                ...fact("When", `${moment(interval.from, step)} to ${moment(interval.to, step)}`),
                ...fact("On", interval.object?.text),
                ...fact(
                    "Stands for",
                    interval.weight && interval.weight > 1
                        ? `${Math.round(interval.weight)} such waits: short ones are sampled`
                        : "",
                ),
                ...fact("Result", interval.result || undefined),
                ...fact("Preempted by", interval.preempted_by),
            ),
            this.#steps(interval),
            interval.state > 1 || interval.stack?.length ? part("In", stackOf(interval.stack)) : null,
            this.#waker(interval),
            this.#holders(interval),
            this.#wakes(interval),
        );
        announce(`${app.nameOf(interval.lane)}: ${title}, ${duration(interval.to - interval.from)}`);
        this.timeline.redraw();
    }

    /** @param {Interval} interval */
    #lengthOf(interval) {
        const length =
            duration(interval.to - interval.from) + (interval.is_open ? ", and it had not ended" : "");
        if (interval.wait_from === undefined || interval.wait_to === undefined) {
            return length;
        }
        const whole = interval.wait_to - interval.wait_from;
        return whole > interval.to - interval.from ? `${length}, of a wait of ${duration(whole)}` : length;
    }

    /**
     * The window moves only if what is chosen cannot be seen in it.
     * @param {Interval} interval
     */
    #bringIntoView(interval) {
        const { from, to } = this.app.view;
        const at = readRef(this.app.view.chosen)?.at ?? interval.from;
        if (interval.to < from || interval.from > to || at < from || at > to) {
            this.timeline.centre(Math.min(Math.max(at, interval.from), interval.to));
        }
    }

    /** @param {Interval} interval */
    #steps(interval) {
        const { app } = this;
        const edge = Math.max(10, (interval.to - interval.from) * 0.25);
        return el(
            "div",
            { class: "row-of-buttons" },
            button("Zoom to it", () => this.timeline.goTo(interval.from - edge, interval.to + edge), {
                title: "Zoom (Enter)",
            }),
            button("Sum it up", () =>
                app.show({
                    area: `${interval.from}-${Math.max(interval.to, interval.from + 1)}`,
                    chosen: "",
                }),
            ),
            button("Path to here", () => this.#showPath(interval), {
                title: "Draws what the end of this depended on, moment by moment",
            }),
            this.#jump("◂ Before", interval.previous, "What this thread did before (,)"),
            this.#jump("After ▸", interval.next, "What it did next (.)"),
            this.#jump(
                "◂ Same object",
                interval.same_object?.previous,
                "The wait for the same object before ({)",
            ),
            this.#jump("Same object ▸", interval.same_object?.next, "The next wait for the same object (})"),
            this.#jump(
                "◂ Same place",
                interval.same_place?.previous,
                "The wait at the same place before (<)",
            ),
            this.#jump("Same place ▸", interval.same_place?.next, "The next wait at the same place (>)"),
        );
    }

    /** @param {Interval} interval */
    #showPath(interval) {
        const from = Math.min(this.app.overview.lives.from, interval.from);
        this.app.show({ path: writeArea(from, interval.to, [interval.lane]) });
    }

    /**
     * @param {string} label
     * @param {Ref | undefined} ref
     * @param {string} title
     */
    #jump(label, ref, title) {
        return ref ? button(label, () => this.goTo(ref), { title }) : null;
    }

    /** @param {Ref | undefined} ref */
    goTo(ref) {
        if (ref) {
            this.app.show({ chosen: `${ref.lane}@${Math.floor(ref.at)}` });
        }
    }

    /** Who ended this wait, and what it did then. */
    followBack() {
        const waker = this.interval?.waker;
        if (waker) {
            this.goTo({ lane: waker.lane, at: Math.max(0, waker.at - 1) });
        } else {
            announce("Nobody is known to have ended this.");
        }
    }

    /** Whom the thread let go on meanwhile. */
    followOn() {
        const wake = this.interval?.wakes?.[0];
        if (wake) {
            this.goTo({ lane: wake.lane, at: Math.max(wake.from, wake.at - 1) });
        } else {
            announce("It let nobody go on meanwhile.");
        }
    }

    /** @param {Interval} interval */
    #waker(interval) {
        const { waker } = interval;
        if (!waker) {
            return null;
        }
        const step = Math.max(1, (interval.to - interval.from) / 100);
        const name = waker.name || this.app.nameOf(waker.lane);
        const who = button(name, () => this.followBack(), { class: "link", title: "What it did then ([)" });
        return part(
            "Ended by",
            el(
                "div",
                { class: "person" },
                who,
                ` at ${moment(waker.at, step)}${waker.op ? `, by ${waker.op}` : ""}`,
                stackOf(waker.stack),
            ),
        );
    }

    /** @param {Interval} interval */
    #holders(interval) {
        const { holders } = interval;
        if (!holders || holders.length === 0) {
            return null;
        }
        const whole = interval.to - interval.from;
        const shown = [...holders].sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, 5);
        return part(
            holders.length > shown.length
                ? `Held meanwhile by (the ${shown.length} longest of ${interval.holder_count ? `the first ${holders.length} of ${interval.holder_count}` : holders.length})`
                : "Held meanwhile by",
            ...shown.map((holder) => {
                const { lane } = holder;
                const name = holder.name || this.app.nameOf(lane) || "somebody who is not known";
                const middle = Math.floor((holder.from + holder.to) / 2);
                const who = lane
                    ? button(name, () => this.goTo({ lane, at: middle }), { class: "link" })
                    : name;
                const length = ` ${duration(holder.to - holder.from)}, ${share(holder.to - holder.from, whole)}`;
                const how = holder.is_hand_off ? ", handed over and not yet taken" : "";
                return el(
                    "div",
                    { class: "person" },
                    who,
                    length + how,
                    holder.stack?.length ? stackOf(holder.stack) : null,
                );
            }),
        );
    }

    /** @param {Interval} interval */
    #wakes(interval) {
        const wakes = wholeWakes(interval.wakes ?? []);
        if (wakes.length === 0) {
            return null;
        }
        const step = Math.max(1, (interval.to - interval.from) / 100);
        const list = el("ul", {});
        for (const wake of wakes.slice(0, 12)) {
            const go = () => this.goTo({ lane: wake.lane, at: Math.max(wake.from, wake.at - 1) });
            const who = button(this.app.nameOf(wake.lane), go, { class: "link" });
            list.append(
                el(
                    "li",
                    {},
                    who,
                    ` at ${moment(wake.at, step)}, who had waited ${duration(wake.to - wake.from)}`,
                ),
            );
        }
        return part(
            wakes.length > 12 ? `Let go on (the first 12 of ${wakes.length})` : "Let go on ( ] )",
            list,
        );
    }
}

/**
 * One for each wait, not for each part of it that a wake ended.
 * @param {NonNullable<Interval["wakes"]>} wakes
 */
function wholeWakes(wakes) {
    /** @type {Map<string, (typeof wakes)[number]>} */
    const whole = new Map();
    for (const wake of wakes) {
        const key = `${wake.lane}@${wake.at}`;
        const known = whole.get(key);
        if (!known || wake.from < known.from) {
            whole.set(key, wake);
        }
    }
    return [...whole.values()];
}

/**
 * @param {string} name
 * @param {string | number | undefined} value
 */
function fact(name, value) {
    return value === undefined || value === "" ? [] : [el("dt", {}, name), el("dd", {}, value)];
}
