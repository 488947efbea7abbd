/**
 * Questions to the server, or to the page itself, where that is a file. All addresses are relative
 * to the page: its path has the token.
 */

import { isStored, storedAnswer } from "./stored.js";

/** What the server said no to, in its words. */
export class Refusal extends Error {
    /**
     * @param {string} message
     * @param {number} status
     */
    constructor(message, status) {
        super(message);
        this.status = status;
    }
}

/** A reader had to be started anew: it is asked once more. */
const BUSY = 503;
const UNKNOWN = 404;

/** What a file says where it has no answer. @type {Record<string, string>} */
const NOT_STORED = {
    area: "This file has the sums of some stretches, and not of this: ctrace view sums up any.",
    interval: "This file has the longest waits in detail, and not what was here: ctrace view has all.",
    notes: "The notes could not be read when this file was written.",
    path: "This file has the critical path of some stretches, and not of this: ctrace view draws any.",
    query: "A file cannot be asked in SQL: ctrace query and ctrace view can.",
};

/** @typedef {Record<string, string | number | undefined>} Question */

/**
 * @param {string} what
 * @param {Question} question
 */
export function addressOf(what, question) {
    const words = new URLSearchParams();
    for (const [name, value] of Object.entries(question)) {
        if (value !== undefined && value !== "") {
            words.set(name, typeof value === "number" ? String(Math.round(value)) : value);
        }
    }
    return `api/${what}?${words}`;
}

/**
 * @param {string} what
 * @param {Question} question
 * @param {AbortSignal} [signal]
 * @param {RequestInit} [how]
 * @returns {Promise<Response>}
 */
async function reach(what, question, signal, how) {
    try {
        return await fetch(addressOf(what, question), { ...how, signal: signal ?? null });
    } catch (error) {
        if (isAbort(error)) {
            throw error;
        }
        throw new Refusal(
            "ctrace view does not answer: it has ended, or the tunnel to it has. Start it again.",
            0,
        );
    }
}

/**
 * @param {string} what
 * @param {Question} question
 * @param {AbortSignal} [signal]
 * @param {boolean} [isAgain]
 * @returns {Promise<Response>}
 */
async function answer(what, question, signal, isAgain) {
    if (isStored) {
        const stored = await storedAnswer(what, question);
        signal?.throwIfAborted();
        if (stored === null) {
            throw new Refusal(NOT_STORED[what] ?? "This file does not have that: ctrace view has.", UNKNOWN);
        }
        return new Response(stored);
    }
    const response = await reach(what, question, signal);
    if (response.status === BUSY && !isAgain) {
        return answer(what, question, signal, true);
    }
    if (!response.ok) {
        throw new Refusal(await reasonOf(response), response.status);
    }
    return response;
}

/** @param {Response} response */
async function reasonOf(response) {
    try {
        return String((await response.json()).error);
    } catch {
        return `the server answers ${response.status} ${response.statusText}`;
    }
}

/**
 * @template T
 * @param {string} what
 * @param {Question} question
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function ask(what, question, signal) {
    return (await answer(what, question, signal)).json();
}

/**
 * @param {string} what
 * @param {Question} question
 * @param {AbortSignal} [signal]
 */
export async function askBytes(what, question, signal) {
    return (await answer(what, question, signal)).arrayBuffer();
}

/**
 * Whether asking again is of no use.
 * @param {unknown} error
 */
export function isUnknown(error) {
    return error instanceof Refusal && error.status === UNKNOWN;
}

/**
 * Changes something: it is sent once.
 * @template T
 * @param {string} what
 * @param {Question} question
 * @param {object} change
 * @returns {Promise<T>} what there is then
 */
export async function send(what, question, change) {
    const response = await reach(what, question, undefined, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(change),
    });
    if (!response.ok) {
        throw new Refusal(await reasonOf(response), response.status);
    }
    return response.json();
}

/** @param {unknown} error */
export function isAbort(error) {
    return error instanceof DOMException && error.name === "AbortError";
}

/**
 * One question at a time: a new one cancels that before it.
 */
export class Asker {
    #abort = new AbortController();

    /**
     * @template T
     * @param {string} what
     * @param {Question} question
     * @returns {Promise<T | null>} null: another question came meanwhile
     */
    async ask(what, question) {
        this.cancel();
        const { signal } = this.#abort;
        try {
            const found = await ask(what, question, signal);
            return signal.aborted ? null : /** @type {T} */ (found);
        } catch (error) {
            if (signal.aborted || isAbort(error)) {
                return null;
            }
            throw error;
        }
    }

    cancel() {
        this.#abort.abort();
        this.#abort = new AbortController();
    }
}
