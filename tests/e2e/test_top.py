"""ctrace top: what the threads of running programs wait for, held against threads that are known."""

import csv
import fcntl
import io
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

from harness import CTRACE, WORKLOADS, TraceTest, main, wait_until

CLASSES = ("running", "runnable", "net", "sync", "syscall", "sleep", "other", "unknown")

# Of states.c: what each thread is seen in, and what for.
STATES = {
    "spins": (None, r"running|in line for a CPU"),
    "lock-1": ("sync", r"futex_wait on 0x[0-9a-f]+"),
    "lock-2": ("sync", r"futex_wait on 0x[0-9a-f]+"),
    "lock-3": ("sync", r"futex_wait on 0x[0-9a-f]+"),
    "reads_pipe": ("syscall", r"read on fd \d+, pipe"),
    "reads_event": ("sync", r"read on fd \d+, eventfd"),
    "reads_timer": ("sleep", r"read on fd \d+, timerfd"),
    "receives": ("net", r"recvfrom on fd \d+, inet socket 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+"),
    "accepts": ("net", r"accept on fd \d+, inet socket 127\.0\.0\.1:\d+"),
    "polls_socket": ("net", r"poll on 1 descriptor"),
    "polls_pipe": ("syscall", r"poll on 1 descriptor"),
    "polls_nothing": ("sleep", r"poll"),
    "selects_pipe": ("syscall", r"select on \d+ descriptors"),
    "epolls": ("net", r"epoll_wait on fd \d+, epoll"),
    "sleeps": ("sleep", r"nanosleep"),
    "waits_child": ("syscall", r"waitpid on process \d+ \(states\)"),
}

# Sets its name, says so, and waits.
NAMED = """
import sys
open("/proc/self/comm", "wb").write(sys.argv[1].encode("latin-1").decode("unicode_escape").encode("latin-1"))
print("ready", flush=True)
sys.stdin.read()
"""


class TopTest(TraceTest):
    def start(self, *command):
        """A program that says when it is ready, and ends with its input."""
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def start_states(self):
        return self.start(WORKLOADS / "states")

    def start_named(self, name):
        return self.start(sys.executable, "-c", NAMED, name)

    def table(self, *words):
        result = self.ctrace("top", "--once", "--format=csv", *words)
        self.assertEqual((result.status, result.err), (0, ""), result)
        return list(csv.DictReader(io.StringIO(result.out, newline="")))


class Once(TopTest):
    def test_each_thread_is_in_the_state_that_it_is_in(self):
        process = self.start_states()
        rows = {row["thread"]: row for row in self.table("-t", "-p", process.pid) if row["thread"] in STATES}
        self.assertEqual(set(rows), set(STATES))
        for name, (expected, wait) in STATES.items():
            with self.subTest(name):
                row = rows[name]
                shares = {state: float(row[state]) for state in CLASSES}
                self.assertAlmostEqual(sum(shares.values()), 1, delta=0.01)
                self.assertRegex(row["waits_for"], f"^({wait})$")
                if expected is None:
                    self.assertGreater(shares["running"] + shares["runnable"], 0.98)
                    self.assertGreater(shares["running"], 0)
                else:
                    self.assertGreater(shares[expected], 0.99)
                    self.assertGreater(float(row["for_seconds"]), 0.9)

    def test_a_stopped_process_is_told_of_and_children_are_shown(self):
        process = self.start_states()
        rows = [row for row in self.table("-t", "-p", process.pid) if int(row["pid"]) != process.pid]
        self.assertEqual([(row["thread"], row["waits_for"]) for row in rows], [("states", "stopped")])
        self.assertGreater(float(rows[0]["other"]), 0.99)

    def test_threads_of_one_kind_are_one_line(self):
        process = self.start_states()
        rows = {row["thread"]: row for row in self.table("-p", process.pid)}
        self.assertNotIn("lock-1", rows)
        self.assertEqual((rows["lock-*"]["threads"], rows["lock-*"]["waits_for"]), ("3", "3 futex_wait"))
        self.assertAlmostEqual(float(rows["lock-*"]["sync"]), 3, delta=0.03)
        self.assertEqual(rows["lock-*"]["tid"], "")

    def test_time_on_a_cpu_is_what_the_kernel_says(self):
        process = self.start_states()

        def running_s():
            for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
                if (task / "comm").read_text() == "spins\n":
                    return int((task / "schedstat").read_text().split()[0]) / 1e9
            raise AssertionError("there is no such thread")

        begin_s, began = running_s(), time.monotonic()
        row = next(row for row in self.table("-p", process.pid, "-d2s") if row["thread"] == "spins")
        ran_s, took_s = running_s() - begin_s, time.monotonic() - began
        # In at least two of those seconds; the kernel tells a tick late.
        self.assertLessEqual(float(row["running"]) * 2, ran_s + 0.1)
        self.assertGreaterEqual(float(row["running"]) * took_s, ran_s - (took_s - 2) - 0.1)

    def test_the_text_has_the_same_lines(self):
        process = self.start_states()
        result = self.ctrace("top", "--once", "-p", process.pid)
        self.assertEqual(result.status, 0, result)
        lines = result.out.splitlines()
        self.assertRegex(lines[0], r"^2 processes, 18 threads in the last [\d.]+ s: on average ")
        self.assertRegex(lines[1], r"^ +PID +TID THREAD +RUN QUEUE +NET +SYNC +SYSC SLEEP OTHER +FOR WAITS FOR$")
        self.assertRegex(result.out, r"\(1\) +\(3\) states/lock-\* +300 +[\d.]+ s 3 futex_wait\n")
        self.assertEqual(len(lines), 2 + 16)
        few = self.ctrace("top", "--once", "-n3", "-p", process.pid).out.splitlines()
        self.assertEqual((len(few), few[-1]), (2 + 3 + 1, "and 13 lines more"))

    def test_all_that_may_be_seen_are_shown_and_idle_ones_in_one_line(self):
        process = self.start_states()
        rows = self.table()
        self.assertTrue(any(row["pid"] == str(process.pid) and row["thread"] == "spins" for row in rows))
        self.assertFalse(any(row["thread"] == "sleeps" for row in rows))
        rest = rows[-1]
        self.assertEqual((rest["pid"], rest["process"], rest["thread"]), ("", "", ""))
        self.assertGreaterEqual(int(rest["threads"]), 14)

    def test_a_process_is_found_by_its_name_also_when_it_comes_later(self):
        name = f"nap{os.getpid()}"
        first = self.start_named(name)
        top = subprocess.Popen(
            [CTRACE, "top", "--once", "-fcsv", "-t", "-d3s", "-p", name], stdout=subprocess.PIPE, text=True
        )
        time.sleep(1)
        second = self.start_named(name)
        rows = csv.DictReader(io.StringIO(top.communicate(timeout=30)[0], newline=""))
        self.assertEqual({int(row["pid"]) for row in rows}, {first.pid, second.pid})

    def test_names_do_nothing_to_the_terminal(self):
        process = self.start_named(r"\x1b]0;evil\x07")
        for words in (["-fcsv"], ["-ftext"], ["-ftext", "-t"]):
            result = self.ctrace("top", "--once", "-p", process.pid, *words)
            self.assertIn("?]0;evil?", result.out)
            self.assertNotRegex(result.out, "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")

    def test_what_cannot_be_is_refused(self):
        for words, why in (
            (["-p", "999999999"], "there is no process 999999999"),
            (["-p", "no-such-program"], 'no process is named "no-such-program"'),
            (["-p", "1", "--cgroup=/x"], "give one of them"),
            (["--cgroup=/no/such"], "there is no cgroup /no/such"),
            (["--delay=1"], "give a number with a unit"),
            (["--delay=1us"], "at least 100ms"),
            (["--format=xml", "--once"], "give text or csv"),
            (["--format=csv"], "--once"),
            (["-n", "-1"], "from 1 on"),
            (["nginx"], "-p nginx"),
            ([], "there is no terminal"),
        ):
            with self.subTest(words):
                result = self.ctrace("top", *words)
                self.assertIn(result.status, (1, 2))
                self.assertIn(why, result.err)
                self.assertEqual(result.out, "")

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = self.ctrace("top", "--once", "-d100ms", stdout=full)
        self.assertEqual(result.status, 1)
        self.assertIn("cannot write the table", result.err)


class Screen(TopTest):
    """In a terminal, whose output is text and what moves the cursor."""

    def begin(self, *words, term="xterm-256color", size=(40, 120)):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.master = master
        self.top = subprocess.Popen(
            [CTRACE, "top", *map(str, words)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=dict(os.environ, TERM=term, LC_ALL="C.UTF-8"),
        )
        os.close(slave)
        self.addCleanup(self.top.wait)
        self.addCleanup(self.top.kill)
        self.said = b""

    def read(self):
        while select.select([self.master], [], [], 0.05)[0]:
            try:
                self.said += os.read(self.master, 65536)
            except OSError:
                return

    def shown(self):
        """What was written, without what places and colours it."""
        self.read()
        text = self.said.decode(errors="replace")
        return re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|\([A-Z0-9]|[=>])", " ", text)

    def press(self, keys, expected):
        self.read()
        self.said = b""
        os.write(self.master, keys)
        wait_until(lambda: re.search(expected, self.shown()), f"{expected!r} after {keys!r}")

    def quit(self):
        os.write(self.master, b"q")
        wait_until(lambda: self.read() or self.top.poll() is not None, "it ends")
        self.assertEqual(self.top.returncode, 0, self.said)

    def test_keys_do_what_help_says(self):
        process = self.start_states()
        self.begin("-p", process.pid, "-d", "300ms")
        wait_until(lambda: "lock-*" in self.shown(), "the table")
        self.assertNotIn("lock-1", self.shown())
        self.press(b"/lock\r", r"lock-\*")
        self.press(b" ", "lock-2")
        self.press(b" t", "lock-3")
        self.press(b"\\epolls", "Filter: ")
        self.press(b"\r", "Esc shows all")
        self.press(b"\x1b", "sleeps")
        self.press(b"b", "SLEEP")
        self.press(b"?", "go to another line")
        self.press(b" ", "WAITS FOR")
        self.press(b"p", "Paused")
        self.press(b"S", "Sort by RUN")
        self.press(b"\x1bOB", "QUEUE")
        self.press(b"\r", "Paused")
        self.quit()

    def test_any_size_and_terminal_will_do(self):
        process = self.start_states()
        for size in ((1, 1), (3, 20), (200, 400)):
            for term in ("xterm", "vt100"):
                with self.subTest((size, term)):
                    self.begin("-p", process.pid, "-d", "100ms", term=term, size=size)
                    time.sleep(0.3)
                    fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
                    self.top.send_signal(signal.SIGWINCH)
                    wait_until(lambda: "lock" in self.shown(), "the table")
                    self.quit()

    def test_names_do_nothing_to_the_terminal(self):
        process = self.start_named(r"\x1b]0;evil\x07")
        self.begin("-p", process.pid, "-d", "100ms")
        wait_until(lambda: "?]0;evil?" in self.shown(), "the table")
        self.quit()
        self.assertNotIn(b"\x1b]0", self.said)

    def test_an_unknown_terminal_is_an_error(self):
        for term in ("no-such-terminal", "dumb"):
            with self.subTest(term):
                self.begin(term=term)
                wait_until(lambda: self.read() or self.top.poll() is not None, "it ends")
                self.assertEqual(self.top.returncode, 1)
                self.assertIn(b"--once prints a table", self.said)

    def test_it_stays_when_all_have_ended(self):
        process = self.start_states()
        self.begin("-p", process.pid, "-d", "100ms")
        wait_until(lambda: "lock-*" in self.shown(), "the table")
        process.stdin.close()
        wait_until(lambda: "None of the processes is left" in self.shown(), "the end")
        self.quit()


if __name__ == "__main__":
    main()
