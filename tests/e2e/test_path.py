"""The critical path: who held up the end of a program, against a naive reckoning, and in programs
whose answer is known."""

import json
import os
import re
import unittest

from harness import WORKLOADS, TraceTest, main, read_events
from longest_path import longest_path

PATHS = WORKLOADS / "paths"


class Path(TraceTest):
    def path_of(self, *command, options=("--kernel=off", "--rate=0"), ask=()):
        self.directory = self.record_ok(*command, options=list(options)).directory
        return self.ask(*ask)

    def ask(self, *options):
        result = self.ctrace("report", "path", "--format=json", "--all", *options, self.directory)
        self.assertEqual(result.status, 0, result)
        report = json.loads(result.out)
        self.check_sums(report)
        return report

    def check_sums(self, report):
        """Each of its parts is the whole, to the nanosecond."""
        path = report["path"]
        length = path["end_ns"] - path["begin_ns"]
        self.assertEqual(path["length_ns"], length)
        for thread in report["path_threads"]:
            states = ("running_ns", "runnable_ns", "woken_ns", "waiting_ns", "unknown_ns")
            self.assertEqual(sum(thread[state] for state in states), thread["total_ns"])
        for part in ("path_threads", "path_places"):
            self.assertEqual(sum(one["total_ns"] for one in report[part]), length, part)
        at = path["begin_ns"]
        for stretch in report["path_stretches"]:
            self.assertEqual(stretch["begin_ns"], at)
            self.assertGreater(stretch["end_ns"], at)
            at = stretch["end_ns"]
        self.assertEqual(at, path["end_ns"])

    def share_of(self, report, name):
        threads = [thread for thread in report["path_threads"] if thread.get("thread") == name]
        return sum(thread["total_ns"] for thread in threads) / report["path"]["length_ns"]

    def functions_of(self, report, name):
        """Where most of that thread's running on the path was, as far as samples tell."""
        places = [
            place
            for place in report["path_places"]
            if place.get("thread") == name and place["class"] == "running" and place["stack"]
        ]
        return [frame.get("function") for frame in places[0]["stack"]]

    def check_against_the_naive_one(self, report):
        path = report["path"]
        offset = int(report["capture"]["epoch_offset_ns"])
        events = [
            event._replace(time_ns=event.time_ns - offset) for event in read_events(self.directory)
        ]
        length, shares = longest_path(
            events,
            (path["pid"], path["tid"]),
            path["begin_ns"],
            path["end_ns"],
        )
        self.assertEqual(length, path["length_ns"])
        told = {one["tid"]: one["total_ns"] for one in report["path_threads"] if "tid" in one}
        self.assertEqual(told, dict(shares))

    def test_a_naive_reckoning_agrees(self):
        for command in (
            *(("random", seed) for seed in range(1, 6)),
            ("pipeline", 3),
            ("join", 30),
            ("convoy", 300),
        ):
            with self.subTest(command):
                self.check_against_the_naive_one(self.path_of(PATHS, *command))

    def test_a_slow_stage(self):
        report = self.path_of(PATHS, "pipeline", 10)
        self.assertGreater(self.share_of(report, "compressor"), 0.5)
        self.assertIn("compress_items", self.functions_of(report, "compressor"))

    def test_a_profile_of_it_is_as_long(self):
        report = self.path_of(PATHS, "pipeline", 10)
        profile = self.profile("critical", self.directory)
        self.assertEqual(profile.delay_of(), report["path"]["length_ns"])
        self.assertGreater(
            profile.delay_of(thread="compressor", state="running"),
            0.5 * report["path"]["length_ns"],
        )
        folded = self.folder / "path.folded"
        result = self.ctrace("export", "--profile=critical", self.directory, "-o", folded)
        self.assertEqual(result.status, 0, result)
        lines = folded.read_text().splitlines()
        self.assertEqual(
            sum(int(line.rsplit(" ", 1)[1]) for line in lines), report["path"]["length_ns"]
        )
        part = self.profile("critical", self.directory, "--from=50%", "--thread=writer")
        self.assertLess(part.delay_of(), 0.6 * report["path"]["length_ns"])

    def test_a_picture_has_it_on_request(self):
        self.path_of(PATHS, "pipeline", 10)
        for options, is_there in (([], False), (["--path"], True)):
            for form in ("svg", "png", "pdf"):
                picture = self.folder / f"all.{form}"
                result = self.ctrace("timeline", self.directory, "-o", picture, *options)
                self.assertEqual(result.status, 0, result)
                # Letters are outlines: the line is known by its colour, which is nothing else's.
                if form == "svg":
                    self.assertEqual("stroke:rgb(76.07" in picture.read_text(), is_there)

    def test_a_slow_worker(self):
        report = self.path_of(PATHS, "join", 200)
        self.assertGreater(self.share_of(report, "worker-3"), 0.5)
        self.assertLess(self.share_of(report, "worker-1"), 0.3)

    def test_a_convoy_is_on_whoever_has_the_lock(self):
        report = self.path_of(PATHS, "convoy", 1000)
        inside = sum(
            place["total_ns"]
            for place in report["path_places"]
            if place["operation"] == "pthread_mutex_unlock"
        )
        self.assertGreater(inside / report["path"]["length_ns"], 0.4)

    def test_a_child(self):
        report = self.path_of(PATHS, "child", 200)
        pids = {thread["pid"]: thread["total_ns"] for thread in report["path_threads"]}
        parent = report["path"]["pid"]
        self.assertEqual(len(pids), 2)
        self.assertGreater(
            sum(time for pid, time in pids.items() if pid != parent) / report["path"]["length_ns"],
            0.5,
        )
        self.assertIn("fork", [stretch["via"] for stretch in report["path_stretches"]])
        self.assertIn("exit", [stretch["via"] for stretch in report["path_stretches"]])

    def test_a_window_and_another_thread(self):
        self.path_of(PATHS, "pipeline", 10)
        report = self.ask("--thread=writer", "--from=25%", "--to=75%")
        self.assertEqual(report["path"]["thread"], "writer")
        self.assertGreater(self.share_of(report, "compressor"), 0.5)
        result = self.ctrace("report", "path", "--thread=writer", "--from=99.999%", self.directory)
        self.assert_refused(result, "none of the", "matches", status=1)

    @unittest.skipIf(os.geteuid() != 0, "only root sees the run queue")
    def test_the_time_to_get_a_cpu_is_told_apart(self):
        report = self.path_of(PATHS, "convoy", 300, options=["--rate=0", "--kernel=auto"])
        self.assertGreater(sum(thread["runnable_ns"] for thread in report["path_threads"]), 0)
        self.assertGreater(sum(thread["running_ns"] for thread in report["path_threads"]), 0)

    def test_what_has_not_changed_takes_as_long(self):
        for kernel in ("off", "auto"):
            for command, what in (
                (("random", 7), "anything"),
                (("pipeline", 3), "compressor"),
                (("convoy", 300), "counter_lock"),
                (("convoy", 300), "update_counters"),
                (("child", 30), "thread:paths"),
            ):
                with self.subTest(command=command, what=what, kernel=kernel):
                    options = ["--rate=0", f"--kernel={kernel}"]
                    path = self.path_of(PATHS, *command, options=options)["path"]
                    result = self.ctrace("whatif", what, "-0%", self.directory)
                    lengths = re.findall(r"\((\d+) ns\)", result.out)
                    self.assertGreaterEqual(len(lengths), 2, result)
                    self.assertEqual({int(one) for one in lengths}, {path["length_ns"]}, result)

    def test_a_change_as_json(self):
        path = self.path_of(PATHS, "convoy", 300)["path"]
        words = ("counter_lock", "-50%", self.directory)
        text = self.ctrace("whatif", *words).out
        document = json.loads(self.ctrace("whatif", "--format=json", *words).out)
        told = document["whatif"]
        for name in ("pid", "tid", "thread", "begin_ns", "end_ns"):
            self.assertEqual(told[name], path[name])
        self.assertEqual((told["kind"], told["name"]), ("lock", "counter_lock"))
        self.assertEqual((told["is_removed"], told["change_percent"]), (False, -50))
        self.assertEqual(told["now_ns"], path["length_ns"])
        ends = {told["then_with_locks_in_order_ns"], told["then_with_locks_in_any_order_ns"]}
        self.assertEqual(ends, {told["then_ns"], told["then_at_most_ns"]})
        self.assertLessEqual(told["then_ns"], told["then_at_most_ns"])
        lengths = {told["now_ns"], told["then_ns"], told["then_at_most_ns"]}
        self.assertEqual({int(one) for one in re.findall(r"\((\d+) ns\)", text)}, lengths)
        self.assertTrue(document["capture"]["is_complete"])
        result = self.ctrace("whatif", "--format=json", "counter_lock", "--remove", self.directory)
        told = json.loads(result.out)["whatif"]
        self.assertTrue(told["is_removed"])
        self.assertEqual(told["then_ns"], told["then_at_most_ns"])
        result = self.ctrace("whatif", "--format=csv", *words)
        self.assert_refused(result, "--format=csv is none of text and json")

    def test_what_let_the_path_go_on_is_in_json(self):
        report = self.path_of(PATHS, "convoy", 300)
        self.assertTrue(report["path"]["is_end"])
        handed = [one for one in report["path_stretches"] if one["via"] == "wake"]
        self.assertTrue(handed)
        for one in handed:
            self.assertIn(one["via_thread"], ("worker-1", "worker-2", "worker-3", "worker-4"))
        self.assertIn(
            "update_counters",
            [frame.get("function") for one in handed for frame in one["via_stack"]],
        )

    def test_what_is_not_there_is_refused(self):
        self.path_of(PATHS, "convoy", 300)
        for words, told in (
            (["nothing", "-50%"], "is called .nothing."),
            (["counter_lock"], "say one change"),
            (["counter_lock", "-50%", "--remove"], "say one change"),
            (["worker-1", "--remove"], "--remove is for locks"),
            (["counter_lock", "-101%"], "is no change"),
            ([], "what is to be faster"),
        ):
            with self.subTest(words):
                result = self.ctrace("whatif", *words, *([self.directory] if words else []))
                self.assert_refused(result, told)

    def test_samples_tell_where_it_ran(self):
        report = self.path_of(PATHS, "join", 300, options=["--cpu", "--rate=0", "--kernel=auto"])
        self.assertIn("compute_us", self.functions_of(report, "worker-3")[:4])


if __name__ == "__main__":
    main()
