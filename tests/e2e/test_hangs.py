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

    def test_a_queue_that_moves_is_none(self):
        self.assertEqual(self.hangs_of("convoy"), [])


if __name__ == "__main__":
    main()
