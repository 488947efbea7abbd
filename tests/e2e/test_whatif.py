"""What ctrace whatif says of a change, held against the program with that change, run again."""

import json
import re

from harness import WORKLOADS, TraceTest, main

PATHS = WORKLOADS / "paths"

# What a busy machine may add to either, as a share.
NOISE = 0.25


class WhatIf(TraceTest):
    def length_of(self, name, *command):
        directory = self.record_ok(PATHS, *command, options=["--rate=0"], output=name).directory
        result = self.ctrace("report", "path", "--format=json", directory)
        self.assertEqual(result.status, 0, result)
        return directory, json.loads(result.out)["path"]["length_ns"]

    def range_of(self, directory, *words):
        result = self.ctrace("whatif", *words, directory)
        self.assertEqual(result.status, 0, result)
        now, *then = [int(number) for number in re.findall(r"\((\d+) ns\)", result.out)]
        return now, then[0], then[-1]

    def check(self, words, before, after):
        directory, before_ns = self.length_of("before", *before)
        _, after_ns = self.length_of("after", *after)
        now_ns, least_ns, most_ns = self.range_of(directory, *words)
        self.assertEqual(now_ns, before_ns)
        self.assertLess(after_ns, before_ns * (1 - NOISE))
        self.assertGreater(after_ns, least_ns * (1 - NOISE))
        self.assertLess(after_ns, most_ns * (1 + NOISE))
        # And one end of the range is about it.
        self.assertLess(
            min(abs(after_ns - least_ns), abs(after_ns - most_ns)), NOISE * after_ns
        )

    def test_a_stage_twice_as_fast(self):
        self.check(("compress_items", "-50%"), ("slow_pipeline", 20), ("slow_pipeline", 10))

    def test_a_critical_section_half_as_long(self):
        for what in ("counter_lock", "update_counters"):
            with self.subTest(what):
                self.check((what, "-50%"), ("slow_convoy", 4000), ("slow_convoy", 2000))

    def test_a_stage_that_takes_longer(self):
        directory, _ = self.length_of("before", "slow_pipeline", 10)
        _, after_ns = self.length_of("after", "slow_pipeline", 20)
        _, _, most_ns = self.range_of(directory, "compress_items", "+100%")
        self.assertLess(abs(after_ns - most_ns), NOISE * after_ns)

    def test_a_thread_that_is_faster(self):
        directory, before_ns = self.length_of("before", "join", 300)
        _, least_ns, most_ns = self.range_of(directory, "worker-3", "-50%")
        self.assertEqual(least_ns, most_ns)  # there are no locks in it
        self.assertLess(least_ns, 0.8 * before_ns)
        self.assertGreater(least_ns, 0.45 * before_ns)

    def test_a_lock_that_is_gone(self):
        directory, before_ns = self.length_of("before", "slow_convoy", 2000)
        _, least_ns, _ = self.range_of(directory, "counter_lock", "--remove")
        # Four took turns.
        self.assertLess(least_ns, before_ns / 2)
        self.assertGreater(least_ns, before_ns / 5)


if __name__ == "__main__":
    main()
