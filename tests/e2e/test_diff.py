"""What ctrace diff says of real programs, sick and cured, and of one and itself."""

import csv
import io
import json
import os
import random
import shutil
import unittest

from harness import EXAMPLES, TraceTest, go_pprof, main

PASSED, REGRESSED, CANNOT_TELL, NOT_COMPARED = range(4)


class DiffTest(TraceTest):
    def record_many(self, program, name, count, **options):
        return [self.record_ok(program, output=f"{name}-{i}", **options).directory for i in range(count)]

    def diff(self, *arguments, status=0):
        result = self.ctrace("diff", *arguments)
        self.assertEqual(result.status, status, result)
        return result

    def json_of(self, *arguments, status=0):
        return json.loads(self.diff(*arguments, "--format=json", status=status).out)


def rows_of(document, kind):
    return {(row["state"], row["name"]): row for row in document["rows"] if row["kind"] == kind}


class SickAndCured(DiffTest):
    def test_a_cure_is_proven_and_told_first(self):
        self.record_many(EXAMPLES / "slow_peer", "sick", 5)
        self.record_many(EXAMPLES / "slow_peer_cured", "cured", 5)
        text = self.diff("sick-*", "cured-*", "--per=run").out
        first = text.split("CHANGES")[1].split("\n\n")[0]
        self.assertRegex(" ".join(first.split()), r"\d\. Net waiting in recv in \w+: \S+ m?s -> \S+ m?s, \S+ times less "
                                                  r"\(between [^;]* less; p = 0\.0079\)")
        document = self.json_of("sick-*", "cured-*", "--per=run")
        self.assertEqual(document["schema"], "ctrace-diff-1")
        self.assertTrue(document["duration"]["is_proven"])
        self.assertLess(document["duration"]["shift_high"], 0)
        self.assertTrue(all(change["is_proven"] for change in document["changes"]))
        costs = [abs(change["cost"]) for change in document["changes"]]
        self.assertEqual(costs, sorted(costs, reverse=True))
        self.assertLessEqual(len(costs), 7)
        # A check passes in this direction, and fails in the other.
        check = "--fail-on=net.delay>+10%"
        self.diff("sick-*", "cured-*", "--per=run", check, status=PASSED)
        self.diff("cured-*", "sick-*", "--per=run", check, status=REGRESSED)
        self.diff("cured-*", "sick-*", "--per=run", check, "--fail-on=place:nowhere.p99>1s", status=REGRESSED)
        self.diff("sick-*", "cured-*", check, "--per=run", "--fail-on=place:nowhere.p99>1s", status=CANNOT_TELL)
        # One against five is no proof, nor are two against two; they are shown all the same.
        result = self.diff("sick-0", "cured-*", "--per=run", check, status=CANNOT_TELL)
        self.assertIn("So few runs prove nothing", result.out)
        self.assertRegex(result.out, r"Net waiting in recv .*~")
        self.assertIn("One run a side proves nothing", self.diff("sick-0", "cured-0").out)
        # Filters are for both sides.
        part = self.json_of("sick-*", "cured-*", "--op=recv", "--per=run")
        self.assertEqual({name for _, name in rows_of(part, "op")}, {"recv"})
        self.assertEqual(part["scope"], "waits in recv")
        self.assertRegex(self.diff("sick-0", "cured-0", "--class=net", "--from=10%").out,
                         r"only +waits of class net; --from=10%")
        self.check_profiles()

    def check_profiles(self):
        """As the manual has it: profiles that were kept, and the real pprof."""
        (self.folder / "profiles").mkdir()
        baseline, optimized = (self.folder / "profiles" / name for name in ("baseline", "optimized"))
        for trace, path in (("sick-0", baseline), ("cured-0", optimized)):
            result = self.ctrace("pprof", "net", trace, "-o", path)
            self.assertEqual(result.status, 0, result)
        for words in (["-base", baseline, optimized], ["-diff_base", baseline, "-normalize", optimized]):
            result = go_pprof("-top", "-unit=ms", *words)
            self.assertEqual(result.status, 0, result)
            recv = [line for line in result.out.splitlines() if "recv" in line.split()[-1:]]
            self.assertTrue(recv, result.out)
        # What was saved is negative.
        result = go_pprof("-top", "-unit=ms", "-base", baseline, optimized)
        self.assertRegex(result.out, r"-\d+(\.\d+)?ms")

    def test_two_builds_have_the_same_names(self):
        """serve_page is at another line, and the lock at another address."""
        self.record_ok(EXAMPLES / "convoy", output="sick")
        self.record_ok(EXAMPLES / "convoy_cured", output="cured", options=["--rate=0"])
        document = self.json_of("sick", "cured", "--per=run")
        self.assertRegex(document["notes"][0], "different rates")
        lock = rows_of(document, "lock")["sync", "mutex statistics_lock"]
        self.assertGreater(lock["delay"]["old"], 0)
        stack = rows_of(document, "stack")["sync", next(
            name for _, name in rows_of(document, "stack") if name.startswith("pthread_mutex_lock: serve_page < worker"))]
        self.assertEqual(stack["delay"]["old"], lock["delay"]["old"])
        self.assertEqual(stack["count"]["new"], lock["count"]["new"])


class Itself(DiffTest):
    def alarms(self, runs, rounds):
        """In how many of these comparisons of a program with itself something is called changed."""
        alarms, chosen = 0, set()
        dice = random.Random(14)
        while len(chosen) < rounds:
            old = frozenset(dice.sample(range(10), 5))
            # As much of the first half of the time on both sides: the machine may become busier.
            if len(old & set(range(5))) in (2, 3) and frozenset(range(10)) - old not in chosen:
                chosen.add(old)
        for old in sorted(map(sorted, chosen)):
            sides = [[str(runs[i]) for i in range(10) if (i in old) == is_old] for is_old in (True, False)]
            document = self.json_of(*map(",".join, sides))
            alarms += any(change["is_proven"] for change in document["changes"])
        return alarms

    def test_twenty_comparisons_have_one_alarm_at_most(self):
        # By chance, it is more in one of some ten: then with other runs.
        for attempt in range(3):
            runs = self.record_many(EXAMPLES / "slow_peer_cured", f"same{attempt}", 10)
            if self.alarms(runs, 20) <= 1:
                return
        self.fail("more than one alarm in twenty comparisons, three times")


class Reports(DiffTest):
    """The rows are the reports' numbers."""

    def report(self, directory, *arguments):
        result = self.ctrace("report", *arguments, directory)
        self.assertEqual(result.status, 0, result)
        return result.out

    def test_sums_are_those_of_the_reports(self):
        # Every wait is recorded: reports round what is estimated.
        a = self.record_ok(EXAMPLES / "slow_peer", output="a", options=["--rate=0"]).directory
        b = self.record_ok(EXAMPLES / "slow_peer_cured", output="b", options=["--rate=0"]).directory
        for options in ([], ["--class=net"], ["--from=10%", "--to=70%"]):
            document = self.json_of(a, b, "--per=run", *options)
            for side, directory in (("old", a), ("new", b)):
                with self.subTest(side=side, options=options):
                    self.check(document, side, directory, options)

    def check(self, document, side, directory, options):
        def value(row, metric):
            return row[metric][f"{side}_runs"][0]

        threads = list(csv.DictReader(io.StringIO(self.report(directory, "--format=csv", *options))))
        for (state, _), row in rows_of(document, "state").items():
            total = sum(int(thread[f"{state}_ns"] or 0) for thread in threads)
            self.assertEqual(value(row, "delay"), total, state)
        report = json.loads(self.report(directory, "--format=json", "--top=100000", *options))
        stacks = rows_of(document, "stack").values()
        sites = report["sites"]
        self.assertEqual(round(sum(value(row, "delay") for row in stacks)), sum(site["total_ns"] for site in sites))
        self.assertEqual(round(sum(value(row, "count") for row in stacks)), round(sum(site["count"] for site in sites)))
        causes = sum(value(row, "delay") for row in rows_of(document, "cause").values())
        states = sum(value(row, "delay") for row in rows_of(document, "state").values())
        if not options:
            self.assertEqual(round(causes), states)  # each moment once
        latency = json.loads(self.report(directory, "latency", "--format=json", *options))["latency"]["operations"]
        for operation in latency:
            rows = [row for (_, name), row in rows_of(document, "op").items() if name == operation["operation"]]
            self.assertEqual(sum(value(row, "count") for row in rows), operation["count"], operation)
            if len(rows) == 1:
                self.assertEqual(value(rows[0], "p50"), operation["p50_ns"])
                self.assertEqual(value(rows[0], "p99"), operation["p99_ns"])
        for kind, member, count in (("peer", "peers", "answers"), ("server", "servers", "requests")):
            rows = {name: row for (_, name), row in rows_of(document, kind).items() if value(row, "count") > 0}
            told = {one[kind]: one for one in report[member] if one[count] > 0}
            self.assertEqual(set(rows), set(told))
            for name, row in rows.items():
                self.assertEqual(round(value(row, "delay")), told[name]["total_ns"])
                self.assertEqual(round(value(row, "count")), told[name][count])
                self.assertEqual(value(row, "p99"), told[name]["p99_ns"])

    def test_csv_has_what_json_has(self):
        a = self.record_ok(EXAMPLES / "slow_peer_cured", output="a").directory
        b = self.record_ok(EXAMPLES / "slow_peer_cured", output="b").directory
        document = self.json_of(a, b)
        lines = list(csv.DictReader(io.StringIO(self.diff(a, b, "--format=csv").out, newline="")))
        self.assertEqual(len(lines), 5 * len(document["rows"]))
        for line in lines:
            row = rows_of(document, line["kind"])[line["state"], line["name"]]
            for name in ("old", "new", "p"):
                value = row[line["metric"]].get(name)
                self.assertEqual(line[name] != "", value is not None, line)
                if value is not None:
                    self.assertAlmostEqual(float(line[name]), value, delta=1e-9 * abs(value))


class Layers(DiffTest):
    @unittest.skipUnless(os.geteuid() == 0, "the kernel layer is root's")
    def test_states_that_only_some_runs_know_are_left_out(self):
        with_kernel = self.record_ok(EXAMPLES / "slow_peer_cured", output="with", options=["--kernel=auto"])
        without = self.record_ok(EXAMPLES / "slow_peer_cured", output="without", options=["--kernel=off"])
        alike = self.json_of(with_kernel.directory, self.record_ok(EXAMPLES / "slow_peer_cured", output="too", options=["--kernel=auto"]).directory)
        if ("runnable", "runnable") not in rows_of(alike, "state"):
            self.skipTest("there is no kernel layer here")
        document = self.json_of(with_kernel.directory, without.directory)
        self.assertRegex(document["notes"][0], "kernel layer is not in all runs .not in .*without")
        self.assertLessEqual({state for state, _ in rows_of(document, "state")}, {"net", "sync", "syscall", "sleep"})
        text = self.diff(with_kernel.directory, without.directory).out
        self.assertRegex(" ".join(text.split()), "running, runnable, other and unknown are left out")


class Refused(DiffTest):
    def setUp(self):
        super().setUp()
        self.a = self.record_ok(EXAMPLES / "fsync_batch", output="a").directory
        self.b = self.record_ok(EXAMPLES / "fsync_batch", output="b").directory

    def refused(self, *arguments, about):
        result = self.ctrace("diff", *arguments)
        self.assert_refused(result, about, status=NOT_COMPARED)
        self.assertEqual(result.out, "")
        return result

    def test_what_cannot_be_compared_is_no_outcome_of_a_check(self):
        check = "--fail-on=sync.delay>+10%"
        (self.folder / "empty").mkdir()
        (self.folder / "file").write_text("no recording")
        for arguments, about in (
            ([], "two sides"),
            ([self.a], "two sides"),
            ([self.a, self.b, self.a], "more than two sides"),
            ([self.a, self.a], "named twice"),
            ([f"{self.a},{self.b}", self.b / "."], "named twice"),
            ([self.a, "nowhere"], "there is no 'nowhere'"),
            ([self.a, f"{self.b},"], "has no name"),
            ([self.a, "no*where"], "nothing that 'no\\*where' stands for"),
            ([self.a, "empty"], "no trace in 'empty'"),
            (["file", self.b], "'file' is a file"),
            ([self.a, self.b, "--per=requests"], "--per=requests"),
            ([self.a, self.b, "--per=request"], "has no requests"),
            ([self.a, self.b, "--per-old=5"], "--per-new"),
            ([self.a, self.b, "--format=xml"], "--format=xml"),
            ([self.a, self.b, "--top=0"], "--top=0"),
            ([self.a, self.b, "--thread=nobody"], "none of its \\d+ threads"),
            ([self.a, self.b, "--fial-on=sync.delay>1s"], "did you mean --fail-on"),
        ):
            with self.subTest(arguments):
                self.refused(*arguments, check, about=about)

    def test_a_mistake_in_a_check_is_pointed_at(self):
        result = self.refused(self.a, self.b, "--fail-on=sync.dealy>+10%", about="count, delay, mean, p50 and p99")
        lines = result.err.splitlines()
        self.assertEqual(lines[1].index("dealy"), lines[2].index("^"))

    def test_nothing_of_what_is_asked_for_is_told(self):
        result = self.ctrace("diff", self.a, self.b, "--op=no_such_call", "--fail-on=sync.delay>+10%")
        self.assertEqual(result.status, CANNOT_TELL, result)
        self.assertIn("Neither side has anything of what is asked for", " ".join(result.out.split()))

    def test_a_full_disk_is_no_outcome(self):
        with open("/dev/full", "w") as full:
            result = self.ctrace("diff", self.a, self.b, stdout=full)
        self.assert_refused(result, "cannot write the comparison", status=NOT_COMPARED)

    def test_a_damaged_index_is_made_anew(self):
        before = self.diff(self.a, self.b).out
        index = self.a / "index"
        index.write_bytes(os.urandom(index.stat().st_size))
        self.assertEqual(self.diff(self.a, self.b).out, before)

    def test_a_damaged_recording_is_compared_as_far_as_it_is_read(self):
        stream = max((path for path in (self.a / "ust").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        os.truncate(stream, stream.stat().st_size // 2)
        result = self.ctrace("diff", self.a, self.b)
        self.assertIn(result.status, (0, NOT_COMPARED), result)
        self.assertIn(str(self.a), result.err)

    def test_a_folder_of_recordings_is_a_side(self):
        for side in ("old", "new"):
            (self.folder / side).mkdir()
            for i in range(20):
                shutil.copytree(self.a, self.folder / side / f"run{i}", symlinks=True)
        document = self.json_of("old", "new")
        self.assertEqual([len(document[side]) for side in ("old", "new")], [20, 20])
        self.assertEqual([change for change in document["changes"] if change["is_proven"]], [])
        self.assertEqual({row["delay"]["p"] for row in document["rows"] if row["delay"]["is_tested"]}, {1})
        self.assertIn("Nothing changed", document["remark"])

    def test_a_pattern_is_of_folders(self):
        for name in ("a.log", "b.log"):
            (self.folder / name).write_text("what the program said")
        document = self.json_of("a*", "b*")
        self.assertEqual([len(document[side]) for side in ("old", "new")], [1, 1])
        self.refused("*.log", self.b, about="'\\*.log' stands for no folder")

    def test_too_many_runs_are_refused(self):
        (self.folder / "many").mkdir()
        for i in range(51):
            (self.folder / "many" / f"run{i:02}").symlink_to(self.a)
        names = ",".join(str(self.folder / "many" / f"run{i:02}") for i in range(51))
        self.refused(names, self.b, about="no more than 50")


if __name__ == "__main__":
    main()
