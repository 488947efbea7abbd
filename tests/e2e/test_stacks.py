"""Stacks of a program that was built without frame pointers are those that a debugger sees."""

import re

from harness import WORKLOADS, TraceTest, main, run

PROGRAM = WORKLOADS / "frames"
TURNS = 600


class Stacks(TraceTest):
    def debuggers_stack(self):
        gdb = run("gdb", "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off",
                  "-ex", "break f16_waits", "-ex", "run", "-ex", "backtrace", PROGRAM)  # fmt: skip
        functions = re.findall(r"^#\d+ +(?:0x\w+ in )?(?:__GI_)?(\w+) \(", gdb.out, re.MULTILINE)
        self.assertGreater(len(functions), 16, gdb)
        self.assertEqual(functions[-1], "main", gdb)
        return functions

    def test_all_frames_are_right(self):
        expected = self.debuggers_stack()
        for rate in ("0", "10us"):
            with self.subTest(rate=rate):
                result = self.record_ok(PROGRAM, options=[f"--rate={rate}"], output=f"trace-{rate}")
                samples = [
                    sample
                    for sample in self.profile("sleep", result.directory).samples
                    if sample.labels["op"] == "nanosleep"
                ]
                for sample in samples:
                    self.assertEqual(sample.stack[: len(expected) + 1], ["nanosleep", *expected])
                # The first were taken otherwise than those after them, and the last were known again.
                self.assertEqual(sum(sample.count for sample in samples), TURNS)


if __name__ == "__main__":
    main()
