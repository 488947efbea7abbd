/** What interval and area show alike: stacks, states, threads. */

import { button, el } from "./dom.js";
import { duration, safe, share } from "./format.js";

/** @typedef {import("./types.js").Frame} StackFrame */

/** @param {StackFrame} frame */
export function placeOf(frame) {
    const file = frame.file ? frame.file.replace(/^.*\//, "") : "";
    return file ? safe(`${file}${frame.line ? `:${frame.line}` : ""}`, 80) : "";
}

const FRAMES_AT_FIRST = 12;

/**
 * @param {StackFrame[] | undefined} stack
 * @returns {HTMLElement}
 */
export function stackOf(stack) {
    if (!stack || stack.length === 0) {
        return el("p", { class: "quiet" }, "No stack is known.");
    }
    const list = el("ol", { class: "stack" });
    const show = (/** @type {StackFrame[]} */ frames) => {
        for (const frame of frames) {
            const where = placeOf(frame) || frame.module?.replace(/^.*\//, "") || "";
            const name = el(
                "span",
                { class: frame.inlined ? "inlined" : "" },
                safe(frame.function || frame.omitted || "?", 160),
            );
            list.append(
                el(
                    "li",
                    { title: `${frame.function} ${frame.file ?? frame.module ?? ""}` },
                    name,
                    " ",
                    el("span", { class: "line" }, where),
                ),
            );
        }
    };
    show(stack.slice(0, FRAMES_AT_FIRST));
    if (stack.length <= FRAMES_AT_FIRST) {
        return list;
    }
    const more = button(
        `${stack.length - FRAMES_AT_FIRST} more callers`,
        () => {
            show(stack.slice(FRAMES_AT_FIRST));
            more.remove();
        },
        { class: "link" },
    );
    return el("div", {}, list, more);
}

/**
 * Totals by state, as a bar and in words.
 * @param {number[]} ns
 * @param {import("./types.js").State[]} states
 */
export function statesOf(ns, states) {
    const whole = ns.reduce((sum, one) => sum + one, 0);
    const bar = el("div", { class: "states-bar", "aria-hidden": "true" });
    const list = el("ul", { class: "states-list" });
    ns.forEach((one, state) => {
        if (one > 0) {
            const piece = el("span", { "data-state": state });
            piece.style.width = `${(100 * one) / whole}%`;
            bar.append(piece);
            const words = `${states[state]?.name ?? "?"} ${duration(one)}, ${share(one, whole)}`;
            list.append(el("li", {}, el("span", { class: "chip", "data-state": state }), words));
        }
    });
    return el("div", {}, bar, list);
}

/**
 * @param {string} title
 * @param {...(Node | string | null | undefined | false)} children
 */
export function part(title, ...children) {
    return el("section", { class: "part" }, el("h3", {}, title), ...children);
}
