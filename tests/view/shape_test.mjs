/** What the tests of names serve is what ctrace view sends: a member that no server has proves nothing. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { CTRACE, EXAMPLES, PAGE, run, view } from "./harness.mjs";
import { serve } from "./mock.mjs";

const folder = mkdtempSync(join(tmpdir(), "ctrace-shape-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 50 }));
const recordings = ["convoy", "slow_peer"].map((name) => join(folder, name));

before(async () => {
    for (const recording of recordings) {
        await run(CTRACE, [
            "record",
            "--rate=0",
            "-o",
            recording,
            join(EXAMPLES, recording.replace(/.*\//, "")),
        ]);
    }
});

/**
 * The members of all objects, by where these are: "findings[].rule".
 * @param {unknown} value
 */
function membersOf(value, where = "", found = new Set()) {
    if (Array.isArray(value)) {
        for (const one of value) {
            membersOf(one, `${where}[]`, found);
        }
    } else if (value !== null && typeof value === "object") {
        for (const [name, member] of Object.entries(value)) {
            found.add(`${where}.${name}`);
            membersOf(member, `${where}.${name}`, found);
        }
    }
    return found;
}

/** Of a request, these programs show some parts only: its schema has them all. */
function addParts(found) {
    const schema = new URL("../../analyzer/schemas/ctrace-report-1.schema.json", import.meta.url);
    const { request_part } = JSON.parse(readFileSync(schema, "utf8")).$defs;
    for (const name of Object.keys(request_part.properties)) {
        found.add(`findings.slowest_requests[].parts[].${name}`);
    }
}

const ask = async (address, what) => (await fetch(`${address}api/${what}`)).json();

test("every member that the page's names are tested by is one that the server sends", async (test) => {
    const { server, address } = await serve(PAGE);
    test.after(() => server.close());
    const real = await view(test, ...recordings);
    const sent = new Map();
    const add = (what, answer) =>
        membersOf(answer, what, sent.get(what) ?? sent.set(what, new Set()).get(what));
    for (const r of [0, 1]) {
        const overview = await ask(real, `overview?r=${r}`);
        add("overview", overview);
        add("findings", await ask(real, `findings?r=${r}`));
        const { from, to } = overview.lives;
        add("path", await ask(real, `path?r=${r}&from=${from}&to=${to}`));
        const area = await ask(real, `area?r=${r}&from=${from}&to=${to}&flame=wait`);
        add("area", area);
        const steps = overview.threads.flatMap(({ lane, from, to }) =>
            Array.from(
                { length: 40 },
                (_, i) => `lane=${lane}&at=${Math.floor(from + ((to - from) * i) / 40)}`,
            ),
        );
        const longest = area.longest.map(({ lane, from }) => `lane=${lane}&at=${from}`);
        for (const where of [...longest, ...steps]) {
            add("interval", await ask(real, `interval?r=${r}&${where}`));
        }
    }
    addParts(sent.get("findings"));
    await fetch(`${real}api/notes`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Origin: new URL(real).origin },
        body: JSON.stringify({ at_ns: "5", text: "a" }),
    });
    add("notes", await ask(real, "notes"));
    const asked = {
        overview: "overview",
        findings: "findings",
        path: "path",
        area: "area?from=0&to=2000000000",
        interval: "interval?lane=t0&at=1000000000",
        notes: "notes",
    };
    for (const [what, question] of Object.entries(asked)) {
        const made = membersOf(await ask(address, question), what);
        const unknown = [...made].filter((member) => !sent.get(what).has(member));
        assert.deepEqual(unknown, [], `no server sends these of ${what}`);
    }
});
