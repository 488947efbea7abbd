/** What is shown, and its place in the address: a link opens the same view, and back goes back. */

/**
 * @typedef {object} View
 * @property {number} from the window's begin, in ns
 * @property {number} to
 * @property {string} tab "timeline", "tables" or "sql"
 * @property {string} chosen the lane and moment of an interval, "t3@1234", or ""
 * @property {string} area "FROM-TO" or "FROM-TO@lane,lane", or ""
 * @property {string[]} turned groups that are not as they are at first: open or closed
 * @property {string[]} pins lanes
 * @property {string} path of which stretch the critical path is drawn: "FROM-TO", "FROM-TO@lane", or ""
 * @property {string} marks bookmarks: "1:FROM-TO,2:FROM-TO"
 * @property {string} base what the area is compared with: "RECORDING:AREA", or ""
 * @property {string} beside the number of another recording that is shown below, or ""
 * @property {string} sql
 * @property {string} table which of the tables
 * @property {number} recording
 */

/** @returns {View} */
export function emptyView() {
    return {
        from: 0,
        to: 0,
        tab: "timeline",
        chosen: "",
        area: "",
        turned: [],
        pins: [],
        path: "",
        marks: "",
        base: "",
        beside: "",
        sql: "",
        table: "",
        recording: 0,
    };
}

const TABS = ["timeline", "tables", "sql"];

const LANE = /^[tcokpqs]\d{1,9}$/;

/**
 * @param {string} hash
 * @returns {Partial<View>} only what the hash says, and says well
 */
export function readHash(hash) {
    const words = new URLSearchParams(hash.replace(/^#/, ""));
    /** @type {Partial<View>} */
    const view = {};
    const from = Number(words.get("from"));
    const to = Number(words.get("to"));
    if (words.has("from") && Number.isFinite(from) && Number.isFinite(to) && to > from && from >= 0) {
        view.from = from;
        view.to = to;
    }
    for (const name of /** @type {const} */ ([
        "tab",
        "chosen",
        "area",
        "path",
        "base",
        "beside",
        "marks",
        "sql",
        "table",
    ])) {
        const value = words.get(name);
        if (value !== null) {
            view[name] = value;
        }
    }
    if (!TABS.includes(view.tab ?? "timeline")) {
        delete view.tab;
    }
    for (const name of /** @type {const} */ (["turned", "pins"])) {
        const value = words.get(name);
        if (value !== null) {
            view[name] = value
                .split(",")
                .filter((lane) => LANE.test(lane) || /^(cpus|things|short)$/.test(lane));
        }
    }
    const recording = Number(words.get("r") ?? 0);
    if (Number.isInteger(recording) && recording >= 0) {
        view.recording = recording;
    }
    return view;
}

/** @param {View} view */
export function writeHash(view) {
    const words = new URLSearchParams();
    /** @type {[string, string][]} */
    const all = [
        ["from", String(Math.round(view.from))],
        ["to", String(Math.round(view.to))],
        ["tab", view.tab === "timeline" ? "" : view.tab],
        ["chosen", view.chosen],
        ["area", view.area],
        ["turned", view.turned.join(",")],
        ["pins", view.pins.join(",")],
        ["path", view.path],
        ["base", view.base],
        ["beside", view.beside],
        ["marks", view.marks],
        ["table", view.table],
        ["sql", view.sql],
        ["r", view.recording ? String(view.recording) : ""],
    ];
    for (const [name, value] of all) {
        if (value) {
            words.set(name, value);
        }
    }
    return `#${words.toString().replaceAll("%2C", ",").replaceAll("%40", "@").replaceAll("%3A", ":")}`;
}

/**
 * "t3@1234" or null.
 * @param {string} text
 * @returns {import("./types.js").Ref | null}
 */
export function readRef(text) {
    const match = /^([tck]\d{1,9})@(\d{1,16})$/.exec(text);
    return match ? { lane: String(match[1]), at: Number(match[2]) } : null;
}

/**
 * "FROM-TO@lanes" or null.
 * @param {string} text
 * @returns {{from: number, to: number, lanes: string[]} | null}
 */
export function readArea(text) {
    const match = /^(\d{1,16})-(\d{1,16})(?:@([tcok\d,]+))?$/.exec(text);
    if (!match || Number(match[2]) <= Number(match[1])) {
        return null;
    }
    return { from: Number(match[1]), to: Number(match[2]), lanes: match[3] ? match[3].split(",") : [] };
}

/**
 * @param {number} from
 * @param {number} to
 * @param {string[]} lanes
 */
export function writeArea(from, to, lanes) {
    return `${Math.round(from)}-${Math.round(to)}${lanes.length > 0 ? `@${lanes.join(",")}` : ""}`;
}
