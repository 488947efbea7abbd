/** What keys do, and the page that tells it. */

import { announce, button, byId, el, fill } from "./dom.js";
import { moment } from "./format.js";
import { refAt } from "./point.js";
import { slowestIn } from "./requests.js";
import { momentAt, scaleOf } from "./scale.js";

const ZOOM = 1.6;
const PAN = 0.25;

/**
 * @typedef {object} Parts
 * @property {import("./app.js").App} app
 * @property {import("./timeline.js").Timeline} timeline
 * @property {import("./interval.js").IntervalPanel} interval
 * @property {import("./search.js").Search} search
 * @property {import("./notes.js").Notes} notes
 * @property {() => void} sumUp
 * @property {() => void} turnPath
 * @property {() => void} turnSelect
 */

/** @typedef {{keys: string[], shown: string, meaning: string, act: (parts: Parts, event: KeyboardEvent) => void}} Key */

/** @type {Key[]} */
const KEYS = [
    {
        keys: ["w"],
        shown: "w",
        meaning: "Zoom in",
        act: ({ timeline }) => timeline.zoom(1 / ZOOM, timeline.width / 2),
    },
    {
        keys: ["s"],
        shown: "s",
        meaning: "Zoom out",
        act: ({ timeline }) => timeline.zoom(ZOOM, timeline.width / 2),
    },
    {
        keys: ["a", "ArrowLeft"],
        shown: "a  ←",
        meaning: "Earlier",
        act: ({ timeline }) => timeline.pan(-PAN * timeline.width),
    },
    {
        keys: ["d", "ArrowRight"],
        shown: "d  →",
        meaning: "Later",
        act: ({ timeline }) => timeline.pan(PAN * timeline.width),
    },
    { keys: ["ArrowUp"], shown: "↑", meaning: "The row above", act: ({ timeline }) => timeline.step(-1) },
    { keys: ["ArrowDown"], shown: "↓", meaning: "The row below", act: ({ timeline }) => timeline.step(1) },
    {
        keys: ["Enter"],
        shown: "Enter",
        meaning: "What the row did in the middle of what is shown; once more: zoom to it",
        act: choose,
    },
    {
        keys: [","],
        shown: ",",
        meaning: "What this thread did before",
        act: ({ interval }) => interval.goTo(interval.interval?.previous),
    },
    {
        keys: ["."],
        shown: ".",
        meaning: "What it did next",
        act: ({ interval }) => interval.goTo(interval.interval?.next),
    },
    {
        keys: ["["],
        shown: "[",
        meaning: "Follow the wake back: what the thread that ended this did",
        act: ({ interval }) => interval.followBack(),
    },
    {
        keys: ["]"],
        shown: "]",
        meaning: "Follow it on: whom this thread let go on",
        act: ({ interval }) => interval.followOn(),
    },
    {
        keys: ["{"],
        shown: "{",
        meaning: "The wait for the same object before",
        act: ({ interval }) => interval.goTo(interval.interval?.same_object?.previous),
    },
    {
        keys: ["}"],
        shown: "}",
        meaning: "The next one",
        act: ({ interval }) => interval.goTo(interval.interval?.same_object?.next),
    },
    {
        keys: ["<"],
        shown: "<",
        meaning: "The wait at the same place before",
        act: ({ interval }) => interval.goTo(interval.interval?.same_place?.previous),
    },
    {
        keys: [">"],
        shown: ">",
        meaning: "The next one",
        act: ({ interval }) => interval.goTo(interval.interval?.same_place?.next),
    },
    { keys: ["f"], shown: "f", meaning: "The whole run", act: ({ timeline }) => timeline.fit() },
    { keys: ["z"], shown: "z", meaning: "Back to what was shown before", act: ({ app }) => app.back() },
    { keys: ["m"], shown: "m  Shift+Enter", meaning: "Sum up what is shown", act: ({ sumUp }) => sumUp() },
    { keys: ["e"], shown: "e", meaning: "Dragging selects, or moves", act: ({ turnSelect }) => turnSelect() },
    {
        keys: ["c"],
        shown: "c",
        meaning: "Critical path to the end of what is shown",
        act: ({ turnPath }) => turnPath(),
    },
    {
        keys: ["n"],
        shown: "n",
        meaning: "Note something down on what is chosen, or on the middle of what is shown",
        act: ({ notes }) => notes.addHere(),
    },
    {
        keys: ["p"],
        shown: "p",
        meaning: "Pin the row to the top",
        act: ({ timeline }) => timeline.pin(timeline.current),
    },
    { keys: ["/"], shown: "/", meaning: "Search", act: ({ search }) => search.open() },
    {
        keys: ["Escape"],
        shown: "Escape",
        meaning: "Close the details",
        act: ({ app }) => app.show({ chosen: "", area: "" }),
    },
    { keys: ["?"], shown: "?", meaning: "This help", act: () => openHelp() },
    {
        keys: [],
        shown: "1 … 9",
        meaning: "Go to the bookmark; with Shift: set it to what is shown",
        act: () => {},
    },
];

/** Keys that mean the same on every tab. */
const EVERYWHERE = ["/", "?", "z"];

const GESTURES = [
    ["Wheel, pinch", "Zoom at the pointer"],
    ["Drag", "Move"],
    ["Wheel over names, or scroll bar", "Other rows"],
    ["Click", "What this is, and who ended it"],
    ["Double click", "Zoom to it"],
    ["Drag over the axis, Shift and drag", "Sum a stretch up"],
    ["Click a flag", "Read, change or remove the note; a double click beside it adds one"],
    ["Drag in the strip on top", "Move or choose what is shown"],
];

/** @param {Parts} parts */
function choose({ app, timeline, sumUp, interval }, /** @type {KeyboardEvent} */ event) {
    if (event.shiftKey) {
        sumUp();
        return;
    }
    const row = timeline.rows.find((one) => one.lane === timeline.current);
    if (!row) {
        timeline.step(1);
        return;
    }
    if (row.sort === "header") {
        timeline.turn(row.lane);
        return;
    }
    if (row.sort === "request") {
        timeline.ask(slowestIn(row, app.view));
        return;
    }
    const { from, to } = app.view;
    const ref = refAt(timeline, row, (from + to) / 2);
    const { interval: now } = interval;
    if (ref && now && now.lane === ref.lane && ref.at >= now.from && ref.at < now.to && app.view.chosen) {
        const edge = (now.to - now.from) * 0.25;
        timeline.goTo(now.from - edge, now.to + edge);
    } else if (ref) {
        app.show({ chosen: `${ref.lane}@${Math.floor(ref.at)}`, area: "" });
    }
}

/** @param {Parts} parts */
export function listenToKeys(parts) {
    addEventListener("keydown", (event) => {
        const target = /** @type {HTMLElement} */ (event.target);
        const isTyping = target.closest("input, textarea, select, dialog") !== null;
        const isPressing =
            target.closest("button, a, summary") !== null && ["Enter", " "].includes(event.key);
        // Some keyboards have brackets, and slashes, only with others held.
        const isMade = event.getModifierState("AltGraph");
        if (isTyping || isPressing || event.metaKey || (!isMade && (event.ctrlKey || event.altKey))) {
            return;
        }
        const isElsewhere = target.closest(".table-box, #panel, #findings, #tables-tab, #sql-tab") !== null;
        const key = KEYS.find((one) => one.keys.includes(event.key));
        const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
        const isTimeline = parts.app.view.tab === "timeline";
        if (
            key &&
            !(isElsewhere && /^Arrow/.test(event.key)) &&
            (isTimeline || EVERYWHERE.includes(event.key))
        ) {
            event.preventDefault();
            key.act(parts, event);
        } else if (!key && digit && isTimeline) {
            event.preventDefault();
            bookmark(parts.app, parts.timeline, digit, event.shiftKey);
        }
    });
}

/**
 * @param {import("./app.js").App} app
 * @param {import("./timeline.js").Timeline} timeline
 * @param {string} digit
 * @param {boolean} isSet
 */
function bookmark(app, timeline, digit, isSet) {
    const marks = app.view.marks.split(",").filter(Boolean);
    const found = /^\d:(\d+)-(\d+)$/.exec(marks.find((mark) => mark.startsWith(`${digit}:`)) ?? "");
    if (isSet) {
        const { from, to } = app.view;
        const others = marks.filter((mark) => !mark.startsWith(`${digit}:`));
        app.show({ marks: [...others, `${digit}:${Math.round(from)}-${Math.round(to)}`].sort().join(",") });
        const scale = scaleOf(app.view, timeline.width);
        announce(`Bookmark ${digit} is at ${moment(momentAt(scale, 0), scale.px_ns)}.`);
    } else if (found) {
        timeline.goTo(Number(found[1]), Number(found[2]));
    } else {
        announce(`There is no bookmark ${digit}; Shift and ${digit} sets it.`);
    }
}

/** Says what keys and gestures do. */
export function openHelp() {
    const dialog = /** @type {HTMLDialogElement} */ (byId("help"));
    const keys = KEYS.flatMap((key) => [
        el("dt", {}, ...key.shown.split("  ").map((one) => el("kbd", {}, one))),
        el("dd", {}, key.meaning),
    ]);
    const gestures = GESTURES.flatMap(([what, meaning]) => [el("dt", {}, what), el("dd", {}, meaning)]);
    fill(
        dialog,
        el(
            "div",
            { class: "panel-head" },
            el("h2", { id: "help-title" }, "Keys and gestures"),
            button("✕", () => dialog.close(), { "aria-label": "Close the help" }),
        ),
        el(
            "p",
            {},
            "Begin with what held the program up, on top: each line leads to where it shows. Then click a wait, and follow with [ who ended it.",
        ),
        el("dl", { class: "keys" }, ...gestures, ...keys),
        el(
            "p",
            {},
            "Each pixel column shows the exact shares of the states in its time. Marks above a bar are the longest wait in a column that is too short to be seen for itself: the higher, the longer.",
        ),
    );
    dialog.showModal();
}
