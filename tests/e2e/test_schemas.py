"""The forms that are promised: JSON by its schemas, and tables as CSV, which say the same."""

import copy
import csv
import io
import json
import pathlib
import shutil
import unittest

try:
    import jsonschema
except ImportError:
    jsonschema = None

from harness import CTRACE, EXAMPLES, WORKLOADS, TraceTest, main

INSTALLED = pathlib.Path(CTRACE).parent.parent / "share/ctrace/schemas"
ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = INSTALLED if INSTALLED.is_dir() else ROOT / "analyzer/schemas"
GOLDEN = ROOT / "tests/golden/expected"
SECTIONS = ("heap", "latency", "path", "peers", "requests")


def load(name):
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def objects_of(value, place=()):
    """Each object in it, with where it is."""
    if isinstance(value, dict):
        yield place, value
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from objects_of(inner, (*place, key))


def at(document, place):
    for key in place:
        document = document[key]
    return document


@unittest.skipUnless(jsonschema, "python3-jsonschema is not installed: see tests/install-packages.sh")
class Schemas(TraceTest):
    def validator(self, name):
        schema = load(name)
        jsonschema.Draft202012Validator.check_schema(schema)
        self.assertEqual(schema["$id"], name)
        return jsonschema.Draft202012Validator(schema)

    def assert_valid(self, document):
        errors = [f"{list(error.absolute_path)}: {error.message[-300:]}"
                  for error in self.validator(document["schema"]).iter_errors(document)]
        self.assertEqual(errors, [], "the schema in analyzer/schemas says otherwise")

    def read(self, *words):
        result = self.ctrace(*words)
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def recordings(self):
        yield self.record_ok(EXAMPLES / "convoy", output="convoy").directory
        yield self.record_ok(
            "sh", "-c", "sleep 0.01 | cat", output="shell", options=["--kernel=off", "--rate=0"]).directory
        yield self.record_ok(WORKLOADS / "turns", "pool", output="turns").directory

    def test_what_is_written_is_as_promised(self):
        for trace in self.recordings():
            with self.subTest(trace):
                self.assert_valid(self.read("report", "--format=json", trace))
                self.assert_valid(self.read("report", "--format=json", "--class=sync", "--from=10%", trace))
                for section in SECTIONS:
                    self.assert_valid(self.read("report", "--format=json", section, trace))
                self.assert_valid(self.read("export", "--format=json", trace))
                self.assert_valid(self.read("whatif", "thread:*", "-50%", "--format=json", trace))
                self.assert_valid(self.read("query", "--format=json", "SELECT * FROM threads", trace))
                self.assert_valid(self.read("query", "--format=json", "SELECT * FROM intervals", trace))

    def test_so_is_what_the_doctor_says(self):
        for words in ([], ["sh"], [self.record_ok("sleep", "0.01").directory], [self.folder]):
            result = self.ctrace("doctor", "--format=json", *words)
            self.assertIn(result.status, (0, 1), result)
            self.assert_valid(json.loads(result.out))

    def test_so_are_heaps(self):
        trace = self.record_ok(WORKLOADS / "heap", options=["--heap=16KiB"]).directory
        for words in ((), ("heap",), ("heap", "--from=10%")):
            document = self.read("report", "--format=json", *words, trace)
            self.assert_valid(document)
            self.assertEqual(len(document["heaps"]), 1)

    def test_so_are_comparisons(self):
        runs = [self.record_ok(EXAMPLES / name, output=f"{name}-{run}").directory
                for name in ("slow_peer", "slow_peer_cured") for run in range(4)]
        check = ["--fail-on=net.delay>+10%", "--fail-on=place:nowhere.p99>1ms"]
        for words in ([runs[0], runs[4]], [",".join(map(str, runs[:4])), ",".join(map(str, runs[4:])), "--per=run"]):
            result = self.ctrace("diff", "--format=json", *check, *words)
            self.assertEqual(result.status, 2, result)
            self.assert_valid(json.loads(result.out))

    @unittest.skipUnless(GOLDEN.is_dir(), "no source tree")
    def test_so_are_reports_of_odd_recordings(self):
        count = 0
        for path in sorted(GOLDEN.glob("*.json")):
            text = path.read_text()
            if text.startswith("{"):
                with self.subTest(path.name):
                    self.assert_valid(json.JSONDecoder().raw_decode(text)[0])
                    count += 1
        self.assertGreater(count, 15)

    def test_schemas_are_strict(self):
        """Every object is closed: what is left out, added or of another type is found."""
        for path in SCHEMAS.glob("*.schema.json"):
            name = path.name.removesuffix(".schema.json")
            for place, value in objects_of(load(name)):
                if value.get("type") == "object":
                    self.assertIsNot(value.get("additionalProperties", True), True, place)
        trace = self.record_ok(EXAMPLES / "convoy", output="convoy").directory
        for words in (["report"], ["report", "latency"], ["report", "path"], ["export"]):
            document = self.read(*words, "--format=json", trace)
            validator = self.validator(document["schema"])
            seen = set()
            for place, value in objects_of(document):
                kind = tuple("*" if isinstance(key, int) else key for key in place)
                if kind in seen:
                    continue
                seen.add(kind)
                changed = copy.deepcopy(document)
                at(changed, place)["surplus"] = 1
                self.assertFalse(validator.is_valid(changed), place)
                for key in value:
                    changed = copy.deepcopy(document)
                    at(changed, place)[key] = [[1.5]]
                    self.assertFalse(validator.is_valid(changed), (place, key))
            self.assertGreater(len(seen), 1)

    def test_frames_are_objects_and_large_numbers_strings(self):
        validator = self.validator("ctrace-report-1")
        trace = self.record_ok(EXAMPLES / "convoy", output="convoy").directory
        document = self.read("report", "--format=json", trace)
        functions = [frame.get("function") for site in document["sites"] for frame in site["stack"]]
        self.assertIn("serve_page", functions)
        for number, is_valid in ((2**53, True), (2**53 + 1, False), (str(2**63), True), ("x", False), (-1, False), (1.5, False)):
            document["capture"]["end_ns"] = number
            self.assertEqual(validator.is_valid(document), is_valid, number)


class Tables(TraceTest):
    def table(self, section, trace, *options):
        result = self.ctrace("report", "--format=csv", section, trace, "--top=100000", *options)
        self.assertEqual(result.status, 0, result)
        return list(csv.DictReader(io.StringIO(result.out, newline="")))

    def test_tables_say_what_json_says(self):
        trace = self.record_ok(EXAMPLES / "convoy", output="convoy").directory
        report = json.loads(self.ctrace("report", "--format=json", "--top=100000", trace).out)
        for section, rows, columns in (
            ("threads", report["threads"], {"waits": "waits", "idle_ns": "idle_ns"}),
            ("calls", report["calls"], {name: name for name in ("calls", "total_ns", "p50_ns", "p99_ns")}),
            ("locks", report["locks"], {name: name for name in ("count", "total_ns", "longest_ns", "known_holds_ns")}),
            ("waits", report["sites"], {name: name for name in ("count", "total_ns", "longest_ns", "idle_ns")}),
        ):
            with self.subTest(section):
                table = self.table(section, trace)
                self.assertEqual(len(table), len(rows))
                self.assertGreater(len(table), 0)
                for column, member in columns.items():
                    self.assertEqual([int(row[column]) for row in table], [row[member] for row in rows], column)
        for share, total in report["locks"][0]["meanwhile_ns"].items():
            self.assertEqual(int(self.table("locks", trace)[0][f"{share}_ns"]), total)
        for row in self.table("locks", trace):
            self.assertEqual(sum(int(row[f"{share}_ns"]) for share in report["locks"][0]["meanwhile_ns"]), int(row["total_ns"]))
        for row, thread in zip(self.table("threads", trace), report["threads"]):
            for name, time_ns in thread["time_ns"].items():
                self.assertEqual(int(row[f"{name}_ns"]), time_ns)

    def test_no_name_is_a_formula(self):
        program = self.folder / "=1+1"
        shutil.copy(shutil.which("sleep"), program)
        trace = self.record_ok(program, "0.01", output="formula").directory
        for section in ("threads", "calls", "waits"):
            for row in self.table(section, trace):
                self.assertEqual(row["process"], "'=1+1")
        rows = list(csv.DictReader(io.StringIO(self.ctrace("export", "--format=csv", trace).out, newline="")))
        self.assertEqual({row["process"] for row in rows}, {"'=1+1"})


if __name__ == "__main__":
    main()
