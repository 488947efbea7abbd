"""ctrace serve --when: what is said of programs that stall, and nothing of those that do not."""

import re
import subprocess

from harness import CTRACE, TIMEOUT_S, WORKLOADS, TraceTest, main

HANGS = WORKLOADS / "hangs"
SIGALRM = 14
SIGTERM = 15

# 200 blocks of 1 MiB, which --heap samples with P = 0.86 each: 3 % is one standard error.
HOLDS_200_MB = """
import ctypes, time
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
time.sleep(1)
held = [libc.malloc(1 << 20) for _ in range(200)]
time.sleep(3)
"""

# A deadlock is one after a second; the machine may be busy.
LONG_MS = 5000


class Conditions(TraceTest):
    def served(self, conditions, *words, options=()):
        """The end of an agent, and what it said of each condition."""
        result = subprocess.run(
            [CTRACE, "serve", "--listen=127.0.0.1:0", *options, *(f"--when={text}" for text in conditions), "--",
             *map(str, words)],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=TIMEOUT_S)
        self.said = result.stderr
        self.assertNotIn("not ours to see", result.stderr)
        return result.returncode, {
            text: [line for line in result.stderr.splitlines() if line.startswith(f"ctrace serve: {text}: ")]
            for text in conditions}

    def test_a_deadlock_and_who_waits_behind_it_are_told_of_once(self):
        stall, states, others = "wait.sync(hangs) > 200ms", "thread.state=sync > 1s", "wait.sync(other-*) > 200ms"
        status, said = self.served(["deadlock", stall, states, others], HANGS, "deadlock", LONG_MS)
        self.assertEqual(status, -SIGALRM)
        (circle,) = said["deadlock"]
        first, second, again = re.search(r"mutexes: (\d+) -> (\d+) -> (\d+)$", circle).groups()
        self.assertEqual(first, again)
        self.assertNotEqual(first, second)
        (stalled,) = said[stall]
        self.assertRegex(stalled, r": thread hangs \(\d+\) of process \d+ has been in one wait for [0-9.]+ m?s$")
        self.assertEqual(len(said[states]), 1)
        self.assertEqual(said[others], [])

    def test_what_came_before_is_written_out_with_the_reason(self):
        status, _ = self.served(["deadlock"], HANGS, "deadlock", LONG_MS, options=["--flight=30s,64MB"])
        self.assertEqual(status, -SIGALRM)
        (written,) = self.folder.glob("ctrace.flight/*-deadlock")
        self.assertIn(f"wrote {written} (deadlock); read it by: ctrace report ", self.said)
        report = self.ctrace("report", written)
        self.assertEqual(report.status, 0, report)
        self.assertRegex(report.out, r"\nDeadlock, from .* on: 2 threads wait for each other\n")

    def test_of_who_does_not_stall_nothing_is_written_out(self):
        self.served(["deadlock", "wait.net > 200ms"], HANGS, "convoy", 2500, options=["--flight=30s,64MB"])
        self.assertEqual([path.name[16:] for path in self.folder.glob("ctrace.flight/2*")], ["SIGALRM"])

    def test_of_who_takes_turns_and_who_is_idle_nothing_is_told(self):
        for what in ("convoy", "idle"):
            with self.subTest(what):
                _, said = self.served(["deadlock", "wait.net > 200ms", "memory.rss > 1GB"], HANGS, what, 2500)
                self.assertEqual([line for lines in said.values() for line in lines], [])

    def test_a_heap_that_has_grown_is_told_of_once(self):
        grown, others = "heap.live > 100MB", "heap.live > 400MB"
        status, said = self.served([grown, others], "/usr/bin/python3", "-c", HOLDS_200_MB, options=["--heap"])
        self.assertEqual(status, 0)
        (line,) = said[grown]
        size = re.search(r": about ([0-9.]+) MB are live in the heap, by its samples$", line)[1]
        self.assertTrue(100 < float(size) < 300, line)
        self.assertEqual(said[others], [])
        self.assertNotIn("heap is not seen", self.said)

    def test_where_no_heap_is_seen_that_is_said(self):
        agent = subprocess.Popen(
            [CTRACE, "serve", "--listen=127.0.0.1:0", "--heap", "--when=heap.live > 1MB", "--", WORKLOADS / "own_heap"],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(agent.stderr.close)
        said = next((line for line in agent.stderr if "heap.live" in line), None)
        agent.terminate()
        self.assertEqual(agent.wait(TIMEOUT_S), -SIGTERM)
        self.assertEqual(said, "ctrace serve: the program's heap is not seen, so --when cannot tell of heap.live: "
                               "its allocator may be in its own file\n")

    def test_what_is_wrong_is_refused_before_anything_begins(self):
        for text, why in (("wait.sink > 1s", "there are: net, sync"), ("heap.live > 2GB", "ctrace serve --heap"),
                          ("latency(request) > 1s", "told by recordings"), ("nonsense", "wait.CLASS")):
            with self.subTest(text):
                result = self.ctrace("serve", f"--when={text}", "--", "touch", "begun")
                self.assertEqual(result.status, 2, result)
                self.assertIn(why, result.err)
                self.assertFalse((self.folder / "begun").exists())


if __name__ == "__main__":
    main()
