"""Waits on stacks of 8 KB that the C library knows nothing about, and in threads that are ending."""

import collections

from harness import WORKLOADS, TraceTest, main, read_events

PROGRAM = WORKLOADS / "small_stacks"
TURNS = 600
THREADS = 20


class SmallStacks(TraceTest):
    def record_waits(self, *arguments, rate):
        result = self.record_ok(PROGRAM, *arguments, options=[f"--rate={rate}"], output="-".join(["trace", rate, *arguments]))
        self.assertIn("nothing lost", result.err)
        self.samples = [
            sample for sample in self.profile("sleep", result.directory).samples if "wait_once" in sample.stack
        ]
        return result.directory

    def check(self, function, expected, count):
        """All waits of `function` have the stack that begins so."""
        samples = [sample for sample in self.samples if function in sample.stack]
        for sample in samples:
            self.assertEqual(sample.stack[: len(expected)], expected)
            self.assertNotIn("ct_switch_stack", sample.stack)
        self.assertEqual(sum(sample.count for sample in samples), count, function)
        return samples

    def test_coroutines_and_handlers_are_seen(self):
        for rate in ("0", "10us"):
            with self.subTest(rate=rate):
                self.record_waits(rate=rate)
                self.check("wait_in_coroutine", ["nanosleep", "wait_once", "wait_in_coroutine", "coroutine"], TURNS)
                for sample in self.check(
                    "wait_in_handler", ["nanosleep", "wait_once", "wait_in_handler", "handle"], TURNS
                ):
                    self.assertIn("main", sample.stack)

    def test_the_last_destructor_is_seen(self):
        for arguments in ((), ("keys",)):
            with self.subTest(arguments=arguments):
                trace = self.record_waits(*arguments, rate="0")
                self.check("wait_in_destructor", ["nanosleep", "wait_once", "wait_in_destructor", "destroy"], THREADS)
                ends = collections.Counter(event.name for event in read_events(trace))
                self.assertEqual(ends["ctrace:thread_exit"], THREADS)


if __name__ == "__main__":
    main()
