/** What held the program up: the first thing to read. Each finding leads to where it shows. */

import { writeArea } from "./address.js";
import { ask } from "./api.js";
import { announce, button, byId, el, fill } from "./dom.js";
import { duration, safe } from "./format.js";
import { momentOf, reportOf } from "./report.js";

/** More of a kind are summed up as a whole. */
const LANES_MAX = 60;

/** The rule of a loop's turns, which may be all work. */
const TURN = "slow turn";

/** @typedef {import("./types.js").Finding} Finding */
/** @typedef {import("./types.js").Overview} Overview */

/**
 * From when to when it shows: all of the run where that is not known.
 * @param {Finding} finding
 * @param {Overview} overview
 * @returns {import("./types.js").Span}
 */
export function spanOf(finding, overview) {
    const { lives } = overview;
    if (finding.from_ns === undefined || finding.to_ns === undefined) {
        return lives;
    }
    const from = momentOf(finding.from_ns, overview);
    const to = momentOf(finding.to_ns, overview);
    return { from: Math.max(from, lives.from), to: Math.max(from + 1, Math.min(to, lives.to)) };
}

/**
 * The rows of the threads that a finding speaks of: of many that are all of a kind, that one's.
 * @param {Finding} finding
 * @param {Overview} overview
 * @returns {string[]}
 */
export function lanesOf(finding, overview) {
    const { from, to } = spanOf(finding, overview);
    const tids = new Set(finding.tids);
    // A number may have been another thread's before.
    const threads = overview.threads.filter((one) => tids.has(one.tid) && one.from < to && one.to > from);
    const lanes = threads.map((thread) => thread.lane);
    if (lanes.length <= LANES_MAX) {
        return lanes;
    }
    const known = new Set(lanes);
    const whole = overview.kinds.filter((kind) => kind.threads.every((thread) => known.has(`t${thread}`)));
    for (const thread of whole.flatMap((kind) => kind.threads)) {
        known.delete(`t${thread}`);
    }
    return [...whole.map((kind) => kind.lane), ...known];
}

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
            this.findings = (await reportOf(view.recording)).findings;
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
            return el("li", {}, choose, this.#longest(finding));
        });
        fill(this.list, ...items);
    }

    /**
     * A way to the longest of its waits, which says most of who held it up.
     * @param {Finding} finding
     */
    #longest({ longest, rule }) {
        if (!longest) {
            return null;
        }
        const { overview } = this.app;
        const [from, to] = [momentOf(longest.from_ns, overview), momentOf(longest.to_ns, overview)];
        const thread = overview.threads.find(
            (one) => one.tid === longest.tid && one.from < to && one.to > from,
        );
        if (!thread) {
            return null;
        }
        const words = `The longest: ${duration(Number(longest.cost_ns))}, ${safe(thread.name, 40)}`;
        const show = () => this.#showLongest(thread.lane, from, to, rule === TURN);
        return button(words, show, { class: "link longest" });
    }

    /**
     * A wait may be in parts, where the thread was woken in vain: its longest one is shown. What took
     * a turn may be no wait: then it is summed up.
     * @param {string} lane
     * @param {number} from
     * @param {number} to
     * @param {boolean} isTurn
     */
    async #showLongest(lane, from, to, isTurn) {
        const edge = (to - from) * 0.25;
        let at = from;
        let isWait = !isTurn;
        try {
            const question = { r: this.app.view.recording, from, to, lanes: lane };
            /** @type {import("./types.js").Area} */
            const area = await ask("area", question);
            const longest = area.longest[0];
            at = Math.max(from, longest?.from ?? from);
            isWait ||= longest !== undefined && longest.to - longest.from >= (to - from) / 2;
        } catch {
            // Its begin says as much of it.
        }
        const shown = isWait
            ? { chosen: `${lane}@${at}`, area: "" }
            : { chosen: "", area: writeArea(from, to, [lane]) };
        this.app.show({ tab: "timeline", ...shown });
        this.timeline.goTo(from - edge, to + edge);
        this.timeline.reveal(lane);
        byId("timeline").scrollIntoView({ block: "nearest" });
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
        const { from, to } = spanOf(finding, this.app.overview);
        const edge = (to - from) * 0.04;
        const lanes = lanesOf(finding, this.app.overview);
        const area = writeArea(from, to, lanes.slice(0, LANES_MAX));
        this.app.show({ tab: "timeline", area, chosen: "" });
        this.timeline.goTo(from - edge, to + edge);
        if (lanes[0]) {
            this.timeline.reveal(lanes[0]);
        }
        byId("timeline").scrollIntoView({ block: "nearest" });
        announce(`${finding.text} It is summed up in the details.`);
    }
}
