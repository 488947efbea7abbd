/** What wide waits were for, asked one by one once the timeline is at rest. */

import { ask, isUnknown } from "./api.js";
import { shortOf } from "./format.js";
import { wideWaits } from "./marks.js";

const REST_MS = 160;
const ASKED_AT_REST = 40;
const ASKED_AT_ONCE = 3;

export class Words {
    /**
     * @param {import("./app.js").App} app
     * @param {() => void} onArrival
     */
    constructor(app, onArrival) {
        this.app = app;
        this.onArrival = onArrival;
        /** @type {Map<string, string>} */
        this.known = new Map();
        this.timer = 0;
        this.abort = new AbortController();
    }

    /**
     * @param {string} lane
     * @param {number} from
     */
    get(lane, from) {
        return this.known.get(`${lane}@${from}`) || undefined;
    }

    /** @param {import("./plot.js").Frame} frame */
    want(frame) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.#ask(frame), REST_MS);
    }

    /** @param {import("./plot.js").Frame} frame */
    async #ask(frame) {
        const missing = frame.rows
            .filter((row) => row.sort === "thread")
            .flatMap((row) => wideWaits(frame, row).map((wide) => ({ lane: row.lane, at: wide.from })))
            .filter(({ lane, at }) => !this.known.has(`${lane}@${at}`))
            .slice(0, ASKED_AT_REST);
        if (missing.length === 0) {
            return;
        }
        this.abort.abort();
        this.abort = new AbortController();
        const { signal } = this.abort;
        for (let i = 0; i < missing.length && !signal.aborted; i += ASKED_AT_ONCE) {
            await Promise.allSettled(
                missing.slice(i, i + ASKED_AT_ONCE).map((ref) => this.#askOne(ref, signal)),
            );
            this.onArrival();
        }
    }

    /**
     * @param {import("./types.js").Ref} ref
     * @param {AbortSignal} signal
     */
    async #askOne({ lane, at }, signal) {
        /** @type {import("./types.js").Interval} */
        let found;
        try {
            found = await ask("interval", { r: this.app.view.recording, lane, at }, signal);
        } catch (error) {
            if (isUnknown(error)) {
                this.known.set(`${lane}@${at}`, "");
            }
            return;
        }
        const states = this.app.overview.states;
        const state = states[found.state]?.name ?? "";
        const text =
            found.object && found.op
                ? `${verbOf(found.op)}${found.object.text.startsWith("ended") ? ", " : " "}${shortOf(found.object.text)}`
                : (found.op ?? state);
        this.known.set(`${lane}@${at}`, found.state === 1 ? "in line for a CPU" : text);
    }
}

/**
 * "lock" of "pthread_mutex_lock".
 * @param {string} op
 */
function verbOf(op) {
    return /^pthread_\w*?(lock|join|wait|timedwait)$/.exec(op)?.[1] ?? op;
}
