/**
 * A server that answers the page as ctrace view does, from made-up data in which every name is
 * hostile: what no recorded program can be made to be called on all systems.
 *
 *   node mock.mjs PAGE-FOLDER     prints the address that it serves
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const LENGTH_NS = 2_000_000_000;
const TILE_ARRAYS = 12;

/** What must never become anything else than text. */
export const HOSTILE = {
    markup: `<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>`,
    quotes: `"><svg onload=window.harmed=1>'`,
    control: "a\u0000b\u0007c\u001b[31md\r\ne",
    rightToLeft: "safe\u202Egnp.exe\u2066",
    long: "x".repeat(4096),
};
const NAMES = Object.values(HOSTILE);
const STATES = ["running", "runnable", "net", "sync", "syscall", "sleep", "other", "unknown"];

/** Always the same numbers. */
function chances(seed) {
    let state = seed;
    return () => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return state / 2 ** 32;
    };
}

function makeThread(index) {
    const chance = chances(index + 1);
    const intervals = [];
    let at = Math.floor(chance() * 1e7);
    while (at < LENGTH_NS - 5e7) {
        const from = at + Math.floor(chance() * 2e6);
        const to = from + 1 + Math.floor(chance() ** 3 * 4e7);
        intervals.push({ from, to, state: 1 + Math.floor(chance() * 5) });
        at = to;
    }
    return { from: 0, to: LENGTH_NS, intervals };
}

const threads = Array.from({ length: 12 }, (_, index) => makeThread(index));
const nameOf = (index) => NAMES[index % NAMES.length];

function sumOf(thread, from, to) {
    const ns = Array(8).fill(0);
    let longest = null;
    for (const interval of thread.intervals) {
        const inside = Math.min(to, interval.to) - Math.max(from, interval.from);
        if (inside > 0) {
            ns[interval.state] += inside;
            if (!longest || interval.to - interval.from > longest.to - longest.from) {
                longest = interval;
            }
        }
    }
    const alive = Math.max(0, Math.min(to, thread.to) - Math.max(from, thread.from));
    ns[0] = alive - ns.reduce((sum, one) => sum + one, 0);
    return { ns, longest };
}

const OVERVIEW = {
    recordings: [{ directory: NAMES[0] }],
    length_ns: LENGTH_NS,
    lives: { from: 0, to: LENGTH_NS },
    epoch_ns: "1764450000000000000",
    begin_ns: "1234",
    command: NAMES[0],
    has_kernel: true,
    notes: NAMES,
    complaints: [NAMES[1]],
    states: STATES.map((name) => ({ name, colour: "#000000", on: "#ffffff" })),
    processes: [{ pid: 1, name: NAMES[0], title: NAMES[4], from: 0, to: LENGTH_NS }],
    kinds: [{ lane: "k0", name: NAMES[3], process: 0, threads: [4, 5, 6, 7] }],
    threads: threads.map((thread, index) => ({
        lane: `t${index}`,
        tid: index + 100,
        name: nameOf(index),
        process: 0,
        from: 0,
        to: LENGTH_NS,
        has_exited: true,
        waits: thread.intervals.length,
        ns: sumOf(thread, 0, LENGTH_NS).ns,
    })),
    cpus: [],
    objects: NAMES.map((name, index) => ({
        lane: `o${index}`,
        kind: "mutex",
        address: `0x${(0x1000 + index).toString(16)}`,
        state: 3,
        name,
        text: `mutex ${name}`,
        process: 0,
        waits: 5,
        ns: 1e9 - index,
    })),
    object_count: NAMES.length,
};

function tiles(query) {
    const lanes = query.get("lanes").split(",");
    const [level, first, count] = ["level", "first", "count"].map((name) => Number(query.get(name)));
    const bytes = new ArrayBuffer(32 + lanes.length * TILE_ARRAYS * count * 8);
    const head = new DataView(bytes);
    head.setUint32(0, 0x54455643, true);
    head.setUint32(4, 1, true);
    head.setUint32(8, lanes.length, true);
    head.setUint32(12, count, true);
    head.setFloat64(16, level, true);
    head.setFloat64(24, first, true);
    lanes.forEach((lane, number) => {
        const arrays = new Float64Array(bytes, 32 + number * TILE_ARRAYS * count * 8, TILE_ARRAYS * count);
        const index = Number(lane.slice(1)) % threads.length;
        for (let i = 0; i < count; i++) {
            const { ns, longest } = sumOf(
                threads[index],
                (first + i) * 2 ** level,
                (first + i + 1) * 2 ** level,
            );
            ns.forEach((one, state) => {
                arrays[state * count + i] = one;
            });
            const told = longest ? [longest.from, longest.to, longest.state, index] : [NaN, NaN, 0, index];
            told.forEach((one, array) => {
                arrays[(8 + array) * count + i] = one;
            });
        }
    });
    return Buffer.from(bytes);
}

const STACK = NAMES.map((name, line) => ({ function: name, file: `/${name}`, line, module: name }));

function interval(query) {
    const lane = query.get("lane");
    const at = Number(query.get("at"));
    const found = threads[Number(lane.slice(1))].intervals.find((one) => one.from <= at && at < one.to) ?? {
        from: at,
        to: at + 1000,
        state: 0,
    };
    return {
        ...found,
        lane,
        op: NAMES[0],
        text: NAMES[0],
        object: { text: NAMES[2], lane: "o1" },
        stack: STACK,
        preempted_by: NAMES[3],
        waker: { lane: "t1", name: NAMES[1], at: found.to, op: NAMES[0], stack: STACK },
        holders: [{ from: found.from, to: found.to, lane: "t2", name: NAMES[2], stack: STACK }],
        wakes: [{ at: found.from, lane: "t3", from: found.from - 10, to: found.from }],
        next: { lane, at: found.to + 10 },
    };
}

function area(query) {
    const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
    const ns = threads.map((thread) => sumOf(thread, from, to).ns);
    return {
        from,
        to,
        ns: STATES.map((_, state) => ns.reduce((sum, one) => sum + one[state], 0)),
        unseen_ns: Array(8).fill(0),
        threads: ns.map((one, index) => ({ lane: `t${index}`, name: nameOf(index), ns: one, waits: 3 })),
        objects: NAMES.map((text) => ({ text, ns: 5e6, waits: 2 })),
        ops: [],
        places: NAMES.map((name) => ({ function: name, file: name, line: 3, ns: 5e6, waits: 2, op: name })),
        longest: NAMES.map((text, index) => ({ lane: `t${index}`, from: 0, to: 1e6, state: 3, text })),
        histogram: { least_ns: [1000, 2000, 4000], waits: [3, 9, 1], ns: [1, 2, 3] },
        flame: {
            frames: STACK,
            nodes: [
                [-1, -1, 0, 9e6, 9],
                [0, 0, 1e6, 6e6, 5],
                [0, 1, 3e6, 3e6, 4],
                [1, 2, 5e6, 5e6, 3],
            ],
        },
    };
}

/** What the report says, which findings and tables are of. */
const REPORT = {
    findings: NAMES.map((text, index) => ({
        rule: index === 1 ? "slow turn" : "lock",
        text,
        command: text,
        cost_ns: 1e9,
        function: text,
        file: text,
        line: 3,
        from_ns: 1234,
        to_ns: 1234 + LENGTH_NS,
        tids: [100, 101],
        longest: { tid: 101, from_ns: 1234 + 5e7, to_ns: 1234 + 9e7, cost_ns: 4e7 },
        objects: [{ pid: 1, kind: "mutex", address: "0x1000" }],
    })),
    threads: NAMES.map((name) => ({
        name,
        tid: 1,
        waits: 2,
        start_ns: 0,
        end_ns: 5,
        time_ns: { sync: 3 },
    })),
    servers: NAMES.map((server) => ({ server, process: server, requests: 9 })),
    slowest_requests: NAMES.map((name, index) => ({
        server: NAMES[0],
        client: name,
        pid: 1,
        reader_tid: 100 + index,
        reader: name,
        writer_tid: 101 + index,
        writer: name,
        begin_ns: 1234 + index * 2e8,
        duration_ns: 3e8,
        unread_ns: 0,
        parts: [
            { state: "calling", peer: name, total_ns: 2e8 },
            { state: "waiting", class: "net", operation: name, object: name, total_ns: 1e8 },
        ],
    })),
};

const ANSWERS = {
    overview: () => OVERVIEW,
    findings: () => REPORT,
    table: () => REPORT,
    tiles,
    interval,
    area,
    path: () => ({ steps: [{ lane: "t0", from: 0, to: 5e8 }] }),
    notes: () => ({
        place: NAMES[0],
        notes: NAMES.map((text, index) => ({
            id: `000000000000000${index}`,
            version: 1,
            at_ns: String(1234 + (index + 1) * 1e8),
            text,
        })),
    }),
    query: () => ({ columns: NAMES, rows: [Object.fromEntries(NAMES.map((name) => [name, name]))] }),
};

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Serves the page in `folder` with these answers; tells the address. */
export function serve(folder) {
    const server = createServer((request, response) => {
        const address = new URL(request.url, "http://localhost");
        const path = address.pathname.replace(/^\/token\//, "");
        const answer = ANSWERS[path.replace(/^api\//, "")];
        response.setHeader("Content-Security-Policy", POLICY);
        try {
            if (path.startsWith("api/")) {
                const body = answer(address.searchParams);
                response.setHeader(
                    "Content-Type",
                    Buffer.isBuffer(body) ? "application/octet-stream" : "application/json",
                );
                response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
            } else {
                const file = path || "index.html";
                response.setHeader("Content-Type", TYPES[extname(file)] ?? "text/plain");
                response.end(readFileSync(join(folder, file)));
            }
        } catch (error) {
            response.statusCode = 404;
            response.end(JSON.stringify({ error: String(error) }));
        }
    });
    return new Promise((resolve) => {
        server.listen(0, "127.0.0.1", () =>
            resolve({ server, address: `http://127.0.0.1:${server.address().port}/token/` }),
        );
    });
}

if (process.argv[2]) {
    const { address } = await serve(process.argv[2]);
    console.log(address);
}
