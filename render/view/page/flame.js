/** A flame graph: who called whom, as wide as the time that it took. An icicle: callers on top. */

import { sharp } from "./axis.js";
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
        const node = { frame, self_ns, total_ns, waits, children: [], parent: nodes[parent] ?? null };
        node.parent?.children.push(node);
        nodes.push(node);
    }
    return nodes[0] ?? { frame: -1, self_ns: 0, total_ns: 0, waits: 0, children: [], parent: null };
}

/**
 * The same from the leaves on: who waited, then its callers.
 * @param {Node} root
 * @returns {Node}
 */
export function inverted(root) {
    /** @type {Node} */
    const top = { ...root, self_ns: 0, children: [], parent: null };
    /** @type {[Node, number][]} */
    const work = [[root, 0]];
    for (let next = work.pop(); next; next = work.pop()) {
        const [node, depth] = next;
        for (const child of node.children) {
            work.push([child, depth + 1]);
        }
        let into = top;
        for (let at = /** @type {Node | null} */ (node); at?.parent && node.self_ns > 0; at = at.parent) {
            const { frame } = at;
            let child = into.children.find((one) => one.frame === frame);
            if (!child) {
                child = { frame, self_ns: 0, total_ns: 0, waits: 0, children: [], parent: into };
                into.children.push(child);
            }
            child.total_ns += node.self_ns;
            child.waits += node.waits;
            into = child;
        }
        into.self_ns += node.self_ns;
    }
    return top;
}

export class FlameGraph {
    /**
     * @param {import("./types.js").Flame} flame
     * @param {import("./colours.js").Theme} theme
     * @param {HTMLElement} choice what it shows
     */
    constructor(flame, theme, choice) {
        this.frames = flame.frames;
        this.theme = theme;
        this.upright = treeOf(flame);
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
        const px = width / Math.max(1, top.total_ns);
        for (let next = work.pop(); next; next = work.pop()) {
            const [node, x, row] = next;
            this.boxes.push({ node, x, y: row * ROW, width: node.total_ns * px });
            let at = x;
            for (const child of [...node.children].sort((a, b) => b.total_ns - a.total_ns)) {
                if (child.total_ns * px >= LEAST_PX) {
                    work.push([child, at, row + 1]);
                }
                at += child.total_ns * px;
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
            context.fillText(name, x + 4, y + ROW / 2);
            context.restore();
        }
    }

    /**
     * What was called, at the end of a stack, has its state's colour; functions have warm ones, each its own.
     * @param {Node} node
     * @param {string} name
     */
    #colourOf(node, name) {
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
        const where = frame ? placeOf(frame) : "";
        const found =
            this.words === "" ? "" : `; found: ${share(this.#foundNs(this.root), this.root.total_ns)}`;
        fill(
            this.told,
            `${this.#nameOf(node)} ${where}: ${duration(node.total_ns)}, ${share(node.total_ns, this.root.total_ns)}; in itself ${duration(node.self_ns)}; ${count(node.waits)} waits${found}`,
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
