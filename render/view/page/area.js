/** What happened in a stretch of time, exactly: totals, who, where, on what, how long; and as files. */

import { readArea, writeArea } from "./address.js";
import { Asker, addressOf } from "./api.js";
import { announce, button, byId, el, fill } from "./dom.js";
import { FlameGraph } from "./flame.js";
import { count, duration, moment, share, shortOf } from "./format.js";
import { histogramOf } from "./histogram.js";
import { keptStretches } from "./kept.js";
import { part, placeOf, statesOf } from "./pieces.js";
import { isStored } from "./stored.js";
import { tableOf } from "./table.js";

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
        this.flame = "wait";
        app.on("area", () => this.load());
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
            const found = await this.asker.ask("area", { ...this.#question(area), flame: this.flame });
            if (found) {
                this.#show(area, /** @type {Area} */ (found));
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
     */
    #show(area, found) {
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
            statesOf(found.ns, app.overview.states),
            this.#unseen(found),
            el(
                "div",
                { class: "row-of-buttons" },
                button("Zoom to it", () => this.timeline.goTo(area.from, area.to)),
            ),
            this.#flamePart(found),
            this.#longest(found),
            this.#path(area),
            this.#threads(found),
            this.#places(found),
            this.#objects(found),
            part("How long waits took", histogramOf(found.histogram, app.theme)),
            this.#downloads(area),
        );
        announce(`${duration(area.to - area.from)} summed up`);
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

    /** @param {Area} found */
    #flamePart(found) {
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
        if (!found.flame || found.flame.nodes.length < 2) {
            return part("Flame graph", choice, el("p", { class: "quiet" }, "No stacks are known of that."));
        }
        return part("Flame graph", new FlameGraph(found.flame, this.app.theme, choice).element);
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

    /** @param {Area} found */
    #longest(found) {
        const { app } = this;
        return part(
            "Longest",
            tableOf(
                "Longest intervals",
                found.longest ?? [],
                [
                    {
                        title: "Length",
                        value: (row) => row.to - row.from,
                        show: (row) => duration(row.to - row.from),
                        isNumber: true,
                    },
                    { title: "Thread", value: (row) => app.nameOf(row.lane) },
                    {
                        title: "What",
                        value: (row) => row.text,
                        show: (row) =>
                            button(
                                shortOf(row.text) || "wait",
                                () => app.show({ chosen: `${row.lane}@${row.from}`, area: "" }),
                                { class: "link" },
                            ),
                    },
                ],
                { isSmall: true },
            ),
        );
    }

    /** @param {Area} found */
    #threads(found) {
        const { app } = this;
        /** @type {import("./table.js").Column<Area["threads"][number]>[]} */
        const columns = [
            {
                title: "Thread",
                value: (row) => row.name || app.nameOf(row.lane),
                show: (row) =>
                    button(row.name || app.nameOf(row.lane), () => this.timeline.reveal(row.lane), {
                        class: "link",
                    }),
            },
            { title: "Waits", value: (row) => row.waits, show: (row) => count(row.waits), isNumber: true },
        ];
        app.overview.states.forEach((state, index) => {
            if (found.threads.some((row) => (row.ns[index] ?? 0) > 0)) {
                columns.push({
                    title: state.name,
                    value: (row) => row.ns[index] ?? 0,
                    show: (row) => (row.ns[index] ? duration(row.ns[index] ?? 0) : ""),
                    isNumber: true,
                });
            }
        });
        return part("Threads", tableOf("Threads in this stretch", found.threads, columns));
    }

    /** @param {Area} found */
    #places(found) {
        return part(
            "Places",
            tableOf(
                "Places where was waited",
                found.places ?? [],
                [
                    {
                        title: "Time",
                        value: (row) => row.ns,
                        show: (row) => duration(row.ns),
                        isNumber: true,
                    },
                    {
                        title: "Waits",
                        value: (row) => row.waits,
                        show: (row) => count(row.waits),
                        isNumber: true,
                    },
                    { title: "Function", value: (row) => row.function },
                    { title: "Line", value: (row) => placeOf(row) },
                    { title: "By", value: (row) => row.op },
                ],
                { isSmall: true },
            ),
        );
    }

    /** @param {Area} found */
    #objects(found) {
        return part(
            "Locks, descriptors and others",
            tableOf(
                "What was waited for",
                found.objects ?? [],
                [
                    {
                        title: "Time",
                        value: (row) => row.ns,
                        show: (row) => duration(row.ns),
                        isNumber: true,
                    },
                    {
                        title: "Waits",
                        value: (row) => row.waits,
                        show: (row) => count(row.waits),
                        isNumber: true,
                    },
                    { title: "What", value: (row) => row.text, show: (row) => shortOf(row.text) },
                ],
                { isSmall: true },
            ),
        );
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
