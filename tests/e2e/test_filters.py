"""What is asked for in part adds up to the whole, on real programs and by every command."""

import csv
import datetime
import io
import json

from harness import EXAMPLES, WORKLOADS, TraceTest, main

CLASSES = ("net", "sync", "syscall", "sleep", "runnable", "other", "unknown")


class Filters(TraceTest):
    def setUp(self):
        super().setUp()
        result = self.record_ok(EXAMPLES / "convoy", options=["--rate=0", "--cpu"])
        self.directory = result.directory

    def rows(self, *options):
        result = self.ctrace("report", "--format=csv", self.directory, *options)
        self.assertEqual(result.status, 0, result)
        return list(csv.DictReader(io.StringIO(result.out)))

    def json_of(self, *arguments):
        result = self.ctrace("report", *arguments, "--format=json", self.directory)
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def delay_of(self, kind, *options):
        return self.profile(kind, self.directory, *options).delay_ns

    def test_the_classes_of_a_thread_are_those_of_the_whole(self):
        whole = self.rows()
        for name in (*CLASSES, "running"):
            part = self.rows(f"--class={name}")
            self.assertEqual(
                [row[f"{name}_ns"] for row in part], [row[f"{name}_ns"] for row in whole], name
            )
            others = [row[f"{other}_ns"] for row in part for other in CLASSES if other != name]
            self.assertEqual(set(others), {""}, name)
        for row in whole:
            classes = sum(int(row[f"{name}_ns"]) for name in (*CLASSES, "running"))
            self.assertEqual(classes, int(row["lifetime_ns"]), row)

    def test_the_classes_of_a_wall_profile_are_the_whole(self):
        classes = [self.delay_of("wall", f"--class={name}") for name in (*CLASSES, "running")]
        self.assertEqual(sum(classes), self.delay_of("wall"))
        self.assertEqual(classes[CLASSES.index("sync")], self.delay_of("wall", "--class=sync"))

    def test_operations_objects_and_places_are_parts(self):
        sync = self.delay_of("sync")
        locks, joins = (
            self.delay_of("sync", f"--op={op}") for op in ("pthread_mutex_lock", "pthread_join")
        )
        self.assertGreater(locks, 0)
        self.assertEqual(locks + joins, sync)
        self.assertEqual(self.delay_of("sync", "--object=statistics_lock"), locks)
        self.assertEqual(self.delay_of("sync", "--object=statistics_*"), locks)
        self.assertEqual(self.delay_of("sync", "--place=^serve_page$"), locks)
        self.assertEqual(self.delay_of("sync", r"--place=convoy\.c:\d+", "--op=*join"), joins)
        self.assertEqual(
            self.delay_of("sync", "--op=pthread_mutex_lock,pthread_join", "--class=sync"), sync
        )
        mutex = self.delay_of("mutex")
        self.assertEqual(self.delay_of("mutex", "--object=statistics_lock"), mutex)

    def test_short_and_long_waits_are_the_whole(self):
        waits = self.waits(self.directory, op="pthread_mutex_lock")
        least_ns = sorted(wait.fields["duration_ns"] for wait in waits)[len(waits) // 2]
        long = [wait for wait in waits if wait.fields["duration_ns"] >= least_ns]
        operations = self.json_of("latency", f"--min={least_ns}ns", "--op=pthread_mutex_lock")
        self.assertEqual(operations["latency"]["count"], len(long))
        self.assertEqual(
            operations["latency"]["total_ns"], sum(wait.fields["duration_ns"] for wait in long)
        )

    def test_a_part_says_that_it_is_one(self):
        options = ("--class=sync", "--op=pthread_mutex_lock")
        words = "waits of class sync, in pthread_mutex_lock"
        self.assertIn(f"only        {words}", self.report_text(self.directory, *options))
        self.assertEqual(self.json_of(*options)["scope"]["waits"], words)
        picture = self.folder / "part.svg"
        result = self.ctrace("timeline", "-o", picture, self.directory, *options)
        self.assertEqual(result.status, 0, result)
        drawn = picture.read_text()
        self.assertIn("Only waits of class sync", drawn)
        self.assertNotIn(">running<", drawn)
        result = self.ctrace("pprof", "sync", self.directory, "-o", "part.pb.gz", *options)
        self.assertIn(f"only {words}", result.err)

    def test_what_matches_nothing_is_told(self):
        result = self.ctrace("report", self.directory, "--op=pthread_mutex_lok")
        self.assertIn("did you mean pthread_mutex_lock?", result.err)
        self.assertIn("There are no such waits", result.out)
        result = self.ctrace("timeline", "-o", "x.svg", self.directory, "--object=nobody")
        self.assertIn("--object=nobody: none of these waits is for it", result.err)
        for words, said in (
            (["report", "--place=a(b"], "at char 3"),
            (["pprof", "sync", "--class=snc"], "did you mean sync?"),
            (["timeline", "-o", "x.svg", "--min=soon"], "--min"),
            (["pprof", "cpu", "--class=net"], "a cpu profile has none"),
            (["pprof", "critical", "--place=serve"], "a critical path follows from all waits"),
            (["report", "path", "--no-idle"], "a critical path follows from all waits"),
        ):
            with self.subTest(words):
                self.assert_refused(self.ctrace(*words), said)

    def test_times_of_day(self):
        capture = self.json_of()["capture"]
        begin_ns = capture["begin_ns"] + int(capture["epoch_offset_ns"])
        half_ns = (capture["end_ns"] - capture["begin_ns"]) // 2
        middle = datetime.datetime.fromtimestamp((begin_ns + half_ns) / 1e9)
        for text in (str(middle), middle.isoformat(), middle.strftime("%H:%M:%S.%f")):
            scope = self.json_of(f"--from={text}")["scope"]
            from_ns = scope["begin_ns"] - capture["begin_ns"]
            self.assertLess(abs(from_ns - half_ns), 2000, text)
        result = self.ctrace("report", self.directory, "--from=2001-01-01 00:00")
        self.assertEqual(result.status, 1, result)
        self.assertRegex(result.err, r"from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ to .*local time")


class Idle(TraceTest):
    def check(self, directory):
        """Idle waits and the others are all waits, and every output agrees."""
        result = self.ctrace("report", "--format=json", "--top=10000", directory)
        whole = json.loads(result.out)
        result = self.ctrace("report", "--format=json", "--top=10000", "--no-idle", directory)
        delays = json.loads(result.out)
        idle_ns = sum(site["idle_ns"] for site in whole["sites"])
        total_ns = sum(site["total_ns"] for site in whole["sites"])
        self.assertEqual(sum(site["total_ns"] for site in delays["sites"]), total_ns - idle_ns)
        self.assertEqual(sum(thread["idle_ns"] for thread in whole["threads"]), idle_ns)
        self.assertEqual(sum(site["idle_ns"] for site in delays["sites"]), 0)
        labelled = 0
        for kind in ("net", "sync", "syscall", "sleep"):
            profile = self.profile(kind, directory)
            labelled += profile.delay_of(idle="waits for work")
            self.assertEqual(
                profile.delay_ns - profile.delay_of(idle="waits for work"),
                self.profile(kind, directory, "--no-idle").delay_ns,
            )
        self.assertEqual(labelled, idle_ns)
        return whole, idle_ns, total_ns

    def test_a_pool_with_nothing_to_do(self):
        directory = self.record_ok(
            WORKLOADS / "held_up", "pool", options=["--kernel=off", "--rate=0"]
        ).directory
        whole, idle_ns, total_ns = self.check(directory)
        self.assertGreater(idle_ns, total_ns / 2)
        text = self.report_text(directory)
        self.assertIn("\nIdle: waiting for work", text)

    def test_a_server_that_nobody_asks(self):
        directory = self.record_ok(
            WORKLOADS / "held_up", "server", options=["--kernel=off", "--rate=0"]
        ).directory
        whole, idle_ns, total_ns = self.check(directory)
        self.assertGreater(idle_ns, 0)

    def test_a_convoy_is_no_idling(self):
        directory = self.record_ok(EXAMPLES / "convoy", options=["--rate=0"]).directory
        whole, idle_ns, total_ns = self.check(directory)
        self.assertLess(idle_ns, total_ns / 10)


class Latency(TraceTest):
    def test_every_table_is_the_whole_and_what_the_events_say(self):
        directory = self.record_ok(
            EXAMPLES / "convoy", options=["--rate=0", "--kernel=off"]
        ).directory
        result = self.ctrace("report", "latency", "--format=json", directory)
        latency = json.loads(result.out)["latency"]
        for table in ("operations", "objects", "places"):
            rows = latency[table]
            self.assertEqual(sum(row["count"] for row in rows), latency["count"], table)
            self.assertEqual(sum(row["total_ns"] for row in rows), latency["total_ns"], table)
            for row in rows:
                self.assertEqual(sum(part["count"] for part in row["histogram"]), row["count"])
        durations = sorted(
            wait.fields["duration_ns"] for wait in self.waits(directory, op="pthread_mutex_lock")
        )
        locks = next(
            row for row in latency["operations"] if row["operation"] == "pthread_mutex_lock"
        )
        self.assertEqual(locks["count"], len(durations))
        self.assertEqual(locks["total_ns"], sum(durations))
        self.assertEqual(locks["max_ns"], durations[-1])
        for name, share in (("p50_ns", 50), ("p90_ns", 90), ("p99_ns", 99)):
            true = durations[-(-len(durations) * share // 100) - 1]
            self.assertLessEqual(abs(locks[name] - true), true / 128, name)
        place = next(
            row for row in latency["places"] if row["operation"] == "pthread_mutex_lock"
        )
        slowest = place["slowest"]
        self.assertGreaterEqual(slowest["count"], place["count"] / 100)
        for member in ("count", "total_ns"):
            self.assertEqual(
                sum(part[member] for part in slowest["waited_for"]), slowest[member]
            )
        self.assertIn("(statistics_lock)", slowest["waited_for"][0]["object"])
        self.check_text_and_csv(directory, latency)

    def check_text_and_csv(self, directory, latency):
        text = self.ctrace("report", "latency", directory)
        self.assertEqual(text.status, 0, text)
        self.assertIn("serve_page", text.out)
        self.assertRegex(text.out, r"slowest 1 % \(\d+ of .* or more\): .*statistics_lock")
        result = self.ctrace("report", "latency", "--format=csv", directory)
        rows = list(csv.DictReader(io.StringIO(result.out)))
        for by in ("operation", "object", "place"):
            self.assertEqual(
                sum(int(row["count"]) for row in rows if row["by"] == by), latency["count"]
            )
        self.assert_refused(self.ctrace("report", "hangs", "--format=csv", directory), "section")


if __name__ == "__main__":
    main()
