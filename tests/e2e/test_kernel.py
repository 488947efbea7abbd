"""The kernel layer: what the scheduler did with the program's threads.

As root that is every switch and wake-up, as an ordinary user who had a CPU when. Where the kernel
gives even less, these tests skip, with its reason.
"""

import contextlib
import functools
import json
import os
import pathlib
import re
import signal
import time

import harness
from harness import CTRACE, WORKLOADS, TraceTest, run

SECOND_CPU = pathlib.Path("/sys/devices/system/cpu/cpu1/online")

_LINE = re.compile(r"\[(\d+)\.(\d{9})\] .*?\b(sched_\w+|context_switch|off_cpu_reason): (.*)")
_FIELD = re.compile(r'(\w+) = ("(?:[^"\\]|\\.)*"|0x[0-9A-F]+|-?\d+)')


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
                name: value.strip('"') if value.startswith('"') else int(value, 0)
                for name, value in _FIELD.findall(match[4])
            }
            time_ns = int(match[1]) * 1_000_000_000 + int(match[2])
            events.append(harness.Event(time_ns, match[3], fields))
    return events


def capture(directory):
    (event,) = [e for e in harness.read_events(directory) if e.name == "ctrace:capture"]
    return event


def once_in_three(test):
    """Some kernels do not tell perf of every switch: then a comparison of single ones fails, now and
    then. An error of ours would fail it each time."""

    @functools.wraps(test)
    def repeated(self):
        for _ in range(2):
            with contextlib.suppress(AssertionError):
                return test(self)
        return test(self)

    return repeated


TRACEFS = pathlib.Path(os.environ.get("CTRACE_TEST_TRACEFS", "/sys/kernel/tracing"))
SCHEDULER_EVENTS = ("sched_switch", "sched_waking", "sched_wakeup_new")


@contextlib.contextmanager
def ftrace_of_the_scheduler(test):
    """Traces the scheduler by ftrace; gives a function that ends that, and returns its text."""
    instance = TRACEFS / "instances" / f"ctrace-test-{os.getpid()}"
    try:
        instance.mkdir()
        (instance / "trace_clock").write_text("mono")
        (instance / "buffer_size_kb").write_text("16384")
        for name in SCHEDULER_EVENTS:
            (instance / "events" / "sched" / name / "enable").write_text("1")
    except OSError as error:
        with contextlib.suppress(OSError):
            instance.rmdir()
        test.skipTest(f"no ftrace here: {error}")

    def listing():
        (instance / "tracing_on").write_text("0")
        for stats in instance.glob("per_cpu/cpu*/stats"):
            test.assertIn("\noverrun: 0\n", stats.read_text())
        return (instance / "trace").read_text()

    try:
        yield listing
    finally:
        (instance / "events" / "enable").write_text("0")
        instance.rmdir()


_FTRACE_LINE = re.compile(r"\s(\d+)\.(\d{6}): (sched_\w+): (.*)")
_FTRACE_SWITCH = re.compile(r"prev_pid=(\d+) .*prev_state=(\S+) ==> .*next_pid=(\d+) ")
_FTRACE_NAME = re.compile(r"prev_comm=(.*) prev_pid=(\d+) ")


def ftrace_ids(text, threads):
    """The report's thread ids by ftrace's, which are of another pid namespace; by their last names."""
    names = {int(match[2]): match[1] for match in _FTRACE_NAME.finditer(text)}
    tids = {thread["name"]: tid for tid, thread in threads.items()}
    return {number: tids[name] for number, name in names.items() if name in tids}


def ftrace_times(text, threads):
    """For how long each of the report's threads was running, runnable and blocked, by ftrace."""
    ids = ftrace_ids(text, threads)
    times = {tid: dict.fromkeys(("running", "runnable", "blocked"), 0) for tid in threads}
    states = {}

    def change(number, now_ns, state):
        tid = ids.get(number)
        if tid is None:
            return
        before, since_ns = states.get(tid, (None, 0))
        begin_ns = max(since_ns, threads[tid]["start_ns"])
        if before and begin_ns < min(now_ns, threads[tid]["end_ns"]):
            times[tid][before] += min(now_ns, threads[tid]["end_ns"]) - begin_ns
        states[tid] = (state, now_ns)

    for line in text.splitlines():
        match = _FTRACE_LINE.search(line)
        if not match:
            continue
        now_ns = int(match[1]) * 1_000_000_000 + int(match[2]) * 1000
        if match[3] == "sched_switch":
            previous, state, following = _FTRACE_SWITCH.search(match[4]).groups()
            left_for = "runnable" if state[0] == "R" else None if state[0] in "XZ" else "blocked"
            change(int(previous), now_ns, left_for)
            change(int(following), now_ns, "running")
            continue
        number = int(re.search(r" pid=(\d+)", match[4])[1])
        if match[3] == "sched_wakeup_new" or states.get(ids.get(number), ("",))[0] == "blocked":
            change(number, now_ns, "runnable")
    for number, tid in ids.items():
        change(number, threads[tid]["end_ns"], None)
    return times


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
        waiters = {e.fields["vtid"] for e in self.waits(trace) if "vtid" in e.fields}
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
        others = []
        for event in events:
            if event.name == "sched_switch":
                tids = {event.fields["prev_tid"], event.fields["next_tid"]}
            else:
                tids = {event.fields.get("child_tid", event.fields["tid"])}
            if not tids & own:
                others.append(event)
        # But for the last switch before one of the program's that the kernel dropped.
        self.assertFalse([e for e in others if e.name != "sched_switch"])
        self.assertLess(len(others), 5 + len(events) * 0.02, others[:5])

    @once_in_three
    def test_both_layers_have_one_clock(self):
        """A sleep is the same time to the preload and to the kernel."""
        trace = self.record_ok("sleep", "0.3", options=["--kernel=auto"]).directory
        self.needs_layer(trace)
        (wait,) = [e for e in self.waits(trace) if e.fields["op"] == "nanosleep"]
        tid = wait.fields["vtid"]
        end_ns = wait.time_ns - wait.fields["lag_ns"]
        begin_ns = end_ns - wait.fields["duration_ns"]
        left, came = [], []
        for event in kernel_events(trace):
            fields = event.fields
            if fields.get("prev_tid") == tid or (fields["tid"] == tid and fields.get("is_out") == 1):
                left.append(event.time_ns)
            elif fields.get("next_tid") == tid or fields.get("is_out") == 0:
                came.append(event.time_ns)
        left_ns = min(left, key=lambda time_ns: abs(time_ns - begin_ns))
        self.assertAlmostEqual(left_ns, begin_ns, delta=60_000_000)
        # Of the way back some kernels do not tell perf.
        for came_ns in [time_ns for time_ns in came if time_ns > left_ns][:1]:
            self.assertAlmostEqual(came_ns, end_ns, delta=60_000_000)

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
        trace = self.record_ok(
            "sh", "-c", "sleep 0.3; sleep 0.6", options=["--kernel=auto", "--delay=450ms"]
        ).directory
        self.needs_machine(trace)
        times = [event.time_ns for event in kernel_events(trace)]
        self.assertTrue(times)
        self.assertLess(max(times) - min(times), 550_000_000)

    def test_where_perf_is_forbidden_waits_are_recorded_all_the_same(self):
        trace = self.folder / "trace"
        result = run(
            *(WORKLOADS / "forbid_perf", CTRACE, "record", "-o", trace),
            *(WORKLOADS / "waits", "mutex"),
        )
        self.assertEqual(result.status, 0, result)
        self.assertIn("nothing from the kernel", result.err)
        fields = capture(trace).fields
        self.assertEqual(fields["layers"], "preload")
        self.assertRegex(fields["missing"], "^kernel: .*forbidden here, as in many containers")
        self.assertTrue(self.waits(trace, op="pthread_mutex_lock"))
        self.assertIn("forbidden here", " ".join(self.report_text(trace).split()))
        result = self.ctrace("verify", trace)
        self.assertEqual(result.status, 0, result)

    def test_who_may_not_ask_what_it_used_is_not_made_to(self):
        """By the looks of an event loop, some after the thread was away for long."""
        program = (
            "import os, select, time\n"
            "poll, (end, _) = select.poll(), os.pipe()\n"
            "poll.register(end)\n"
            "for _ in range(20):\n"
            "    poll.poll(1)\n"
            "    time.sleep(0.002)\n"
        )
        trace = self.folder / "trace"
        result = run(WORKLOADS / "forbid_perf", CTRACE, "record", "-o", trace, "python3", "-c", program)
        self.assertEqual(result.status, 0, result)
        self.assertTrue(self.waits(trace, op="poll"))

    def test_a_cpu_that_goes_and_comes_back_is_recorded_again(self):
        """What ran there while its events were opened anew is not known, and that is said."""
        if not os.access(SECOND_CPU, os.W_OK):
            self.skipTest("no CPU can be taken off-line here")
        # Waits often, on each CPU that there is.
        program = (
            "import threading, time\n"
            "end = time.monotonic() + 4\n"
            "def work():\n"
            "    while time.monotonic() < end:\n"
            "        time.sleep(0.001); sum(range(3000))\n"
            "threads = [threading.Thread(target=work) for _ in range(8)]\n"
            "[thread.start() for thread in threads]\n"
            "[thread.join() for thread in threads]\n"
        )
        recorder = self.start_record("/usr/bin/python3", "-c", program, options=["--kernel=auto"])
        trace = self.folder / "trace"
        self.addCleanup(SECOND_CPU.write_text, "1")
        time.sleep(1)
        try:
            SECOND_CPU.write_text("0")
        except OSError as error:
            self.skipTest(f"no CPU can be taken off-line here: {error}")
        time.sleep(0.5)
        SECOND_CPU.write_text("1")
        came_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
        _, said = recorder.communicate(timeout=harness.TIMEOUT_S)
        self.assertEqual(recorder.returncode, 0, said)
        if "kernel" not in capture(trace).fields["layers"]:
            self.needs_layer(trace)
        after = run("babeltrace2", "--clock-seconds", "--no-delta", trace / "kernel").out
        times_ns = [
            int(match[1]) * 1_000_000_000 + int(match[2])
            for match in re.finditer(r"\[(\d+)\.(\d{9})\][^\n]*?cpu_id = 1\b", after)
        ]
        self.assertGreater(sum(time_ns > came_ns for time_ns in times_ns), 100)
        if "context_switch" not in after:
            self.assertIn("CPUs came on-line while recording (1)", capture(trace).fields["missing"])
        result = self.ctrace("verify", trace)
        self.assertEqual(result.status, 0, result)

    def test_a_recording_whose_recorder_was_killed_keeps_its_kernel_layer(self):
        process = self.start_record(
            "sh", "-c", "for i in 1 2 3 4 5 6; do sleep 0.5; done", options=["--kernel=auto"]
        )
        trace = self.folder / "trace"
        harness.wait_until(lambda: harness.process_ids("sleep"), "the program ran")
        time.sleep(1.8)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if not (trace / "spool").exists():
            self.skipTest("the kernel gives no layer here")
        time.sleep(2)
        result = self.ctrace("recover", trace)
        self.assertEqual(result.status, 0, result)
        self.assertFalse((trace / "spool").exists())
        self.assertTrue(kernel_events(trace))
        # Each process is there once: those that had ended, too, are known as the preload's.
        report = json.loads(self.ctrace("report", trace, "--format=json").out)
        self.assertTrue(all(process["rate_ns"] for process in report["processes"]), report)

    def test_what_finds_no_room_is_counted_and_unknown(self):
        """A recorder that is stopped cannot empty the kernel's buffers."""
        program = (
            "import os, threading, time\n"
            "a, b, c = os.pipe(), os.pipe(), os.pipe()\n"
            "end = time.monotonic() + 4\n"
            "stays = threading.Thread(target=os.read, args=(c[0], 1))\n"
            "stays.start()\n"
            "def echo():\n"
            "    while os.read(a[0], 1) == b'x':\n"
            "        os.write(b[1], b'x')\n"
            "thread = threading.Thread(target=echo)\n"
            "thread.start()\n"
            "while time.monotonic() < end:\n"
            "    os.write(a[1], b'x')\n"
            "    os.read(b[0], 1)\n"
            "os.write(a[1], b'.')\n"
            "os.write(c[1], b'.')\n"
            "thread.join()\n"
            "print(stays.native_id)\n"
        )
        recorder = self.start_record(
            "/usr/bin/python3", "-c", program, options=["--kernel=auto", "--rate=1s"]
        )
        time.sleep(1.5)
        os.kill(harness.recorder_of(recorder), signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(harness.recorder_of(recorder), signal.SIGCONT)
        blocked, said = recorder.communicate(timeout=harness.TIMEOUT_S)
        trace = self.folder / "trace"
        has_all = self.needs_layer(trace)
        if "kernel events for lack of buffer space" not in said:
            self.skipTest("this machine is too slow to fill the buffers")
        result = self.ctrace("verify", trace)
        self.assertEqual(result.status, 1, result)
        self.assertIn("lost while recording", result.out)
        self.assertNotRegex(result.out, "WRONG  (?!lost while recording)")
        report = json.loads(self.ctrace("report", trace, "--format=json").out)
        self.assertGreater(report["capture"]["kernel_events_lost"], 0)
        unknown_ns = sum(thread["time_ns"]["unknown"] for thread in report["threads"])
        self.assertGreater(unknown_ns, 100_000_000)
        self.assertRegex(result.out, r"note .*in no known state")
        # BPF's own record says that it was blocked all the time: perf has none.
        by_perf = os.environ.get("CTRACE_TEST_KERNEL_SOURCE") == "perf"
        if has_all and not by_perf and "BPF" not in capture(trace).fields["missing"]:
            self.assertNotRegex(result.out, rf"note .*\({blocked.strip()}\): in no known state")

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


class Analysis(KernelTest):
    """What the report, the profiles and verify make of it."""

    def assert_adds_up(self, trace):
        result = self.ctrace("verify", trace)
        self.assertEqual(result.status, 0, result)
        self.assertIn("all adds up", result.out)
        report = json.loads(self.ctrace("report", trace, "--format=json").out)
        for place in report["sites"]:
            self.assertLessEqual(place["longest_ns"], place["total_ns"] + 1, place)

    def threads(self, trace):
        report = json.loads(self.ctrace("report", trace, "--format=json").out)
        return {thread["tid"]: thread for thread in report["threads"]}

    def test_threads_that_share_a_cpu_stand_in_line_for_it(self):
        result = self.record_ok(WORKLOADS / "contend", options=["--kernel=auto"])
        trace = result.directory
        self.needs_layer(trace)
        self.assert_adds_up(trace)
        threads = self.threads(trace)
        has_gaps = "did not tell" in self.ctrace("verify", trace).out
        for answer in json.loads(result.out):
            with self.subTest(answer["name"]):
                thread = threads[answer["tid"]]
                times = thread["time_ns"]
                lifetime_ns = thread["end_ns"] - thread["start_ns"]
                self.assertEqual(sum(times.values()), lifetime_ns)
                # The kernel's own account of the thread, up to a moment before its end.
                # Where the kernel dropped a switch, times are estimated, or unknown.
                noise_ns = 8_000_000 + 0.05 * answer["ran_ns"] * has_gaps + times["unknown"]
                self.assertAlmostEqual(times["running"], answer["ran_ns"], delta=noise_ns)
                if answer["name"] == "sleeper":
                    self.assertAlmostEqual(
                        times["sleep"] + times["runnable"], answer["slept_ns"], delta=20_000_000
                    )
                else:
                    in_line_ns = answer["lived_ns"] - answer["ran_ns"]
                    self.assertGreater(in_line_ns, 50_000_000)
                    self.assertAlmostEqual(
                        times["runnable"], in_line_ns, delta=0.05 * in_line_ns + 15_000_000 + noise_ns
                    )
                    self.assertGreater(thread["scheduler"]["preemptions"], 3)

    @once_in_three
    def test_the_kernels_own_tracer_tells_the_same(self):
        """Another recorder's account of the same run: ftrace's, through an instance of our own."""
        with ftrace_of_the_scheduler(self) as listing:
            trace = self.record_ok(WORKLOADS / "contend", options=["--kernel=auto"]).directory
            self.needs_machine(trace)
            text = listing()
        report = json.loads(self.ctrace("report", "--format=json", trace).out)
        threads = {thread["tid"]: thread for thread in report["threads"]}
        self.assertEqual(len(threads), 4)
        truth = ftrace_times(text, threads)
        # Some kernels do not tell perf of every switch: what is between two others is a guess.
        guesses_ns = 8_000_000 * report["capture"]["switches_missed"]
        for tid, thread in threads.items():
            life_ns = thread["end_ns"] - thread["start_ns"]
            for state, time_ns in truth[tid].items():
                self.assertAlmostEqual(
                    thread["scheduler"][f"{state}_ns"],
                    time_ns,
                    delta=0.005 * life_ns + 1_000_000 + guesses_ns,
                    msg=f"{thread['name']}: {state}",
                )

    def test_who_ran_instead_is_told(self):
        trace = self.record_ok(WORKLOADS / "contend", options=["--kernel=auto"]).directory
        self.needs_machine(trace)
        text = self.report_text(trace, "threads")
        # Each other, unless the machine has more to do than these.
        self.assertRegex(text, r"(?m)hog-\d +\d+ +\d+ +[1-9]\d* +[a-zA-Z]\S*$")

    def test_the_timeline_says_who_ran_where_and_who_instead(self):
        trace = self.record_ok(WORKLOADS / "contend", options=["--kernel=auto"]).directory
        self.needs_machine(trace)
        pictures = {}
        for options in ((), ("--no-cpu-lanes",)):
            path = self.folder / "wide.svg"
            result = self.ctrace("timeline", trace, "-o", path, "--width=8000", *options)
            self.assertEqual(result.status, 0, result)
            pictures[options] = path.read_text()
        # Each other, unless the machine has more to do than these, which are bound to the first CPU.
        instead = r"<title>hog-\d \(\d+\)\n[^<]*\n\S[^<\n]* ran instead</title>"
        on_cpu = r"<title>hog-\d \(\d+\)\nran on CPU 0"
        for picture in pictures.values():
            self.assertRegex(picture, instead)
            self.assertRegex(picture, on_cpu + r"\n")
        self.assertRegex(pictures[()], on_cpu + "</title>")
        self.assertNotRegex(pictures["--no-cpu-lanes",], on_cpu + "</title>")

    def test_the_sched_profile_is_the_reports_time_in_line(self):
        trace = self.record_ok(WORKLOADS / "contend", options=["--kernel=auto"]).directory
        self.needs_layer(trace)
        profile = self.profile("sched", trace)
        for tid, thread in self.threads(trace).items():
            if thread["name"].startswith("hog"):
                profiled_ns = profile.delay_of(waiter=thread["name"])
                self.assertAlmostEqual(
                    profiled_ns, thread["time_ns"]["runnable"], delta=5_000_000, msg=str(tid)
                )

    def test_time_in_line_after_a_preemption_outside_of_waits_says_so(self):
        trace = self.record_ok(WORKLOADS / "contend", options=["--kernel=auto"]).directory
        self.needs_machine(trace)
        samples = self.profile("sched", trace).samples
        instead = [s for s in samples if s.labels.get("object", "").startswith("CPU taken by ")]
        outside_of_waits = [s for s in instead if len(s.stack) == 1]
        self.assertTrue(outside_of_waits)
        self.assertEqual({s.stack[0] for s in outside_of_waits}, {"[preempted]"})
        self.assertNotIn("none", {s.stack[0] for s in samples})

    def test_calls_that_did_not_have_to_wait_do_not_lower_the_average(self):
        script = (
            "import os, threading, time\n"
            "out, into = os.pipe()\n"
            "def write():\n"
            "    for i in range(10):\n"
            "        time.sleep(0.01)\n"
            "        os.write(into, bytes(200))\n"
            "threading.Thread(target=write).start()\n"
            "for i in range(2000): os.read(out, 1)\n"
        )
        trace = self.record_ok(
            "/usr/bin/python3", "-c", script, options=["--kernel=auto", "--rate=0"]
        ).directory
        self.needs_machine(trace)
        found = re.search(
            r"([\d,]+) waits, of which (\d+) left the CPU: for ([\d.]+) ms on average, ([\d.]+) ms",
            " ".join(self.report_text(trace, "waits").split()),
        )
        self.assertTrue(found)
        self.assertGreater(int(found[1].replace(",", "")), 1900)
        self.assertLess(int(found[2]), 100)
        self.assertGreater(float(found[3]), 1)
        self.assertGreaterEqual(float(found[4]), float(found[3]))

    def test_time_in_line_after_a_wake_goes_to_the_waker(self):
        """A thread that is woken on a busy CPU waits for it because of who woke it."""
        trace = self.record_ok(
            "taskset", "-c", "0", WORKLOADS / "waits", options=["--kernel=auto"]
        ).directory
        self.needs_machine(trace)
        profile = self.profile("sched", trace)
        by_unlock = [s for s in profile.samples if s.labels.get("op") == "pthread_mutex_unlock"]
        self.assertTrue(by_unlock)
        self.assertTrue(any("hold_lock" in s.stack for s in by_unlock), by_unlock)

    def test_many_programs_add_up(self):
        for command in (
            [WORKLOADS / "queue"],
            [WORKLOADS / "forks"],
            ["sh", "-c", "for i in 1 2 3; do sleep 0.01; ls / | sort >/dev/null; done"],
            ["/usr/bin/python3", WORKLOADS / "python_threads.py"],
        ):
            with self.subTest(command[0]):
                result = self.record_ok(*command, options=["--kernel=auto"], output="many")
                self.needs_layer(result.directory)
                self.assert_adds_up(result.directory)

    def test_threads_that_were_there_before_a_delayed_recording_add_up(self):
        program = (
            "import threading, time\n"
            "end = time.monotonic() + 1.6\n"
            "def work():\n"
            "    while time.monotonic() < end:\n"
            "        time.sleep(0.001)\n"
            "threads = [threading.Thread(target=work) for _ in range(3)]\n"
            "[thread.start() for thread in threads]\n"
            "[thread.join() for thread in threads]\n"
        )
        trace = self.record_ok(
            "/usr/bin/python3", "-c", program, options=["--kernel=auto", "--delay=800ms"]
        ).directory
        self.needs_layer(trace)
        self.assert_adds_up(trace)
        sleepers = [t for t in self.threads(trace).values() if t["time_ns"]["sleep"] > 0]
        self.assertEqual(len(sleepers), 3)
        for thread in sleepers:
            self.assertLess(thread["time_ns"]["unknown"], 100_000_000, thread)
            self.assertGreater(thread["time_ns"]["sleep"], 200_000_000, thread)

    def test_a_thousand_threads_add_up(self):
        program = (
            "import threading, time\n"
            "threading.stack_size(65536)\n"
            "def work():\n"
            "    for _ in range(5):\n"
            "        time.sleep(0.02)\n"
            "threads = [threading.Thread(target=work) for _ in range(1000)]\n"
            "[thread.start() for thread in threads]\n"
            "[thread.join() for thread in threads]\n"
            "for _ in range(50):\n"
            "    threads = [threading.Thread(target=time.sleep, args=[0.001]) for _ in range(20)]\n"
            "    [thread.start() for thread in threads]\n"
            "    [thread.join() for thread in threads]\n"
        )
        result = self.record_ok("/usr/bin/python3", "-c", program, options=["--kernel=auto"])
        self.needs_layer(result.directory)
        self.assertIn("nothing lost", result.err)
        self.assertEqual(len(self.threads(result.directory)), 2001)
        self.assert_adds_up(result.directory)

    def test_a_recording_without_the_layer_adds_up_too(self):
        trace = self.record_ok(WORKLOADS / "queue", options=["--kernel=off"]).directory
        self.assert_adds_up(trace)
        result = self.ctrace("pprof", "sched", trace, "-o", self.folder / "sched.pb.gz")
        self.assert_refused(result, "no kernel layer")


if __name__ == "__main__":
    harness.main()
