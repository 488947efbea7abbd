"""A recording that may not grow, and keeps what came last: --keep=newest."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import time
import unittest

from harness import (
    WAIT_EVENTS,
    TraceTest,
    main,
    read_events,
    session_daemons,
    wait_until,
)

MB = 1_000_000

# Waits of its own kind tell each part of the program: a child is waited for only at first, and
# `select` waits only at last. Between them are far more short waits than may be kept, of another
# thread. It goes on to its end when it gets a line.
PROGRAM = """
import os, select, subprocess, sys, threading
subprocess.run(["true"])
reading, writing = os.pipe()
def read():
    while os.read(reading, 1):
        pass
thread = threading.Thread(target=read)
thread.start()
for _ in range({waits}):
    os.write(writing, b"x")
print("flooded", flush=True)
sys.stdin.readline()
for _ in range({last}):
    os.write(writing, b"x")
for _ in range(5):
    select.select([], [], [], 0.02)
os.close(writing)
thread.join()
"""


# What there is changes at every moment.
CHURN = """
import os, threading, time
reading, writing = os.pipe()
def read():
    while os.read(reading, 1):
        pass
reader = threading.Thread(target=read)
reader.start()
for i in range(400):
    for _ in range(100):
        os.write(writing, b"x")
    thread = threading.Thread(target=time.sleep, args=(0.001,))
    thread.start()
    if i % 3 == 0:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    thread.join()
os.close(writing)
reader.join()
"""


class KeepTest(TraceTest):
    def start(self, waits, *options, last=500, **more):
        program = PROGRAM.format(waits=waits, last=last)
        recorder = self.start_record(
            *("/usr/bin/python3", "-c", program),
            options=["--rate=0", "--lossless", "--keep=newest", *options],
            stdin=subprocess.PIPE,
            **more,
        )
        return recorder

    def await_flood(self, recorder):
        self.assertEqual(recorder.stdout.readline(), "flooded\n")

    def finish(self, recorder):
        recorder.stdin.write("go\n")
        recorder.stdin.flush()
        _, err = recorder.communicate(timeout=120)
        self.assertEqual(recorder.returncode, 0, err)
        return err

    def room_of(self, folder):
        room = 0
        for path in folder.rglob("*"):
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            room += min(status.st_size, status.st_blocks * 512) if path.is_file() else 0
        return room

    def await_drop(self, trace):
        """Some of a stream is gone from the disk."""

        def has_hole():
            return any(
                path.stat().st_blocks * 512 < path.stat().st_size - 500_000
                for path in trace.glob("ust/uid/*/64-bit/waits_*")
            )

        wait_until(has_hole, "older parts were dropped")

    def await_quiet(self, trace):
        """What was told so far has been written: the recorder is behind no more. By perf, it is
        told of the other programs of the machine as well."""
        sizes = [-1 << 30]

        def has_settled():
            time.sleep(0.3)
            sizes.append(0)
            for path in trace.rglob("*"):
                with contextlib.suppress(FileNotFoundError):
                    sizes[-1] += path.lstat().st_size
            return abs(sizes[-1] - sizes[-2]) < MB / 2

        wait_until(has_settled, "little more was written")

    def waits_of(self, events, *ops):
        waits = [event for event in events if "duration_ns" in event.fields]
        return [event for event in waits if event.fields.get("op") in ops]

    def check_window(self, events):
        """What came first is gone, and what came last is there."""
        ours = [event for event in events if event.name.startswith("ctrace:")]
        first = ours[0]
        self.assertEqual(first.name, "ctrace:part")
        self.assertGreater(first.fields["number"], 0)
        self.assertGreater(first.fields["bytes_before"], MB)
        self.assertEqual(self.waits_of(ours, "waitpid", "wait4"), [])
        selects = self.waits_of(ours, "select")
        self.assertEqual(len(selects), 5)
        for wait in selects:
            self.assertGreaterEqual(wait.fields["duration_ns"], 20_000_000)
        self.assertGreater(len(self.waits_of(ours, "read")), 100)
        return first

    def check_sound(self, trace):
        verified = self.ctrace("verify", trace)
        self.assertEqual(verified.status, 0, verified)
        self.assertIn("all adds up", verified.out)
        self.assertNotIn("WRONG", verified.out)

    def check_readers(self, trace, first):
        report = re.sub(r"\s+", " ", self.report_text(trace))
        megabytes = first.fields["bytes_before"] / 1e6
        self.assertRegex(
            report, rf"dropped the first \S+ \S+ of {megabytes:.1f} MB, as --keep asks"
        )
        self.assertRegex(report, r"what follows is of the last \d")
        self.assertIn("losses none", report)
        profile = self.profile("sleep", trace)
        self.assertTrue(any("select" in str(sample.labels) for sample in profile.samples))
        self.assertTrue(any("dropped: the first" in line for line in profile.comments))
        picture = self.folder / "picture.svg"
        drawn = self.ctrace("timeline", trace, "-o", picture)
        self.assertEqual(drawn.status, 0, drawn)
        self.assertIn(b"<svg", picture.read_bytes())


class Newest(KeepTest):
    def check(self, *options, size="2M"):
        trace = self.folder / "trace"
        recorder = self.start(70_000, f"--max-size={size}", *options)
        self.await_flood(recorder)
        self.await_drop(trace)
        self.await_quiet(trace)
        err = self.finish(recorder)
        self.assertRegex(err, r"dropped what was older, as --keep asks: the first \d")
        self.assertIn("nothing lost", err)
        events = read_events(trace)
        first = self.check_window(events)
        self.check_sound(trace)
        self.check_readers(trace, first)
        (capture,) = (event for event in events if event.name == "ctrace:capture")
        self.assertEqual(capture.fields["begin_ns"], first.fields["begin_ns"])
        ended = [event for event in events if event.name in WAIT_EVENTS]
        # Those that ended before the part began came late into it.
        self.assertGreaterEqual(len(ended), capture.fields["waits_recorded"])
        self.assertFalse((trace / "spool").exists())
        return trace

    def test_without_the_kernel(self):
        trace = self.check("--kernel=off")
        # A part, and the closing events more than may be.
        self.assertLess(self.room_of(trace / "ust"), 4 * MB)
        self.assert_opens_everywhere(trace)

    def test_the_summary_counts_what_the_reports_do(self):
        """Threads, children and waits begin and end all the time, also as parts do."""
        for _ in range(3):
            recorded = self.ctrace(
                *("record", "-o", "trace", "--rate=0", "--lossless", "--kernel=off"),
                *("--max-size=2M", "--keep=newest", "/usr/bin/python3", "-c", CHURN),
            )
            self.assertEqual(recorded.status, 0, recorded)
            self.assertIn("dropped what was older", recorded.err)
            said = re.search(
                r"recorded ([\d,]+) process\S*, ([\d,]+) threads? and ([\d,]+) waits?", recorded.err
            )
            report = json.loads(self.ctrace("report", "--format=json", "trace").out)
            verified = self.ctrace("verify", "trace")
            self.assertIn("all adds up", verified.out)
            waits = re.search(r"([\d,]+) waits?, ", verified.out)[1]
            self.assertEqual(
                [int(number.replace(",", "")) for number in said.groups()[:2]] + [said[3]],
                [len(report["processes"]), len(report["threads"]), waits],
            )
            self.assertEqual(report["capture"]["waits_lost"], 0)

    @unittest.skipUnless(os.getuid() == 0, "the kernel tells others too little for that")
    def test_with_bpf(self):
        trace = self.check("--kernel=syscalls", "--kernel-source=bpf", size="8M")
        self.assertTrue((trace / "kernel" / "metadata").exists())

    @unittest.skipUnless(os.getuid() == 0, "the kernel tells others too little for that")
    def test_with_perf(self):
        # Of which a burst is told at once, the larger, the busier the machine is. It tells of
        # ctrace's own system calls, too, as those by which the frames of python are read.
        trace = self.check("--kernel=syscalls", "--kernel-source=perf", "--cpu", size="64M")
        self.assertTrue((trace / "kernel" / "metadata").exists())

    def test_it_never_has_more_than_it_may_and_a_part(self):
        trace = self.folder / "trace"
        recorder = self.start(200_000, "--max-size=8M")
        most = 0
        while recorder.poll() is None and not self.has_line(recorder):
            most = max(most, self.room_of(trace / "ust") + self.room_of(trace / "spool"))
            time.sleep(0.05)
        self.await_flood(recorder)
        self.assertGreater(most, 4 * MB)
        # A part more, and what comes in a burst between two looks: the more, the busier the machine.
        self.assertLess(most, 16 * MB)
        self.finish(recorder)

    def has_line(self, recorder):
        return bool(select.select([recorder.stdout], [], [], 0)[0])

    def test_what_fits_is_kept_whole(self):
        recorder = self.start(2000, "--max-size=50M", "--kernel=off")
        self.await_flood(recorder)
        err = self.finish(recorder)
        self.assertNotIn("dropped", err)
        trace = self.folder / "trace"
        self.assertTrue(self.waits_of(read_events(trace), "waitpid", "wait4"))
        self.assertNotIn("dropped", self.report_text(trace))
        self.check_sound(trace)

    def test_parts_that_are_all_kept_say_nothing_new(self):
        recorder = self.start(30_000, "--max-size=100M", "--kernel=off", last=20_000)
        self.await_flood(recorder)
        err = self.finish(recorder)
        self.assertNotIn("dropped", err)
        trace = self.folder / "trace"
        self.assertTrue(self.waits_of(read_events(trace), "waitpid", "wait4"))
        self.check_sound(trace)

    @unittest.skipUnless(os.getuid() == 0, "the kernel tells others too little for that")
    def test_of_a_process_that_ran_already(self):
        script = "import time\nfor _ in range(3000):\n    time.sleep(0.002)\n"
        program = subprocess.Popen(["/usr/bin/python3", "-c", script])
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        recorded = self.ctrace(
            *("record", "-o", "trace", "-p", str(program.pid), "--rate=0"),
            *("--max-size=2M", "--keep=newest", "--duration=8s"),
        )
        self.assertEqual(recorded.status, 0, recorded)
        self.check_sound(self.folder / "trace")


class Recovery(KeepTest):
    def setUp(self):
        super().setUp()
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")

    def recover_killed(self, *options):
        trace = self.folder / "trace"
        recorder = self.start(70_000, *options)
        self.await_flood(recorder)
        self.await_drop(trace)
        recorder.send_signal(signal.SIGKILL)
        recorder.wait(20)
        recorder.stdin.close()  # the program goes on to its end
        recovered = self.ctrace("recover", trace, timeout=120)
        self.assertEqual(recovered.status, 0, recovered)
        self.assertRegex(
            recovered.err, r"dropped what was older, as --keep asks: the first \d"
        )
        self.assertNotIn(" 0 waits", recovered.err)
        return trace, recovered

    @unittest.skipUnless(os.getuid() == 0, "the kernel tells others too little for that")
    def test_how_far_the_kernel_told_is_said(self):
        trace, _ = self.recover_killed("--max-size=4M", "--kernel=sched")
        report = json.loads(self.ctrace("report", "--format=json", trace).out)
        missing = report["capture"]["missing"]
        if "kernel" in report["capture"]["layers"].split(","):
            self.assertRegex(missing, r"kernel: nothing of the last \d.*: the recorder was killed")
            return
        self.assertIn("kernel: the recorder was killed before anything was on the disk", missing)
        self.assertFalse((trace / "kernel").exists())

    def test_of_a_killed_recorder(self):
        trace, recovered = self.recover_killed("--max-size=2M")
        size = sum(self.room_of(trace / part) for part in ("ust", "closing"))
        if size > 3 * MB + 500_000:
            self.assertIn("it has more than --max-size, 2.0 MB, and a part of it", recovered.err)
        else:
            self.assertLess(size, 4 * MB)
        events = read_events(trace)
        first = next(event for event in events if event.name.startswith("ctrace:"))
        self.assertEqual(first.name, "ctrace:part")
        self.assertEqual(self.waits_of(events, "waitpid", "wait4"), [])
        self.assertGreater(len(self.waits_of(events, "read")), 100)
        said = self.ctrace("verify", trace).out
        wrong = [line for line in said.splitlines() if line.startswith("WRONG")]
        self.assertEqual(len(wrong), 1, said)
        self.assertIn("the recorder was killed", wrong[0])
        self.assertIn("dropped", self.report_text(trace))
        self.assert_opens_everywhere(trace)


class Refused(KeepTest):
    def test_what_makes_no_sense(self):
        for options, words in (
            (["--keep=newest"], ["--max-size=500M"]),
            (["--keep=newest", "--max-size=1M"], ["too small", "at least 2M"]),
            (["--keep=middle", "--max-size=9M"], ["oldest, newest, or a time"]),
        ):
            with self.subTest(options):
                result = self.ctrace("record", *options, "true")
                self.assert_refused(result, *words, status=2)

    def test_oldest_is_what_there_is_without(self):
        result = self.record("true", options=["--keep=oldest", "--max-size=9M"])
        self.assertEqual(result.status, 0, result)
        self.assertIn("nothing lost", result.err)


if __name__ == "__main__":
    main()
