"""Calls that change a process for good: what they change counts only when they are a success."""

import json

from harness import WORKLOADS, TraceTest, main

REFUSED = WORKLOADS / "refused"
LEAST_NS = 49_000_000  # it asks for 50 ms


class Refused(TraceTest):
    def record_refused(self, what):
        result = self.record_ok(REFUSED, what)
        answer = json.loads(result.out)
        sleeps = self.waits(result.directory, op="nanosleep")
        self.assertEqual(len(sleeps), 1)
        self.assertGreaterEqual(sleeps[0].fields["duration_ns"], LEAST_NS)
        self.assertLessEqual(sleeps[0].fields["duration_ns"], answer["sleep_ns"])
        return result

    def test_a_filter_that_is_refused_ends_no_recording(self):
        for what in ("prctl", "raw-prctl", "seccomp", "tsync", "actions"):
            with self.subTest(what):
                self.record_refused(what)

    def test_an_exec_that_fails_ends_no_recording(self):
        self.record_refused("exec")

    def test_an_epoll_that_stays_open_watches_what_it_watched(self):
        for what in ("close-range", "keep-open"):
            with self.subTest(what):
                result = self.record_refused(what)
                waits = self.waits(result.directory, op="epoll_wait")
                self.assertEqual([wait.fields["class"] for wait in waits], ["net"])

    def test_a_program_with_a_filter_is_recorded_up_to_it_and_not_hurt(self):
        self.record_refused("filtered")


if __name__ == "__main__":
    main()
