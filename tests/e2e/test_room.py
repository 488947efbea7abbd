"""Where there is little room: few open files, little shared memory, a small disk."""

import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import time
import unittest

from harness import (
    CTRACE,
    SMALL_FS,
    WORKLOADS,
    TraceTest,
    main,
    process_ids,
    read_events,
    run,
    session_daemons,
    wait_until,
)

ENDINGS = WORKLOADS / "endings"

# Of alive_ns in struct ct_control.
ALIVE_NS_OFFSET = 72


class OpenFiles(TraceTest):
    def test_it_records_or_says_that_it_does_not_and_the_program_runs(self):
        # With three, the loader of no program finds its libraries.
        for count in (*range(4, 41, 3), 41, 64, 127, 256):
            with self.subTest(count):
                result = run(
                    CTRACE,
                    "record",
                    "-o",
                    self.folder / f"trace-{count}",
                    "--",
                    *(ENDINGS, "exit", "7"),
                    preexec_fn=lambda count=count: resource.setrlimit(
                        resource.RLIMIT_NOFILE, (count, count)
                    ),
                )
                self.assertEqual(result.status, 7, result)
                if (self.folder / f"trace-{count}").exists():
                    self.assertRegex(result.err, "recorded 1 process.*\n.*nothing lost")
                else:
                    self.assertRegex(result.err, f"only {count} files.*ulimit.*\n.*runs without")

    def test_a_soft_limit_is_the_programs_alone(self):
        result = run(
            *(CTRACE, "record", "-o", self.folder / "trace", "--", "sh", "-c", "ulimit -n"),
            preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (20, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
            ),
        )
        self.assertEqual((result.status, result.out), (0, "20\n"), result)
        self.assertIn("nothing lost", result.err)

    def test_attaching_is_refused(self):
        result = run(
            *(CTRACE, "record", "-p", os.getpid()),
            cwd=self.folder,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)),
        )
        self.assert_refused(result, "only 20 files", status=125)


class SharedMemory(TraceTest):
    def setUp(self):
        super().setUp()
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")

    def record_with(self, free_kb):
        """In a /dev/shm of its own, with so much left in it."""
        trace = self.folder / f"trace-{free_kb}"
        script = f"""mount -t tmpfs -o size=32m tmpfs /dev/shm || exit 99
            head -c $((32 * 1024 - {free_kb}))k /dev/zero > /dev/shm/ballast
            exec {CTRACE} record -o {trace} --kernel=off -- {ENDINGS} sleep 20"""
        began = time.monotonic()
        result = run("unshare", "--mount", "sh", "-c", script, timeout=90)
        if result.status == 99 or "unshare" in result.err:
            self.skipTest(f"no /dev/shm of its own to be had here: {result.err}")
        return result, trace, time.monotonic() - began

    def test_too_little_for_the_buffers_is_said_at_once(self):
        _, _, usual_s = self.record_with(30000)
        result, trace, took_s = self.record_with(300)
        self.assertRegex(result.err, r"need \d\S+ MB of shared memory.*/dev/shm has 0\.\d MB free")
        self.assertRegex(result.err, "the program runs without")
        self.assertFalse(trace.exists())
        self.assertLess(took_s, 10 * usual_s + 5)

    def test_less_than_usual_is_enough(self):
        for free_kb in (3000, 6000, 12000):
            with self.subTest(free_kb):
                result, trace, _ = self.record_with(free_kb)
                self.assertEqual(result.status, 0, result)
                self.assertIn("nothing lost", result.err)
                self.assertTrue(self.waits(trace, op="nanosleep"))


class Disk(TraceTest):
    def record_until_it_ends(self, trace, *options):
        """A program that waits for as long as it is recorded, and a little more."""
        script = f"""while [ ! -e enough ]; do
            {ENDINGS} flood 700 >/dev/null
            sleep 0.1
        done
        sleep 0.1; exit 5"""
        recorder = self.start_record("sh", "-c", script, options=options, output=trace)
        said = recorder.stderr.readline()
        self.assertRegex(said, "the recording ends, and the program goes on")
        (self.folder / "enough").touch()
        _, err = recorder.communicate(timeout=60)
        self.assertEqual(recorder.returncode, 5, err)
        self.assertRegex(err, r"not complete: what came after \d\S* m?s is not recorded")
        return said + err

    def check_that_it_says_so(self, trace, words):
        """What was recorded until then is whole."""
        report = re.sub(r"\s+", " ", self.report_text(trace))
        self.assertRegex(report, f"! LOST waits: what came after .*{words}")
        self.assertRegex(self.ctrace("verify", trace).out, f"waits were lost: what came.*{words}")
        comments = " ".join(self.profile("syscall", trace).comments)
        self.assertRegex(comments, f"waits were lost: what came.*{words}")
        self.assertNotIn("nothing was lost", comments)
        (capture,) = [e for e in read_events(trace) if e.name == "ctrace:capture"]
        ended = [wait for wait in self.waits(trace) if wait.name != "ctrace:inflight"]
        self.assertEqual(len(ended), capture.fields["waits_recorded"])

    def size_of(self, trace):
        """Of what was recorded: an index of that is the reader's."""
        files = [path for path in trace.rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in files if path.parent != trace)

    def test_a_recording_ends_before_it_has_more_than_it_may(self):
        trace = self.folder / "trace"
        err = self.record_until_it_ends(trace, "--max-size=2M", "--rate=0")
        self.assertNotIn("nothing lost", err)
        self.check_that_it_says_so(trace, r"it had \d\.\d MB, and may have 2\.0 MB")
        self.assertLess(self.size_of(trace), 2_500_000)

    def test_a_program_that_is_over_soon_is_bounded_as_well(self):
        options = ["--rate=0", "--kernel=off"]
        for turn in range(8):
            whole = self.record_ok(ENDINGS, "flood", "60000", options=options, output=f"whole-{turn}")
            bounded = self.record(
                ENDINGS, "flood", "60000", options=[*options, "--max-size=1M"], output=f"bounded-{turn}"
            )
            self.assertEqual(bounded.out, "60000\n")
            # On a busy machine both may have lost too much to become too large.
            if "nothing lost" in whole.err and "not complete" in bounded.err:
                break
        self.assertRegex(bounded.err, "not complete: what came after")
        self.assertLess(self.size_of(bounded.directory), self.size_of(whole.directory) / 2)

    @unittest.skipUnless(os.getuid() == 0, "the kernel tells others too little for that")
    def test_what_the_kernel_tells_counts_as_well(self):
        trace = self.folder / "trace"
        self.record_until_it_ends(trace, "--max-size=2MB", "--kernel=sched")
        # And what comes, with stacks of some KB each, between two looks.
        self.assertLess(self.size_of(trace), 4_000_000)
        self.assertFalse((trace / "spool").exists())

    @unittest.skipUnless(SMALL_FS, "it takes root to mount a small file system")
    def test_a_recording_ends_before_its_disk_is_full(self):
        trace = pathlib.Path(SMALL_FS) / "trace"
        self.addCleanup(shutil.rmtree, trace, ignore_errors=True)
        err = self.record_until_it_ends(trace, "--rate=0")
        self.assertNotIn("nothing lost", err)
        words = r"the disk of \S+ was nearly full: \d\.\d MB were free, and finishing"
        self.check_that_it_says_so(trace, words)

    def test_sizes_that_make_no_sense(self):
        for size in ("10", "M", "1k", "0M", "-5M", "5 parsecs", "1e30G"):
            with self.subTest(size):
                result = self.ctrace("record", f"--max-size={size}", "true")
                self.assert_refused(result, "max-size", "500M", status=2)


class Boards(TraceTest):
    """Each process has one in shared memory."""

    FORKS = 300

    def setUp(self):
        super().setUp()
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")
        self.others = set(pathlib.Path("/dev/shm").glob("ctrace*"))
        self.addCleanup(self.remove_boards)

    def remove_boards(self):
        for path in set(pathlib.Path("/dev/shm").glob("ctrace*")) - self.others:
            shutil.rmtree(path, ignore_errors=True)

    def boards(self):
        mine = set(pathlib.Path("/dev/shm").glob("ctrace*")) - self.others
        return [board for place in mine for board in place.rglob("*.board")]

    def start_forks(self):
        """It forks when it gets a line, says that it did, and ends at another line."""
        script = f"""import os, sys
print("ready", flush=True)
sys.stdin.readline()
for _ in range({self.FORKS}):
    if os.fork() == 0:
        os._exit(0)
    os.wait()
print("forked", flush=True)
sys.stdin.readline()"""
        recorder = self.start_record("/usr/bin/python3", "-c", script, stdin=subprocess.PIPE)
        self.assertEqual(recorder.stdout.readline(), "ready\n")
        return recorder

    def tell(self, recorder):
        recorder.stdin.write("go\n")
        recorder.stdin.flush()

    def fork(self, recorder):
        self.tell(recorder)
        self.assertEqual(recorder.stdout.readline(), "forked\n")

    def test_those_of_ended_processes_go_while_no_event_is_taken(self):
        recorder = self.start_forks()
        for pid in process_ids("lttng-consumerd"):
            os.kill(pid, signal.SIGKILL)
        time.sleep(2.5)  # the recorder looks once a second
        self.fork(recorder)
        wait_until(lambda: len(self.boards()) < 10, "their boards were gone")
        self.tell(recorder)
        _, err = recorder.communicate(timeout=60)
        self.assertRegex(err, f"recorded {1 + self.FORKS} processes")
        self.assertNotIn("nothing lost", err)
        (capture,) = [e for e in read_events(self.folder / "trace") if e.name == "ctrace:capture"]
        self.assertEqual(capture.fields["process_count"], 1 + self.FORKS)

    def test_there_are_no_new_ones_once_the_recorder_is_gone(self):
        recorder = self.start_forks()
        recorder.kill()
        recorder.wait(20)
        (board,) = self.boards()
        with (board.parent / "control").open("r+b") as control:
            control.seek(ALIVE_NS_OFFSET)
            control.write((time.monotonic_ns() - 60_000_000_000).to_bytes(8, "little"))
        self.fork(recorder)
        self.assertEqual(self.boards(), [board])
        self.tell(recorder)
        result = self.ctrace("recover", "trace")
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.err, "recorded 1 process,")


if __name__ == "__main__":
    main()
