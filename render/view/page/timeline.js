/** The timeline: rows and their names, and how one moves over them. */

import { readArea, readRef, writeArea } from "./address.js";
import { drawAxis, Strip, sharp } from "./axis.js";
import { announce, byId } from "./dom.js";
import { duration } from "./format.js";
import { Gestures } from "./gestures.js";
import { stretchedWords } from "./kept.js";
import { Labels } from "./labels.js";
import { drawArea, drawArrow, drawChosen, drawMoments, drawPath, drawWords } from "./marks.js";
import { drawRows } from "./plot.js";
import { columnAt, placeAt } from "./point.js";
import { drawRequests, requestAt } from "./requests.js";
import { indexAt, rowsOf } from "./rows.js";
import { levelOf, momentAt, scaleOf } from "./scale.js";
import { Tiles } from "./tiles.js";
import { Tip } from "./tip.js";
import { Words } from "./words.js";

const STRIP_HEIGHT = 44;
const ANIMATION_MS = 180;

/** @typedef {import("./app.js").App} App */

export class Timeline {
    /**
     * @param {App} app
     * @param {(error: unknown) => void} onFailure
     */
    constructor(app, onFailure) {
        this.app = app;
        this.plot = byId("plot");
        this.canvas = /** @type {HTMLCanvasElement} */ (byId("rows-canvas"));
        this.axis = /** @type {HTMLCanvasElement} */ (byId("axis-canvas"));
        this.scroller = byId("scroller");
        this.rows = rowsOf(app);
        this.labels = new Labels(app, this, byId("labels"));
        this.strip = new Strip(app, /** @type {HTMLCanvasElement} */ (byId("strip-canvas")));
        this.tiles = new Tiles(app.overview.begin_ns, app.view.recording, () => this.redraw(), onFailure);
        this.words = new Words(app, () => this.redraw());
        this.tip = new Tip(app, this);
        this.most = new Map();
        this.style = 0;
        this.isDue = false;
        this.isSelectMode = false;
        /** @type {import("./types.js").Interval | null} */
        this.chosen = null;
        /** @type {import("./types.js").Path["steps"]} */
        this.path = [];
        /** @type {number[]} that are marked, by notes */
        this.moments = [];
        /** @type {{from: number, to: number, lanes: string[]} | null} */
        this.draft = null;
        /** @type {import("./plot.js").Frame | null} */
        this.frame = null;
        this.frames = 0;
        this.animation = 0;
        /** The row that keys mean. */
        this.current = "";
        this.#listen();
        this.strip.load().then(() => this.redraw(), onFailure);
    }

    #listen() {
        const { app } = this;
        for (const topic of /** @type {const} */ (["view", "area", "path"])) {
            app.on(topic, () => this.redraw());
        }
        app.on("theme", () => {
            this.style++;
            this.redraw();
        });
        app.on("rows", () => {
            this.rows = rowsOf(app);
            this.labels.invalidate();
            this.redraw();
        });
        this.scroller.addEventListener("scroll", () => this.redraw());
        new ResizeObserver(() => this.redraw()).observe(this.scroller);
        this.#listenToPointers();
    }

    #listenToPointers() {
        const { app } = this;
        const pan = (/** @type {number} */ x, /** @type {number} */ y) => {
            this.tip.hide();
            this.pan(-x);
            this.scroller.scrollTop -= y;
        };
        this.gestures = new Gestures(this.plot, {
            zoom: (factor, x) => this.zoom(factor, x),
            pan,
            click: (x, y) => this.click(x, y),
            open: (x, y) => this.open(x, y),
            select: (from, to, isOver) => this.#select(from, to, isOver, true),
            hover: (x, y, isTouch) => !isTouch && this.tip.show(x, y),
            leave: () => this.tip.hide(),
            isSelecting: (event) => event.shiftKey || this.isSelectMode,
        });
        new Gestures(byId("axis-plot"), {
            zoom: (factor, x) => this.zoom(factor, x),
            pan,
            click: () => app.show({ area: "" }),
            open: () => this.fit(),
            select: (from, to, isOver) => this.#select(from, to, isOver, false),
            hover: () => {},
            leave: () => {},
            isSelecting: () => true,
        });
        const toStrip = (/** @type {number} */ x) => momentAt(scaleOf(this.strip.span, this.width), x);
        new Gestures(byId("strip-plot"), {
            zoom: (factor) => this.zoom(factor, this.width / 2),
            pan: (x) =>
                this.pan((x * (this.strip.span.to - this.strip.span.from)) / (app.view.to - app.view.from)),
            click: (x) => this.centre(toStrip(x)),
            open: () => this.fit(),
            select: (from, to, isOver) => {
                if (isOver && Math.abs(to.x - from.x) > 3) {
                    const ends = [toStrip(from.x), toStrip(to.x)];
                    this.goTo(Math.min(...ends), Math.max(...ends));
                }
            },
            hover: () => {},
            leave: () => {},
            isSelecting: (event) => {
                const at = toStrip(event.clientX - byId("strip-plot").getBoundingClientRect().left);
                return at < app.view.from || at > app.view.to || event.shiftKey || this.isWhole;
            },
        });
    }

    get isWhole() {
        const { view, overview } = this.app;
        return view.to - view.from > 0.9 * (overview.lives.to - overview.lives.from);
    }

    get width() {
        return this.plot.clientWidth;
    }

    get scale() {
        return scaleOf(this.app.view, this.width);
    }

    /**
     * @param {number} factor above one: farther away
     * @param {number} x
     */
    zoom(factor, x) {
        this.#stop();
        const { from, to } = this.app.view;
        const at = momentAt(this.scale, x);
        this.app.show({ from: at - (at - from) * factor, to: at + (to - at) * factor });
    }

    /** @param {number} x to the right */
    pan(x) {
        this.#stop();
        const { from, to } = this.app.view;
        const ns = x * this.scale.px_ns;
        this.app.show({ from: from + ns, to: to + ns });
    }

    /** @param {number} at */
    centre(at) {
        const half = (this.app.view.to - this.app.view.from) / 2;
        this.goTo(at - half, at + half);
    }

    fit() {
        const { from } = this.app.overview.lives;
        const edge = this.app.reach_ns * 0.01;
        this.goTo(from - edge, from + this.app.reach_ns + edge);
    }

    /**
     * Moves there, so that the eye can follow; at once for who wants no motion.
     * @param {number} from
     * @param {number} to
     */
    goTo(from, to) {
        this.#stop();
        const begin = { ...this.app.view };
        if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
            this.app.show({ from, to });
            return;
        }
        const start = performance.now();
        const step = () => {
            const part = Math.min(1, (performance.now() - start) / ANIMATION_MS);
            const eased = 1 - (1 - part) ** 3;
            this.app.show({
                from: begin.from + (from - begin.from) * eased,
                to: begin.to + (to - begin.to) * eased,
            });
            this.animation = part < 1 ? requestAnimationFrame(step) : 0;
        };
        step();
    }

    #stop() {
        if (this.animation) {
            cancelAnimationFrame(this.animation);
            this.animation = 0;
        }
    }

    /**
     * Brings a row into sight.
     * @param {string} lane
     */
    reveal(lane) {
        this.#unfold(lane);
        const row = this.rows.find((one) => one.lane === lane);
        if (!row) {
            return;
        }
        const { scrollTop, clientHeight } = this.scroller;
        if (row.y < scrollTop || row.y + row.height > scrollTop + clientHeight) {
            this.scroller.scrollTop = row.y - clientHeight / 3;
        }
    }

    /** @param {string} lane */
    #unfold(lane) {
        const thread = this.app.threads.get(lane);
        if (!thread || this.rows.some((row) => row.lane === lane)) {
            return;
        }
        const closed = this.rows.filter((row) => row.isOpen === false).map((row) => row.lane);
        const groups = [`p${thread.process}`, `k${thread.kind}`, `q${thread.process}`];
        const inner = groups.filter((group) => closed.includes(group));
        const holding = inner.length > 0 ? inner : closed.filter((group) => group === "short");
        for (const group of holding) {
            this.turn(group);
        }
        if (holding.length > 0) {
            this.#unfold(lane);
        }
    }

    /**
     * Opens or closes a group of rows.
     * @param {string} group
     */
    turn(group) {
        const { turned } = this.app.view;
        this.app.show({
            turned: turned.includes(group) ? turned.filter((one) => one !== group) : [...turned, group],
        });
    }

    /** @param {string} lane */
    pin(lane) {
        const { pins } = this.app.view;
        if (!this.app.names.has(lane)) {
            return;
        }
        this.app.show({ pins: pins.includes(lane) ? pins.filter((one) => one !== lane) : [...pins, lane] });
    }

    /**
     * @param {number} x
     * @param {number} y
     */
    click(x, y) {
        const place = placeAt(this, x, y);
        if (place?.ref) {
            this.app.show({ chosen: `${place.ref.lane}@${Math.floor(place.ref.at)}`, area: "" });
        } else if (place?.row.sort === "request") {
            this.ask(requestAt(place.row, this.scale, x));
        } else if (place?.row.sort === "header" && place.row.lane) {
            this.turn(place.row.lane);
        }
    }

    /**
     * Sums up what was done for a request while it was open.
     * @param {import("./requests.js").Request | undefined} request
     */
    ask(request) {
        if (request) {
            this.app.show({ area: writeArea(request.from, request.to, request.lanes), chosen: "" });
        }
    }

    /**
     * @param {number} x
     * @param {number} y
     */
    open(x, y) {
        const place = placeAt(this, x, y);
        const column = place && columnAt(this, place.row, place.moment);
        if (column && column.end_ns > column.begin_ns) {
            const edge = (column.end_ns - column.begin_ns) * 0.25;
            this.goTo(column.begin_ns - edge, column.end_ns + edge);
        }
    }

    /**
     * @param {{x: number, y: number}} from
     * @param {{x: number, y: number}} to
     * @param {boolean} isOver
     * @param {boolean} hasRows
     */
    #select(from, to, isOver, hasRows) {
        const [left, right] = [
            Math.max(0, Math.min(from.x, to.x)),
            Math.min(this.width, Math.max(from.x, to.x)),
        ];
        const begin = Math.max(0, Math.round(momentAt(this.scale, left)));
        const end = Math.max(begin + 1, Math.round(momentAt(this.scale, right)));
        const lanes = hasRows ? this.#lanesBetween(from.y, to.y) : [];
        this.draft = isOver ? null : { from: begin, to: end, lanes };
        if (isOver && right - left > 2) {
            this.app.show({ area: writeArea(begin, end, lanes), chosen: "" });
        }
        this.redraw();
    }

    /**
     * @param {number} from
     * @param {number} to
     */
    #lanesBetween(from, to) {
        const top = Math.min(from, to) + this.scroller.scrollTop;
        const bottom = Math.max(from, to) + this.scroller.scrollTop;
        const touched = this.rows.slice(indexAt(this.rows, top), indexAt(this.rows, bottom) + 1);
        const threads = touched.filter((row) => row.sort === "thread" || row.sort === "kind");
        return [...new Set(threads.map((row) => row.lane))];
    }

    /**
     * The row that keys mean.
     * @param {string} lane
     */
    setCurrent(lane) {
        this.current = lane;
        this.labels.mark(lane);
    }

    /** @param {number} by how many rows farther down */
    step(by) {
        const index = this.rows.findIndex((row) => row.lane === this.current);
        const next = this.rows[Math.max(0, Math.min(this.rows.length - 1, index + by))];
        if (next) {
            this.setCurrent(next.lane);
            this.reveal(next.lane);
            announce(`${next.name} ${next.detail}`);
        }
    }

    redraw() {
        if (!this.isDue) {
            this.isDue = true;
            requestAnimationFrame(() => this.#draw());
        }
    }

    #draw() {
        this.isDue = false;
        const { app, rows, scroller, width } = this;
        const height = scroller.clientHeight;
        if (width < 10 || height < 10) {
            return;
        }
        const ratio = devicePixelRatio || 1;
        const last = rows[rows.length - 1];
        this.plot.style.height = `${height}px`;
        byId("rows").style.height = `${last ? last.y + last.height : 0}px`;
        const scroll = scroller.scrollTop;
        const visible = rows.slice(indexAt(rows, scroll), indexAt(rows, scroll + height) + 1);
        const scale = this.scale;
        const frame = {
            context: sharp(this.canvas, width, height),
            scale,
            shift_ns: 0,
            level: levelOf(scale, ratio),
            ratio,
            height,
            scroll,
            rows: visible,
            tiles: this.tiles,
            theme: app.theme,
            hasPatterns: app.hasPatterns,
            style: this.style,
            most: this.most,
            until: 0,
            isWhole: true,
        };
        this.frame = frame;
        drawRows(frame);
        this.#drawMarks(frame);
        this.#drawAxis(width);
        this.labels.update(visible, scroll);
        this.tiles.wantFor(frame);
        this.frames++;
        this.plot.dataset["whole"] = String(frame.isWhole);
        if (!frame.isWhole && !this.tiles.isBusy) {
            setTimeout(() => this.redraw(), Math.max(0, this.tiles.silentUntil_ms - performance.now()));
        }
    }

    /** @param {import("./plot.js").Frame} frame */
    #drawMarks(frame) {
        const { app, chosen } = this;
        drawWords(
            frame,
            (lane, from) => this.words.get(lane, from),
            app.overview.states.map((state) => state.name),
        );
        if (app.view.path) {
            drawPath(frame, this.path);
        }
        for (const row of frame.rows) {
            drawRequests(frame, row);
        }
        drawMoments(frame, this.moments);
        const area = this.draft ?? readArea(app.view.area);
        if (area) {
            drawArea(frame, area, area.lanes);
        }
        if (chosen && readRef(app.view.chosen)) {
            drawChosen(frame, chosen.lane, chosen);
            for (const wake of chosen.wakes ?? []) {
                drawArrow(frame, chosen.lane, wake.lane, wake.at);
            }
            if (chosen.waker) {
                drawArrow(frame, chosen.waker.lane, chosen.lane, chosen.waker.at);
            }
        }
        this.words.want(frame);
    }

    /** @param {number} width */
    #drawAxis(width) {
        const { app } = this;
        const marks = app.view.marks
            .split(",")
            .map((mark) => /^(\d):(\d+)-\d+$/.exec(mark))
            .flatMap((match) => (match ? [{ name: String(match[1]), at: Number(match[2]) }] : []));
        const shown = duration(app.view.to - app.view.from);
        byId("window-length").textContent = `${shown} shown${stretchedWords(this.frame)}`;
        drawAxis(this.axis, app.view, width, app.theme, marks);
        this.strip.draw(width, STRIP_HEIGHT);
    }
}
