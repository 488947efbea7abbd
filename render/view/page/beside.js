/** Another recording beside the one that is shown: both from the begin of their threads on, on one scale. */

import { ask } from "./api.js";
import { namesOf } from "./app.js";
import { sharp } from "./axis.js";
import { byId, el, fill } from "./dom.js";
import { duration } from "./format.js";
import { Gestures } from "./gestures.js";
import { Labels } from "./labels.js";
import { drawRows } from "./plot.js";
import { placeAt } from "./point.js";
import { indexAt, rowsOf } from "./rows.js";
import { levelOf, scaleOf } from "./scale.js";
import { Tiles } from "./tiles.js";
import { Tip } from "./tip.js";

/** @typedef {import("./types.js").Overview} Overview */

export class Beside {
    /**
     * @param {import("./app.js").App} app
     * @param {import("./timeline.js").Timeline} timeline
     * @param {(error: unknown) => void} onFailure
     */
    constructor(app, timeline, onFailure) {
        this.app = app;
        this.timeline = timeline;
        this.onFailure = onFailure;
        this.box = byId("beside");
        this.scroller = byId("beside-scroller");
        this.plot = byId("beside-plot");
        this.canvas = /** @type {HTMLCanvasElement} */ (byId("beside-canvas"));
        this.current = "";
        this.style = 0;
        this.isDue = false;
        this.most = new Map();
        /** @type {import("./plot.js").Frame | null} */
        this.frame = null;
        /** @type {Side | null} */
        this.side = null;
        this.#listen();
    }

    #listen() {
        const { app, timeline } = this;
        app.on("view", () => this.redraw());
        app.on("beside", () => this.load());
        app.on("theme", () => {
            this.style++;
            this.redraw();
        });
        this.scroller.addEventListener("scroll", () => {
            this.tip?.hide();
            this.redraw();
        });
        new ResizeObserver(() => this.redraw()).observe(this.scroller);
        this.gestures = new Gestures(this.plot, {
            zoom: (factor, x) => timeline.zoom(factor, x),
            pan: (x, y) => {
                timeline.pan(-x);
                this.scroller.scrollTop -= y;
            },
            click: (x, y) => this.click(x, y),
            open: () => {},
            select: () => {},
            hover: (x, y, isTouch) => !isTouch && this.tip?.show(x, y),
            leave: () => this.tip?.hide(),
            isSelecting: () => false,
        });
    }

    async load() {
        const { app } = this;
        const wanted = app.view.beside;
        const number = /^\d+$/.test(app.view.beside) ? Number(app.view.beside) : app.view.recording;
        const isThere = number < app.overview.recordings.length && number !== app.view.recording;
        const { lives } = app.overview;
        app.reach_ns = lives.to - lives.from;
        this.side = null;
        this.box.hidden = !isThere;
        if (!isThere) {
            return;
        }
        try {
            /** @type {Overview} */
            const overview = await ask("overview", { r: number });
            if (wanted !== app.view.beside) {
                return; // another one was chosen meanwhile
            }
            this.side = sideOf(overview, number, () => this.redraw(), this.onFailure);
            this.tip = new Tip(this.side, this);
            this.labels = new Labels(/** @type {any} */ (this.side), this, byId("beside-labels"));
            this.labels.invalidate();
            const { from, to } = overview.lives;
            app.reach_ns = Math.max(app.reach_ns, to - from);
            fill(
                byId("beside-title"),
                el("b", {}, overview.recordings[number]?.directory ?? ""),
                ` ${duration(to - from)}; both from their begin on`,
            );
            this.turn("");
        } catch (error) {
            this.onFailure(error);
        }
    }

    /**
     * Opens or closes a group of rows.
     * @param {string} group
     */
    turn(group) {
        this.#change("turned", group);
    }

    /**
     * Shows a row at the top, or no longer: as long as its recording is the one beside, or is asked.
     * @param {string} lane
     */
    pin(lane) {
        this.#change("pins", lane);
    }

    /**
     * Takes one into a list of the side's, or out of it.
     * @param {"turned" | "pins"} list
     * @param {string} one
     */
    #change(list, one) {
        const { side } = this;
        if (side) {
            const before = side.view[list];
            side.view[list] = before.includes(one)
                ? before.filter((other) => other !== one)
                : [...before, one];
            side.rows = rowsOf(/** @type {any} */ (side));
            this.labels?.invalidate();
            this.redraw();
        }
    }

    /** Requests are those of the recording that is shown. */
    ask() {}

    get rows() {
        return this.side?.rows ?? [];
    }

    get tiles() {
        return this.side?.tiles ?? this.timeline.tiles;
    }

    get width() {
        return this.plot.clientWidth;
    }

    /** How much later its moments are than the same ones of the recording that is shown. */
    get shift_ns() {
        return (this.side?.overview.lives.from ?? 0) - this.app.overview.lives.from;
    }

    get scale() {
        const { from, to } = this.app.view;
        return scaleOf({ from: from + this.shift_ns, to: to + this.shift_ns }, this.width);
    }

    /**
     * What is asked there is asked of that recording: both change places.
     * @param {number} x
     * @param {number} y
     */
    click(x, y) {
        const place = placeAt(this, x, y);
        if (place?.ref && this.side) {
            const { view } = this.app;
            this.app.show({
                recording: this.side.view.recording,
                beside: String(view.recording),
                from: Math.max(0, view.from + this.shift_ns),
                to: view.to + this.shift_ns,
                chosen: `${place.ref.lane}@${Math.floor(place.ref.at)}`,
                area: "",
                path: "",
                base: "",
                pins: this.side.view.pins,
                turned: this.side.view.turned.filter(Boolean),
            });
        } else if (place?.row.sort === "header" && place.row.lane) {
            this.turn(place.row.lane);
        }
    }

    redraw() {
        if (!this.isDue && this.side) {
            this.isDue = true;
            requestAnimationFrame(() => this.#draw());
        }
    }

    #draw() {
        this.isDue = false;
        const { app, side, scroller, width } = this;
        const height = scroller.clientHeight;
        if (!side || width < 10 || height < 10) {
            return;
        }
        const ratio = devicePixelRatio || 1;
        const last = side.rows[side.rows.length - 1];
        this.plot.style.height = `${height}px`;
        byId("beside-rows").style.height = `${last ? last.y + last.height : 0}px`;
        const scroll = scroller.scrollTop;
        const rows = side.rows.slice(indexAt(side.rows, scroll), indexAt(side.rows, scroll + height) + 1);
        const { scale } = this;
        const frame = {
            context: sharp(this.canvas, width, height),
            scale,
            shift_ns: this.shift_ns,
            level: levelOf(scale, ratio),
            ratio,
            height,
            scroll,
            rows,
            tiles: side.tiles,
            theme: app.theme,
            hasPatterns: app.hasPatterns,
            style: this.style,
            most: this.most,
            until: 0,
            isWhole: true,
        };
        this.frame = frame;
        drawRows(frame);
        this.labels?.update(rows, scroll);
        side.tiles.wantFor(frame);
        this.plot.dataset["whole"] = String(frame.isWhole);
        if (!frame.isWhole && !side.tiles.isBusy) {
            setTimeout(() => this.redraw(), Math.max(0, side.tiles.silentUntil_ms - performance.now()));
        }
    }
}

/**
 * What rows are made of, of the other recording.
 * @typedef {object} Side
 * @property {Overview} overview
 * @property {Map<string, import("./types.js").Thread>} threads
 * @property {Map<string, string>} names
 * @property {import("./requests.js").Served[]} served
 * @property {(lane: string) => string} nameOf
 * @property {{turned: string[], pins: string[], recording: number}} view
 * @property {import("./rows.js").Row[]} rows
 * @property {Tiles} tiles
 */

/**
 * @param {Overview} overview
 * @param {number} recording
 * @param {() => void} onArrival
 * @param {(error: unknown) => void} onFailure
 * @returns {Side}
 */
function sideOf(overview, recording, onArrival, onFailure) {
    const names = namesOf(overview);
    return {
        overview,
        threads: new Map(overview.threads.map((thread) => [thread.lane, thread])),
        names,
        served: [],
        nameOf: (lane) => names.get(lane) || lane,
        view: { turned: [], pins: [], recording },
        rows: [],
        tiles: new Tiles(overview.begin_ns, recording, onArrival, onFailure),
    };
}
