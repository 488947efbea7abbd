/** What held the program up: the first thing to read. Each finding leads to where it shows. */

import { ask } from "./api.js";
import { announce, byId, el, fill } from "./dom.js";
import { duration } from "./format.js";

/** More of a kind are summed up as a whole. */
const LANES_MAX = 60;

/** @typedef {import("./types.js").Finding} Finding */

export class Findings {
    /**
     * @param {import("./app.js").App} app
     * @param {import("./timeline.js").Timeline} timeline
     */
    constructor(app, timeline) {
        this.app = app;
        this.timeline = timeline;
        this.list = byId("findings-list");
        /** @type {Finding[]} */
        this.findings = [];
    }

    async load() {
        const { overview, view } = this.app;
        const notes = overview.complaints.map((line) => el("p", { class: "complaint" }, line));
        const told = el("ul", {}, ...overview.notes.map((line) => el("li", {}, line)));
        fill(byId("notes"), ...notes, el("details", {}, el("summary", {}, "How it was recorded"), told));
        try {
            /** @type {{findings: Finding[]}} */
            const found = await ask("findings", { r: view.recording });
            this.findings = found.findings;
            this.#draw();
        } catch (error) {
            fill(
                this.list,
                el("li", { class: "wait" }, `No findings: ${/** @type {Error} */ (error).message}`),
            );
        }
        this.list.removeAttribute("aria-busy");
    }

    #draw() {
        if (this.findings.length === 0) {
            fill(
                this.list,
                el(
                    "li",
                    { class: "wait" },
                    "Nothing held it up that ctrace has a rule for. The timeline shows what each thread did.",
                ),
            );
            return;
        }
        const items = this.findings.map((finding) => {
            const choose = el(
                "button",
                {
                    type: "button",
                    class: "finding",
                    title: "Show where",
                    onclick: () => this.#choose(finding, choose),
                },
                el("span", { class: "cost" }, finding.cost_ns > 0 ? duration(finding.cost_ns) : ""),
                el("span", { class: "text" }, finding.text),
                finding.command ? el("code", { class: "command" }, finding.command) : null,
            );
            return el("li", {}, choose);
        });
        fill(this.list, ...items);
    }

    /**
     * The threads that a finding speaks of: "4 threads worker-*", "Thread main (123)".
     * @param {string} text
     */
    #lanesIn(text) {
        const { kinds, threads } = this.app.overview;
        const called = /threads? called (\S+)/.exec(text)?.[1];
        if (called) {
            return threads.filter((thread) => thread.name === called).map((thread) => thread.lane);
        }
        const kind = kinds.find((one) => text.includes(`threads ${one.name}`));
        if (kind) {
            return kind.threads.length > LANES_MAX ? [kind.lane] : kind.threads.map((thread) => `t${thread}`);
        }
        const tids = new Set([...text.matchAll(/\((\d+)\)/g)].map((match) => Number(match[1])));
        const named = /\b[Tt]hread (\S+)/.exec(text)?.[1]?.replace(/[,.]$/, "");
        const byTid = threads.filter((thread) => tids.has(thread.tid));
        const found = byTid.length > 0 ? byTid : threads.filter((thread) => thread.name === named);
        return found.map((thread) => thread.lane);
    }

    /**
     * @param {Finding} finding
     * @param {HTMLElement} chosen
     */
    #choose(finding, chosen) {
        for (const other of this.list.querySelectorAll("button")) {
            other.removeAttribute("aria-current");
        }
        chosen.setAttribute("aria-current", "true");
        const { from, to } = this.app.overview.lives;
        const edge = (to - from) * 0.04;
        const lanes = this.#lanesIn(finding.text);
        const area = `${Math.round(from)}-${Math.round(to)}${lanes.length > 0 ? `@${lanes.slice(0, LANES_MAX).join(",")}` : ""}`;
        this.app.show({ tab: "timeline", area, chosen: "" });
        this.timeline.goTo(from - edge, to + edge);
        if (lanes[0]) {
            this.timeline.reveal(lanes[0]);
        }
        byId("timeline").scrollIntoView({ block: "nearest" });
        announce(`${finding.text} It is summed up in the details.`);
    }
}
