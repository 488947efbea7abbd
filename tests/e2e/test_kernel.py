"""The kernel layer: what the scheduler did with the program's threads.

As root that is every switch and wake-up, as an ordinary user who had a CPU when. Where the kernel
gives even less, these tests skip, with its reason.
"""

import re
import signal
import time

import harness
from harness import WORKLOADS, TraceTest, run

_LINE = re.compile(r"\[(\d+)\.(\d{9})\] .*?\b(sched_\w+|context_switch): (.*)")
_FIELD = re.compile(r'(\w+) = ("(?:[^"\\]|\\.)*"|-?\d+)')


def kernel_events(directory):
    """The kernel's events, as babeltrace2 reads them with all others."""
    result = run("babeltrace2", "--clock-seconds", "--no-delta", directory)
    if result.status != 0:
        raise AssertionError(f"babeltrace2 cannot read {directory}: {result}")
    events = []
    for line in result.out.splitlines():
        match = _LINE.match(line)
        if match:
            fields = {
                name: value.strip('"') if value.startswith('"') else int(value)
                for name, value in _FIELD.findall(match[4])
            }
            time_ns = int(match[1]) * 1_000_000_000 + int(match[2])
            events.append(harness.Event(time_ns, match[3], fields))
    return events


def capture(directory):
    (event,) = [e for e in harness.read_events(directory) if e.name == "ctrace:capture"]
    return event


class KernelTest(TraceTest):
    def needs_layer(self, directory):
        """Skips where the kernel gives nothing, and tells whether it gives all."""
        fields = capture(directory).fields
        if "kernel" not in fields["layers"]:
            self.skipTest(fields["missing"])
        return "kernel" not in fields["missing"]

    def needs_machine(self, directory):
        if not self.needs_layer(directory):
            self.skipTest(capture(directory).fields["missing"])


class Capture(KernelTest):
    def test_every_thread_that_waits_is_seen_to_leave_a_cpu(self):
        trace = self.record_ok(WORKLOADS / "waits", "mutex", options=["--kernel=auto"]).directory
        is_whole = self.needs_layer(trace)
        events = kernel_events(trace)
        waiters = {e.fields["vtid"] for e in self.waits(trace)}
        self.assertTrue(waiters)
        if is_whole:
            left = {e.fields["prev_tid"] for e in events if e.name == "sched_switch"}
        else:
            left = {
                e.fields["tid"]
                for e in events
                if e.name == "context_switch" and e.fields["is_out"] == 1
            }
        self.assertLessEqual(waiters, left)

    def test_the_trace_tells_of_the_programs_tasks_only(self):
        trace = self.record_ok(WORKLOADS / "waits", "mutex", options=["--kernel=auto"]).directory
        self.needs_machine(trace)
        events = kernel_events(trace)
        root = harness.read_events(trace)[0].fields["vpid"]
        own = {root} | {e.fields["child_tid"] for e in events if e.name == "sched_process_fork"}
        for event in events:
            if event.name == "sched_switch":
                tids = {event.fields["prev_tid"], event.fields["next_tid"]}
            else:
                tids = {event.fields.get("child_tid", event.fields["tid"])}
            self.assertTrue(tids & own, event)

    def test_both_layers_have_one_clock(self):
        """A sleep is the same time to the preload and to the kernel."""
        trace = self.record_ok("sleep", "0.3", options=["--kernel=auto"]).directory
        self.needs_layer(trace)
        (wait,) = [e for e in self.waits(trace) if e.fields["op"] == "nanosleep"]
        tid = wait.fields["vtid"]
        end_ns = wait.time_ns - wait.fields["lag_ns"]
        begin_ns = end_ns - wait.fields["duration_ns"]
        left, longest = None, (0, 0)
        for event in kernel_events(trace):
            fields = event.fields
            if fields.get("prev_tid") == tid or (fields["tid"] == tid and fields.get("is_out") == 1):
                left = event.time_ns
            elif left and (fields.get("next_tid") == tid or fields.get("is_out") == 0):
                longest = max(longest, (event.time_ns - left, left))
        length_ns, left_ns = longest
        self.assertAlmostEqual(left_ns, begin_ns, delta=60_000_000)
        self.assertAlmostEqual(left_ns + length_ns, end_ns, delta=60_000_000)

    def test_it_can_be_turned_off(self):
        result = self.record_ok("true", options=["--kernel=off"])
        self.assertFalse((result.directory / "kernel").exists())
        self.assertEqual(capture(result.directory).fields["missing"], "kernel: turned off")

    def test_what_is_missing_is_said_when_it_was_asked_for(self):
        result = self.record_ok("true", options=["--kernel=sched"])
        missing = capture(result.directory).fields["missing"]
        self.assertEqual("--kernel=sched" in result.err, missing != "", result)

    def test_an_unknown_layer_is_refused(self):
        self.assert_refused(self.record("true", options=["--kernel=all"]), "--kernel=all", status=2)

    def test_nothing_else_is_left_in_the_recording(self):
        trace = self.record_ok("true", options=["--kernel=auto"]).directory
        self.assertLessEqual({p.name for p in trace.iterdir()}, {"ust", "kernel"})

    def test_a_delay_leaves_out_what_was_before(self):
        result = self.record_ok(
            "sh", "-c", "sleep 0.3; sleep 0.3", options=["--kernel=auto", "--delay=450ms"]
        )
        self.needs_layer(result.directory)
        begin_ns = capture(result.directory).fields["begin_ns"]
        switches = [
            e.time_ns for e in kernel_events(result.directory) if "switch" in e.name
        ]
        self.assertTrue(switches)
        # Both are nanoseconds of the same clock, but these count from 1970.
        span_ns = max(switches) - min(switches)
        self.assertLess(span_ns, 400_000_000)
        self.assertGreater(begin_ns, 0)

    def test_a_recording_whose_recorder_was_killed_keeps_its_kernel_layer(self):
        process = self.start_record("sleep", "1.5", options=["--kernel=auto"])
        time.sleep(1)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        trace = self.folder / "trace"
        harness.wait_until(lambda: not harness.process_ids("sleep"), "the program ended")
        if not (trace / "spool").exists():
            self.skipTest("the kernel gives no layer here")
        result = self.ctrace("recover", trace)
        self.assertEqual(result.status, 0, result)
        self.assertFalse((trace / "spool").exists())
        self.assertTrue(kernel_events(trace))

    def test_many_switches_are_all_there(self):
        """As many as the kernel itself counted for the two threads."""
        program = (
            "import os, resource, threading\n"
            "a, b = os.pipe(), os.pipe()\n"
            "def echo():\n"
            "    for _ in range(20000):\n"
            "        os.write(b[1], os.read(a[0], 1))\n"
            "thread = threading.Thread(target=echo)\n"
            "thread.start()\n"
            "for _ in range(20000):\n"
            "    os.write(a[1], b'x')\n"
            "    os.read(b[0], 1)\n"
            "thread.join()\n"
            "usage = resource.getrusage(resource.RUSAGE_SELF)\n"
            "print(usage.ru_nvcsw + usage.ru_nivcsw)\n"
        )
        result = self.record_ok(
            "/usr/bin/python3", "-c", program, options=["--kernel=auto", "--rate=1s"]
        )
        self.needs_layer(result.directory)
        events = kernel_events(result.directory)
        (exec_event,) = [e for e in events if e.name == "sched_process_exec"]
        pid = exec_event.fields["tid"]
        tids = {pid} | {
            e.fields["child_tid"]
            for e in events
            if e.name == "sched_process_fork" and e.fields["child_pid"] == pid
        }
        left = [
            e
            for e in events
            if e.fields.get("prev_tid") in tids
            or (e.name == "context_switch" and e.fields["tid"] in tids and e.fields["is_out"])
        ]
        counted = int(result.out)
        self.assertNotIn("LOST", result.err)
        self.assertAlmostEqual(len(left), counted, delta=20 + counted * 0.001)


if __name__ == "__main__":
    harness.main()
