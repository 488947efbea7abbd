"""The kernel layer by BPF programs, where something goes wrong or fast: ends, execs, storms, tracers."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

import harness
from harness import CTRACE, recorder_of, run, wait_until
from test_bpf import BPF, BpfTest, bpftool

# Threads that sleep, one of which executes a program when it is told to.
EXECUTING = """
import os, sys, threading, time

def execute():
    sys.stdin.readline()
    os.execv("/bin/sleep", ["sleep", "600"])

for _ in range(3):
    threading.Thread(target=lambda: [time.sleep(0.01) for _ in range(10**6)], daemon=True).start()
threading.Thread(target=execute).start()
print(flush=True)
time.sleep(600)
"""


class Faults(BpfTest):
    def start_attaching(self, *options):
        """The job, whose child records."""
        job = subprocess.Popen(
            [CTRACE, "record", BPF, "-o", str(self.folder / "trace"), *options],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(job.stderr.close)
        self.addCleanup(job.wait)
        self.addCleanup(job.kill)
        for line in job.stderr:
            if "attached to" in line:
                return job
        raise AssertionError("it did not attach")

    def finish(self, job):
        job.send_signal(signal.SIGINT)
        self.assertEqual(job.wait(harness.TIMEOUT_S), 0)
        self.assert_verified(self.folder / "trace")
        return self.report(self.folder / "trace")

    def command_of(self, pid):
        with contextlib.suppress(OSError):
            return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
        return []

    def kernel_objects(self, pid):
        """Ids of the BPF programs and maps that the process has, by kind."""
        found = {"prog": set(), "map": set()}
        for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
            for kind, number in re.findall(r"^(prog|map)_id:\s+(\d+)", info.read_text(), re.MULTILINE):
                found[kind].add(number)
        return found

    @unittest.skipUnless(bpftool(), "no bpftool here")
    def test_a_killed_recorder_leaves_nothing_in_the_kernel(self):
        sleeper = self.start("sleep", "600")
        job = self.start_attaching("-p", str(sleeper.pid))
        recorder = recorder_of(job)
        objects = self.kernel_objects(recorder)
        self.assertGreater(len(objects["prog"]), 5)
        self.assertGreater(len(objects["map"]), 3)
        os.kill(recorder, signal.SIGKILL)
        job.wait(harness.TIMEOUT_S)
        for kind, numbers in objects.items():
            for number in numbers:
                wait_until(
                    lambda: run(bpftool(), kind, "show", "id", number).status != 0,
                    f"{kind} {number} is gone",
                )
        self.assertIsNone(sleeper.poll())
        self.assertEqual(self.ctrace("recover", self.folder / "trace").status, 0)
        (thread,) = self.report(self.folder / "trace")["threads"]
        self.assertEqual(thread["tid"], sleeper.pid)

    def test_a_thread_that_executes_a_program(self):
        """It takes the process's id, and all others end."""
        program = subprocess.Popen(
            ["/usr/bin/python3", "-c", EXECUTING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        self.addCleanup(program.stdout.close)
        self.addCleanup(program.stdin.close)
        program.stdout.readline()
        job = self.start_attaching("-p", str(program.pid))
        time.sleep(0.3)
        program.stdin.write("\n")
        program.stdin.flush()
        wait_until(lambda: self.command_of(program.pid)[:1] == ["sleep"], "it executes sleep")
        time.sleep(0.3)
        report = self.finish(job)
        images = [process for process in report["processes"] if process["pid"] == program.pid]
        self.assertEqual(len(images), 2, report["processes"])
        threads = [thread for thread in report["threads"] if thread["name"] == "sleep"]
        self.assertEqual([thread["tid"] for thread in threads], [program.pid])
        self.assertGreater(threads[0]["time_ns"]["sleep"], 200_000_000)
        (wait,) = [w for w in report["open_waits"] if w["thread"] == "sleep"]
        names = [frame["function"] for frame in wait["stack"]]
        self.assertEqual(names[-3:-1], ["__libc_start_call_main", "__libc_start_main"])

    def test_a_storm_of_short_processes(self):
        count = 1000
        script = f"i=0; while [ $i -lt {count} ]; do /bin/true; i=$((i+1)); done"
        gate = self.folder / "gate"
        os.mkfifo(gate)
        program = self.start("sh", "-c", f"read line < {gate}; {script}; sleep 600")
        job = self.start_attaching("-p", str(program.pid))
        gate.write_text("go\n")
        children = pathlib.Path(f"/proc/{program.pid}/task/{program.pid}/children")

        def has_ended():
            return ["sleep", "600"] in [self.command_of(pid) for pid in children.read_text().split()]

        wait_until(has_ended, "all have run", 120)
        report = self.finish(job)
        self.assertEqual(report["capture"]["kernel_events_lost"], 0)
        self.assertEqual(len([p for p in report["processes"] if p["pid"] != program.pid]), count + 1)
        waits = sum(s["count"] for s in report["sites"] if s["operation"] == "waitpid")
        self.assertLessEqual(waits, count + 2)
        self.assertGreater(waits, count * 0.5)

    def test_the_program_is_killed(self):
        program = self.start("sleep", "600")
        job = self.start_attaching("-p", str(program.pid))
        time.sleep(0.3)
        program.kill()
        self.assertEqual(job.wait(harness.TIMEOUT_S), 0)
        self.assert_verified(self.folder / "trace")
        (thread,) = self.report(self.folder / "trace")["threads"]
        self.assertTrue(thread["has_exited"])
        self.assertGreater(thread["time_ns"]["sleep"], 200_000_000)

    @unittest.skipUnless(shutil.which("strace"), "no strace here")
    def test_a_program_that_is_traced_at_the_same_time(self):
        program = self.start("sh", "-c", "while :; do sleep 0.05; done")
        tracer = self.start("strace", "-f", "-o", "/dev/null", "-p", program.pid)
        wait_until(
            lambda: f"TracerPid:\t{tracer.pid}\n" in pathlib.Path(f"/proc/{program.pid}/status").read_text(),
            "it is traced",
        )
        job = self.start_attaching("-p", str(program.pid))
        time.sleep(1)
        report = self.finish(job)
        stops = [site for site in report["sites"] if site["operation"] == "stopped by a tracer"]
        sleeps = [site for site in report["sites"] if site["operation"] == "nanosleep"]
        self.assertGreater(sum(site["count"] for site in stops), 10)
        count = sum(site["count"] for site in sleeps)
        self.assertGreater(count, 3)
        self.assertLess(sum(site["total_ns"] for site in sleeps) / count, 200_000_000)


if __name__ == "__main__":
    harness.main()
