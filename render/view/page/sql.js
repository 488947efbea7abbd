/** A question in SQL, and its answer as a table. */

import { Asker } from "./api.js";
import { button, byId, el, fill } from "./dom.js";
import { count } from "./format.js";
import { tableOf } from "./table.js";

const EXAMPLES = /** @type {[string, string][]} */ ([
    [
        "What was waited for longest",
        "SELECT object, place, count(*) AS waits, duration(sum(duration_ns)) AS total\nFROM intervals WHERE class NOT IN ('runnable', 'sleep')\nGROUP BY 1, 2 ORDER BY sum(duration_ns) DESC LIMIT 20",
    ],
    [
        "Threads by time in line for a CPU",
        "SELECT thread, tid, duration(runnable_ns) AS runnable, duration(sync_ns) AS sync\nFROM threads ORDER BY runnable_ns DESC LIMIT 20",
    ],
    ["Who let whom go on", "SELECT * FROM wakes LIMIT 100"],
]);

const TABLES =
    "calls frames intervals notes objects processes record runs samples stacks threads turns wakes".split(
        " ",
    );

export class Sql {
    /** @param {import("./app.js").App} app */
    constructor(app) {
        this.app = app;
        this.box = byId("sql-tab");
        this.asker = new Asker();
        this.text = el("textarea", { id: "sql", spellcheck: "false", "aria-label": "SQL" });
        this.answer = el("div", { "aria-live": "polite" });
        this.isThere = false;
        app.on("tab", () => this.show());
    }

    show() {
        if (this.app.view.tab !== "sql" || this.isThere) {
            return;
        }
        this.isThere = true;
        this.text.value = this.app.view.sql || (EXAMPLES[0]?.[1] ?? "");
        this.text.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                this.run();
            }
        });
        const examples = EXAMPLES.map(([words, sql]) =>
            button(words, () => {
                this.text.value = sql;
                this.run();
            }),
        );
        fill(
            this.box,
            el("div", { class: "row-of-buttons" }, ...examples, this.#tables()),
            this.text,
            el(
                "div",
                { class: "row-of-buttons" },
                button("Run (Ctrl+Enter)", () => this.run()),
                el(
                    "span",
                    { class: "quiet" },
                    "Times are nanoseconds since the recording's begin; duration(ns) and at('1.5s') help.",
                ),
            ),
            this.answer,
        );
        if (this.app.view.sql) {
            this.run();
        }
    }

    /** A look into each table. */
    #tables() {
        const choice = el(
            "select",
            { "aria-label": "Look into a table" },
            el("option", { value: "" }, "Look into a table"),
        );
        for (const name of TABLES) {
            choice.append(el("option", { value: name }, name));
        }
        choice.addEventListener("change", () => {
            if (choice.value) {
                this.text.value = `SELECT * FROM ${choice.value} LIMIT 100`;
                this.run();
            }
        });
        return choice;
    }

    async run() {
        const sql = this.text.value.trim();
        if (sql === "") {
            return;
        }
        this.app.show({ sql });
        fill(this.answer, el("p", { class: "quiet" }, "Asking …"));
        try {
            const found = await this.asker.ask("query", { r: this.app.view.recording, sql });
            if (found) {
                this.#show(/** @type {any} */ (found));
            }
        } catch (error) {
            fill(this.answer, el("p", { class: "complaint" }, String(/** @type {Error} */ (error).message)));
        }
    }

    /** @param {{columns: string[], rows: (Record<string, unknown> | unknown[])[]}} found */
    #show(found) {
        const rows = found.rows;
        const columns = found.columns.map((title, index) => {
            const value = (/** @type {any} */ row) => (Array.isArray(row) ? row[index] : row[title]);
            const isNumber =
                rows.length > 0 && rows.every((row) => typeof value(row) === "number" || value(row) === null);
            return {
                title,
                value,
                isNumber,
                ...(isNumber
                    ? { show: (/** @type {any} */ row) => (value(row) === null ? "" : shown(value(row))) }
                    : {}),
            };
        });
        fill(this.answer, tableOf("Answer", rows, columns));
    }
}

/** @param {number} value */
function shown(value) {
    return Number.isInteger(value) ? count(value) : String(value);
}
