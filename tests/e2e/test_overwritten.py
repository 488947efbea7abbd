"""Boards that their programs write over: the recorder goes on, and keeps what makes sense."""

import os
import re
import signal
import unittest

from harness import WORKLOADS, TraceTest, main, read_events

NOBODY = 65534

TEXT_SIZE = 1024  # of a program's path on the board, with its end


class Overwritten(TraceTest):
    def record_overwritten(self, what, status=0):
        result = self.record(WORKLOADS / "overwritten", what)
        self.assertEqual((result.out, result.status), ("done\n", status), result)
        self.assertTrue(read_events(result.directory))
        return result

    def test_a_record_larger_than_any(self):
        self.record_overwritten("large")

    def test_texts_without_ends(self):
        result = self.record_overwritten("texts")
        paths = [
            event.fields["exe"]
            for event in read_events(result.directory)
            if event.name == "ctrace:process"
        ]
        self.assertEqual([len(path) < TEXT_SIZE for path in paths], [True])

    def test_a_file_cut_short(self):
        result = self.record_overwritten("short", status=128 + signal.SIGKILL)
        self.assertRegex(result.err, "the board of process [0-9]+ is damaged")

    def test_counts_that_cannot_be(self):
        result = self.record_overwritten("counts")
        self.assertRegex(result.err, "the board of process [0-9]+ is damaged; its counters are "
                         "left out")
        self.assertNotIn("nothing lost", result.err)
        counters = [event.fields for event in read_events(result.directory)
                    if event.name == "ctrace:counters"]
        self.assertEqual([c for c in counters if int(c["calls"]) > 10**9], [])
        self.assertIn("is damaged", self.report_text(result.directory))

    def test_what_all_programs_are_told_is_not_for_them_to_write(self):
        result = self.record(WORKLOADS / "overwritten", "control")
        self.assertEqual((result.out, result.status), ("refused\ndone\n", 0), result)

    def test_a_doorbell_rung_for_nothing(self):
        self.record_overwritten("bell")

    @unittest.skipIf(os.geteuid() != 0, "it takes root to become another user")
    def test_one_that_asks_for_many_boards_gets_few_and_others_get_theirs(self):
        flood = f"{WORKLOADS / 'overwritten'} flood {NOBODY}"
        other = f"{WORKLOADS / 'other_user'} exec {NOBODY}"
        result = self.record("/bin/sh", "-c", f"{flood} & {other}; wait")
        self.assertEqual(result.status, 0, result)
        given = re.search("([0-9]+) of [0-9]+", result.out)
        self.assertIsNotNone(given, result)
        self.assertLess(int(given[1]), 100)
        self.assertIn("LOST the waits of 1 process, which", result.err)
        self.assertIn("too many boards", result.err)
        waits = [s for s in self.profile("sync", result.directory).samples
                 if s.labels["op"] == "pthread_mutex_lock"]
        self.assertEqual(len(waits), 1, result)


if __name__ == "__main__":
    main()
