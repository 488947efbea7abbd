"""ctrace record -p: which functions a process waits in, of what it did before as of what comes.

All of it takes the kernel's system calls, that is root; without them these tests skip.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import harness
from harness import WORKLOADS, TraceTest, run, wait_until
from test_kernel import capture

VARIANTS = ("bare", "frames", "plain")  # what the code keeps of its frames

# Of the workload `hung`: each thread's functions, leaf first.
HUNG = {
    "futex_wait of take_the_lock": ["take_the_lock"] * 6 + ["wait_for_a_lock"],
    "read of read_into_much": ["read_into_much", "wait_for_input"],
    "futex_wait of wait_for_a_post": ["wait_for_a_post"],
    "futex_wait of wait_for_news": ["wait_for_news"],
    "nanosleep of sleep_long": ["sleep_long"],
    "poll of poll_for_ever": ["poll_for_ever", "main"],
}
FUNCTIONS = {name for stack in HUNG.values() for name in stack}


def plain(name):
    """Without what the compiler appends to the name of a part or a copy."""
    return name.split(".")[0]


def function_of(frame):
    return plain(frame["function"])


def own(names):
    return [name for name in names if name in FUNCTIONS]


def own_functions(frames):
    return own(map(function_of, frames))


def blocked_threads(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    states = [(task / "stat").read_text().rsplit(")", 1)[1].split()[0] for task in tasks]
    return sum(state == "S" for state in states)


class StackTest(TraceTest):
    def start(self, *command, **options):
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )

        self.addCleanup(process.stdout.close)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def start_hung(self, program, *arguments, blocked=6, **options):
        process = self.start(program, *arguments, **options)
        self.assertEqual(process.stdout.readline(), "all wait\n")
        wait_until(lambda: blocked_threads(process.pid) == blocked, "all its threads waited")
        return process

    def attach(self, process, duration="100ms"):
        directory = self.folder / "trace"
        result = self.ctrace("record", "-o", directory, "-p", process.pid, f"--duration={duration}")
        if "perf_event_paranoid" in result.err or "no perf events" in result.err:
            self.skipTest(result.err)
        self.assertEqual(result.status, 0, result)
        fields = capture(directory).fields
        if "kernel" not in fields["layers"] or "system calls" in fields["missing"]:
            self.skipTest(fields["missing"])
        return directory

    def report(self, directory):
        result = self.ctrace("report", directory, "--format=json")
        self.assertEqual(result.status, 0, result)
        self.assertNotIn("addresses", result.err)
        return json.loads(result.out)

    def assert_hung(self, directory, expected=None):
        """All these waits are there, with their functions, from their beginning to their end."""
        report = self.report(directory)
        found = {}
        for wait in report["open_waits"]:
            stack = own_functions(wait["stack"])
            self.assertTrue(stack, wait)
            found[f"{wait['operation']} of {stack[0]}"] = stack
            outermost = function_of(wait["stack"][-1])
            self.assertIn(outermost, ("_start", "__clone3", "clone3"), wait)
        self.assertEqual(found, expected or HUNG)
        self.assertEqual(self.ctrace("verify", directory).status, 0)
        return report


class Blocked(StackTest):
    def test_a_hung_program_tells_where_it_hangs(self):
        for variant in VARIANTS:
            with self.subTest(variant):
                process = self.start_hung(WORKLOADS / f"hung_{variant}")
                directory = self.attach(process)
                report = self.assert_hung(directory)
                (process_start_ns,) = {thread["start_ns"] for thread in report["threads"]}
                for wait in report["open_waits"]:
                    self.assertEqual(wait["begin_ns"], process_start_ns, wait)
                profile = self.profile("sync", directory)
                self.assertEqual({s.labels.get("callers") for s in profile.samples}, {None})
                shutil.rmtree(directory)

    def test_gdb_says_the_same(self):
        for variant in VARIANTS:
            with self.subTest(variant):
                process = self.start_hung(WORKLOADS / f"hung_{variant}")
                directory = self.attach(process)
                gdb = run(
                    *("gdb", "-q", "-nx", "-batch", "-p", process.pid),
                    *("-ex", "thread apply all backtrace"),
                )
                backtraces = {}
                for line in gdb.out.splitlines():
                    if thread := re.match(r"Thread \d+ .*LWP (\d+)", line):
                        backtraces[int(thread[1])] = frames = []
                    elif frame := re.match(r"#\d+ +(?:0x\w+ in )?(\w+)", line):
                        frames.append(frame[1])
                if len(backtraces) != 6:
                    self.skipTest(f"gdb cannot look at it here: {gdb}")
                told = {w["tid"]: own_functions(w["stack"]) for w in self.report(directory)["open_waits"]}
                self.assertEqual(told, {tid: own(names) for tid, names in backtraces.items()})
                shutil.rmtree(directory)

    def test_a_server_without_frame_pointers(self):
        if shutil.which("redis-server") is None:
            self.skipTest("redis-server is not installed")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = self.start("redis-server", "--port", port, "--save", "", cwd=self.folder)
        wait_until(lambda: run("redis-cli", "-p", port, "ping").out == "PONG\n", "redis answered")
        waits = self.report(self.attach(server))["open_waits"]
        for wait in waits:
            names = [function_of(frame) for frame in wait["stack"]]
            if wait["tid"] == server.pid:
                self.assertLess(names.index("aeMain"), names.index("main"), names)
            elif wait["thread"].startswith("bio_"):
                self.assertEqual(names[-3], "bioProcessBackgroundJobs", names)
        self.assertGreaterEqual(len(waits), 4)

    def test_a_process_whose_first_thread_has_ended(self):
        program = WORKLOADS / "hung_plain"
        process = self.start_hung(program, "leader", blocked=5)
        expected = {wait: stack for wait, stack in HUNG.items() if "poll" not in wait}
        report = self.assert_hung(self.attach(process), expected)
        (leader,) = [t for t in report["threads"] if t["tid"] == process.pid]
        self.assertEqual(leader["start_ns"], leader["end_ns"])
        (about,) = report["processes"]
        self.assertEqual(about["exe"], str(program.resolve()))
        self.assertTrue(about["args"].endswith("hung_plain leader"), about)
        read = [wait for wait in report["open_waits"] if wait["operation"] == "read"]
        self.assertIn("pipe", read[0]["object"])


class Names(StackTest):
    """Of files that are not to be found by their names where the recording is read."""

    def assert_names_last(self, process):
        """Also once the process and its files are gone."""
        directory = self.attach(process)
        self.end(process)
        self.assert_hung(directory)
        moved = self.folder / "moved"
        directory.rename(moved)
        self.assert_hung(moved)

    def test_of_a_program_that_was_deleted(self):
        program = self.folder / "gone"
        shutil.copy(WORKLOADS / "hung_plain", program)
        process = self.start_hung(program)
        program.unlink()
        self.assert_names_last(process)

    def test_of_a_program_that_was_replaced(self):
        program = self.folder / "updated"
        shutil.copy(WORKLOADS / "hung_plain", program)
        process = self.start_hung(program)
        program.unlink()
        shutil.copy(WORKLOADS / "hung_bare", program)
        self.assert_names_last(process)

    def test_of_a_program_in_another_mount_namespace(self):
        there = self.folder / "there"
        there.mkdir()
        mount = f"mount -t tmpfs none '{there}' && cp '{{}}' '{there}/program' && exec '{there}/program'"
        if run("unshare", "-m", "mount", "-t", "tmpfs", "none", there).status != 0:
            self.skipTest("nothing can be mounted here")
        unnamed = self.folder / "unnamed"  # has no build id
        result = run("objcopy", "--remove-section=.note.gnu.build-id", WORKLOADS / "hung_plain", unnamed)
        self.assertEqual(result.status, 0, result)
        for program in (WORKLOADS / "hung_plain", unnamed):
            with self.subTest(program.name):
                shell = ["unshare", "-m", "sh", "-c", mount.format(program)]
                self.assert_names_last(self.start_hung(*shell))
                shutil.rmtree(self.folder / "moved")

    def test_files_that_are_found_by_their_names_are_not_copied(self):
        directory = self.attach(self.start_hung(WORKLOADS / "hung_plain"))
        self.assertFalse((directory / "objects").exists())


class Callers(StackTest):
    """Whoever made a system call is there, though the call's wrapper has no frame of its own."""

    def stacks_of_reads(self, variant):
        directory = self.attach(self.start(WORKLOADS / f"callers_{variant}"), duration="500ms")
        stacks = collections.Counter()
        for sample in self.profile("net", directory).samples:
            names = [plain(name) for name in sample.stack]
            if "read" in names and "open" not in sample.labels:
                stacks[tuple(names[names.index("read") :][:5])] += sample.count
        self.assertGreater(sum(stacks.values()), 4)
        return stacks

    def test_with_frame_pointers(self):
        for variant in ("frames", "plain"):
            with self.subTest(variant):
                stacks = self.stacks_of_reads(variant)
                self.assertEqual(
                    {stack[-4:] for stack in stacks},
                    {("read", reader, "serve", "main") for reader in ("read_little", "read_much")},
                )
                shutil.rmtree(self.folder / "trace")

    def test_without_frame_pointers(self):
        stacks = self.stacks_of_reads("bare")
        readers = {stack[stack.index("read", 1) + 1] if "read" in stack[1:] else stack[1] for stack in stacks}
        self.assertEqual(readers, {"read_little", "read_much"})


class Go(StackTest):
    def test_a_thread_without_work_is_idle(self):
        shutil.copy(WORKLOADS / "server.go", self.folder)
        build = run(*("go", "build", "-o", "server", "server.go"), cwd=self.folder, timeout=120)
        self.assertEqual(build.status, 0, build)
        result = self.record_ok(
            self.folder / "server", self.folder / "journal", options=["--kernel=auto"]
        )
        fields = capture(result.directory).fields
        if "kernel" not in fields["layers"] or "system calls" in fields["missing"]:
            self.skipTest(fields["missing"])
        idle = 0
        for kind in harness.CLASSES:
            profile = self.profile(kind, result.directory)
            if profile.samples:
                self.assertEqual(sum("net/http/pprof" in line for line in profile.comments), 1)
            for sample in profile.samples:
                is_idle = bool({"runtime.findRunnable", "runtime.stopm"} & set(sample.stack))
                if is_idle:
                    self.assertEqual(sample.labels.get("idle"), "parked by the Go runtime")
                    self.assertFalse([f for f in sample.stack if f.startswith("main.")], sample)
                    idle += 1
                elif "main.syncEach" in sample.stack:
                    self.assertNotIn("idle", sample.labels)
        self.assertGreater(idle, 0)
        text = self.report_text(result.directory, "--all")
        self.assertEqual(text.count("net/http/pprof"), 1)
        self.assertIn("idle: parked by the Go runtime", text)


if __name__ == "__main__":
    harness.main()
