/** The page of `ctrace view`: puts its parts together. */

import { readArea, writeArea, writeHash } from "./address.js";
import { Asker, ask } from "./api.js";
import { App } from "./app.js";
import { AreaPanel } from "./area.js";
import { Beside } from "./beside.js";
import { MEANINGS, themeOf } from "./colours.js";
import { announce, button, byId, el, fill } from "./dom.js";
import { Findings } from "./findings.js";
import { duration, plural, share } from "./format.js";
import { IntervalPanel } from "./interval.js";
import { showKept } from "./kept.js";
import { listenToKeys, openHelp } from "./keys.js";
import { Notes } from "./notes.js";
import { loadRequests } from "./requests.js";
import { Search } from "./search.js";
import { Sql } from "./sql.js";
import { Tables } from "./tables.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./types.js").Overview} Overview */

/** @param {unknown} error */
function complain(error) {
    const box = byId("trouble");
    const words = error instanceof Error ? error.message : String(error);
    fill(
        box,
        el("span", {}, words),
        button("Dismiss", () => box.setAttribute("hidden", "")),
    );
    box.hidden = false;
}

/** @param {App} app */
function showHead(app) {
    const { overview, view } = app;
    const program = overview.command.split(/\s+/)[0]?.replace(/^.*\//, "") || overview.command;
    document.title = `${program} · ctrace`;
    fill(byId("program"), program);
    const { from, to } = overview.lives;
    const whole = overview.window ? ` of ${duration(overview.length_ns)}` : "";
    const when = new Date(Number(BigInt(overview.epoch_ns || "0") / 1_000_000n));
    const facts = [
        `${duration(to - from)}${whole}`,
        plural(overview.processes.length, "process").replace(/processs$/, "processes"),
        plural(overview.threads.length, "thread"),
        Number.isNaN(when.getTime()) || when.getTime() === 0
            ? ""
            : `recorded ${when.toISOString().slice(0, 19).replace("T", " ")} UTC`,
        overview.recordings[view.recording]?.directory ?? "",
    ];
    fill(byId("facts"), facts.filter(Boolean).join("  ·  "));
    byId("facts").title = overview.command;
    if (overview.recordings.length > 1) {
        showRecordings(app);
    }
}

/**
 * Two are meant to be seen together.
 * @param {App} app
 */
function chooseBeside(app) {
    const choice = /** @type {HTMLSelectElement} */ (byId("beside-choice"));
    const { recordings } = app.overview;
    if (recordings.length === 2 && !location.hash.includes("beside=")) {
        app.view.beside = String(1 - app.view.recording);
        history.replaceState(history.state, "", writeHash(app.view));
    }
    choice.append(el("option", { value: "none" }, "nothing beside it"));
    recordings.forEach(({ directory }, number) => {
        if (number !== app.view.recording) {
            choice.append(el("option", { value: number }, `beside it: ${directory}`));
        }
    });
    const show = () => {
        const isKnown = [...choice.options].some((option) => option.value === app.view.beside);
        choice.value = isKnown ? app.view.beside : "none";
    };
    choice.hidden = false;
    choice.addEventListener("change", () => app.show({ beside: choice.value }));
    app.on("beside", show);
    show();
}

/** @param {App} app */
function showRecordings(app) {
    const choice = /** @type {HTMLSelectElement} */ (byId("recordings"));
    app.overview.recordings.forEach((recording, index) => {
        choice.append(
            el("option", { value: index, selected: index === app.view.recording }, recording.directory),
        );
    });
    choice.hidden = false;
    chooseBeside(app);
    choice.addEventListener("change", () => {
        history.pushState(null, "", `#r=${choice.value}`);
        location.reload();
    });
}

/** @param {App} app */
function showLegend(app) {
    const totals = app.overview.states.map((_, state) =>
        app.overview.threads.reduce((sum, thread) => sum + (thread.ns[state] ?? 0), 0),
    );
    const whole = totals.reduce((sum, ns) => sum + ns, 0);
    const items = app.overview.states.flatMap((state, index) => {
        const ns = totals[index] ?? 0;
        const chip = el("span", { class: "chip", "data-state": index });
        return ns > 0
            ? [
                  el(
                      "li",
                      { title: MEANINGS[index] },
                      chip,
                      state.name,
                      el("small", {}, `${duration(ns)}  ${share(ns, whole)}`),
                  ),
              ]
            : [];
    });
    fill(byId("legend"), ...items);
}

/**
 * What was chosen the last time: nothing where a browser lets a page keep nothing, as in others' frames.
 * @param {string} name
 */
function recall(name) {
    try {
        return localStorage.getItem(name);
    } catch {
        return null;
    }
}

/**
 * @param {string} name
 * @param {string} value
 */
function remember(name, value) {
    try {
        localStorage.setItem(name, value);
    } catch {
        // It holds for as long as the page is open.
    }
}

/** @param {App} app */
function listenToTheme(app) {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const toggle = byId("theme-button");
    const patterns = byId("patterns-button");
    let wanted = recall("ctrace-theme");
    const apply = () => {
        const isDark = wanted ? wanted === "dark" : dark.matches;
        document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
        toggle.textContent = isDark ? "Light" : "Dark";
        document.documentElement.toggleAttribute("data-patterns", app.hasPatterns);
        patterns.setAttribute("aria-pressed", String(app.hasPatterns));
        app.theme = themeOf(isDark);
        app.tell("theme");
    };
    toggle.addEventListener("click", () => {
        wanted = app.theme.isDark ? "light" : "dark";
        remember("ctrace-theme", wanted);
        apply();
    });
    patterns.addEventListener("click", () => {
        app.hasPatterns = !app.hasPatterns;
        remember("ctrace-patterns", app.hasPatterns ? "1" : "");
        apply();
    });
    app.hasPatterns = recall("ctrace-patterns") === "1" || matchMedia("(prefers-contrast: more)").matches;
    dark.addEventListener("change", apply);
    apply();
}

/** @param {App} app */
function listenToTabs(app) {
    const buttons = [...byId("tabs").querySelectorAll("button")];
    const show = () => {
        const { tab } = app.view;
        for (const one of buttons) {
            const isShown = one.dataset["tab"] === tab;
            one.setAttribute("aria-current", isShown ? "page" : "false");
            byId(`${one.dataset["tab"]}-tab`).hidden = !isShown;
        }
        byId("findings").hidden = tab !== "timeline";
        app.tell("view");
    };
    for (const one of buttons) {
        one.addEventListener("click", () => app.show({ tab: one.dataset["tab"] ?? "timeline" }));
    }
    app.on("tab", show);
    show();
}

/**
 * The panel says what can be asked when nothing is.
 * @param {App} app
 */
function listenToPanel(app) {
    const show = () => {
        byId("panel").classList.toggle("told", app.view.chosen !== "" || app.view.area !== "");
        if (!app.view.chosen && !app.view.area) {
            fill(
                byId("panel"),
                el("h2", {}, "Ask the timeline"),
                el(
                    "p",
                    { class: "part" },
                    "Click a wait to see what it was for, where in the code, and who ended it; then follow the wake back with [.",
                ),
                el(
                    "p",
                    { class: "part" },
                    "Drag over the axis, or hold Shift and drag over rows, to sum a stretch up: states, threads, places, locks, a flame graph, and profiles to download.",
                ),
                el("p", { class: "part" }, "Wheel or w and s zoom, drag or a and d move. All keys: ?"),
            );
        }
    };
    app.on("chosen", show);
    app.on("area", show);
    show();
}

/**
 * @param {App} app
 * @param {Timeline} timeline
 */
function listenToPath(app, timeline) {
    const asker = new Asker();
    const load = async () => {
        byId("path-button").setAttribute("aria-pressed", String(app.view.path !== ""));
        timeline.path = [];
        timeline.redraw();
        if (!app.view.path) {
            return;
        }
        const wanted = readArea(app.view.path);
        if (!wanted) {
            return;
        }
        const { from, to, lanes } = wanted;
        try {
            const question = { r: app.view.recording, from, to, columns: 4000, lane: lanes[0] };
            const found = await asker.ask("path", question);
            timeline.path = /** @type {import("./types.js").Path | null} */ (found)?.steps ?? [];
            timeline.redraw();
        } catch (error) {
            complain(error);
        }
    };
    app.on("path", load);
    load();
    return () => {
        const { from, to } = app.view;
        const { lives } = app.overview;
        const ends = `${Math.round(Math.max(from, lives.from))}-${Math.round(Math.min(to, lives.to))}`;
        app.show({ path: app.view.path ? "" : ends });
    };
}

/**
 * @param {App} app
 * @param {Timeline} timeline
 */
function listenToButtons(app, timeline) {
    const search = new Search(app, timeline);
    const notes = new Notes(app, timeline, complain);
    const turnPath = listenToPath(app, timeline);
    const sumUp = () => {
        const { lives } = app.overview;
        const from = Math.max(app.view.from, lives.from);
        app.show({
            area: writeArea(from, Math.max(from + 1, Math.min(app.view.to, lives.to)), []),
            chosen: "",
        });
        byId("panel").focus({ preventScroll: true });
    };
    const turnSelect = () => {
        timeline.isSelectMode = !timeline.isSelectMode;
        byId("select-button").setAttribute("aria-pressed", String(timeline.isSelectMode));
        byId("plot").classList.toggle("selecting", timeline.isSelectMode);
        announce(timeline.isSelectMode ? "Dragging selects." : "Dragging moves.");
    };
    /** @type {[string, () => void][]} */
    const actions = [
        ["in-button", () => timeline.zoom(1 / 1.6, timeline.width / 2)],
        ["out-button", () => timeline.zoom(1.6, timeline.width / 2)],
        ["fit-button", () => timeline.fit()],
        ["back-button", () => app.back()],
        ["select-button", turnSelect],
        ["path-button", turnPath],
        ["note-button", () => notes.addHere()],
        ["ask-button", sumUp],
        ["search-button", () => search.open()],
        ["help-button", () => openHelp()],
    ];
    for (const [id, act] of actions) {
        byId(id).addEventListener("click", act);
    }
    return { search, notes, turnPath, turnSelect, sumUp };
}

async function start() {
    const recording = Number(new URLSearchParams(location.hash.slice(1)).get("r") ?? 0);
    /** @type {Overview} */
    const overview = await ask("overview", { r: Number.isInteger(recording) ? recording : 0 });
    const app = new App(overview);
    const timeline = new Timeline(app, complain);
    showHead(app);
    showLegend(app);
    listenToTheme(app);
    listenToPanel(app);
    const interval = new IntervalPanel(app, timeline, complain);
    const area = new AreaPanel(app, timeline);
    const tables = new Tables(app);
    const sql = new Sql(app);
    listenToTabs(app);
    const parts = { app, timeline, interval, ...listenToButtons(app, timeline) };
    listenToKeys(parts);
    parts.notes.load();
    new Findings(app, timeline).load();
    showKept(app);
    loadRequests(app);
    new Beside(app, timeline, complain).load();
    interval.load();
    area.load();
    tables.show();
    sql.show();
}

start().catch((error) => {
    complain(error);
    fill(byId("findings-list"), el("li", { class: "wait" }, "Nothing can be shown."));
});
