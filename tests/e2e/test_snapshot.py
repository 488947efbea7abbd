"""What a recording that goes on has so far, as a recording of its own: ctrace snapshot."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from harness import (
    CTRACE,
    SMALL_FS,
    WAIT_EVENTS,
    TraceTest,
    has_ended,
    main,
    read_events,
    recorder_of,
    wait_until,
)

# Does what it is told to, and says when it is done. Waits of its own kind tell what that was; one
# thread waits all the time for what never comes, in a stack of its own.
PROGRAM = """
import ctypes, os, select, sys, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
blocks = []
never, _ = os.pipe()
def wait_for_ever():
    os.read(never, 1)
threading.Thread(target=wait_for_ever, daemon=True).start()
def work(word, count):
    if word == "select":
        for _ in range(count):
            select.select([], [], [], 0.002)
    if word == "malloc":
        blocks.extend(libc.malloc(7777) for _ in range(count))
    if word == "free":
        for _ in range(count):
            libc.free(blocks.pop())
print("ready", flush=True)
for line in sys.stdin:
    word, count = line.split()
    work(word, int(count))
    print("done", flush=True)
"""

# Threads that hand bytes on, and say now and then how many that were, until their input ends.
FLOOD = """
import os, sys, threading, time
reading, writing = os.pipe()
count = 0
def read():
    global count
    while os.read(reading, 1):
        count += 1
        if count % 100 == 0:
            print(count, flush=True)
            time.sleep({pause})
def write():
    while True:
        os.write(writing, b"x")
for each in (read, write):
    threading.Thread(target=each, daemon=True).start()
sys.stdin.read()
os._exit(0)
"""

# Those of the interpreter's start.
OTHER_READS = 1000

# Children come and go, of which some become other programs.
FORKS = """
import os, sys, threading, time
def run():
    while True:
        child = os.fork()
        if child == 0:
            time.sleep(0.002)
            if os.getpid() % 3 == 0:
                os.execv("/bin/true", ["true"])
            os._exit(0)
        os.waitpid(child, 0)
threads = [threading.Thread(target=run, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
print("ready", flush=True)
sys.stdin.readline()
os._exit(0)
"""


def about(since_ns, duration_ns, capture):
    """When that began and ended, where it is what the capture says but for some milliseconds."""
    begin_ns, end_ns = capture["begin_ns"], capture["end_ns"]
    until_ns = since_ns + duration_ns
    return (
        begin_ns if abs(since_ns - begin_ns) < 1_000_000 else since_ns,
        end_ns if until_ns == end_ns else until_ns,
    )


def session_directories():
    return set(pathlib.Path("/dev/shm").glob("ctrace-*"))


class SnapshotTest(TraceTest):
    def setUp(self):
        super().setUp()
        self.others = session_directories()
        self.number = 0

    def start(self, program, *options, **more):
        return self.start_record(
            *("/usr/bin/python3", "-c", program),
            options=["--rate=0", *options],
            stdin=subprocess.PIPE,
            **more,
        )

    def start_flood(self, *options, pause=0.01):
        recorder = self.start(FLOOD.format(pause=pause), "--lossless", *options)
        recorder.stdout.readline()
        return recorder

    def start_obedient(self, *options):
        recorder = self.start(PROGRAM, *options)
        self.assertEqual(recorder.stdout.readline(), "ready\n")
        return recorder

    def tell(self, recorder, line):
        recorder.stdin.write(line + "\n")
        recorder.stdin.flush()
        self.assertEqual(recorder.stdout.readline(), "done\n")

    def snapshot(self, *options):
        """Its folder; it is as whole as any recording."""
        self.number += 1
        taken = self.folder / f"snapshot{self.number}"
        result = self.ctrace("snapshot", self.folder / "trace", "-o", taken, *options)
        self.assertEqual(result.status, 0, result)
        self.assertIn("so far", result.err)
        self.assertIn("nothing lost", result.err)
        self.check_sound(taken)
        return taken

    def check_sound(self, trace):
        result = self.ctrace("verify", trace)
        self.assertEqual(result.status, 0, result)
        self.assertIn("all adds up", result.out)

    def finish(self, recorder):
        recorder.stdin.close()
        recorder.wait(timeout=60)
        err = recorder.stderr.read()
        self.assertEqual(recorder.returncode, 0, err)
        self.assertIn("nothing lost", err)
        self.check_sound(self.folder / "trace")

    def ended_waits(self, trace, op):
        return [
            event
            for event in read_events(trace)
            if event.name in WAIT_EVENTS and event.fields["op"] == op
        ]

    def assert_nothing_left(self, output="snapshot"):
        """But what the recording itself has."""
        self.assertEqual(sorted(path.name for path in self.folder.glob(output + "*")), [])
        self.assertLessEqual(len(session_directories() - self.others), 1)


class Moments(SnapshotTest):
    def test_each_has_what_was_done_by_then(self):
        recorder = self.start_obedient()
        done = 0
        for count in (7, 0, 40):
            self.tell(recorder, f"select {count}")
            done += count
            taken = self.snapshot()
            self.assertEqual(len(self.ended_waits(taken, "select")), done)
            self.check_open_wait(taken)
            self.assertIn("snapshot of a recording that went on", self.report_text(taken))
        self.finish(recorder)
        self.assertEqual(len(self.ended_waits(self.folder / "trace", "select")), done)
        self.assertNotIn("snapshot", self.report_text(self.folder / "trace"))
        self.assertEqual(session_directories() - self.others, set())

    def check_open_wait(self, taken):
        """Up to the moment of the snapshot, and with its stack."""
        events = read_events(taken)
        end_ns = next(e.fields["end_ns"] for e in events if e.name == "ctrace:capture")
        reads = [e for e in events if e.name == "ctrace:inflight" and e.fields["op"] == "read"]
        of_thread = [e for e in reads if e.fields["is_open"] and e.fields["tid"] != e.fields["pid"]]
        self.assertEqual(len(of_thread), 1, reads)
        wait = of_thread[0].fields
        self.assertEqual(wait["since_ns"] + wait["duration_ns"], end_ns)
        profile = self.profile("syscall", taken)
        self.assertIn("wait_for_ever", str([s.stack for s in profile.samples]))

    def test_by_all_names(self):
        recorder = self.start(PROGRAM, output="ctrace.data")
        self.assertEqual(recorder.stdout.readline(), "ready\n")
        for _ in range(2):
            result = self.ctrace("snapshot")
            self.assertEqual(result.status, 0, result)
        self.check_sound(self.folder / "ctrace.data.snapshot")
        self.check_sound(self.folder / "ctrace.data.snapshot.old")

    def test_through_a_link(self):
        self.start_obedient()
        (self.folder / "link").symlink_to(self.folder)
        result = self.ctrace("snapshot", self.folder / "link" / "trace", "-o", "snapshot")
        self.assertEqual(result.status, 0, result)
        self.check_sound(self.folder / "snapshot")

    def test_on_another_file_system(self):
        recorder = self.start_obedient()
        self.tell(recorder, "select 7")
        elsewhere = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.addCleanup(shutil.rmtree, elsewhere)
        result = self.ctrace("snapshot", "trace", "-o", elsewhere / "snapshot")
        self.assertEqual(result.status, 0, result)
        self.check_sound(elsewhere / "snapshot")
        self.assertEqual(len(self.ended_waits(elsewhere / "snapshot", "select")), 7)
        self.finish(recorder)

    def test_while_threads_are_busy(self):
        recorder = self.start_flood()
        said = self.follow(recorder)
        for _ in range(2):
            before = said[-1]
            taken = self.snapshot()
            after = said[-1]
            reads = len(self.ended_waits(taken, "read"))
            self.assertGreaterEqual(reads, before)
            self.assertLessEqual(reads, after + OTHER_READS)

    def follow(self, recorder):
        """All counts that it has said so far, at any time."""
        said = [0]

        def read():
            for line in recorder.stdout:
                said.append(int(line))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()

        def end():
            recorder.stdin.close()
            recorder.wait(timeout=60)
            thread.join()

        self.addCleanup(end)
        wait_until(lambda: said[-1] > 0, "it said something")
        return said

    def test_of_processes_that_come_and_go(self):
        recorder = self.start(FORKS)
        self.assertEqual(recorder.stdout.readline(), "ready\n")
        counts = []
        for _ in range(4):
            taken = self.snapshot()
            names = [event.name for event in read_events(taken)]
            counts.append(names.count("ctrace:process"))
        self.assertEqual(counts, sorted(counts))
        recorder.stdin.write("end\n")
        self.finish(recorder)

    def test_of_the_heap(self):
        recorder = self.start_obedient("--heap=0")
        live = allocated = 0
        for line, more in (("malloc 50", 50), ("free 20", -20), ("malloc 5", 5)):
            self.tell(recorder, line)
            live += more
            allocated += max(more, 0)
            sites = [
                event.fields
                for event in read_events(self.snapshot())
                if event.name == "ctrace:heap_site" and event.fields["size"] == 7777
            ]
            self.assertEqual(sum(site["allocated"] for site in sites), allocated)
            self.assertEqual(sum(site["live"] for site in sites), live)

    def test_of_a_recording_that_keeps_the_newest(self):
        recorder = self.start_flood("--keep=newest", "--max-size=4M", pause=0)
        said = self.follow(recorder)
        dropped = 0
        deadline = time.monotonic() + 100
        while dropped < 2 and time.monotonic() < deadline:
            so_far = said[-1]
            wait_until(lambda: said[-1] > so_far + 10_000, "it went on")
            result = self.ctrace("snapshot", "trace", "-o", "snapshot")
            self.assertEqual(result.status, 0, result)
            self.check_sound(self.folder / "snapshot")
            dropped += "dropped what was older" in result.err
        self.assertEqual(dropped, 2)


class Standby(SnapshotTest):
    """Nothing is recorded until it is asked for."""

    def start_standby(self, *options):
        self.socket = self.folder / "socket"
        recorder = self.start_obedient(f"--standby={self.socket}", *options)
        self.connect()
        return recorder

    def connect(self):
        self.peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.peer.close)
        self.peer.settimeout(40)
        self.peer.connect(str(self.socket))

    def order(self, line):
        self.peer.sendall(line.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self.peer.recv(4096) or b"hung up\n"
        return answer.decode().strip()

    def order_snapshot(self):
        self.number += 1
        taken = self.folder / f"window{self.number}"
        self.assertEqual(self.order(f"snapshot {taken}"), "ok")
        self.check_sound(taken)
        return taken

    def selects(self, taken):
        return len(self.ended_waits(taken, "select"))

    def test_windows_follow_each_other(self):
        recorder = self.start_standby()
        self.assertEqual(self.socket.stat().st_mode & 0o777, 0o600)
        for count in (3, 11, 5):
            self.tell(recorder, "select 20")
            self.assertEqual(self.order("begin"), "ok")
            self.tell(recorder, f"select {count}")
            self.assertEqual(self.selects(self.order_snapshot()), count)
            self.tell(recorder, "select 2")
            self.assertEqual(self.order("rest"), "ok")
            self.tell(recorder, "select 20")
            for _ in range(2):
                taken = self.order_snapshot()
                self.assertEqual(self.selects(taken), count + 2)
                self.check_end(taken)
        recorder.stdin.close()
        self.assertEqual(recorder.wait(timeout=60), 0)
        self.assertIn("nothing was being recorded as it ended", recorder.stderr.read())
        self.assertFalse((self.folder / "trace").exists())
        self.assertFalse(self.socket.exists())
        self.assertEqual(session_directories() - self.others, set())

    def check_end(self, taken):
        """It is the window's, when one thread had waited from its begin on."""
        events = read_events(taken)
        capture = next(event.fields for event in events if event.name == "ctrace:capture")
        open_reads = [
            event.fields
            for event in events
            if event.name == "ctrace:inflight" and event.fields["op"] == "read"
        ]
        self.assertIn(
            (capture["begin_ns"], capture["end_ns"]),
            [about(read["since_ns"], read["duration_ns"], capture) for read in open_reads],
        )

    def test_a_window_that_is_open_at_the_end_is_the_recording(self):
        recorder = self.start_standby()
        self.assertEqual(self.order("begin"), "ok")
        self.tell(recorder, "select 6")
        self.finish(recorder)
        self.assertEqual(self.selects(self.folder / "trace"), 6)

    def window(self, *options):
        return subprocess.Popen(
            [CTRACE, "snapshot", "trace", f"--standby={self.socket}", "-o", "window", *options], cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def order_window(self):
        """One that goes on: from then on it hears signals."""
        window = self.window("--duration=1000s")
        fds = pathlib.Path(f"/proc/{window.pid}/fd")
        wait_until(lambda: any("signalfd" in os.readlink(fd) for fd in fds.iterdir()), "it began")
        return window

    def test_a_window_is_ordered_by_the_command(self):
        recorder = self.start_standby()
        self.tell(recorder, "select 3")
        out, err = self.window("--duration=50ms").communicate(timeout=60)
        self.assertEqual(out, f"{self.folder}/window\n", err)
        self.check_sound(self.folder / "window")
        self.assertEqual(self.selects(self.folder / "window"), 0)
        window = self.order_window()
        self.tell(recorder, "select 7")
        window.send_signal(signal.SIGINT)
        self.assertEqual(window.communicate(timeout=60)[0], f"{self.folder}/window\n")
        self.assertEqual(self.selects(self.folder / "window"), 7)
        self.tell(recorder, "select 5")
        window = self.order_window()
        self.tell(recorder, "select 4")
        self.finish(recorder)
        out, err = window.communicate(timeout=60)
        self.assertEqual((window.returncode, out), (0, f"{self.folder}/trace\n"), err)
        self.assertIn("the program ended", err)
        self.assertEqual(self.selects(self.folder / "trace"), 4)
        out, err = self.window("--duration=50ms").communicate(timeout=60)
        self.assertIn("cannot ask the recorder", err)

    def test_windows_that_cannot_be_ordered(self):
        for options, words in (
            (["--standby=s"], "by both"), (["--duration=1s"], "by both"), (["--standby=s", "--duration=1"], "is no time"),
            (["--standby=s", "--duration=0"], "is no time"), (["--standby=s", "--duration=-1s"], "is no time"),
        ):  # fmt: skip
            self.assert_refused(self.ctrace("snapshot", *options), words, status=2)

    def test_the_heap_is_recorded_all_the_time(self):
        recorder = self.start_standby("--heap=0")
        self.tell(recorder, "malloc 30")
        self.check_heap(30, 30)
        self.assertEqual(self.order("begin"), "ok")
        self.tell(recorder, "free 10")
        self.assertEqual(self.order("rest"), "ok")
        self.check_heap(30, 20)
        self.tell(recorder, "malloc 7")
        self.check_heap(37, 27)

    def check_heap(self, allocated, live):
        sites = [
            event.fields
            for event in read_events(self.order_snapshot())
            if event.name == "ctrace:heap_site" and event.fields["size"] == 7777
        ]
        self.assertEqual(sum(site["allocated"] for site in sites), allocated)
        self.assertEqual(sum(site["live"] for site in sites), live)

    def test_orders_that_make_no_sense(self):
        recorder = self.start_standby()
        for line, words in (
            ("rest", "nothing is being recorded"),
            (f"snapshot {self.folder}/none", "nothing was recorded yet"),
            ("record", "nobody knows"),
            ("", "nobody knows"),
        ):
            self.assertRegex(self.order(line), f"^error .*{words}")
        self.assertEqual(self.order("begin"), "ok")
        self.assertRegex(self.order("begin"), "^error it has begun already")
        self.assertRegex(self.order("snapshot none"), "^error .*absolute path")
        self.assertRegex(self.order("snapshot /proc/none"), "^error .*/proc")
        self.assertRegex(self.order(f"snapshot {self.folder}/trace"), "^error .*recording to")
        self.finish(recorder)

    def test_whoever_hangs_up_does_no_harm(self):
        recorder = self.start_standby()
        for line in (b"begin\n", b"be", f"snapshot {self.folder}/left\n".encode(), b"rest\nrest\n"):
            self.peer.sendall(line)
            self.peer.close()
            self.connect()
        wait_until(lambda: self.order("rest").startswith("error nothing"), "it rested")
        self.tell(recorder, "select 3")
        self.order_snapshot()
        recorder.stdin.close()
        self.assertEqual(recorder.wait(timeout=60), 0)

    def test_a_socket_that_was_left_is_taken_and_no_other_file(self):
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(self.folder / "socket"))
        left.close()
        recorder = self.start_standby()
        other = self.ctrace("record", "-o", "other", f"--standby={self.socket}", "true")
        self.assertIn("cannot record: cannot listen", other.err)
        (self.folder / "file").write_text("precious")
        other = self.ctrace("record", "-o", "other", f"--standby={self.folder}/file", "true")
        self.assertIn("cannot record: cannot listen", other.err)
        self.assertEqual((self.folder / "file").read_text(), "precious")
        self.assertEqual(self.order("begin"), "ok")
        self.finish(recorder)

    def test_what_makes_no_sense_with_it(self):
        for option, words in (
            ("--delay=1s", "--delay"), ("--duration=1s", "--duration"), ("--cpu", "does not ask the kernel"),
            ("--kernel=sched", "does not ask the kernel"),
        ):
            result = self.ctrace("record", "--standby=socket", option, "true")
            self.assert_refused(result, words, status=2)
        self.assert_refused(self.ctrace("record", "--standby=socket", "-p", "1"), "--pid", status=2)


class Refusals(SnapshotTest):
    def test_a_recording_that_has_ended_is_used_as_it_is(self):
        self.record_ok("true")
        result = self.ctrace("snapshot", self.folder / "trace", "-o", self.folder / "snapshot")
        self.assert_refused(result, "has ended, and can be used as it is", status=1)
        self.assert_nothing_left()

    def test_what_is_no_recording(self):
        (self.folder / "empty").mkdir()
        for name, words in (("empty", "not being recorded"), ("none", "there is no recording")):
            with self.subTest(name):
                result = self.ctrace("snapshot", name, "-o", self.folder / "snapshot")
                self.assert_refused(result, words, status=1)
        self.assert_nothing_left()

    def test_the_living_recording_is_not_written_over(self):
        recorder = self.start_obedient()
        result = self.ctrace("snapshot", "trace", "-o", "trace")
        self.assert_refused(result, "recording to", status=1)
        self.finish(recorder)

    def test_a_recording_that_has_not_begun(self):
        recorder = self.start(PROGRAM, "--delay=1000s")
        self.assertEqual(recorder.stdout.readline(), "ready\n")
        result = self.ctrace("snapshot", "trace", "-o", self.folder / "snapshot")
        self.assert_refused(result, "--delay is not over", status=1)
        self.assert_nothing_left()

    def test_a_recorder_that_was_killed(self):
        recorder = self.start_obedient()
        killed = recorder_of(recorder)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: has_ended(killed), "the recorder ended")
        result = self.ctrace("snapshot", "trace", "-o", self.folder / "snapshot")
        self.assert_refused(result, "ctrace recover", status=1)
        self.assert_nothing_left()
        self.assertEqual(self.ctrace("recover", "trace").status, 0)

    @unittest.skipUnless(SMALL_FS, "it takes root to mount a small file system")
    def test_a_full_disk(self):
        recorder = self.start_obedient()
        self.tell(recorder, "select 10")
        taken = pathlib.Path(SMALL_FS) / "snapshot"
        filler = pathlib.Path(SMALL_FS) / "filler"
        self.addCleanup(shutil.rmtree, taken, ignore_errors=True)
        self.addCleanup(filler.unlink, missing_ok=True)
        for left in (0, 2_200_000, 2_500_000):
            with self.subTest(left=left):
                free = os.statvfs(SMALL_FS)
                with open(filler, "wb") as file:
                    os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - left)
                result = self.ctrace("snapshot", "trace", "-o", taken)
                self.assertIn(result.status, (0, 1), result)
                if result.status == 0:
                    self.check_sound(taken)
                    shutil.rmtree(taken)
                self.assertFalse(taken.exists())
                filler.unlink()
        self.tell(recorder, "select 10")
        self.finish(recorder)
        self.assertEqual(len(self.ended_waits(self.folder / "trace", "select")), 20)


class Disturbances(SnapshotTest):
    def test_the_program_is_killed_meanwhile(self):
        recorder = self.start_flood()
        pid = self.pid_of_program(recorder)
        asker = subprocess.Popen([CTRACE, "snapshot", "trace", "-o", "snapshot"], cwd=self.folder,
                                 stderr=subprocess.PIPE, text=True)
        os.kill(pid, signal.SIGKILL)
        _, err = asker.communicate(timeout=60)
        recorder.communicate(timeout=60)
        if asker.returncode == 0:
            self.check_sound(self.folder / "snapshot")
        else:
            self.assertRegex(err, "ended")
            self.assert_nothing_left()
        self.check_sound(self.folder / "trace")

    def pid_of_program(self, recorder):
        events = pathlib.Path("/dev/shm")
        boards = [
            board
            for directory in session_directories() - self.others
            for board in (events / directory).glob("*.board")
        ]
        return int(boards[0].name.partition("-")[0])

    def test_the_recorder_is_killed_meanwhile(self):
        recorder = self.start_flood()
        asker = subprocess.Popen([CTRACE, "snapshot", "trace", "-o", "snapshot"], cwd=self.folder,
                                 stderr=subprocess.PIPE, text=True)
        os.kill(recorder_of(recorder), signal.SIGKILL)
        _, err = asker.communicate(timeout=60)
        if asker.returncode != 0:
            self.assertRegex(err, "ended before it answered|ctrace recover|ended while it was copied")
            self.assertFalse((self.folder / "snapshot").exists())
        else:
            self.check_sound(self.folder / "snapshot")
        self.assertEqual(self.ctrace("recover", "trace").status, 0)

    def test_an_interrupt_leaves_nothing(self):
        recorder = self.start_obedient()
        for delay_s in (0.005, 0.02, 0.05):
            asker = subprocess.Popen([CTRACE, "snapshot", "trace", "-o", "snapshot"],
                                     cwd=self.folder, stderr=subprocess.PIPE, text=True)
            time.sleep(delay_s)
            asker.send_signal(signal.SIGINT)
            asker.communicate(timeout=60)
            if asker.returncode == 0:
                shutil.rmtree(self.folder / "snapshot")
            self.assert_nothing_left()
        self.finish(recorder)

    def test_whoever_asks_badly_does_no_harm(self):
        recorder = self.start_obedient()
        directory = next(iter(session_directories() - self.others))
        peers = []
        for line in (b"", b"\n", b"moment ../etc\n", b"moment ctrace-none\n", b"x" * 100_000, b"mo"):
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(20)
            peer.connect(str(directory / "asked"))
            try:
                peer.sendall(line)
            except BrokenPipeError:
                self.assertGreater(len(line), 4096)
            if line.endswith(b"\n"):
                self.assertRegex(peer.recv(1000), rb"^error .*\n$")
            peers.append(peer)
        self.snapshot()
        for peer in peers:
            peer.close()
        self.snapshot()
        self.finish(recorder)

    def test_only_its_user_may_ask(self):
        self.start_obedient()
        directory = next(iter(session_directories() - self.others))
        self.assertEqual((directory / "asked").stat().st_mode & 0o777, 0o600)


if __name__ == "__main__":
    main()
