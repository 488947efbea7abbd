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
from test_groups import GroupsTest
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


class Limits(GroupsTest):
    """What a cgroup may not have more of."""

    def record_limited(self, cgroup, *arguments):
        """The report of a second of it, and how long that was."""
        program = self.start_in(cgroup, REASONS, *arguments)
        time.sleep(0.5)
        directory = self.attach(program.pid, BPF, "--duration=2s")
        self.assert_verified(directory)
        report = self.report(directory)
        (thread,) = report["threads"]
        return report, thread

    def functions(self, site):
        return [frame["function"] for frame in site["stack"]]

    def sites(self, report, op):
        return [site for site in report["sites"] if site["operation"] == op]

    def test_a_quota_of_cpu_time(self):
        """What it has used up is not in line for a CPU, which may be idle."""
        cgroup = self.make_limited_cgroup(
            "cpu",
            {"cpu.cfs_period_us": 100000, "cpu.cfs_quota_us": 2000},  # which a busy machine gives, too
            {"cpu.max": "2000 100000"},
        )
        before = self.throttled_periods(cgroup)
        report, thread = self.record_limited(cgroup, "spin")
        sites = self.sites(report, "throttled by its cgroup")  # it may have been before it spun, too
        site = max(sites, key=lambda each: each["total_ns"])
        total_ns = sum(each["total_ns"] for each in sites)
        self.assertEqual({each["class"] for each in sites}, {"other"})
        self.assertEqual(self.functions(site)[:2], ["spin", "main"])
        lifetime_ns = thread["end_ns"] - thread["start_ns"]
        self.assertLessEqual(thread["time_ns"]["running"], lifetime_ns * 0.2)
        self.assertEqual(thread["time_ns"]["other"], total_ns)
        # The rest of each period, but where others keep the CPU from it.
        self.assertGreater(site["total_ns"], lifetime_ns * 0.3)
        self.assertIn(f"{cgroup.name} (2.00 ms in each 100 ms)", site["object"])
        self.assertLessEqual(site["count"], self.throttled_periods(cgroup) - before)
        self.assertGreaterEqual(site["count"], 5)
        (finding,) = [each for each in report["findings"] if each["rule"] == "quota"]
        self.assertEqual(finding["cost_ns"], total_ns)
        self.assertIn(f"as cgroup {cgroup.name} (2.00 ms in each 100 ms) had used up its quota", finding["text"])

    def throttled_periods(self, cgroup):
        return int(dict(map(str.split, (cgroup / "cpu.stat").read_text().splitlines()))["nr_throttled"])

    MEMORY = 24 << 20

    def make_small(self):
        return self.make_limited_cgroup(
            "memory", {"memory.limit_in_bytes": self.MEMORY}, {"memory.max": self.MEMORY}
        )

    def test_memory_that_is_reclaimed(self):
        report, _ = self.record_limited(self.make_small(), "dirty", self.folder / "dirty.bin")
        sites = self.sites(report, "memory reclaim")
        if not sites:
            self.skipTest(f"the file system of {self.folder} writes without a wait")
        for site in sites:
            self.assertEqual(site["class"], "other")
            self.assertIn("dirty", self.functions(site))
            self.assertIn("main", self.functions(site))

    @unittest.skipUnless(open("/proc/swaps").read().count("\n") > 1, "no swap space here")
    def test_memory_that_is_swapped(self):
        report, _ = self.record_limited(self.make_small(), "touch", 2 * self.MEMORY)
        (site,) = self.sites(report, "swap-in")
        self.assertEqual(self.functions(site)[:2], ["dirty", "dirty_memory"])

    def children(self, pid):
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return [int(child) for child in children.read().split()]

    def test_an_end_that_takes_time(self):
        """The first process of a pid namespace ends after all others, one of which cannot."""
        cgroup = self.make_limited_cgroup("freezer", {}, {})
        unshare = self.start("unshare", "--pid", "--fork", "sh", "-c", "sleep 600 & wait")
        wait_until(lambda: self.children(unshare.pid), "there is a shell")
        (shell,) = self.children(unshare.pid)
        wait_until(lambda: self.children(shell), "it has started something")
        (sleeper,) = self.children(shell)
        self.enter(cgroup, sleeper)
        self.addCleanup((cgroup / "freezer.state").write_text, "THAWED")
        (cgroup / "freezer.state").write_text("FROZEN")
        recorder = self.start_recording(BPF, "--no-follow", "-p", str(shell))
        os.kill(shell, signal.SIGKILL)
        time.sleep(0.5)
        (cgroup / "freezer.state").write_text("THAWED")
        self.assertEqual(recorder.wait(harness.TIMEOUT_S), 0)
        self.assert_verified(self.folder / "trace")
        (site,) = self.sites(self.report(self.folder / "trace"), "exit")
        self.assertGreaterEqual(site["total_ns"], 400_000_000)
        self.assertEqual(site["class"], "other")


if __name__ == "__main__":
    harness.main()
