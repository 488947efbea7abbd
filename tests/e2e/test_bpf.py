"""The kernel layer by BPF programs: whole stacks, what they tell held against perf's, and who else it costs."""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
import unittest

import harness
from harness import CTRACE, WORKLOADS, TraceTest, run, wait_until
from test_kernel import capture, kernel_events

BPF = "--kernel-source=bpf"
PERF = "--kernel-source=perf"
OURS = re.compile(r"name (on_switch|on_waking|on_fork|on_exec|on_rename|on_join|adopt|tell_absent)\b")


def bpftool():
    return shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def our_programs():
    result = run(bpftool(), "prog", "show")
    return OURS.findall(result.out)


class BpfTest(TraceTest):
    def setUp(self):
        super().setUp()
        result = self.ctrace("record", "-o", "probe", "--kernel=sched", BPF, "true")
        fields = capture(self.folder / "probe").fields
        if "kernel" not in fields["layers"]:
            # A kernel that has all that it takes, and refuses: that is a fault of the programs.
            self.assertNotIn("does not take the programs: Invalid argument", fields["missing"] + result.err)
            self.skipTest(f"no BPF here: {fields['missing'] or result.err}")

    def start(self, *command):
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

        def end():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

        self.addCleanup(end)
        return process

    def attach(self, pid, *options, output="trace"):
        result = self.ctrace("record", "-o", output, "-p", pid, *options)
        self.assertEqual(result.status, 0, result)
        return self.folder / output

    def report(self, directory):
        result = self.ctrace("report", directory, "--format=json", "--top=100")
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def assert_verified(self, directory):
        result = self.ctrace("verify", directory)
        self.assertEqual(result.status, 0, result)


class Redis(BpfTest):
    """Debian's server is built without frame pointers, and has no debug information."""

    PORT = "7399"

    def start_redis(self):
        server = self.start("redis-server", "--port", self.PORT, "--save", "", "--dir", self.folder)
        wait_until(
            lambda: "PONG" in run("redis-cli", "-p", self.PORT, "ping").out, "redis answers"
        )
        self.start("redis-benchmark", "-p", self.PORT, "-t", "get", "-n", "100000000", "-c", "20", "-q")
        return server

    @unittest.skipUnless(shutil.which("redis-benchmark"), "no redis here")
    def test_stacks_are_whole(self):
        directory = self.attach(self.start_redis().pid, BPF, "--duration=1s")
        self.assert_verified(directory)
        samples = self.profile("net", directory).samples
        waits = sum(sample.count for sample in samples)
        whole = [s for s in samples if s.stack[-1] in ("_start", "__clone3", "clone3")]
        self.assertGreater(waits, 100)
        self.assertGreaterEqual(sum(sample.count for sample in whole), 0.99 * waits)
        main = [s for s in samples if s.labels["op"] == "epoll_wait"]
        self.assertTrue(main)
        for sample in main:
            # First the operation, then the function.
            named = [name for name in sample.stack[1:] if name in ("epoll_wait", "aeMain", "main", "_start")]
            self.assertEqual(named, ["epoll_wait", "aeMain", "main", "_start"], sample.stack)
            self.assertIsNone(sample.labels.get("callers"))
        names = {thread["name"] for thread in self.report(directory)["threads"]}
        self.assertLessEqual({"redis-server", "bio_close_file", "bio_aof_fsync", "bio_lazy_free"}, names)


class Programs(BpfTest):
    def test_waits_of_a_static_program_have_their_callers(self):
        result = self.record_ok(WORKLOADS / "static_threads", options=["--kernel=syscalls", BPF])
        self.assert_verified(result.directory)
        report = self.report(result.directory)
        ticks = [w for w in report["longest_waits"] if w["thread"] == "ticker"]
        stacks = [[f["function"] for f in wait["stack"]] for wait in ticks]
        self.assertTrue(all("tick" in stack for stack in stacks), stacks)

    ROUNDS = 200

    def wakers(self, *options):
        """How often each function of the workload let somebody go on, as far as its callers are known."""
        result = self.record_ok(
            WORKLOADS / "wakers", self.ROUNDS, options=["--kernel=syscalls", BPF, *options], output="wakers",
        )
        self.assert_verified(result.directory)
        counts = dict.fromkeys(("post_the_semaphore", "write_the_byte"), 0)
        for sample in self.profile("sched", result.directory).samples:
            for name in counts:
                counts[name] += sample.count if {name, "main"} <= set(sample.stack) else 0
        return counts

    def test_who_lets_a_thread_go_on_is_told_with_its_stack(self):
        """Of the same process, and of another one; but for who is told of late, and short of a loss."""
        for name, count in self.wakers("--wakers").items():
            self.assertGreater(count, self.ROUNDS * 0.9, name)
            self.assertLessEqual(count, self.ROUNDS + 1, name)

    def test_it_is_told_on_request_only(self):
        self.assertEqual(sum(self.wakers().values()), 0)

    def test_what_cannot_tell_of_wakers_is_refused(self):
        for option in ("--kernel=off", "--kernel-source=perf"):
            result = self.ctrace("record", "-o", "none", "--wakers", option, "true")
            self.assertNotEqual(result.status, 0)
            self.assertIn(f"leave {option} away", result.err)

    def test_it_tells_the_same_as_perf(self):
        """How long a thread was blocked, which does not depend on how busy the machine is."""
        blocked_ns = {}
        for source in (BPF, PERF):
            result = self.record_ok(
                WORKLOADS / "static_threads", options=["--kernel=syscalls", source], output=source[2:]
            )
            ticks = [s for s in self.profile("sleep", result.directory).samples if "tick" in s.stack]
            self.assertGreater(sum(tick.count for tick in ticks), 10)
            blocked_ns[source] = sum(t.delay_ns for t in ticks) / sum(t.count for t in ticks)
        self.assertAlmostEqual(blocked_ns[BPF], blocked_ns[PERF], delta=1_000_000)
        self.assertGreater(blocked_ns[BPF], 19_000_000)

    def test_children_are_followed_or_left_alone(self):
        script = f"{WORKLOADS / 'static'} & {WORKLOADS / 'static'} & wait"
        for options, is_followed in (([], True), (["--no-follow"], False)):
            with self.subTest(options=options):
                result = self.record_ok(
                    *("sh", "-c", script), options=["--kernel=syscalls", BPF, *options],
                    output=f"followed-{is_followed}",
                )
                names = [thread["name"] for thread in self.report(result.directory)["threads"]]
                self.assertEqual(names.count("static"), 2 if is_followed else 0, names)

    def test_a_thread_that_ends_keeps_its_id(self):
        """Its last switch comes when the kernel has taken the id back."""
        name = f"ends{secrets.token_hex(5)}"  # which nobody else has, who may have no id here
        shutil.copy("/usr/bin/python3", self.folder / name)
        script = (
            "import threading, time\n"
            "for _ in range(8): threading.Thread(target=time.sleep, args=(0.05,)).start()"
        )
        result = self.record_ok(self.folder / name, "-c", script, options=["--kernel=sched", BPF])
        switches = [e.fields for e in kernel_events(result.directory) if e.name == "sched_switch"]
        own = {thread["name"] for thread in self.report(result.directory)["threads"]}
        self.assertEqual(own, {name})
        told = [(s[f"{side}_comm"], s[f"{side}_tid"]) for s in switches for side in ("prev", "next")]
        told = [(name, tid) for name, tid in told if name in own]
        self.assertTrue(told, own)
        self.assertEqual([name for name, tid in told if tid == 0], [])


class Neighbours(BpfTest):
    def test_a_busy_program_beside_fills_nothing(self):
        sleeper = self.start("sleep", "60")
        quiet = self.attach(sleeper.pid, BPF, "--duration=500ms", output="quiet")
        self.start("sh", "-c", "while :; do true | true; done")
        time.sleep(0.2)
        busy = self.attach(sleeper.pid, BPF, "--duration=500ms", output="busy")
        sizes = [
            sum(file.stat().st_size for file in (trace / "kernel").iterdir()) for trace in (quiet, busy)
        ]
        self.assertLess(sizes[1], sizes[0] + 4096, sizes)

    @unittest.skipUnless(bpftool(), "no bpftool here")
    def test_nothing_stays_in_the_kernel(self):
        for kill in (signal.SIGINT, signal.SIGKILL):
            with self.subTest(kill=kill):
                sleeper = self.start("sleep", "60")
                before = len(our_programs())
                recorder = self.start(CTRACE, "record", "-o", self.folder / f"{kill}", BPF, "-p", sleeper.pid)
                wait_until(lambda: len(our_programs()) > before, "the programs are loaded")
                recorder.send_signal(kill)
                recorder.wait()
                wait_until(lambda: len(our_programs()) <= before, "the programs are gone")


if __name__ == "__main__":
    harness.main()
