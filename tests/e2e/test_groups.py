"""ctrace record --cgroup=PATH and --all: all that is in a cgroup or comes into it, and all that runs."""

import os
import pathlib
import re
import signal
import subprocess
import time

import harness
from harness import CTRACE, wait_until
from test_attach import Program
from test_bpf import BPF, PERF, BpfTest


def hierarchies():
    """Where cgroups are mounted: (folder, is of version 2, controllers)."""
    found = []
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, last = line.partition(" - ")
        kind = last.split()[0]
        if kind in ("cgroup", "cgroup2") and fields.split()[3] == "/":
            folder, options = pathlib.Path(fields.split()[4]), last.split()[-1].split(",")
            if kind == "cgroup2":
                options = (folder / "cgroup.subtree_control").read_text().split()
            found.append((folder, kind == "cgroup2", options))
    return found


class GroupsTest(BpfTest):
    def make_limited_cgroup(self, controller, of_version_1, of_version_2):
        """With these in its files; or the test is skipped."""
        for is_2, settings in ((True, of_version_2), (False, of_version_1)):
            if any(i == is_2 and controller in has for _, i, has in hierarchies()):
                path = self.make_cgroup(is_2, controller)
                for name, value in settings.items():
                    (path / name).write_text(str(value))
                return path
        self.skipTest(f"no cgroup here has controller {controller}")

    def make_cgroup(self, is_of_version_2=True, controller=None):
        """Or the test is skipped."""
        for folder, is_2, controllers in hierarchies():
            if is_2 != is_of_version_2 or controller not in (None, *controllers):
                continue
            path = folder / f"ctrace-test-{os.getpid()}"
            try:
                path.mkdir()
                # Where a controller wants to be set up first, nothing can enter.
                (path / "cgroup.procs").write_text(str(self.start("sleep", "60").pid))
            except OSError:
                if path.exists():
                    path.rmdir()
                continue
            self.addCleanup(self.remove_cgroup, path)
            self.move_all(path, folder)
            return path
        self.skipTest(f"no cgroup of version {1 + is_of_version_2} can be made here")

    def move_all(self, path, to):
        for pid in (path / "cgroup.procs").read_text().split():
            (to / "cgroup.procs").write_text(pid)

    def remove_cgroup(self, path):
        if not path.exists():
            return
        for pid in (path / "cgroup.procs").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        wait_until(lambda: not (path / "cgroup.procs").read_text(), "all have left")
        path.rmdir()

    def enter(self, cgroup, pid):
        (cgroup / "cgroup.procs").write_text(str(pid))

    def start_in(self, cgroup, *command):
        process = self.start(*command)
        self.enter(cgroup, process.pid)
        return process

    def record(self, *options, output="trace"):
        result = self.ctrace("record", "-o", output, *options)
        self.assertEqual(result.status, 0, result)
        return result

    def start_recording(self, *options):
        recorder = subprocess.Popen(
            [CTRACE, "record", "-o", str(self.folder / "trace"), *options],
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

    def stop(self, recorder):
        recorder.send_signal(signal.SIGINT)
        self.assertEqual(recorder.wait(harness.TIMEOUT_S), 0)
        self.assert_verified(self.folder / "trace")
        return self.report(self.folder / "trace")

    def pids(self, directory="trace"):
        return {process["pid"] for process in self.report(self.folder / directory)["processes"]}


class Cgroup(GroupsTest):
    def check_present(self, cgroup, *names):
        inside = [self.start_in(cgroup, "sleep", "600"), self.start_in(cgroup, "sleep", "600")]
        self.start("sleep", "600")
        below = cgroup / "below"
        below.mkdir()
        self.addCleanup(below.rmdir)
        inside.append(self.start_in(below, "sleep", "600"))
        self.addCleanup(self.move_all, below, cgroup)
        pids = {process.pid for process in inside}
        for number, name in enumerate((cgroup, f"{cgroup}/", *names)):
            with self.subTest(name):
                result = self.record(f"--cgroup={name}", "--duration=200ms", output=f"trace{number}")
                self.assertEqual(self.pids(f"trace{number}"), pids)
                self.assertIn(f"cgroup {cgroup}, with process", result.err)

    def test_all_in_it_and_nobody_else(self):
        cgroup = self.make_cgroup()
        self.check_present(cgroup, f"/{cgroup.name}", f"0::/{cgroup.name}")

    def test_of_version_1(self):
        cgroup = self.make_cgroup(is_of_version_2=False)
        process = self.start_in(cgroup, "sleep", "600")
        lines = pathlib.Path(f"/proc/{process.pid}/cgroup").read_text().splitlines()
        process.kill()
        process.wait()
        (line,) = [line for line in lines if line.endswith(f"/{cgroup.name}")]
        self.check_present(cgroup, f"/{cgroup.name}", line)

    def check_joining(self, cgroup):
        """With all its threads, which nobody had looked at before, and what they start then."""
        self.start_in(cgroup, "sleep", "600")
        program = Program(self, "child")
        recorder = self.start_recording(f"--cgroup={cgroup}", BPF)
        time.sleep(0.3)
        self.enter(cgroup, program.pid)
        time.sleep(0.5)
        child = int(program.ask("child"))
        program.ask("thread")
        time.sleep(0.5)
        report = self.stop(recorder)
        processes = {process["pid"]: process for process in report["processes"]}
        self.assertIn(program.pid, processes)
        self.assertIn(child, processes)
        self.assertFalse(program.children & set(processes), "it did not come along")
        threads = {thread["tid"]: thread for thread in report["threads"]}
        self.assertLessEqual(program.tids, set(threads))
        for tid in program.sleepers:
            self.assertGreater(threads[tid]["time_ns"]["sleep"], 300_000_000)
            lifetime_ns = threads[tid]["end_ns"] - threads[tid]["start_ns"]
            self.assertIn(lifetime_ns // 100_000_000, range(5, 100))
        sleeps = [s for s in self.profile("sleep", self.folder / "trace").samples if s.labels["tid"] in
                  {str(tid) for tid in program.sleepers}]
        whole = [s for s in sleeps if s.stack[-1] in ("clone3", "__clone3", "clone")]
        self.assertGreater(sum(s.count for s in sleeps), 60)
        self.assertGreaterEqual(sum(s.count for s in whole), 0.99 * sum(s.count for s in sleeps))

    def test_who_comes_later(self):
        self.check_joining(self.make_cgroup())

    def test_who_comes_later_into_one_of_version_1(self):
        self.check_joining(self.make_cgroup(is_of_version_2=False))

    def test_a_process_that_comes_and_executes_a_program(self):
        """As those do that start things in cgroups."""
        cgroup = self.make_cgroup()
        self.start_in(cgroup, "sleep", "600")
        recorder = self.start_recording(f"--cgroup={cgroup}", BPF)
        for _ in range(10):
            started = self.start("sh", "-c", f"echo $$ > {cgroup}/cgroup.procs; exec sleep 0.2")
            started.wait()
        report = self.stop(recorder)
        sleeps = [site for site in report["sites"] if site["operation"] == "nanosleep"]
        told = sum(site["count"] for site in sleeps) - 1  # the first one's
        missed = re.search(r"(\d+) process\S* that came", report["capture"].get("missing") or "")
        self.assertEqual(told + (int(missed[1]) if missed else 0), 10, report["capture"])
        self.assertGreaterEqual(told, 5)

    def test_the_recorder_may_be_in_it(self):
        cgroup = self.make_cgroup()
        process = self.start_in(cgroup, "sleep", "600")
        recorder = self.start_recording(f"--cgroup={cgroup}")
        self.enter(cgroup, recorder.pid)
        time.sleep(0.3)
        report = self.stop(recorder)
        self.assertEqual({p["pid"] for p in report["processes"]}, {process.pid})

    def test_it_ends_when_the_cgroup_is_removed(self):
        cgroup = self.make_cgroup()
        process = self.start_in(cgroup, "sleep", "600")
        recorder = self.start_recording(f"--cgroup={cgroup}")
        process.kill()
        process.wait()
        time.sleep(0.3)
        self.assertIsNone(recorder.poll(), "another one may come")
        cgroup.rmdir()
        self.assertEqual(recorder.wait(harness.TIMEOUT_S), 0)

    def test_perf_says_what_it_does_not_see(self):
        cgroup = self.make_cgroup()
        process = self.start_in(cgroup, "sleep", "600")
        result = self.record(f"--cgroup={cgroup}", PERF, "--duration=300ms")
        self.assertEqual(self.pids(), {process.pid})
        self.assertIn("processes that come into the cgroup later", result.err)

    def test_errors_say_what_to_do(self):
        cgroup = self.make_cgroup()
        for name in ("/no/such/cgroup", "no-such", str(self.folder), "0::/no-such"):
            with self.subTest(name):
                result = self.ctrace("record", f"--cgroup={name}", "--duration=1s")
                self.assertEqual(result.status, 125)
                self.assertIn(f"there is no cgroup {name}: give its folder", result.err)
        result = self.ctrace("record", f"--cgroup={cgroup}", "--duration=1s")
        self.assertEqual(result.status, 125)
        self.assertIn(f"there is no process in cgroup {cgroup}", result.err)
        self.assertFalse((self.folder / "ctrace.data").exists())


class All(GroupsTest):
    def test_all_that_runs(self):
        before = Program(self)
        recorder = self.start_recording("--all", "--duration=2s", BPF)
        after = self.start("sh", "-c", "sleep 0.1; sleep 600; true")
        self.assertEqual(recorder.wait(harness.TIMEOUT_S), 0)
        directory = self.folder / "trace"
        self.assert_verified(directory)
        report = self.report(directory)
        pids = {process["pid"] for process in report["processes"]}
        self.assertLessEqual({before.pid, after.pid, os.getpid()}, pids)
        self.assertNotIn(recorder.pid, pids)
        names = {thread["name"] for thread in report["threads"]}
        self.assertFalse({name for name in names if re.match("lttng-|kworker|swapper|ctrace", name)})
        threads = {thread["tid"] for thread in report["threads"]}
        self.assertLessEqual(before.tids, threads)
        self.assertRegex(
            report["capture"]["command"],
            r"^this whole machine, with \d+ processes \(but not \d+ threads of the kernel, ctrace itself",
        )

    def test_errors_say_what_to_do(self):
        for options, text in (
            (["--all"], "say for how long"),
            (["--all", "--duration=1s", "-p", "1"], "give one of them"),
            (["--all", "--duration=1s", "--cgroup=/"], "give one of them"),
            (["--all", "--duration=1s", "--no-follow"], "--no-follow makes no sense with --all"),
            (["--cgroup=/", "--kernel=off"], "--kernel=off leaves nothing to record with --cgroup"),
            (["--all", "--duration=1s", "true"], "--all records what runs already"),
        ):
            with self.subTest(options):
                result = self.ctrace("record", *options)
                self.assertEqual(result.status, 2)
                self.assertIn(text, result.err)


if __name__ == "__main__":
    harness.main()
