"""Times are true where somebody has changed the program's clock, or the recorder's."""

import re
import shutil
import time

from harness import (
    CTRACE,
    WAIT_EVENTS,
    WORKLOADS,
    TraceTest,
    main,
    read_events,
    run,
    workload_answer,
)

CLOCKS = WORKLOADS / "clocks"
WAITS = 5
NO_RIGHT = 77
CALLS = {"nanosleep": "sleep_ns", "read": "read_ns", "pthread_mutex_lock": "lock_ns"}

# Of what the program measures, around the call, on a busy machine: the wrong clocks give half or less.
LEAST_MEASURED = 0.7

# Between two readings of ours.
SLACK_NS = 5_000_000


def real_to_monotonic_ns():
    return time.time_ns() - time.monotonic_ns()

TIME_NAMESPACE = ["unshare", "--time", "--monotonic", "1000000"]
OWN_TIME_NAMESPACE = ["unshare", "--user", "--map-root-user", *TIME_NAMESPACE[1:]]


def time_namespace():
    """The command that gives a program one, or None."""
    for command in (TIME_NAMESPACE, OWN_TIME_NAMESPACE):
        if run(*command, "true").status == 0:
            return command
    return None


class Clocks(TraceTest):
    def check(self, *program, recorder=(), layer="--kernel=off"):
        offsets = [real_to_monotonic_ns()]  # the machine's date may be corrected meanwhile
        begin_ns = time.monotonic_ns()
        directory = self.folder / "trace"
        command = [*recorder, CTRACE, "record", "-o", directory, layer, "--", *program]
        result = run(*command, cwd=self.folder)
        end_ns = time.monotonic_ns()
        offsets.append(real_to_monotonic_ns())
        if result.status == NO_RIGHT:
            self.skipTest("the kernel gives this user no time namespace")
        self.assertEqual(result.status, 0, result)
        self.assertNotIn("cannot record", result.err)
        events = read_events(directory)
        self.check_waits(events, workload_answer(result))
        self.check_times(events, begin_ns, end_ns, offsets)
        verdict = self.ctrace("verify", directory)
        self.assertEqual(verdict.status, 0, verdict)
        self.assertIn("all adds up", verdict.out)

    def check_waits(self, events, answer):
        pids = {e.fields["pid"] for e in events if e.name == "ctrace:process" and "/clocks" in e.fields["exe"]}
        for op, key in CALLS.items():
            durations = [
                event.fields["duration_ns"]
                for event in events
                if event.name in WAIT_EVENTS
                and event.fields["op"] == op
                and event.fields["vpid"] in pids
                and event.fields["vtid"] == event.fields["vpid"]
                and event.fields["duration_ns"] > 1_000_000
            ]
            self.assertEqual(len(durations), WAITS, op)
            self.assertLessEqual(sum(durations), answer[key] + SLACK_NS, op)
            self.assertGreaterEqual(sum(durations), answer[key] * LEAST_MEASURED, op)

    def check_times(self, events, begin_ns, end_ns, offsets):
        begin_ns -= SLACK_NS
        end_ns += SLACK_NS
        capture = [event for event in events if event.name == "ctrace:capture"][-1]
        moments = [capture.fields["begin_ns"], capture.fields["end_ns"]]
        for event in events:
            moments += [
                value
                for name, value in event.fields.items()
                if re.fullmatch("(process|thread)_start_ns|process_end_ns", name) and value != 0
            ]
        self.assertGreater(len(moments), 4)
        self.assertGreaterEqual(min(moments), begin_ns)
        self.assertLessEqual(max(moments), end_ns)
        times = [event.time_ns for event in events]
        self.assertGreaterEqual(min(times) - min(offsets), begin_ns)
        self.assertLessEqual(max(times) - max(offsets), end_ns)

    def needs(self, program):
        if shutil.which(program) is None:
            self.skipTest(f"{program} is not installed")

    def test_a_faked_date(self):
        self.needs("faketime")
        self.check("faketime", "-f", "+1000d", CLOCKS)

    def test_a_clock_that_runs_faster(self):
        self.needs("faketime")
        self.check("faketime", "-f", "+0 x7", CLOCKS)

    def test_a_clock_that_runs_slower(self):
        self.needs("faketime")
        self.check("faketime", "-f", "+0 x0.5", CLOCKS)

    def test_the_recorder_under_a_faked_clock(self):
        self.needs("faketime")
        self.check(CLOCKS, recorder=["faketime", "-f", "+1000d x7"], layer="--kernel=auto")

    def test_what_is_preloaded_into_the_recorder_is_for_the_program(self):
        self.needs("faketime")
        words = ["sh", "-c", "date +%Y; echo ${CTRACE_PROGRAM_PRELOAD-gone}"]
        result = run(
            "faketime", "-f", "@2001-01-01 00:00:00", CTRACE, "record", "--kernel=off", "-o",
            self.folder / "trace", *words
        )
        self.assertEqual(result.out.split(), ["2001", "gone"], result)

    def test_a_program_in_a_time_namespace(self):
        command = time_namespace()
        if command is None:
            self.skipTest("the kernel gives this user no time namespace")
        self.check(*command, CLOCKS)

    def test_the_kernel_layer_in_a_time_namespace(self):
        command = time_namespace()
        if command is None:
            self.skipTest("the kernel gives this user no time namespace")
        self.check(*command, CLOCKS, layer="--kernel=auto")

    def test_the_recorder_in_a_time_namespace(self):
        command = time_namespace()
        if command is None or command == OWN_TIME_NAMESPACE:
            self.skipTest("the kernel gives this user no time namespace")
        self.check(CLOCKS, recorder=command, layer="--kernel=auto")

    def test_a_child_in_a_time_namespace(self):
        self.check(CLOCKS, "fork")

    def test_a_process_that_moves_to_a_time_namespace(self):
        self.check(CLOCKS, "setns")


if __name__ == "__main__":
    main()
