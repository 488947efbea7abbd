/** What happened in a stretch of time, exactly: totals, who, where, on what, how long; and as files. */

import { readArea, writeArea } from "./address.js";
import { Asker, addressOf } from "./api.js";
import { longestOf, objectsOf, placesOf, threadsOf } from "./area_tables.js";
import { legendOfChange, partOfChanges, readBase, stretchOf } from "./compare.js";
import { announce, button, byId, el, fill } from "./dom.js";
import { FlameGraph } from "./flame.js";
import { duration, moment, share } from "./format.js";
import { histogramOf } from "./histogram.js";
import { keptStretches } from "./kept.js";
import { part, statesOf } from "./pieces.js";
import { linesOf } from "./requests.js";
import { isStored } from "./stored.js";

/** @typedef {import("./types.js").Area} Area */

const DOWNLOADS = /** @type {const} */ ([
    ["Profile of sync waits (.pb.gz)", { what: "pprof", profile: "sync" }],
    ["Profile of net waits (.pb.gz)", { what: "pprof", profile: "net" }],
    ["Profile of system calls (.pb.gz)", { what: "pprof", profile: "syscall" }],
    ["Profile of who held locks (.pb.gz)", { what: "pprof", profile: "mutex" }],
    ["Perfetto", { what: "perfetto" }],
    ["CSV of the waits", { what: "csv" }],
    ["SVG", { what: "svg" }],
    ["PNG", { what: "png" }],
]);

export class AreaPanel {
    /**
     * @param {import("./app.js").App} app
     * @param {import("./timeline.js").Timeline} timeline
     */
    constructor(app, timeline) {
        this.app = app;
        this.timeline = timeline;
        this.panel = byId("panel");
        this.asker = new Asker();
        this.pathAsker = new Asker();
        this.baseAsker = new Asker();
        this.flame = "wait";
        this.isScaled = false;
        app.on("area", () => this.load());
        app.on("base", () => this.load());
    }

    async load() {
        const area = readArea(this.app.view.area);
        if (!area) {
            this.asker.cancel();
            this.panel.classList.remove("wide");
            return;
        }
        fill(this.panel, el("p", { class: "quiet" }, "Summing up …"));
        try {
            const [found, base] = await Promise.all([
                this.asker.ask("area", { ...this.#question(area), flame: this.flame }),
                this.#askBase(area),
            ]);
            if (found) {
                this.#show(area, /** @type {Area} */ (found), base);
            }
        } catch (error) {
            fill(
                this.panel,
                el("h2", {}, "This cannot be summed up"),
                el("p", {}, String(/** @type {Error} */ (error).message)),
                ...keptStretches(this.app),
            );
        }
    }

    /**
     * What it is compared with, if with anything.
     * @param {{from: number, to: number}} area
     */
    async #askBase(area) {
        const { view, overview } = this.app;
        const base = readBase(view.base);
        if (!base || base.recording >= overview.recordings.length) {
            return null;
        }
        const stretch = await stretchOf(base, area, overview);
        const question = { ...this.#question(stretch), r: base.recording, flame: this.flame };
        return /** @type {Promise<Area | null>} */ (this.baseAsker.ask("area", question));
    }

    /** @param {{from: number, to: number, lanes: string[]}} area */
    #question(area) {
        return {
            r: this.app.view.recording,
            from: area.from,
            to: area.to,
            lanes: area.lanes.slice(0, 400).join(","),
        };
    }

    /**
     * @param {{from: number, to: number, lanes: string[]}} area
     * @param {Area} found
     * @param {Area | null} base
     */
    #show(area, found, base) {
        const { app } = this;
        const step = (area.to - area.from) / 100;
        const who =
            area.lanes.length === 0
                ? "all threads"
                : area.lanes.length <= 3
                  ? area.lanes.map((lane) => app.nameOf(lane)).join(", ")
                  : `${area.lanes.length} rows`;
        fill(
            this.panel,
            el(
                "div",
                { class: "panel-head" },
                el("h2", {}, `${duration(area.to - area.from)} of ${who}`),
                button("⇔", () => this.#widen(), {
                    "aria-label": "Wider or narrower",
                    title: "Wider or narrower",
                }),
                button("✕", () => app.show({ area: "" }), {
                    "aria-label": "Close the sums",
                    title: "Close (Escape)",
                }),
            ),
            el(
                "p",
                { class: "quiet" },
                `${moment(area.from, step)} to ${moment(area.to, step)}; sums of the threads' time`,
            ),
            this.#requests(area),
            statesOf(found.ns, app.overview.states),
            this.#unseen(found),
            el(
                "div",
                { class: "row-of-buttons" },
                button("Zoom to it", () => this.timeline.goTo(area.from, area.to)),
                button("Compare others with it", () => this.#keepAsBase(), {
                    title: "What is summed up next is compared with this stretch",
                }),
            ),
            this.#comparison(found, base),
            this.#flamePart(found, base),
            longestOf(app, found),
            this.#path(area),
            threadsOf(app, found, (lane) => this.timeline.reveal(lane)),
            placesOf(found),
            objectsOf(found),
            part("How long waits took", histogramOf(found.histogram, app.theme)),
            this.#downloads(area),
        );
        announce(`${duration(area.to - area.from)} summed up`);
    }

    /**
     * Of a request's own stretch, what is known of it.
     * @param {{from: number, to: number}} area
     */
    #requests(area) {
        const all = this.app.served.flatMap((served) => served.rows.flat());
        const request = all.find((one) => one.from === area.from && one.to === area.to);
        const lines = request ? linesOf(request).map((line) => el("li", {}, line)) : [];
        return request ? part("The request", el("ul", { class: "request" }, ...lines)) : null;
    }

    /** @param {Area} found */
    #unseen(found) {
        const ns = (found.unseen_ns ?? []).reduce((sum, one) => sum + one, 0);
        return ns > 0
            ? el(
                  "p",
                  { class: "quiet" },
                  `Short waits that were not recorded add about ${duration(ns)} to the waits.`,
              )
            : null;
    }

    #widen() {
        this.panel.classList.toggle("wide");
        this.load();
    }

    #keepAsBase() {
        const { recording, area } = this.app.view;
        this.app.show({ base: `${recording}:${area}` });
        announce("What is summed up from now on is compared with this stretch.");
    }

    /**
     * How many of the base's nanoseconds are as one here.
     * @param {Area} found
     * @param {Area} base
     */
    #factor(found, base) {
        return this.isScaled ? (found.to - found.from) / (base.to - base.from) : 1;
    }

    /**
     * @param {Area} found
     * @param {Area | null} base
     */
    #comparison(found, base) {
        const { view, overview } = this.app;
        const choice = el("select", { "aria-label": "Compare with" });
        choice.append(el("option", { value: "" }, "Compare with nothing"));
        overview.recordings.forEach(({ directory }, number) => {
            if (number !== view.recording) {
                choice.append(
                    el("option", { value: `${number}:` }, `Compare with all of ${directory}`),
                    el("option", { value: `${number}:=` }, `Compare with this time in ${directory}`),
                );
            }
        });
        const own = [...choice.options].find((option) => option.value === view.base);
        if (view.base && !own) {
            choice.append(el("option", { value: view.base }, "Compare with the stretch that was kept"));
        }
        if (choice.options.length === 1) {
            return null;
        }
        choice.value = view.base;
        choice.addEventListener("change", () => this.app.show({ base: choice.value }));
        if (!base) {
            return choice;
        }
        const directoryOf = (/** @type {string} */ text) =>
            overview.recordings[readBase(text)?.recording ?? 0]?.directory ?? "";
        const [here, there] = [duration(found.to - found.from), duration(base.to - base.from)];
        // Of another recording it is not known which rows would be the same.
        const isOfRows = (/** @type {string} */ area) => (readArea(area)?.lanes.length ?? 0) > 0;
        const isOfAll = !isOfRows(readBase(view.base)?.area ?? "");
        const whose = isOfRows(view.area) && isOfAll ? ", there with all its threads" : "";
        const scaled = el("input", { type: "checkbox", checked: this.isScaled });
        scaled.addEventListener("change", () => {
            this.isScaled = scaled.checked;
            this.#again(found, base);
        });
        return el(
            "div",
            {},
            choice,
            el("p", { class: "quiet" }, `Here ${here}, there ${there} of ${directoryOf(view.base)}${whose}.`),
            el("label", {}, scaled, " as if both were as long"),
            ...partOfChanges(found, base, this.#factor(found, base), overview.states),
        );
    }

    /**
     * @param {Area} found
     * @param {Area} base
     */
    #again(found, base) {
        const area = readArea(this.app.view.area);
        if (area) {
            this.#show(area, found, base);
        }
    }

    /**
     * @param {Area} found
     * @param {Area | null} base
     */
    #flamePart(found, base) {
        const choice = el("select", { "aria-label": "What the flame graph shows" });
        for (const [value, words] of [
            ["wait", "Waiting"],
            ["run", "Running"],
            ["both", "Both"],
        ]) {
            choice.append(el("option", { value, selected: value === this.flame }, words));
        }
        choice.addEventListener("change", () => {
            this.flame = choice.value;
            this.load();
        });
        const { theme } = this.app;
        const nodes = (found.flame?.nodes.length ?? 0) + (base?.flame?.nodes.length ?? 0);
        if (!found.flame || nodes < (base ? 3 : 2)) {
            return part("Flame graph", choice, el("p", { class: "quiet" }, "No stacks are known of that."));
        }
        if (!base?.flame) {
            return part("Flame graph", new FlameGraph(found.flame, theme, choice).element);
        }
        const other = { flame: base.flame, factor: this.#factor(found, base) };
        return part(
            "Flame graph of the change",
            legendOfChange(theme.isDark),
            new FlameGraph(found.flame, theme, choice, other).element,
        );
    }

    /**
     * Whose time the end of the stretch depended on.
     * @param {{from: number, to: number, lanes: string[]}} area
     */
    #path(area) {
        const box = el("div", {});
        const question = { r: this.app.view.recording, from: area.from, to: area.to, columns: 2000 };
        this.pathAsker.ask("path", question).then(
            (found) =>
                found && fill(box, ...this.#pathOf(area, /** @type {import("./types.js").Path} */ (found))),
            (error) => fill(box, el("p", { class: "quiet" }, error.message)),
        );
        return part("What its end depended on", box);
    }

    /**
     * @param {{from: number, to: number, lanes: string[]}} area
     * @param {import("./types.js").Path} path
     */
    #pathOf(area, path) {
        /** @type {Map<string, number>} */
        const sums = new Map();
        for (const { lane = "", from, to } of path.steps) {
            sums.set(lane, (sums.get(lane) ?? 0) + to - from);
        }
        const most = [...sums].sort((a, b) => b[1] - a[1]);
        const list = most.slice(0, 6).map(([lane, ns]) => {
            const name = lane ? this.app.nameOf(lane) : "nobody who was recorded";
            return el("li", {}, `${duration(ns)}, ${share(ns, area.to - area.from)}: ${name}`);
        });
        const draw = () => this.app.show({ path: writeArea(area.from, area.to, []) });
        return [el("ul", {}, ...list), button("Draw the critical path", draw)];
    }

    /** @param {{from: number, to: number, lanes: string[]}} area */
    #downloads(area) {
        if (isStored) {
            return null;
        }
        const links = DOWNLOADS.map(([words, what]) => {
            const link = el("a", { download: "", class: "download" }, words);
            link.href = addressOf("download", { ...this.#question(area), ...what });
            return el("li", {}, link);
        });
        return part("As files, of just that", el("ul", {}, ...links));
    }
}
