/** A flame graph: who called whom, as wide as the time that it took. An icicle: callers on top. */

import { sharp } from "./axis.js";
import { changeInWords, colourOfChange } from "./compare.js";
import { button, el, fill } from "./dom.js";
import { count, duration, safe, share } from "./format.js";
import { placeOf } from "./pieces.js";

const ROW = 19;
const LEAST_PX = 1;

/**
 * @typedef {object} Node
 * @property {number} frame
 * @property {number} self_ns
 * @property {number} total_ns
 * @property {number} waits
 * @property {number} base_ns what it was there, where it is compared with something; else as it is
 * @property {number} base_self_ns
 * @property {Node[]} children
 * @property {Node | null} parent
 *
 * @typedef {{node: Node, x: number, y: number, width: number}} Box
 */

/**
 * @param {import("./types.js").Flame} flame
 * @returns {Node}
 */
export function treeOf(flame) {
    /** @type {Node[]} */
    const nodes = [];
    for (const [parent, frame, self_ns, total_ns, waits] of flame.nodes) {
        /** @type {Node} */
        const node = { ...nodeOf(frame, nodes[parent] ?? null), self_ns, total_ns, waits };
        Object.assign(node, { base_ns: total_ns, base_self_ns: self_ns });
        node.parent?.children.push(node);
        nodes.push(node);
    }
    return nodes[0] ?? nodeOf(-1, null);
}

/**
 * @param {number} frame
 * @param {Node | null} parent
 * @returns {Node}
 */
function nodeOf(frame, parent) {
    return { frame, self_ns: 0, total_ns: 0, waits: 0, base_ns: 0, base_self_ns: 0, children: [], parent };
}

/**
 * What a frame is in either of two recordings: files and lines may be others.
 * @param {import("./types.js").Frame | undefined} frame
 */
function keyOf(frame) {
    return `${frame?.state ?? ""} ${frame?.function ?? frame?.omitted ?? ""}`;
}

/**
 * One tree of both: what either has is in it.
 * @param {import("./types.js").Flame} now
 * @param {import("./types.js").Flame} base
 * @param {number} factor of the base's times
 * @returns {{frames: import("./types.js").Frame[], root: Node}}
 */
export function merged(now, base, factor) {
    const frames = [...now.frames, ...base.frames];
    /** @type {Map<string, number>} */
    const numbers = new Map();
    // By one number wherever it is, so that it is one frame from the leaves on, too.
    const numberOf = frames.map((frame, number) => {
        const key = keyOf(frame);
        const first = numbers.get(key) ?? number;
        numbers.set(key, first);
        return first;
    });
    const root = nodeOf(-1, null);
    /** @type {Map<Node, Map<number, Node>>} */
    const known = new Map();
    const childOf = (/** @type {Node} */ parent, /** @type {number} */ frame) => {
        const children = known.get(parent) ?? new Map();
        known.set(parent, children);
        let child = children.get(frame);
        if (!child) {
            child = nodeOf(frame, parent);
            children.set(frame, child);
            parent.children.push(child);
        }
        return child;
    };
    for (const [flame, shift] of /** @type {const} */ ([
        [now, 0],
        [base, now.frames.length],
    ])) {
        /** @type {Node[]} */
        const nodes = [];
        for (const [parent, frame, self_ns, total_ns, waits] of flame.nodes) {
            const above = nodes[parent];
            const node = above ? childOf(above, numberOf[frame + shift] ?? frame) : root;
            nodes.push(node);
            if (flame === now) {
                node.self_ns += self_ns;
                node.total_ns += total_ns;
                node.waits += waits;
            } else {
                node.base_self_ns += self_ns * factor;
                node.base_ns += total_ns * factor;
            }
        }
    }
    return { frames, root };
}

/**
 * How much room it has: as much as it took, on average of both.
 * @param {Node} node
 */
function sizeOf(node) {
    return (node.total_ns + node.base_ns) / 2;
}

/**
 * The same from the leaves on: who waited, then its callers.
 * @param {Node} root
 * @returns {Node}
 */
export function inverted(root) {
    /** @type {Node} */
    const top = { ...root, self_ns: 0, base_self_ns: 0, children: [], parent: null };
    /** @type {[Node, number][]} */
    const work = [[root, 0]];
    for (let next = work.pop(); next; next = work.pop()) {
        const [node, depth] = next;
        for (const child of node.children) {
            work.push([child, depth + 1]);
        }
        let into = top;
        const isSomething = node.self_ns > 0 || node.base_self_ns > 0;
        for (let at = /** @type {Node | null} */ (node); at?.parent && isSomething; at = at.parent) {
            const { frame } = at;
            let child = into.children.find((one) => one.frame === frame);
            if (!child) {
                child = nodeOf(frame, into);
                into.children.push(child);
            }
            child.total_ns += node.self_ns;
            child.base_ns += node.base_self_ns;
            child.waits += node.waits;
            into = child;
        }
        into.self_ns += node.self_ns;
        into.base_self_ns += node.base_self_ns;
    }
    return top;
}

/** @param {Node} node */
function signOf(node) {
    return node.total_ns > node.base_ns ? "+" : node.total_ns < node.base_ns ? "−" : "=";
}

export class FlameGraph {
    /**
     * @param {import("./types.js").Flame} flame
     * @param {import("./colours.js").Theme} theme
     * @param {HTMLElement} choice what it shows
     * @param {{flame: import("./types.js").Flame, factor: number} | null} [base] what it is compared with
     */
    constructor(flame, theme, choice, base = null) {
        const both = base && merged(flame, base.flame, base.factor);
        this.isCompared = both !== null;
        this.frames = both ? both.frames : flame.frames;
        this.theme = theme;
        this.upright = both ? both.root : treeOf(flame);
        this.root = this.upright;
        this.zoomed = this.root;
        this.words = "";
        /** @type {Box[]} */
        this.boxes = [];
        this.told = el("p", { class: "quiet", "aria-live": "polite" });
        this.canvas = el("canvas", {
            class: "flame",
            role: "img",
            tabindex: 0,
            "aria-label": "Flame graph; the tables of places and the downloads say the same",
        });
        this.element = el("div", {}, this.#tools(choice), this.canvas, this.told);
        this.canvas.addEventListener("click", (event) => this.#click(event));
        this.canvas.addEventListener("mousemove", (event) => this.#tell(this.#boxAt(event)));
        const observer = new ResizeObserver(() => this.draw());
        observer.observe(this.element);
        this.#tell(null);
    }

    /** @param {HTMLElement} choice */
    #tools(choice) {
        const search = el("input", {
            type: "search",
            placeholder: "Find a function",
            "aria-label": "Find a function in the flame graph",
        });
        search.addEventListener("input", () => {
            this.words = search.value.toLowerCase();
            this.draw();
            this.#tell(null);
        });
        const invert = button("Invert", () => {
            const isUpright = this.root === this.upright;
            this.root = isUpright ? inverted(this.upright) : this.upright;
            this.zoomed = this.root;
            invert.setAttribute("aria-pressed", String(isUpright));
            this.draw();
        });
        invert.setAttribute("aria-pressed", "false");
        const whole = button("Whole", () => {
            this.zoomed = this.root;
            this.draw();
        });
        return el("div", { class: "table-tools" }, choice, invert, whole, search);
    }

    /** @param {Node} node */
    #nameOf(node) {
        return node.frame < 0
            ? "all"
            : safe(this.frames[node.frame]?.function || this.frames[node.frame]?.omitted || "?", 200);
    }

    draw() {
        const width = this.element.clientWidth;
        if (width < 20) {
            return;
        }
        this.boxes = [];
        /** @type {Node[]} */
        const above = [];
        for (let node = this.zoomed.parent; node; node = node.parent) {
            above.unshift(node);
        }
        for (const [depth, node] of above.entries()) {
            this.boxes.push({ node, x: 0, y: depth * ROW, width });
        }
        this.#lay(this.zoomed, 0, above.length, width);
        const height = Math.max(...this.boxes.map((box) => box.y)) + ROW;
        const context = sharp(this.canvas, width, height);
        context.fillStyle = this.theme.paper;
        context.fillRect(0, 0, width, height);
        context.font = "12px system-ui, sans-serif";
        context.textBaseline = "middle";
        for (const box of this.boxes) {
            this.#drawBox(context, box);
        }
    }

    /**
     * @param {Node} top
     * @param {number} left
     * @param {number} depth
     * @param {number} width
     */
    #lay(top, left, depth, width) {
        /** @type {[Node, number, number][]} */
        const work = [[top, left, depth]];
        const px = width / Math.max(1, sizeOf(top));
        for (let next = work.pop(); next; next = work.pop()) {
            const [node, x, row] = next;
            this.boxes.push({ node, x, y: row * ROW, width: sizeOf(node) * px });
            let at = x;
            for (const child of [...node.children].sort((a, b) => sizeOf(b) - sizeOf(a))) {
                if (sizeOf(child) * px >= LEAST_PX) {
                    work.push([child, at, row + 1]);
                }
                at += sizeOf(child) * px;
            }
        }
    }

    /**
     * @param {CanvasRenderingContext2D} context
     * @param {Box} box
     */
    #drawBox(context, { node, x, y, width }) {
        const name = this.#nameOf(node);
        const isFound = this.words !== "" && name.toLowerCase().includes(this.words);
        context.fillStyle = isFound ? this.theme.accent : this.#colourOf(node, name);
        context.fillRect(x, y, Math.max(0.5, width - 1), ROW - 1);
        if (width > 24) {
            context.save();
            context.beginPath();
            context.rect(x, y, width - 4, ROW);
            context.clip();
            context.fillStyle = isFound ? this.theme.paper : this.#inkOf(node);
            const words = this.isCompared ? `${signOf(node)} ${name}` : name;
            context.fillText(words, x + 4, y + ROW / 2);
            context.restore();
        }
    }

    /**
     * What was called, at the end of a stack, has its state's colour; functions have warm ones, each its own.
     * @param {Node} node
     * @param {string} name
     */
    #colourOf(node, name) {
        if (this.isCompared) {
            return colourOfChange(node.total_ns, node.base_ns, this.theme.isDark).fill;
        }
        const state = this.frames[node.frame]?.state;
        if (state !== undefined) {
            return this.theme.fill[state] ?? this.theme.band;
        }
        if (node.frame < 0) {
            return this.theme.band;
        }
        let hue = 0;
        for (const sign of name) {
            hue = (hue * 31 + (sign.codePointAt(0) ?? 0)) % 360;
        }
        return `hsl(${20 + (hue % 50)} 55% ${(this.theme.isDark ? 28 : 86) + (hue % 6)}%)`;
    }

    /** @param {Node} node */
    #inkOf(node) {
        if (this.isCompared) {
            const { isStrong } = colourOfChange(node.total_ns, node.base_ns, this.theme.isDark);
            return isStrong ? this.theme.paper : this.theme.ink;
        }
        const state = this.frames[node.frame]?.state;
        return (state === undefined ? undefined : this.theme.text[state]) ?? this.theme.ink;
    }

    /**
     * @param {MouseEvent} event
     * @returns {Box | null}
     */
    #boxAt(event) {
        const place = this.canvas.getBoundingClientRect();
        const [x, y] = [event.clientX - place.left, event.clientY - place.top];
        return (
            this.boxes.find((box) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + ROW) ??
            null
        );
    }

    /** @param {MouseEvent} event */
    #click(event) {
        const box = this.#boxAt(event);
        if (box) {
            this.zoomed = box.node;
            this.draw();
            this.#tell(box);
        }
    }

    /** @param {Box | null} box */
    #tell(box) {
        const node = box?.node ?? this.zoomed;
        const frame = this.frames[node.frame];
        const name = `${this.#nameOf(node)} ${frame ? placeOf(frame) : ""}`.trimEnd();
        if (this.isCompared) {
            const [now, base] = [duration(node.total_ns), duration(node.base_ns)];
            const change = changeInWords(node.total_ns, node.base_ns);
            fill(this.told, `${name}: here ${now}, there ${base}: ${change}`);
            return;
        }
        const found =
            this.words === "" ? "" : `; found: ${share(this.#foundNs(this.root), this.root.total_ns)}`;
        fill(
            this.told,
            `${name}: ${duration(node.total_ns)}, ${share(node.total_ns, this.root.total_ns)}; in itself ${duration(node.self_ns)}; ${count(node.waits)} waits${found}`,
        );
    }

    /**
     * @param {Node} node
     * @returns {number} the time of what the words are in, each counted once
     */
    #foundNs(node) {
        if (node.frame >= 0 && this.#nameOf(node).toLowerCase().includes(this.words)) {
            return node.total_ns;
        }
        return node.children.reduce((sum, child) => sum + this.#foundNs(child), 0);
    }
}
