"""More waits than the recorder can take: they are counted, or the program waits for it."""

import json
import os
import pathlib
import select
import signal
import subprocess
import time

from harness import (
    WAIT_EVENTS,
    WORKLOADS,
    TraceTest,
    children_of,
    main,
    read_events,
    recorder_of,
    wait_until,
)

FLOOD = WORKLOADS / "flood"
THREADS = 16
READS = 30_000  # of each: more than its ring holds

FEW = 4

# What a stopped recorder holds a program up, and what a busy machine may add.
SILENCE_S = 2
LATE_S = 120


def stat_of(task):
    """What the kernel says of a thread: its state, and so on."""
    return (task / "stat").read_text().rpartition(")")[2].split()


def reads_done(out):
    return int(out.splitlines()[0])


class Flood(TraceTest):
    def flood(self, *options):
        words = ["--rate=0", *options]
        result = self.record_ok(FLOOD, THREADS, READS, options=words, timeout=LATE_S)
        return result, self.report_json(result.directory)

    def report_json(self, directory):
        result = self.ctrace("report", "--format=json", directory)
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def waits_found(self, directory):
        return sum(event.name in WAIT_EVENTS for event in read_events(directory))

    def test_what_is_lost_is_told_to_the_last_wait(self):
        result, report = self.flood()
        capture = report["capture"]
        found = self.waits_found(result.directory)
        self.assertGreaterEqual(capture["waits_recorded"], reads_done(result.out))
        self.assertEqual(found + capture["waits_lost"], capture["waits_recorded"], capture)
        self.assertEqual(capture["held_up_ns"], 0)
        self.assert_opens_everywhere(result.directory)

    def test_lossless_loses_nothing(self):
        result, report = self.flood("--lossless")
        reads = [
            event
            for event in read_events(result.directory)
            if event.name in WAIT_EVENTS and event.fields["op"] == "read"
        ]
        self.assertEqual(report["capture"]["waits_lost"], 0)
        self.assertEqual(report["capture"]["events_lost"], 0)
        self.assertIn("nothing lost", result.err)
        done = reads_done(result.out)
        self.assertGreaterEqual(len(reads), done)
        self.assertLess(len(reads), done + 100)  # the loader and the like read, too
        self.assertEqual({event.fields["class"] for event in reads}, {"syscall"})
        by_thread = {}
        for event in reads:
            ended_ns = event.time_ns - event.fields["lag_ns"]
            by_thread.setdefault(event.fields["vtid"], []).append(ended_ns)
        floods = [ends for ends in by_thread.values() if len(ends) >= READS]
        self.assertEqual(len(floods), THREADS)
        for ends in floods:
            self.assertEqual(ends, sorted(ends))

    def start_gated(self, threads, *options):
        """With its recorder's id, before the first of its waits."""
        words = ["--rate=0", *options]
        process = self.start_record(
            FLOOD, threads, READS, "gated", options=words, stdin=subprocess.PIPE
        )
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process, recorder_of(process)

    def open_gate(self, process):
        process.stdin.write("\n")
        process.stdin.flush()

    def finish(self, process):
        """Lets it begin; how many seconds it took to its end."""
        begin = time.monotonic()
        self.open_gate(process)
        readable, _, _ = select.select([process.stdout], [], [], LATE_S)
        self.assertTrue(readable, "it has not ended")
        self.assertEqual(reads_done(process.stdout.readline()), FEW * READS)
        return time.monotonic() - begin

    def test_a_dead_recorder_holds_nobody_up(self):
        process, recorder = self.start_gated(FEW, "--lossless")
        os.kill(recorder, signal.SIGKILL)
        self.finish(process)

    def test_whose_ring_is_full_waits_for_the_recorder(self):
        process, recorder = self.start_gated(1, "--lossless")
        program = children_of(recorder)["flood"]
        os.kill(recorder, signal.SIGSTOP)
        self.open_gate(process)
        # Its thread never sleeps by itself; the other one waits for its end.
        states = pathlib.Path(f"/proc/{program}/task")
        wait_until(
            lambda: [stat_of(task)[0] for task in states.iterdir()] == ["S", "S"],
            "its thread was held up",
        )
        os.kill(recorder, signal.SIGCONT)
        out, err = process.communicate(timeout=LATE_S)
        self.assertEqual(reads_done(out), READS)
        capture = self.report_json(self.folder / "trace")["capture"]
        self.assertEqual(capture["waits_lost"], 0)
        self.assertEqual(capture["events_lost"], 0)
        self.assertGreater(capture["held_up_ns"], 0)
        self.assertIn("--lossless held", err)

    def test_without_lossless_nobody_waits(self):
        process, recorder = self.start_gated(1)
        os.kill(recorder, signal.SIGSTOP)
        out = process.stdout
        self.open_gate(process)
        self.assertEqual(reads_done(out.readline()), READS)
        os.kill(recorder, signal.SIGCONT)
        process.communicate(timeout=LATE_S)
        capture = self.report_json(self.folder / "trace")["capture"]
        self.assertGreater(capture["waits_lost"], 0)
        self.assertEqual(
            self.waits_found(self.folder / "trace") + capture["waits_lost"],
            capture["waits_recorded"],
        )
        self.assertEqual(capture["held_up_ns"], 0)

    def test_a_stopped_recorder_holds_up_for_seconds_only(self):
        process, recorder = self.start_gated(FEW, "--lossless")
        os.kill(recorder, signal.SIGSTOP)
        try:
            took_s = self.finish(process)
        finally:
            os.kill(recorder, signal.SIGCONT)
        _, err = process.communicate(timeout=LATE_S)
        self.assertEqual(process.returncode, 0, err)
        self.assertGreaterEqual(took_s, SILENCE_S)
        directory = self.folder / "trace"
        capture = self.report_json(directory)["capture"]
        self.assertGreater(capture["waits_lost"], 0)
        self.assertEqual(
            self.waits_found(directory) + capture["waits_lost"], capture["waits_recorded"]
        )
        self.assertGreater(capture["held_up_ns"], SILENCE_S * 1e9)
        self.assertIn("--lossless held", err)
        self.assertIn("--lossless", self.report_text(directory))


if __name__ == "__main__":
    main()
