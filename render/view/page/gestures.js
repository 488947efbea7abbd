/** Wheel, drag and pinch, told as what they mean. */

const CLICK_PX = 4;
const WHEEL_ZOOM = 0.0022;

/**
 * @typedef {object} Meanings
 * @property {(factor: number, x: number) => void} zoom around a place
 * @property {(x_px: number, y_px: number) => void} pan
 * @property {(x: number, y: number, event: PointerEvent) => void} click
 * @property {(x: number, y: number) => void} open at a double click
 * @property {(from: {x: number, y: number}, to: {x: number, y: number}, isOver: boolean) => void} select
 * @property {(x: number, y: number, isTouch: boolean) => void} hover
 * @property {() => void} leave
 * @property {(event: PointerEvent) => boolean} isSelecting
 */

/** @typedef {{x: number, y: number}} Point */

export class Gestures {
    /**
     * @param {HTMLElement} element
     * @param {Meanings} meanings
     */
    constructor(element, meanings) {
        this.element = element;
        this.meanings = meanings;
        /** @type {Map<number, Point>} */
        this.pointers = new Map();
        /** @type {Point | null} */
        this.begin = null;
        this.isDrag = false;
        this.isSelection = false;
        element.addEventListener("pointerdown", (event) => this.#down(event));
        element.addEventListener("pointermove", (event) => this.#move(event));
        element.addEventListener("pointerup", (event) => this.#up(event, false));
        element.addEventListener("pointercancel", (event) => this.#up(event, true));
        element.addEventListener("pointerleave", () => this.pointers.size === 0 && meanings.leave());
        element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
        element.addEventListener("dblclick", (event) => meanings.open(this.#at(event).x, this.#at(event).y));
    }

    /** @param {MouseEvent} event */
    #at(event) {
        const place = this.element.getBoundingClientRect();
        return { x: event.clientX - place.left, y: event.clientY - place.top };
    }

    /** @param {PointerEvent} event */
    #down(event) {
        if (event.button !== 0) {
            return;
        }
        this.element.setPointerCapture(event.pointerId);
        this.pointers.set(event.pointerId, this.#at(event));
        if (this.pointers.size === 1) {
            this.begin = this.#at(event);
            this.isDrag = false;
            this.isSelection = this.meanings.isSelecting(event);
        } else {
            this.isDrag = true;
            this.isSelection = false;
        }
    }

    /** @param {PointerEvent} event */
    #move(event) {
        const now = this.#at(event);
        const before = this.pointers.get(event.pointerId);
        if (!before || !this.begin) {
            this.meanings.hover(now.x, now.y, event.pointerType === "touch");
            return;
        }
        if (Math.hypot(now.x - this.begin.x, now.y - this.begin.y) > CLICK_PX) {
            this.isDrag = true;
        }
        if (!this.isDrag) {
            return;
        }
        const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
        this.pointers.set(event.pointerId, now);
        const other = others[0]?.[1];
        if (other) {
            const middle = (other.x + now.x) / 2;
            const apart = Math.abs(other.x - now.x);
            const was = Math.abs(other.x - before.x);
            this.meanings.pan((now.x - before.x) / 2, 0);
            this.meanings.zoom(Math.max(8, was) / Math.max(8, apart), middle);
        } else if (this.isSelection) {
            this.meanings.select(this.begin, now, false);
        } else {
            this.meanings.pan(now.x - before.x, event.pointerType === "touch" ? 0 : now.y - before.y);
        }
    }

    /**
     * @param {PointerEvent} event
     * @param {boolean} isCancelled
     */
    #up(event, isCancelled) {
        const had = this.pointers.delete(event.pointerId);
        if (!had || this.pointers.size > 0 || !this.begin) {
            return;
        }
        const now = this.#at(event);
        if (!this.isDrag && !isCancelled) {
            this.meanings.click(now.x, now.y, event);
        } else if (this.isSelection) {
            this.meanings.select(this.begin, now, true);
        }
        this.begin = null;
    }

    /** @param {WheelEvent} event */
    #wheel(event) {
        event.preventDefault();
        const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
        const pinch = event.ctrlKey ? 4 : 1;
        const [x, y] =
            event.shiftKey && event.deltaX === 0 ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
        if (Math.abs(x) > Math.abs(y)) {
            this.meanings.pan(-x * lines, 0);
        } else {
            const turn = Math.max(-240, Math.min(240, y * lines * pinch));
            this.meanings.zoom(Math.exp(turn * WHEEL_ZOOM), this.#at(event).x);
        }
    }
}
