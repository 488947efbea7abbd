/** How times, counts and names read. Nothing here touches the page. */

const UNITS = /** @type {const} */ ([
    [1e9, "s"],
    [1e6, "ms"],
    [1e3, "us"],
    [1, "ns"],
]);

/**
 * A duration in three digits, as the report writes it: "1.25 s", "29.6 ms".
 * @param {number} ns
 */
export function duration(ns) {
    const magnitude = Math.abs(ns);
    for (const [size, unit] of UNITS) {
        if (magnitude >= size * 0.9995 || size === 1) {
            return `${threeDigits(ns / size, size === 1)} ${unit}`;
        }
    }
    return "0 ns";
}

/**
 * @param {number} value
 * @param {boolean} isWhole
 */
function threeDigits(value, isWhole) {
    const magnitude = Math.abs(value);
    if (isWhole || magnitude >= 99.95) {
        return count(Math.round(value));
    }
    return value.toFixed(magnitude >= 9.995 ? 1 : 2);
}

/**
 * A moment of the recording, as fine as `step_ns` asks for.
 * @param {number} ns
 * @param {number} step_ns
 */
export function moment(ns, step_ns) {
    const size =
        Math.abs(ns) >= 1e9 || step_ns >= 1e9 ? 0 : ns === 0 ? 0 : unitOf(Math.max(Math.abs(ns), step_ns));
    const [unit_ns, unit] = UNITS[size] ?? UNITS[3];
    const digits = Math.max(0, Math.min(9, Math.ceil(Math.log10(unit_ns / step_ns) - 1e-9)));
    return `${(ns / unit_ns).toFixed(digits)} ${unit}`;
}

/** @param {number} ns */
function unitOf(ns) {
    return UNITS.findIndex(([size]) => ns >= size);
}

/** @param {number} value */
export function count(value) {
    return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/**
 * A part of a whole, in percent; what is there is never "0 %".
 * @param {number} part
 * @param {number} whole
 */
export function share(part, whole) {
    if (!(whole > 0) || part <= 0) {
        return "0 %";
    }
    const percent = (100 * part) / whole;
    if (percent < 0.1) {
        return "< 0.1 %";
    }
    return `${percent >= 9.95 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/**
 * "1 thread", "5 threads".
 * @param {number} number
 * @param {string} noun
 */
export function plural(number, noun) {
    return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

const LONGEST_NAME = 240;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu;

/**
 * A name out of a program, made fit to be seen: what would not be seen, or would turn what stands
 * around it, is written as its number; and what goes on without end is cut.
 * @param {unknown} name
 * @param {number} [limit]
 */
export function safe(name, limit = LONGEST_NAME) {
    const text = name === null || name === undefined ? "" : String(name);
    const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
    return cut.replace(INVISIBLE, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}

/**
 * Times as people write them: "1.2s", "340ms", "50%", or nanoseconds alone.
 * @param {string} text
 * @param {number} whole_ns what 100 % is
 * @returns {number | null}
 */
export function parseTime(text, whole_ns) {
    const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*(s|ms|us|µs|ns|%)?\s*$/.exec(text);
    if (!match) {
        return null;
    }
    const value = Number(match[1]);
    if (match[2] === "%") {
        return (value / 100) * whole_ns;
    }
    /** @type {Record<string, number>} */
    const sizes = { s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };
    return value * (sizes[match[2] ?? "ns"] ?? 1);
}

/**
 * "mutex queue_lock" of "mutex 0x5555 (queue_lock)": rows have little room.
 * @param {string} text
 */
export function shortOf(text) {
    return text.replace(/^(.*?)(?:0x)?[0-9a-f]+ \(([^()]+)\)$/, "$1$2");
}
