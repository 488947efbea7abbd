"""Waits that cannot end are told first, by name; those that others would have ended are not."""

import json

from harness import WORKLOADS, TraceTest, main

HANGS = WORKLOADS / "hangs"
SIGALRM = 14

# By then each thread is where it hangs, also where the machine is busy.
LONG_MS = 1500


class Hangs(TraceTest):
    def hangs_of(self, what):
        result = self.record(HANGS, what, LONG_MS)
        self.assertEqual(result.status, 128 + SIGALRM, result)
        self.directory = result.directory
        report = self.ctrace("report", "--format=json", self.directory)
        self.assertEqual(report.status, 0, report)
        return json.loads(report.out)["hangs"]

    def one_hang_of(self, what, kind, behind):
        hangs = self.hangs_of(what)
        self.assertEqual([hang["kind"] for hang in hangs], [kind])
        self.assertEqual(hangs[0]["threads_behind"], behind)
        return hangs[0]["waits"]

    def functions_of(self, wait):
        return [frame["function"] for frame in wait["stack"]]

    def check_circle(self, waits):
        for wait, next_one in zip(waits, waits[1:] + waits[:1]):
            self.assertEqual(wait["holder_tid"], next_one["tid"])

    def test_two_that_wait_for_each_other(self):
        waits = self.one_hang_of("deadlock", "deadlock", 2)
        self.check_circle(waits)
        by_function = {self.functions_of(wait)[0]: wait["object"] for wait in waits}
        self.assertIn("(journal)", by_function["transfer"])
        self.assertIn("(accounts)", by_function["audit"])
        text = self.ctrace("report", self.directory).out
        self.assertRegex(text, r"\nDeadlock, from .* on: 2 threads wait for each other\n")
        self.assertIn("\n  and 2 more threads wait behind them\n", text)
        self.assertLess(text.index("\nDeadlock"), text.index("\nProcesses"))

    def test_five_in_a_circle(self):
        waits = self.one_hang_of("philosophers", "deadlock", 1)
        self.assertEqual(len({wait["tid"] for wait in waits}), 5)
        self.check_circle(waits)

    def test_one_that_waits_for_its_own_lock(self):
        (wait,) = self.one_hang_of("self", "self-deadlock", 1)
        self.assertEqual(wait["holder_tid"], wait["tid"])
        self.assertIn("lock_twice", self.functions_of(wait))

    def test_a_lock_whose_holder_has_exited(self):
        (wait,) = self.one_hang_of("abandoned", "abandoned lock", 1)
        self.assertNotEqual(wait["holder_tid"], wait["tid"])
        self.assertIn("(accounts)", wait["object"])

    def test_one_whose_news_came_before_it_waited(self):
        (wait,) = self.one_hang_of("lost", "lost wake-up", 1)
        self.assertIn("(news)", wait["object"])
        text = self.ctrace("report", "hangs", self.directory).out
        self.assertIn("none is left to end these waits", " ".join(text.split()))

    def test_those_that_nobody_wakes_are_to_be_seen(self):
        waits = self.one_hang_of("stranded", "lost wake-up", 1)
        self.assertEqual(len(waits), 3)
        picture = self.folder / "stranded.svg"
        drawn = self.ctrace("timeline", self.directory, "-o", picture)
        self.assertEqual(drawn.status, 0, drawn)
        self.assertNotIn("waited throughout", picture.read_text())

    def test_one_that_joins_who_waits_for_it(self):
        self.check_circle(self.one_hang_of("joiner", "deadlock", 0))

    def test_two_processes_that_wait_for_each_other(self):
        waits = self.one_hang_of("processes", "deadlock", 0)
        self.check_circle(waits)
        self.assertEqual(len({wait["pid"] for wait in waits}), 2)
        functions = {function for wait in waits for function in self.functions_of(wait)}
        self.assertLessEqual({"export_all", "import_all"}, functions)
        text = self.ctrace("report", "hangs", self.directory).out
        self.assertRegex(text, r"held by hangs \(\d+\), of another process\n")

    def test_a_lock_whose_holder_was_another_process_that_died(self):
        (wait,) = self.one_hang_of("dead", "abandoned lock", 0)
        self.assertNotIn(wait["holder_tid"], (0, wait["tid"]))
        self.assertIn("export_all", self.functions_of(wait))

    def test_a_lock_that_was_copied_by_fork_is_nobody_elses(self):
        """What its copy says of the parent's thread is not so."""
        waits = [wait for hang in self.hangs_of("copied") for wait in hang["waits"]]
        self.assertEqual([wait["holder_tid"] == wait["tid"] for wait in waits], [True])

    def test_who_waits_for_a_signal_may_wake_others(self):
        self.assertEqual(self.hangs_of("idle"), [])

    def test_locks_in_either_order_are_no_hang_but_may_be(self):
        self.directory = self.record_ok(WORKLOADS / "troubles", "inversion").directory
        report = json.loads(self.ctrace("report", "--format=json", self.directory).out)
        self.assertEqual(report["hangs"], [])
        (possible,) = report["possible_deadlocks"]
        first, second = possible["waits"]
        self.assertEqual((first["held"], first["object"]), (second["object"], second["held"]))
        self.assertNotEqual(first["tid"], second["tid"])
        self.assertEqual(first["stack"][0]["function"], "rename_user")
        self.assertEqual(second["stack"][0]["function"], "close_order")
        text = self.ctrace("report", "hangs", self.directory).out
        self.assertIn("A deadlock is possible, but did not happen", text)

    def test_what_has_struck_is_not_called_possible(self):
        self.assertEqual(len(self.hangs_of("deadlock")), 1)
        report = json.loads(self.ctrace("report", "--format=json", self.directory).out)
        self.assertEqual(report["possible_deadlocks"], [])

    def test_a_queue_that_moves_is_none(self):
        self.assertEqual(self.hangs_of("convoy"), [])


if __name__ == "__main__":
    main()
