"""Programs under limits of memory run recorded as they run bare, and what their limits keep from
being recorded is said. Boards grow with what programs need, and lose nothing."""

import json
import os

from harness import CTRACE, WORKLOADS, TraceTest, end_daemons, main, run

LIMITS = WORKLOADS / "limits"


class Limits(TraceTest):
    def limited(self, limits, *command):
        """The same under limits of the shell's ulimit: bare, and recorded without a loss."""
        script = "".join(f"ulimit -S{limit}; " for limit in limits) + 'exec "$@"'
        bare = run("sh", "-c", script, "sh", *command)
        self.assertEqual(bare.status, 0, bare)
        recorded = self.record_ok("sh", "-c", script, "sh", *command)
        self.assertIn("nothing lost", recorded.err)
        return [int(word) for word in bare.out.split()], [
            int(word) for word in recorded.out.split()
        ], recorded

    def test_a_program_that_does_nothing_grows_little(self):
        (bare_kb, _), (recorded_kb, _), _ = self.limited([], LIMITS, "size")
        # The library and the unwinder, and a board of 128 kB.
        self.assertLess(recorded_kb, bare_kb + 4096)

    def test_a_thread_takes_little(self):
        (few_kb, _), (recorded_few_kb, _), _ = self.limited([], LIMITS, "threads", 2)
        many_kb, recorded_many_kb = min(
            (bare_kb, recorded_kb)
            for (bare_kb, _), (recorded_kb, _), _ in (
                self.limited([], LIMITS, "threads", 40) for _ in range(5)
            )
        )  # threads that need a part of the board at once may map it more than once for a moment
        # Room for 61 of them, at 80 kB each, with the stack that hooks work on where there is need.
        self.assertLess(recorded_many_kb - many_kb, recorded_few_kb - few_kb + 61 * (80 + 36) + 512)

    def test_a_thread_that_allocates_nothing_gets_no_arena(self):
        """By a call of malloc in each, 16 of them would have 128 MB each at their peak."""
        most_kb = 40 * (80 + 36) + 4096 + 5 * 131072
        for _ in range(8):  # on a busy machine more of them may be in what the threads are begun with
            (bare_kb, _), (recorded_kb, _), _ = self.limited([], LIMITS, "idle", 40)
            if recorded_kb < bare_kb + most_kb:
                return
        self.fail(f"{recorded_kb} kB, and {bare_kb} kB without a recording")

    def test_a_limit_of_the_address_space_is_the_programs(self):
        for threads in (20, 40):
            with self.subTest(threads=threads):
                recorded = self.limited(["v 500000"], LIMITS, "data", threads)[2]
                self.assertIn(f"{threads + 2} threads", recorded.err)  # with the shell

    def test_a_limit_of_data_is_the_programs(self):
        self.limited(["d 330000"], LIMITS, "data", 20)

    def test_a_limit_of_locked_memory_is_the_programs(self):
        # Who may lock all has no limit.
        user = [] if os.getuid() else ["setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"]
        if run("sh", "-c", "ulimit -l 8192; ulimit -l").out.strip() != "8192":
            self.skipTest("the limit of locked memory is lower")
        (_, bare_kb), (_, recorded_kb), recorded = self.limited(
            ["l 8192"], *user, LIMITS, "lock", 40
        )
        self.assertRegex(recorded.err, "4[23] threads")  # with the shell, and what it ran
        # Of the board, what had been mapped before.
        self.assertLess(recorded_kb, bare_kb + 4096)

    def test_recorder_and_daemon_live_with_the_limit(self):
        end_daemons()  # one of its own, which has the limit, too
        directory = self.folder / "trace"
        for limit_kb in (500_000, 400_000):
            script = (
                f"ulimit -v {limit_kb}; exec {CTRACE} record --kernel=off -o {directory} -- {LIMITS} data 20"
            )
            with self.subTest(limit_kb=limit_kb):
                result = run("sh", "-c", script, cwd=self.folder)
                self.assertEqual(result.status, 0, result)
                self.assertIn("21 threads", result.err)
                self.assertIn("nothing lost", result.err)

    def test_too_little_address_space_is_said(self):
        script = "ulimit -v 15000; for i in 1 2 3; do sleep 0.01; done; exit 0"
        result = self.record_ok("sh", "-c", script)
        self.assertRegex(
            result.err, r"LOST the waits of 3 processes.*too little address space \(ulimit -v\)"
        )
        self.assertNotIn("nothing lost", result.err)
        self.assertIn("not in 3 processes: too little address space", self.report_text(result.directory))

    def test_too_small_files_are_said(self):
        script = "ulimit -f 1; exec true"
        result = self.record_ok("sh", "-c", script)
        self.assertRegex(result.err, r"LOST the waits of 1 process,.*ulimit -f")

    def test_no_memory_for_a_board_is_said(self):
        mount = "mount -t tmpfs -o size=64m tmpfs /dev/shm"
        if run("unshare", "-m", "sh", "-c", mount).status != 0:
            self.skipTest("no file system can be mounted")
        fill = "dd if=/dev/zero of=/dev/shm/full bs=4k 2>/dev/null"
        script = f"{fill}; sleep 0.01; rm /dev/shm/full; sleep 0.01"
        record = f"{CTRACE} record --kernel=off -o {self.folder}/trace -- sh -c '{script}'"
        result = run("unshare", "-m", "sh", "-c", f"{mount}; exec {record}", cwd=self.folder)
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.err, "recorded 3 processes")
        self.assertRegex(result.err, "LOST the waits of 2 processes.*no memory")


class Growth(TraceTest):
    def capture(self, directory):
        result = self.ctrace("report", "--format=json", directory)
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)["capture"]

    def test_a_thousand_threads(self):
        result = self.record_ok(LIMITS, "threads", 1000)
        self.assertIn("1,001 threads", result.err)
        self.assertIn("nothing lost", result.err)
        waits = self.waits(result.directory, op="pthread_barrier_wait")
        sleeps = self.waits(result.directory, op="nanosleep")
        self.assertEqual(len({wait.fields["vtid"] for wait in sleeps}), 1000)
        self.assertGreater(len(waits), 900)

    def test_a_hundred_thousand_stacks(self):
        result = self.record_ok(LIMITS, "stacks", 100_000, options=["--rate=0"])
        self.assertIn("nothing lost", result.err)
        waits = self.waits(result.directory, op="write")
        self.assertEqual(len({wait.fields["stack"] for wait in waits}), 100_000)

    def test_a_flood(self):
        result = self.record_ok(LIMITS, "flood", 20_000, options=["--rate=0"])
        self.assertIn("nothing lost", result.err)
        self.assertEqual(len(self.waits(result.directory, op="write")), 20_000)

    def test_who_is_killed_loses_nothing(self):
        result = self.record_ok(LIMITS, "killed", 150, options=["--rate=0"])
        self.assertIn("nothing lost", result.err)
        verified = self.ctrace("verify", result.directory)
        self.assertNotIn("lost", verified.out + verified.err)
        self.assertEqual(verified.status, 0, verified)
        self.assertEqual(self.capture(result.directory)["waits_lost"], 0)


if __name__ == "__main__":
    main()
