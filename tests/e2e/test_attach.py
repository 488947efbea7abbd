"""ctrace record -p: processes that run already. Only the kernel layer tells of them.

As root that is every switch and wake-up, as an ordinary user who had a CPU when. Where the kernel
gives even less, these tests skip, with its reason.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import harness
from harness import CTRACE, TraceTest, run, source_options, wait_until
from test_kernel import capture, kernel_events

# Threads that sleep again and again; one line on stdin is answered by one on stdout. "child" makes
# a child that does the same as a thread, "thread" another thread.
PROGRAM = """
import json, os, subprocess, sys, threading, time

def sleep_often(seconds=3600.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)

def start_thread():
    threading.Thread(target=sleep_often, daemon=True).start()

def start_child():
    return subprocess.Popen([sys.executable, "-c",
        "import sys, time\\nwhile sys.stdin: time.sleep(0.01)"]).pid

children = [start_child()] if "child" in sys.argv else []
for _ in range(3):
    start_thread()
print(json.dumps({"pid": os.getpid(), "tids": [int(t) for t in os.listdir("/proc/self/task")],
                  "children": children}), flush=True)
for line in sys.stdin:
    answer = "pong"
    if line == "child\\n":
        answer = str(start_child())
    elif line == "thread\\n":
        start_thread()
        answer = " ".join(os.listdir("/proc/self/task"))
    print(answer, flush=True)
"""

STATE_TIMEOUT_S = 20


class Program:
    """That program, running, and what it says of itself."""

    def __init__(self, test, *arguments):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-c", PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        test.addCleanup(self.kill)
        about = json.loads(self.process.stdout.readline())
        self.pid = about["pid"]
        self.tids = set(about["tids"])
        self.sleepers = self.tids - {self.pid}  # the first thread may wait for us all the time
        self.children = set(about["children"])

    def ask(self, line="ping"):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self):
        self.process.stdin.close()
        self.process.wait(STATE_TIMEOUT_S)

    def kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def tids_on_cpu(events):
    """Who got a CPU, or lost it."""
    tids = set()
    for event in events:
        if event.name == "sched_switch":
            tids |= {event.fields["prev_tid"], event.fields["next_tid"]}
        elif event.name == "context_switch":
            tids.add(event.fields["tid"])
    return tids


class AttachTest(TraceTest):
    def attach(self, *pids, options=(), output="trace"):
        words = [word for pid in pids for word in ("-p", str(pid))]
        result = self.ctrace("record", "-o", self.folder / output, *words, *options)
        result.directory = self.folder / output
        if "perf_event_paranoid" in result.err or "no perf events" in result.err:
            self.skipTest(result.err)
        return result

    def attach_ok(self, *pids, options=("--duration=500ms",), output="trace"):
        result = self.attach(*pids, options=options, output=output)
        self.assertEqual(result.status, 0, result)
        return result

    def start_attaching(self, *pids, options=()):
        """Attaches, and returns once it records."""
        words = [word for pid in pids for word in ("-p", str(pid))]
        recorder = subprocess.Popen(
            [CTRACE, "record", *source_options("record"), "-o", str(self.folder / "trace"), *words]
            + [*options],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            start_new_session=True,
        )

        def end():
            if recorder.poll() is None:
                recorder.kill()
            recorder.wait()
            recorder.stderr.close()

        self.addCleanup(end)
        said = ""
        for line in recorder.stderr:
            said += line
            if "attached to" in line:
                return recorder
        self.skipTest(said)

    def finish(self, recorder):
        said = recorder.stderr.read()
        self.assertEqual(recorder.wait(harness.TIMEOUT_S), 0, said)
        return self.folder / "trace"

    def assert_unharmed(self, program):
        self.assertEqual(program.ask(), "pong")
        self.assertIsNone(program.process.poll())
        status = pathlib.Path(f"/proc/{program.pid}/status").read_text()
        self.assertIn("TracerPid:\t0\n", status)
        self.assertNotIn("ctrace", pathlib.Path(f"/proc/{program.pid}/maps").read_text())


class Refusals(AttachTest):
    def refuse(self, *arguments, words, status):
        result = self.ctrace("record", *arguments)
        self.assert_refused(result, *words, status=status)
        self.assertFalse((self.folder / "ctrace.data").exists(), result)

    def test_what_is_neither_an_id_nor_a_name(self):
        for text in ("", " ,", "12,-x", "-1", "0", "99999999999", "--duration=1s"):
            with self.subTest(text):
                self.refuse(f"--pid={text}", words=["--pid", "number"], status=2)

    def test_a_program_too(self):
        self.refuse("-p", os.getpid(), "true", words=["one or the other"], status=2)

    def test_without_the_kernel(self):
        self.refuse("-p", os.getpid(), "--kernel=off", words=["kernel=off"], status=2)

    def test_a_process_that_is_not_there(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.refuse("-p", gone.pid, words=[f"no process {gone.pid}"], status=125)

    def test_a_zombie(self):
        zombie = subprocess.Popen(["true"])
        self.addCleanup(zombie.wait)
        wait_until(
            lambda: ") Z " in pathlib.Path(f"/proc/{zombie.pid}/stat").read_text(), "it ended"
        )
        self.refuse("-p", zombie.pid, words=["zombie", str(os.getpid())], status=125)

    def test_a_thread(self):
        program = Program(self)
        tid = min(program.sleepers)
        self.refuse("-p", tid, words=["is a thread of", f"-p {program.pid}"], status=125)

    def test_a_thread_of_the_kernel(self):
        if not pathlib.Path("/proc/2/comm").exists():
            self.skipTest("the kernel's threads are not in this pid namespace")
        self.refuse("-p", 2, words=["kernel"], status=125)

    def test_itself(self):
        result = run("sh", "-c", f'exec "{CTRACE}" record -p $$', cwd=self.folder)
        self.assert_refused(result, "ctrace itself", status=125)

    def test_a_process_of_another_user(self):
        if os.getuid() == 0:
            self.skipTest("root may attach to all")
        if os.stat("/proc/1").st_uid != 0:
            self.skipTest("process 1 is not root's")
        self.refuse("-p", 1, words=["root's", "as root"], status=125)

    def test_one_of_several(self):
        program = Program(self)
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.refuse("-p", f"{program.pid},{gone.pid}", words=["no process"], status=125)
        self.assert_unharmed(program)

    def test_a_kernel_that_tells_nothing(self):
        """What to do is said, and nothing is left."""
        program = Program(self)
        injected = ["strace", "-f", "-o", "/dev/null", "-e", "trace=perf_event_open"]
        injected += ["-e", "inject=perf_event_open:error=EACCES"]
        if run(*injected, "true").status != 0:
            self.skipTest("strace cannot be used here")
        result = run(*injected, CTRACE, "record", "-p", program.pid, cwd=self.folder)
        self.assert_refused(result, "cannot attach", "root", status=125)
        self.assertFalse((self.folder / "ctrace.data").exists(), result)
        self.assert_unharmed(program)


class Attached(AttachTest):
    def test_all_threads_are_seen_and_none_is_harmed(self):
        program = Program(self)
        result = self.attach_ok(program.pid)
        self.assertLessEqual(program.sleepers, tids_on_cpu(kernel_events(result.directory)))
        self.assert_unharmed(program)
        self.assertIn(f"process {program.pid} (python3)", result.err)

    def test_others_are_not_in_the_trace(self):
        program, other = Program(self), Program(self)
        result = self.attach_ok(program.pid)
        events = kernel_events(result.directory)
        named = {event.fields["tid"] for event in events if event.name == "sched_waking"}
        named |= {event.fields["tid"] for event in events if event.name == "context_switch"}
        self.assertFalse(named & other.tids)

    def test_children_are_followed(self):
        program = Program(self, "child")
        recorder = self.start_attaching(program.pid)
        later = int(program.ask("child"))
        tids = set(map(int, program.ask("thread").split()))
        time.sleep(0.5)
        recorder.send_signal(signal.SIGINT)
        events = kernel_events(self.finish(recorder))
        self.assertLessEqual(program.children | {later} | tids, tids_on_cpu(events))
        forks = [e.fields for e in events if e.name == "sched_process_fork"]
        self.assertIn((program.pid, later), {(f["parent_pid"], f["child_pid"]) for f in forks})
        self.assertEqual(len(forks), len({f["child_tid"] for f in forks}), forks)

    def test_children_are_left_alone(self):
        program = Program(self, "child")
        recorder = self.start_attaching(program.pid, options=["--no-follow"])
        later = int(program.ask("child"))
        tids = set(map(int, program.ask("thread").split()))
        time.sleep(0.5)
        recorder.send_signal(signal.SIGINT)
        events = kernel_events(self.finish(recorder))
        self.assertLessEqual(tids, tids_on_cpu(events))
        woken = {e.fields["tid"] for e in events if e.name in ("sched_waking", "context_switch")}
        self.assertFalse(woken & (program.children | {later}))

    def test_several_processes(self):
        for as_list in (False, True):
            with self.subTest(as_list=as_list):
                programs = [Program(self), Program(self)]
                pids = [program.pid for program in programs]
                if as_list:
                    pids = [",".join(map(str, pids))]
                result = self.attach_ok(*pids, output=f"trace{as_list}")
                seen = tids_on_cpu(kernel_events(result.directory))
                for program in programs:
                    self.assertLessEqual(program.sleepers, seen)
                    self.assertIn(f"process {program.pid} (python3)", result.err)

    def test_each_switch_is_told_once(self):
        """Also of threads that are made while their process is attached to."""
        code = """
import threading, time
def make():
    while True:
        thread = threading.Thread(target=time.sleep, args=(0.001,))
        thread.start()
        thread.join()
for _ in range(4):
    threading.Thread(target=make, daemon=True).start()
time.sleep(3600)
"""
        program = subprocess.Popen(["/usr/bin/python3", "-c", code])
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        time.sleep(0.3)
        events = kernel_events(self.attach_ok(program.pid).directory)
        last = {}
        switches = again = 0
        for event in events:
            if event.name == "sched_switch":
                key, side = event.fields["prev_tid"], ("out", event.time_ns)
            elif event.name == "context_switch":
                key, side = event.fields["tid"], event.fields["is_out"]
            else:
                continue
            switches += 1
            again += last.get(key) == side and key != 0
            last[key] = side
        self.assertGreater(switches, 100)
        # The kernel may drop one now and then.
        self.assertLess(again, 5 + switches * 0.01)
        forks = [e.fields["child_tid"] for e in events if e.name == "sched_process_fork"]
        self.assertEqual(len(forks), len(set(forks)))

    def test_what_is_missing_is_said(self):
        result = self.attach_ok(Program(self).pid)
        missing = capture(result.directory).fields["missing"]
        self.assertEqual("not all is recorded" in result.err, "kernel" in missing, result)
        self.assertIn("kernel", capture(result.directory).fields["layers"])

    def test_a_server_goes_on_serving(self):
        if shutil.which("redis-server") is None:
            self.skipTest("redis-server is not installed")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--save", ""],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        ping = ["redis-cli", "-p", str(port), "ping"]
        wait_until(lambda: run(*ping).out == "PONG\n", "redis answered")
        recorder = self.start_attaching(server.pid)
        for _ in range(5):
            self.assertEqual(run(*ping).out, "PONG\n")
        recorder.send_signal(signal.SIGINT)
        trace = self.finish(recorder)
        self.assertIn(server.pid, tids_on_cpu(kernel_events(trace)))
        self.assertEqual(run(*ping).out, "PONG\n")
        self.assertIsNone(server.poll())
        waits = self.report_text(trace, "waits")
        if waits == "No waits were recorded\n":  # the kernel tells this user of none
            return
        self.assertIn("Recorded from outside, event loops may also", waits)
        told = self.report_text(trace, "findings", "--op=epoll_wait")
        self.assertNotIn("for work", told.partition("recorded from outside")[2])
        self.assertIn("but much cannot be seen", told)


class Ends(AttachTest):
    def test_signals_end_the_recording_and_nothing_else(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number):
                program = Program(self)
                recorder = self.start_attaching(program.pid)
                program.ask()
                recorder.send_signal(number)
                trace = self.finish(recorder)
                self.assertTrue(kernel_events(trace))
                self.assert_unharmed(program)

    def test_other_signals_reach_nobody(self):
        program = Program(self)
        recorder = self.start_attaching(program.pid)
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGCONT):
            recorder.send_signal(number)
        time.sleep(0.2)
        self.assertIsNone(recorder.poll())
        self.assert_unharmed(program)
        recorder.send_signal(signal.SIGINT)
        self.finish(recorder)
        self.assert_unharmed(program)

    def test_the_end_of_the_process(self):
        program = Program(self)
        recorder = self.start_attaching(program.pid)
        program.end()
        events = kernel_events(self.finish(recorder))
        ended = {e.fields["tid"] for e in events if e.name == "sched_process_exit"}
        self.assertIn(program.pid, ended)

    def test_the_end_of_all_processes(self):
        first, second = Program(self), Program(self)
        recorder = self.start_attaching(first.pid, second.pid)
        first.end()
        time.sleep(0.3)
        self.assertIsNone(recorder.poll())
        second.end()
        self.finish(recorder)

    def test_duration(self):
        program = Program(self)
        fields = capture(self.attach_ok(program.pid, options=["--duration=400ms"]).directory).fields
        self.assertGreaterEqual(fields["end_ns"] - fields["begin_ns"], 400_000_000)
        self.assertEqual(fields["exit_status"], -1)
        self.assert_unharmed(program)

    def test_delay(self):
        program = Program(self)
        begun = time.monotonic_ns()
        result = self.attach_ok(program.pid, options=["--delay=700ms", "--duration=400ms"])
        fields = capture(result.directory).fields
        self.assertGreaterEqual(fields["begin_ns"], begun + 700_000_000)
        self.assertGreaterEqual(fields["end_ns"] - fields["begin_ns"], 300_000_000)
        self.assertLessEqual(program.sleepers, tids_on_cpu(kernel_events(result.directory)))

    def test_a_killed_recorder(self):
        """What it had is still to be had."""
        program = Program(self)
        recorder = self.start_attaching(program.pid)
        program.ask()
        time.sleep(0.6)
        recorder.kill()
        recorder.wait()
        result = self.ctrace("recover", self.folder / "trace")
        self.assertEqual(result.status, 0, result)
        self.assertLessEqual(program.sleepers, tids_on_cpu(kernel_events(self.folder / "trace")))
        self.assert_unharmed(program)


class WhatItShows(AttachTest):
    def test_each_thread_has_its_waits_from_the_beginning(self):
        program = Program(self)
        trace = self.attach(program.pid, options=["--duration=0.5s"]).directory
        fields = capture(trace).fields
        if "kernel" not in fields["layers"] or "system calls" in fields["missing"]:
            self.skipTest(fields["missing"])
        self.assertEqual(self.ctrace("verify", trace).status, 0)
        result = self.ctrace("report", trace, "--format=json")
        report = json.loads(result.out)
        (process,) = report["processes"]
        self.assertEqual(process["pid"], program.pid)
        self.assertEqual(pathlib.Path(process["exe"]).name, os.path.basename(os.path.realpath("/usr/bin/python3")))
        threads = {thread["tid"]: thread for thread in report["threads"]}
        self.assertEqual(set(threads), program.tids)
        for tid in program.sleepers:
            self.assertGreater(threads[tid]["time_ns"]["sleep"], 300_000_000)
        # The first one waits for its input all the while: it was in that call already.
        first = threads[program.pid]
        life_ns = first["end_ns"] - first["start_ns"]
        self.assertGreater(first["time_ns"]["syscall"], life_ns * 0.9)
        waits = [w for w in report["open_waits"] if w["tid"] == program.pid]
        self.assertEqual([w["operation"] for w in waits], ["read"])
        sample = max(self.profile("sleep", trace).samples, key=lambda sample: sample.delay_ns)
        self.assertIn(sample.labels.get("callers"), (None, "by frame pointers"))

    def test_samples_are_taken_of_what_runs(self):
        burner = subprocess.Popen(
            ["/usr/bin/python3", "-c", "while True: sum(range(1000))"], start_new_session=True
        )
        self.addCleanup(burner.wait)
        self.addCleanup(burner.kill)
        time.sleep(0.3)
        trace = self.attach(burner.pid, options=["--cpu=199", "--duration=1s"]).directory
        if "cpu" not in capture(trace).fields["layers"]:
            self.skipTest(capture(trace).fields["missing"])
        profile = self.profile("cpu", trace)
        self.assertGreater(profile.delay_ns, 100_000_000)
        in_python = sum(
            sample.delay_ns
            for sample in profile.samples
            if any(name.startswith(("_PyEval", "PyEval")) for name in sample.stack)
        )
        self.assertGreater(in_python, profile.delay_ns * 0.5)

    def test_an_ordinary_user_sees_when_threads_had_a_cpu(self):
        program = Program(self)
        trace = self.attach(program.pid, options=["--duration=0.5s"]).directory
        if "kernel" not in capture(trace).fields["layers"]:
            self.skipTest(capture(trace).fields["missing"])
        report = json.loads(self.ctrace("report", trace, "--format=json").out)
        threads = {thread["tid"]: thread for thread in report["threads"]}
        self.assertEqual(set(threads), program.tids)
        for tid in program.sleepers:
            off_ns = sum(threads[tid]["time_ns"][kind] for kind in ("sleep", "unknown", "other"))
            self.assertGreater(off_ns, 300_000_000)


if __name__ == "__main__":
    harness.main()
