"""Of a stack that is too deep to be kept, both ends are, and what was cut is said everywhere."""

import collections
import json
import os
import unittest

from harness import WORKLOADS, TraceTest, main

PROGRAM = WORKLOADS / "deep"
GAP = "[frames omitted]"
ROOTS = ["main", "__libc_start_call_main"]


class Deep(TraceTest):
    def samples(self, result):
        return [
            sample
            for sample in self.profile("sleep", result.directory).samples
            if sample.labels["op"] == "nanosleep"
        ]

    def assert_both_ends(self, sample, frames):
        """The leaf is the call; of `frames` that are kept a quarter are the outermost."""
        own = sample.stack[1:]
        self.assertEqual(len(own), frames + 1, sample)
        gap = own.index(GAP)
        self.assertEqual(len(own) - 1 - gap, frames // 4, sample)
        self.assertEqual(set(own[:gap]), {"go_down"}, sample)
        self.assertIn("main", own[gap:], sample)

    def test_both_ends_are_kept(self):
        for depth, turns in ((300, 4), (20_000, 20)):
            with self.subTest(depth=depth):
                result = self.record_ok(
                    PROGRAM, depth, turns, options=["--rate=0"], output=f"trace-{depth}"
                )
                ways = collections.Counter()
                for sample in self.samples(result):
                    self.assert_both_ends(sample, 128)
                    omitted = int(sample.labels["frames_omitted"])
                    self.assertLessEqual(omitted, depth)
                    self.assertGreater(omitted * 2, depth - 128)
                    ways[next(name for name in sample.stack if name.startswith("by_"))] += sample.count
                # All that is walked once is known again; and the two ways are told apart.
                self.assertEqual(ways, {"by_one_way": turns, "by_another": turns})

    def test_a_stack_that_is_kept_whole_says_nothing(self):
        result = self.record_ok(PROGRAM, 60, 3, options=["--rate=0"])
        for sample in self.samples(result):
            self.assertNotIn(GAP, sample.stack)
            self.assertNotIn("frames_omitted", sample.labels)
            self.assertIn("main", sample.stack)

    def test_the_limit_is_an_option(self):
        for frames in (8, 32, 250):
            with self.subTest(frames=frames):
                result = self.record_ok(
                    PROGRAM, 400, 3, options=["--rate=0", f"--frames={frames}"],
                    output=f"trace-{frames}",
                )  # fmt: skip
                own = [len(sample.stack) - 2 for sample in self.samples(result)]
                self.assertEqual(set(own), {frames})
        for bad in ("7", "251", "-1", "many"):
            self.assert_refused(self.record("true", options=[f"--frames={bad}"]), "--frames", "8 to 250")

    def test_text_json_and_timeline_say_what_was_cut(self):
        result = self.record_ok(PROGRAM, 2000, 3, options=["--rate=0"])
        said = r"\[at least 1,?024 frames omitted\]"
        self.assertRegex(self.ctrace("report", "waits", "--depth=200", result.directory).out, said)
        text = self.ctrace("report", "--format=json", result.directory).out
        self.assertRegex(text, said)
        json.loads(text)
        picture = self.folder / "deep.svg"
        drawn = self.ctrace("timeline", result.directory, "-o", picture)
        self.assertEqual(drawn.status, 0, drawn)
        self.assertRegex(picture.read_text(), r"frames omitted\]")

    @unittest.skipIf(os.geteuid() != 0, "the kernel layer's stacks take root")
    def test_the_kernels_stacks_say_so_too(self):
        for depth, is_cut in ((60, False), (400, True)):
            with self.subTest(depth=depth):
                result = self.record(
                    PROGRAM, depth, 20, options=["--kernel=syscalls", "--cpu"], output=f"k{depth}"
                )
                if "kernel:" in result.err:
                    self.skipTest(result.err)
                stacks = [
                    sample.stack
                    for sample in self.profile("sleep", result.directory).samples
                    if sample.labels.get("callers") == "by frame pointers"
                ]
                for stack in stacks:
                    self.assertEqual(GAP in stack, is_cut, stack)


if __name__ == "__main__":
    main()
