"""Why threads are off the CPU in none of the calls: page faults, stops, tracers."""

import os
import shutil
import signal
import subprocess
import time
import unittest

import harness
from harness import WORKLOADS, run, wait_until, workload_answer
from test_bpf import BPF, BpfTest
from test_kernel import kernel_events

REASONS = WORKLOADS / "reasons"


def state_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


class Faults(BpfTest):
    SIZE = 200 * 4096

    def record_faults(self, *options):
        path = self.folder / "pages.bin"
        path.write_bytes(os.urandom(self.SIZE))
        result = self.record_ok(REASONS, "faults", path, options=["--rate=0", BPF, *options])
        answer = workload_answer(result)
        if answer["faults"] < 10:
            self.skipTest(f"what was read stays in memory on the file system of {self.folder}")
        return result, answer

    def check(self, directory, answer):
        """Each page that had to be read is a wait, at its place in the file, where it is touched."""
        told = [
            event.fields
            for event in kernel_events(directory)
            if event.name == "off_cpu_reason" and event.fields["file"] == "pages.bin"
        ]
        major = [fields for fields in told if fields["reason"] == "major page fault"]
        # A disk may be so fast that one or the other is there before its thread has left its CPU.
        self.assertGreater(len(major), answer["faults"] * 0.5)
        self.assertLessEqual(len({fields["file_offset"] for fields in told}), answer["faults"])
        first = min(major, key=lambda fields: fields["address"])
        for fields in told:
            self.assertEqual(
                fields["address"] - first["address"], fields["file_offset"] - first["file_offset"]
            )
            self.assertIn(fields["file_offset"], range(answer["offset"], self.SIZE, 4096))
        samples = [
            sample
            for sample in self.profile("other", directory).samples
            if sample.labels.get("object") == "file pages.bin"
        ]
        self.assertEqual(sum(sample.count for sample in samples), len(told))
        for sample in samples:
            self.assertIn(sample.labels["op"], ("major page fault", "page fault"))
            self.assertEqual(sample.stack[1:3], ["touch", "touch_all"], sample)
            self.assertEqual(sample.stack[-1], "_start", sample)
        self.assert_verified(directory)

    def test_of_a_program_that_was_recorded_from_inside(self):
        result, answer = self.record_faults("--kernel=sched")
        self.check(result.directory, answer)
        self.assertIn("at least", result.err)
        report = self.report_text(result.directory, "waits")
        self.assertRegex(report, "other: major page fault on pages.bin\n")
        self.assertRegex(report, "major page fault on pages.bin 0x[0-9a-f]+000\n")

    def test_with_calls_too(self):
        result, answer = self.record_faults("--kernel=syscalls")
        self.check(result.directory, answer)

    def test_a_picture_names_them(self):
        result, _ = self.record_faults("--kernel=sched")
        picture = self.folder / "all.svg"
        drawn = self.ctrace("timeline", result.directory, "-o", picture)
        self.assertEqual(drawn.status, 0, drawn)
        self.assertIn("major page fault", picture.read_text())


class Stops(BpfTest):
    def record_while(self, program, act):
        """The report of what was recorded of it while that was done to it."""
        recorder = self.start_attaching(program.pid)
        act()
        time.sleep(0.2)
        recorder.send_signal(signal.SIGINT)
        self.assertEqual(recorder.wait(harness.TIMEOUT_S), 0)
        directory = self.folder / "trace"
        self.assert_verified(directory)
        return self.report(directory)

    def start_attaching(self, pid):
        recorder = subprocess.Popen(
            [harness.CTRACE, "record", BPF, "-o", str(self.folder / "trace"), "-p", str(pid)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(recorder.stderr.close)
        self.addCleanup(recorder.wait)
        self.addCleanup(recorder.kill)
        for line in recorder.stderr:
            if "attached to" in line:
                return recorder
        raise AssertionError("it did not attach")

    def stop(self, program, seconds):
        program.send_signal(signal.SIGSTOP)
        wait_until(lambda: state_of(program.pid) == "T", "it stopped")
        begun = time.monotonic_ns()
        time.sleep(seconds)
        self.stopped_ns = time.monotonic_ns() - begun

    def sites(self, report, op):
        return [site for site in report["sites"] if site["operation"] == op]

    def test_a_stopped_program_that_ran(self):
        program = self.start(REASONS, "spin")

        def act():
            self.stop(program, 0.3)
            program.send_signal(signal.SIGCONT)
            wait_until(lambda: state_of(program.pid) == "R", "it went on")

        report = self.record_while(program, act)
        (site,) = self.sites(report, "stopped")
        self.assertEqual(site["class"], "other")
        self.assertGreaterEqual(site["total_ns"], self.stopped_ns)
        self.assertEqual([f["function"] for f in site["stack"]][:2], ["spin", "main"])

    def test_a_stopped_program_that_slept(self):
        """The time stopped is no part of its sleep."""
        program = self.start("sleep", "60")

        def act():
            self.stop(program, 0.3)
            program.send_signal(signal.SIGCONT)
            wait_until(lambda: state_of(program.pid) == "S", "it went on")

        report = self.record_while(program, act)
        (thread,) = report["threads"]
        (site,) = self.sites(report, "stopped")
        self.assertGreaterEqual(site["total_ns"], self.stopped_ns)
        self.assertEqual(thread["time_ns"]["other"], site["total_ns"])
        lifetime_ns = thread["end_ns"] - thread["start_ns"]
        self.assertLessEqual(thread["time_ns"]["sleep"], lifetime_ns - self.stopped_ns)
        self.assertGreater(thread["time_ns"]["sleep"], 0)

    def test_one_that_stays_stopped(self):
        program = self.start(REASONS, "spin")
        report = self.record_while(program, lambda: self.stop(program, 0.3))
        (wait,) = [w for w in report["open_waits"] if w["operation"] == "stopped"]
        self.assertGreaterEqual(wait["duration_ns"], self.stopped_ns)

    @unittest.skipUnless(shutil.which("gdb"), "no gdb here")
    def test_one_that_a_debugger_holds(self):
        program = self.start(REASONS, "spin")
        report = self.record_while(
            program,
            lambda: run("gdb", "-p", program.pid, "-batch", "-ex", "shell sleep 0.3", "-ex", "detach"),
        )
        sites = self.sites(report, "stopped by a tracer")
        self.assertGreaterEqual(sum(site["total_ns"] for site in sites), 300_000_000)
        self.assertIn("spin", [f["function"] for f in sites[0]["stack"]])


if __name__ == "__main__":
    harness.main()
