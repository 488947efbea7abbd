"""Programs that no preload gets into, and calls that it does not see: told of by the kernel.

For most of it that takes root. Where the kernel gives less these tests skip, with its reason.
"""

import collections
import json
import os
import re
import shutil

from harness import CLASSES, WORKLOADS, TraceTest, main, read_events, run, workload_answer

# What the scenarios of the workload `waits` are where only its system calls are seen. Its pipes and
# socket pairs come in pairs, whose numbers no call tells.
CALLS = {
    "mutex": ("futex_wait", "sync"),
    "timedlock": ("futex_wait", "sync"),
    "cond": ("futex_wait", "sync"),
    "cond-timeout": ("futex_wait", "sync"),
    "sem": ("futex_wait", "sync"),
    "sem-timeout": ("futex_wait", "sync"),
    "join": ("futex_wait", "sync"),
    "read-pipe": ("read", "syscall"),
    "write-pipe": ("write", "syscall"),
    "recv": ("recvfrom", "net"),
    "recvmsg": ("recvmsg", "net"),
    "accept": ("accept", "net"),
    "eventfd": ("read", "sync"),
    "timerfd": ("read", "sleep"),
    "poll-socket": ("poll", "net"),
    "poll-nothing": ("poll", "sleep"),
    "epoll": ("epoll_wait", "net"),
    "nanosleep": ("nanosleep", "sleep"),
    "waitpid": ("waitpid", "syscall"),
    "open-fifo": ("open", "syscall"),
}

RATE_NS = 10_000

# What only the kernel tells of, in a program that the preload sees: the C library's own locks.
LIBRARY_OPERATIONS = {"futex_wait", "system call"}

# strace -c's name of a call -> ctrace's of the operation.
STRACE_NAMES = {
    "read": "read",
    "write": "write",
    "futex": None,  # only some are waits
    "recvfrom": "recvfrom",
    "sendto": "sendto",
    "accept": "accept",
    "connect": "connect",
    "poll": "poll",
    "epoll_wait": "epoll_wait",
    "wait4": "waitpid",
    "ioctl": "ioctl",
}


def capture(directory):
    (event,) = [e for e in read_events(directory) if e.name == "ctrace:capture"]
    return event.fields


class HiddenTest(TraceTest):
    def needs_calls(self, directory):
        fields = capture(directory)
        if "kernel" not in fields["layers"] or "system calls" in fields["missing"]:
            self.skipTest(fields["missing"])

    def report(self, directory):
        result = self.ctrace("report", directory, "--format=json")
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def assert_verified(self, directory):
        """But for what this kernel does not tell perf of."""
        result = self.ctrace("verify", directory)
        self.assertEqual(result.status, 0, result)

    def build(self, *command):
        result = run(*command, cwd=self.folder, timeout=120)
        self.assertEqual(result.status, 0, result)


class StaticPrograms(HiddenTest):
    def test_waits_have_their_time_class_and_stack(self):
        result = self.record_ok(WORKLOADS / "waits_static", options=["--kernel=auto"])
        trace = result.directory
        self.assertRegex(result.err, "statically linked.*of the kernel")
        self.needs_calls(trace)
        self.assert_verified(trace)
        profiles = {kind: self.profile(kind, trace) for kind in CLASSES}
        for answer in workload_answer(result):
            operation, kind = CALLS.get(answer["name"], (None, None))
            if operation is None or answer["count"] == 0:
                continue
            with self.subTest(answer["name"]):
                mine = [
                    sample
                    for sample in profiles[kind].samples
                    if sample.labels["tid"] == str(answer["tid"])
                    and sample.labels["op"] == operation
                ]
                total_ns = sum(sample.delay_ns for sample in mine)
                # It measures what its threads stood in line for a CPU, too; and one that came late
                # had less to wait for, or nothing. That it waits for its partner's end, on another
                # futex, is no part of what it measured.
                surplus = 1.02 if operation != "futex_wait" else 2
                self.assertLessEqual(total_ns, answer["total_ns"] * surplus)
                self.assertGreater(total_ns, answer["total_ns"] * 0.5)
                self.assertTrue(all(sample.labels["thread"] == answer["name"] for sample in mine))
                self.assertTrue(all(sample.stack for sample in mine), mine)

    def test_the_kernels_waits_need_no_preload_to_be_opened(self):
        trace = self.record_ok(WORKLOADS / "static", options=["--kernel=auto"]).directory
        self.needs_calls(trace)
        self.assert_opens_everywhere(trace)
        (process,) = self.report(trace)["processes"]
        self.assertEqual(process["name"], "static")
        self.assertEqual(process["exe"], str((WORKLOADS / "static").resolve()))

    def test_a_static_child_is_seen_beside_its_parent(self):
        trace = self.record_ok(
            "sh", "-c", f"{WORKLOADS / 'static'}; sleep 0.05", options=["--kernel=syscalls"]
        ).directory
        self.needs_calls(trace)
        self.assert_verified(trace)
        names = sorted(process["name"] for process in self.report(trace)["processes"])
        self.assertEqual(names, ["sh", "sleep", "static"])
        (sample,) = [s for s in self.profile("sleep", trace).samples if s.labels["process"] == "static"]
        self.assertGreater(sample.delay_ns, 45_000_000)

    def test_what_still_waits_at_the_end_is_there(self):
        recorder = self.start_record(
            WORKLOADS / "waits_static", options=["--kernel=auto", "--duration=0.3s"]
        )
        recorder.communicate(timeout=30)
        self.needs_calls(self.folder / "trace")
        report = self.report(self.folder / "trace")
        # The first thread waits for all others.
        first = min(thread["tid"] for thread in report["threads"])
        self.assertIn(
            ("futex_wait", first), [(w["operation"], w["tid"]) for w in report["open_waits"]]
        )

    def test_an_ordinary_user_is_told_what_that_takes(self):
        if os.getuid() == 0:
            self.skipTest("root may see it all")
        result = self.record(WORKLOADS / "static", options=["--kernel=syscalls"])
        self.assertIn("static was here", result.out)
        self.assertRegex(result.err, "system calls: ", result)
        self.assertRegex(capture(result.directory)["missing"], "system calls: ")

    def test_times_off_the_cpu_are_there_without_calls(self):
        result = self.record_ok(WORKLOADS / "static", options=["--kernel=sched"])
        if "kernel" not in capture(result.directory)["layers"]:
            self.skipTest(capture(result.directory)["missing"])
        (thread,) = self.report(result.directory)["threads"]
        self.assertGreater(thread["time_ns"]["unknown"], 45_000_000)
        self.assertEqual(thread["time_ns"]["other"], 0)


class DelayedRecordings(HiddenTest):
    """Of a program whose threads were there before the recording began."""

    NAMES = {"static_threads", "sleeper", "locker", "ticker", "latecomer"}

    def record_delayed(self, *command, kernel):
        """Its threads, by name."""
        trace = self.record_ok(*command, options=["--delay=0.3s", f"--kernel={kernel}"]).directory
        if "kernel" not in capture(trace)["layers"]:
            self.skipTest(capture(trace)["missing"])
        if kernel == "syscalls":
            self.needs_calls(trace)
        self.assert_verified(trace)
        threads = self.report(trace)["threads"]
        return {thread["name"]: thread for thread in threads if thread["name"] != "sh"}

    def assert_waits(self, thread, kind):
        """All the time, of that kind."""
        time_ns = thread["time_ns"]
        self.assertGreater(time_ns[kind], 0.9 * sum(time_ns.values()), thread)

    def test_threads_that_were_there_have_their_names_and_waits(self):
        threads = self.record_delayed(WORKLOADS / "static_threads", kernel="syscalls")
        self.assertEqual(set(threads), self.NAMES)
        self.assert_waits(threads["sleeper"], "sleep")
        self.assert_waits(threads["locker"], "sync")
        self.assert_waits(threads["ticker"], "sleep")
        self.assert_waits(threads["latecomer"], "sleep")
        self.assert_waits(threads["static_threads"], "sleep")

    def test_so_have_those_of_a_child_of_a_program_with_a_preload(self):
        command = f"{WORKLOADS / 'static_threads'}; true"
        threads = self.record_delayed("sh", "-c", command, kernel="syscalls")
        self.assertEqual(set(threads), self.NAMES)
        self.assert_waits(threads["sleeper"], "sleep")
        self.assert_waits(threads["locker"], "sync")

    def test_without_calls_they_are_known_not_to_run(self):
        threads = self.record_delayed(WORKLOADS / "static_threads", kernel="sched")
        self.assertGreaterEqual(set(threads), self.NAMES - {"latecomer"})
        for name in ("static_threads", "sleeper", "locker", "ticker"):
            self.assert_waits(threads[name], "unknown")

    def test_a_process_that_was_over_by_then_is_not_there(self):
        command = f"{WORKLOADS / 'static'}; {WORKLOADS / 'static_threads'}; true"
        threads = self.record_delayed("sh", "-c", command, kernel="sched")
        self.assertNotIn("static", threads)
        self.assertIn("ticker", threads)


class OtherLanguages(HiddenTest):
    def test_a_go_server_has_its_functions(self):
        shutil.copy(WORKLOADS / "server.go", self.folder)
        self.build("env", "CGO_ENABLED=0", "go", "build", "-o", "server", "server.go")
        result = self.record_ok(
            self.folder / "server", self.folder / "journal", options=["--kernel=auto"]
        )
        trace = result.directory
        self.needs_calls(trace)
        self.assert_verified(trace)
        waits = {name for sample in self.profile("net", trace).samples for name in sample.stack}
        self.assertIn("runtime.findRunnable", waits)
        syncs = [s for s in self.profile("syscall", trace).samples if s.labels["op"] == "fsync"]
        self.assertTrue(syncs)
        for sample in syncs:
            self.assertIn("main.syncEach", sample.stack)
            self.assertIn("main.main", sample.stack)
        self.assertIn("runtime.futex", self.profile("sync", trace).samples[0].stack)

    def test_a_go_program_with_c_in_it_is_known_as_go(self):
        shutil.copy(WORKLOADS / "server.go", self.folder)
        self.build("env", "CGO_ENABLED=1", "go", "build", "-o", "server", "server.go")
        result = self.record_ok(
            self.folder / "server", self.folder / "journal", options=["--kernel=auto"]
        )
        self.assertRegex(result.err, "Go program")
        self.needs_calls(result.directory)
        self.assertTrue(
            any(
                "main.syncEach" in sample.stack
                for sample in self.profile("syscall", result.directory).samples
            )
        )

    def test_a_rust_program_has_its_functions(self):
        if not shutil.which("rustc"):
            self.skipTest("no rustc here")
        source = WORKLOADS / "convoy.rs"
        self.build("rustc", "-O", "-g", "-C", "force-frame-pointers=yes", source, "-o", "linked")
        self.build(
            *("rustc", "-O", "-g", "-C", "force-frame-pointers=yes"),
            *("-C", "target-feature=+crt-static", source, "-o", "static"),
        )
        for name in ("linked", "static"):
            with self.subTest(name):
                options = ["--kernel=auto"] if name == "static" else []
                result = self.record_ok(self.folder / name, options=options, output=f"{name}.data")
                if name == "static":
                    self.needs_calls(result.directory)
                # Its library was built without frame pointers: perf's stacks end there.
                function = "hold_the_lock" if name == "linked" else "syscall"
                samples = [
                    sample
                    for sample in self.profile("sync", result.directory).samples
                    if any(function in called for called in sample.stack)
                ]
                # Of 20 turns of 5 ms all but the first wait for those before them, as far as the
                # machine lets the threads begin at about the same time.
                self.assertGreater(sum(sample.delay_ns for sample in samples), 20_000_000)
                self.assertTrue(all(sample.labels["op"] == "futex_wait" for sample in samples))
                self.assertLessEqual(
                    {sample.labels.get("callers") for sample in samples},
                    {None} if name == "linked" else {None, "by frame pointers"},
                )


class CallsBesideThePreload(HiddenTest):
    def test_no_wait_is_counted_twice_and_none_is_left_out(self):
        result = self.record_ok(WORKLOADS / "raw_calls", options=["--kernel=syscalls"])
        trace = result.directory
        self.needs_calls(trace)
        self.assert_verified(trace)
        answer = workload_answer(result)
        samples = self.profile("sleep", trace).samples
        unseen = [sample for sample in samples if "sleep_unseen" in sample.stack]
        seen = [sample for sample in samples if "sleep_unseen" not in sample.stack]
        self.assertEqual(sum(sample.count for sample in unseen), 10)
        self.assertEqual(sum(sample.count for sample in seen), 10)
        for kind, least_ns in ((unseen, 200_000_000), (seen, 100_000_000)):
            measured_ns = answer["unseen_ns" if kind is unseen else "seen_ns"]
            waited_ns = sum(sample.delay_ns for sample in kind)
            self.assertLessEqual(waited_ns, measured_ns)
            self.assertGreater(waited_ns, least_ns * 0.95)

    def test_a_program_that_the_preload_sees_has_the_same_waits(self):
        result = self.record_ok(WORKLOADS / "waits", options=["--kernel=syscalls"])
        trace = result.directory
        self.needs_calls(trace)
        told, counted, rounded = collections.Counter(), collections.Counter(), collections.Counter()
        for event in self.waits(trace):
            told[event.fields["op"]] += max(1, RATE_NS / max(event.fields["duration_ns"], 1))
        for kind in CLASSES:
            for sample in self.profile(kind, trace).samples:
                counted[sample.labels["op"]] += sample.count
                rounded[sample.labels["op"]] += 0.5
        for operation in set(counted) - LIBRARY_OPERATIONS:
            with self.subTest(operation):
                # A few calls of the C library's own, too: it reads files.
                delta = 3 + rounded[operation]
                self.assertAlmostEqual(counted[operation], told[operation], delta=delta)


class StraceAgrees(HiddenTest):
    def count_calls(self, exe, *command):
        """What strace counts in all, by its names, and what the report counts of exe, by ours."""
        counts = self.folder / "counts"
        result = self.record_ok(
            *("strace", "-f", "-c", "-U", "calls,name", "-o", counts, *command),
            # BPF programs tell of calls that have blocked only.
            options=["--kernel=syscalls", "--kernel-source=perf"],
        )
        trace = result.directory
        self.needs_calls(trace)
        straced = {
            match[2]: int(match[1])
            for match in re.finditer(r"^\s*(\d+)\s+(\w+)$", counts.read_text(), re.MULTILINE)
        }
        report = self.report(trace)
        pids = {p["pid"] for p in report["processes"] if p["exe"].endswith(exe)}
        calls = collections.Counter()
        for row in report["calls"]:
            if row["pid"] in pids:
                calls[row["operation"]] += row["calls"]
        return straced, calls

    def test_calls_are_as_many_as_strace_counts(self):
        straced, calls = self.count_calls("waits_static", WORKLOADS / "waits_static")
        compared = 0
        for name, operation in STRACE_NAMES.items():
            if operation is None or name not in straced:
                continue
            compared += 1
            with self.subTest(name):
                self.assertEqual(calls[operation], straced[name])
        self.assertGreater(compared, 4, straced)

    def test_a_call_that_goes_on_after_a_stop_is_one(self):
        script = f"{WORKLOADS / 'static'} & sleep 0.03; kill -STOP $!; kill -CONT $!; wait"
        for _ in range(10):
            straced, calls = self.count_calls("static", "sh", "-c", script)
            if "restart_syscall" in straced:
                break
        self.assertIn("restart_syscall", straced)
        self.assertEqual(calls["nanosleep"], 1)


if __name__ == "__main__":
    main()
