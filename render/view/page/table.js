/** A table that can be sorted, filtered and copied. */

import { announce, button, el, fill } from "./dom.js";
import { count, safe } from "./format.js";

/**
 * @template T
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: T) => string | number | null | undefined} value what it is sorted and copied by
 * @property {(row: T) => Node | string} [show] how it reads, if not as its value
 * @property {boolean} [isNumber]
 */

const ROWS_AT_ONCE = 200;
const ROWS_OF_SMALL = 8;

/**
 * @template T
 * @param {string} caption
 * @param {T[]} rows
 * @param {Column<T>[]} columns
 * @param {{sortBy?: number, isSmall?: boolean}} [how]
 * @returns {HTMLElement}
 */
export function tableOf(caption, rows, columns, how = {}) {
    const table = new Table(
        caption,
        rows,
        columns,
        how.sortBy ?? -1,
        how.isSmall ? ROWS_OF_SMALL : ROWS_AT_ONCE,
    );
    const box = el(
        "div",
        { class: "table-box", tabindex: 0, role: "region", "aria-label": caption },
        table.element,
    );
    const filter = el("input", { type: "search", placeholder: "Filter", "aria-label": `Filter ${caption}` });
    filter.addEventListener("input", () => table.filter(filter.value));
    const copy = button("Copy as CSV", () => table.copy());
    const tools = el("div", { class: "table-tools" }, filter, copy, table.counter);
    return how.isSmall && rows.length <= 6 ? el("div", {}, box) : el("div", {}, tools, box);
}

/** @template T */
class Table {
    /**
     * @param {string} caption
     * @param {T[]} rows
     * @param {Column<T>[]} columns
     * @param {number} sortBy
     * @param {number} limit how many rows are shown at first
     */
    constructor(caption, rows, columns, sortBy, limit) {
        this.caption = caption;
        this.rows = rows;
        this.shown = rows;
        this.columns = columns;
        this.sortBy = sortBy;
        this.isDown = true;
        this.limit = limit;
        this.counter = el("span", { class: "quiet" });
        this.body = el("tbody");
        this.head = el("tr");
        this.element = el("table", { "aria-label": caption }, el("thead", {}, this.head), this.body);
        this.#sort();
        this.#draw();
    }

    /** @param {string} words */
    filter(words) {
        const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
        this.shown = this.rows.filter((row) => {
            const text = this.columns
                .map((column) => column.value(row))
                .join(" ")
                .toLowerCase();
            return wanted.every((word) => text.includes(word));
        });
        this.limit = ROWS_AT_ONCE;
        this.#sort();
        this.#draw();
    }

    #sort() {
        const column = this.columns[this.sortBy];
        if (!column) {
            return;
        }
        const sign = this.isDown ? -1 : 1;
        this.shown = [...this.shown].sort((a, b) => {
            const [left, right] = [column.value(a) ?? "", column.value(b) ?? ""];
            if (typeof left === "number" && typeof right === "number") {
                return sign * (left - right);
            }
            return sign * String(left).localeCompare(String(right), "en", { numeric: true });
        });
    }

    /** @param {number} index */
    #turn(index) {
        this.isDown = this.sortBy === index ? !this.isDown : (this.columns[index]?.isNumber ?? false);
        this.sortBy = index;
        this.#sort();
        this.#draw();
        /** @type {HTMLElement | undefined} */ (this.head.querySelectorAll("button")[index])?.focus();
    }

    #draw() {
        const headers = this.columns.map((column, index) => {
            const isSorted = index === this.sortBy;
            const arrow = isSorted ? (this.isDown ? " ▾" : " ▴") : "";
            return el(
                "th",
                {
                    scope: "col",
                    class: column.isNumber ? "number" : "",
                    "aria-sort": isSorted ? (this.isDown ? "descending" : "ascending") : "none",
                },
                button(column.title + arrow, () => this.#turn(index)),
            );
        });
        fill(this.head, ...headers);
        const rows = this.shown
            .slice(0, this.limit)
            .map((row) => el("tr", {}, ...this.columns.map((column) => cell(column, row))));
        fill(this.body, ...rows);
        const rest = this.shown.length - rows.length;
        if (rest > 0) {
            const more = button(`${count(rest)} more`, () => {
                this.limit += 5 * ROWS_AT_ONCE;
                this.#draw();
            });
            this.body.append(el("tr", {}, el("td", { colspan: this.columns.length }, more)));
        }
        if (this.rows.length === 0) {
            this.body.append(
                el("tr", {}, el("td", { colspan: this.columns.length, class: "quiet" }, "There are none.")),
            );
        }
        const of = this.shown.length < this.rows.length ? ` of ${count(this.rows.length)}` : "";
        fill(this.counter, `${count(this.shown.length)}${of} rows`);
    }

    async copy() {
        const lines = [
            this.columns.map((column) => csv(column.title)),
            ...this.shown.map((row) => this.columns.map((column) => csv(column.value(row)))),
        ];
        try {
            await navigator.clipboard.writeText(`${lines.map((line) => line.join(",")).join("\r\n")}\r\n`);
            announce(`Copied ${count(this.shown.length)} rows.`);
            fill(this.counter, `copied ${count(this.shown.length)} rows`);
        } catch {
            fill(this.counter, "the browser lets nothing be copied here");
        }
    }
}

/**
 * @template T
 * @param {Column<T>} column
 * @param {T} row
 */
function cell(column, row) {
    const value = column.show ? column.show(row) : column.value(row);
    const content = value instanceof Node ? value : safe(value ?? "", 400);
    return el("td", { class: column.isNumber ? "number" : "" }, content);
}

/**
 * A cell that no spreadsheet takes for a formula.
 * @param {unknown} value
 */
function csv(value) {
    const text =
        typeof value === "number" ? String(value) : safe(value ?? "", 5000).replace(/^[=+\-@]/, "'$&");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
