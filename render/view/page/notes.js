/**
 * Notes on moments: flags under the axis, a list with the findings, and the dialog that writes them,
 * or reads them alone in a file.
 */

import { ask, send } from "./api.js";
import { announce, button, byId, el, fill } from "./dom.js";
import { moment, plural, safe } from "./format.js";
import { momentAt, xOf } from "./scale.js";
import { isStored } from "./stored.js";

const FLAG_LEAST_PX = 26;
const FLAG_MOST_PX = 260;
/** What the server takes, in bytes. */
const TEXT_MAX = 4000;
const UNREADABLE = 500;
const READ_ALONE = new Error(
    "In a file notes can only be read: ctrace view keeps new ones with the recording.",
);

/** @typedef {{id: string, version: number, at_ns: string, text: string}} Note */
/** @typedef {{notes: Note[], place: string}} Answer */
/** @typedef {Partial<Note> & {at_ns: string}} Draft of a note that is there, or is to be */

export class Notes {
    /**
     * @param {import("./app.js").App} app
     * @param {import("./timeline.js").Timeline} timeline
     * @param {(error: unknown) => void} onFailure
     */
    constructor(app, timeline, onFailure) {
        this.app = app;
        this.timeline = timeline;
        this.onFailure = onFailure;
        /** Why there are none to be written. @type {unknown} */
        this.refusal = null;
        /** How often all of them were asked for or sent: an answer that is late says what was before. */
        this.turn = 0;
        this.isSending = false;
        this.flags = byId("flags");
        this.dialog = /** @type {HTMLDialogElement} */ (byId("note"));
        /** @type {Note[]} */
        this.notes = [];
        this.place = "";
        app.on("view", () => this.#draw());
        new ResizeObserver(() => this.#draw()).observe(this.flags);
        this.flags.addEventListener("dblclick", (event) => {
            if (event.target === this.flags) {
                this.add(momentAt(timeline.scale, event.offsetX));
            }
        });
        // Another page may have written some meanwhile.
        addEventListener("focus", () => this.load());
        document.addEventListener("visibilitychange", () => !document.hidden && this.load());
    }

    async load() {
        const turn = ++this.turn;
        try {
            /** @type {Answer} */
            const answer = await ask("notes", { r: this.app.view.recording });
            this.refusal = null;
            byId("note-button").hidden = isStored;
            if (turn === this.turn) {
                this.#keep(answer);
            }
        } catch (error) {
            // Who wants to write one is told why that cannot be; but notes that are there, and cannot be
            // read, are missed before.
            const isNews = String(error) !== String(this.refusal);
            this.refusal = error;
            if (isNews && /** @type {import("./api.js").Refusal} */ (error).status === UNREADABLE) {
                this.onFailure(error);
            }
        }
    }

    /** @param {Answer} answer */
    #keep(answer) {
        this.notes = answer.notes;
        this.place = answer.place;
        this.#list();
        this.#draw();
    }

    /** @param {{at_ns: string}} note */
    #momentOf(note) {
        return Number(BigInt(note.at_ns) - BigInt(this.app.overview.begin_ns));
    }

    /** Those of this recording: beside it there may be some of one that was there before. */
    #own() {
        const { length_ns } = this.app.overview;
        return this.notes
            .map((note) => ({ note, at: this.#momentOf(note) }))
            .filter(({ at }) => at >= 0 && at <= length_ns);
    }

    #draw() {
        const own = this.#own();
        byId("notes-lane").hidden = own.length === 0;
        const { scale } = this.timeline;
        let free = 0;
        const placed = own
            .map(({ note, at }) => ({ note, at, x: xOf(scale, at) }))
            .filter(({ x }) => x >= 0 && x <= scale.width)
            .map((one) => {
                const x = Math.max(one.x, free);
                free = x + FLAG_LEAST_PX;
                return { ...one, x };
            });
        const focused = document.activeElement?.getAttribute("data-note");
        const items = placed.map(({ note, at, x }, index) => {
            const room = (placed[index + 1]?.x ?? scale.width) - x;
            const flag = button(`⚑ ${safe(note.text, 120)}`, () => this.edit(note), {
                class: "flag",
                "data-note": note.id,
                title: `${this.#words(at)}: ${note.text}`,
            });
            flag.style.left = `${x}px`;
            flag.style.maxWidth = `${Math.max(FLAG_LEAST_PX, Math.min(FLAG_MOST_PX, room - 2))}px`;
            return flag;
        });
        fill(this.flags, ...items);
        items.find((flag) => focused && flag.dataset["note"] === focused)?.focus({ preventScroll: true });
        this.timeline.moments = placed.map(({ at }) => at);
    }

    /** @param {number} at */
    #words(at) {
        return moment(at, this.timeline.scale.px_ns);
    }

    /** All of them, wherever the timeline is. */
    #list() {
        const own = this.#own();
        const verb = isStored ? "Read" : "Edit";
        const items = own.map(({ note, at }) =>
            el(
                "li",
                {},
                button(moment(at, 1000), () => this.#goTo(at), { class: "link" }),
                ` ${safe(note.text, 300)} `,
                button(verb, () => this.edit(note), {
                    class: "link",
                    "aria-label": `${verb} the note at ${moment(at, 1000)}`,
                }),
            ),
        );
        const list = byId("note-list");
        list.hidden = own.length === 0;
        fill(list, el("summary", {}, plural(own.length, "note")), el("ul", {}, ...items));
    }

    /** @param {number} at */
    #goTo(at) {
        this.app.show({ tab: "timeline" });
        this.timeline.centre(at);
    }

    /**
     * A new one.
     * @param {number} at
     */
    add(at) {
        if (isStored) {
            this.onFailure(READ_ALONE);
            return;
        }
        const clock_ns = BigInt(this.app.overview.begin_ns) + BigInt(Math.max(0, Math.round(at)));
        this.edit({ at_ns: String(clock_ns) });
    }

    /** Where one looks at: at what is chosen, or in the middle. */
    addHere() {
        if (byId("note-button").hidden && this.refusal && !isStored) {
            this.onFailure(this.refusal);
            return;
        }
        const { chosen } = this.timeline;
        const { from, to } = this.app.view;
        const at = this.app.view.chosen && chosen ? chosen.from : (from + to) / 2;
        this.add(at);
    }

    /** @param {Draft} draft */
    edit(draft) {
        if (isStored) {
            this.#read(draft);
            return;
        }
        const area = el("textarea", { rows: 5, id: "note-text", maxlength: TEXT_MAX });
        area.value = draft.text ?? "";
        const trouble = el("p", { class: "complaint", role: "alert" });
        const save = () => this.#change({ ...draft, text: area.value.trim() }, trouble);
        const remove = () => this.#change({ ...draft, text: undefined }, trouble);
        area.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                save();
            }
        });
        fill(
            this.dialog,
            el(
                "h2",
                { id: "note-title" },
                `${draft.id ? "Note" : "New note"} at ${this.#words(this.#momentOf(draft))}`,
            ),
            el("label", { for: "note-text", class: "quiet" }, "Kept with the recording; Ctrl+Enter saves"),
            area,
            trouble,
            el(
                "div",
                { class: "row-of-buttons" },
                button("Save", save),
                draft.id ? button("Remove", remove) : null,
                button("Cancel", () => this.dialog.close()),
            ),
            this.place ? el("p", { class: "quiet" }, `In ${this.place}`) : null,
        );
        if (!this.dialog.open) {
            this.dialog.showModal();
        }
        area.focus();
    }

    /** @param {Draft} draft */
    #read(draft) {
        const lines = (draft.text ?? "").split("\n");
        const close = button("Close", () => this.dialog.close());
        fill(
            this.dialog,
            el("h2", { id: "note-title" }, `Note at ${this.#words(this.#momentOf(draft))}`),
            el("div", { class: "note-words" }, ...lines.map((line) => el("div", {}, line || " "))),
            el("div", { class: "row-of-buttons" }, close),
        );
        if (!this.dialog.open) {
            this.dialog.showModal();
        }
        close.focus();
    }

    /**
     * @param {Omit<Draft, "text"> & {text: string | undefined}} draft without text it goes
     * @param {HTMLElement} trouble
     */
    async #change(draft, trouble) {
        if (draft.text === "") {
            fill(trouble, "A note has some words.");
            return;
        }
        if (this.isSending) {
            return; // a key that is held, or a second click, would add it twice
        }
        this.isSending = true;
        this.turn++;
        try {
            this.#keep(await send("notes", { r: this.app.view.recording }, draft));
            this.dialog.close();
            this.timeline.redraw();
            announce(draft.text ? "The note is kept." : "The note is removed.");
        } catch (error) {
            await this.#sayWhy(/** @type {import("./api.js").Refusal} */ (error), draft, trouble);
        } finally {
            this.isSending = false;
        }
    }

    /**
     * Who has changed it meanwhile is heard, and nothing that was typed is lost.
     * @param {import("./api.js").Refusal} error
     * @param {Omit<Draft, "text"> & {text: string | undefined}} draft
     * @param {HTMLElement} trouble
     */
    async #sayWhy(error, draft, trouble) {
        const isLate = error.status === 409 && draft.id !== undefined;
        if (!isLate) {
            fill(trouble, error.message);
            return;
        }
        const typed = draft.text;
        await this.load();
        const now = this.notes.find((note) => note.id === draft.id);
        this.edit(now ?? { at_ns: draft.at_ns });
        const area = /** @type {HTMLTextAreaElement} */ (byId("note-text"));
        area.value = typed ?? area.value;
        const words = now ? `It says now: ${now.text}` : "Saving adds it anew.";
        fill(
            /** @type {HTMLElement} */ (this.dialog.querySelector(".complaint")),
            `${error.message}. ${words}`,
        );
    }
}
