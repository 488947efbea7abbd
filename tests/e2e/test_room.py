"""Where there is little room: few open files, little shared memory, a small disk."""

import os
import resource
import time

from harness import CTRACE, WORKLOADS, TraceTest, main, run, session_daemons

ENDINGS = WORKLOADS / "endings"


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
        self.assertRegex(result.err, r"need \d+\.\d MB of shared memory.*/dev/shm has 0\.\d MB free")
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


if __name__ == "__main__":
    main()
