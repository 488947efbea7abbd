"""Every part of a recording is ended from outside, at any moment: nothing recorded is lost."""

import collections
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import signal
import time

from harness import (
    WAIT_EVENTS,
    WORKLOADS,
    TraceTest,
    children_of,
    has_ended,
    main,
    parse_event,
    process_ids,
    recorder_of,
    run,
    session_daemons,
    wait_until,
)

ENDINGS = WORKLOADS / "endings"
CONVERTER = "ctrace-kernel-convert"[:15]  # as the kernel calls it

KILLS = int(os.environ.get("CTRACE_TEST_KILLS", "30"))
KILLS_AT_ONCE = 3
TURNS = 3  # of so many kills, until enough of them came while there was something to lose

# So many waits that the program takes some time for them, and the converter, too.
FLOOD_WAITS = 30_000
WAITS = 15000


def lines_on_disk(directory, *names):
    """All of these events that can be read of a recording now, finished or not, as babeltrace2
    prints them."""
    result = run("babeltrace2", "--clock-seconds", "--no-delta", directory)
    marks = tuple(f" {name}: " for name in names)
    return collections.Counter(
        line for line in result.out.splitlines() if any(mark in line for mark in marks)
    )


def waits_on_disk(directory):
    return lines_on_disk(directory, *WAIT_EVENTS)


def waits_open_twice(directory):
    """Without their times and lengths, which are those of when they were written."""
    lines = lines_on_disk(directory, "ctrace:inflight")
    waits = collections.Counter()
    for line, count in lines.items():
        fields = parse_event(line).fields
        waits[(fields["pid"], fields["tid"], fields["since_ns"])] += count
    return [wait for wait, count in waits.items() if count > 1]


class KilledTest(TraceTest):
    def setUp(self):
        super().setUp()
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")
        before = set(pathlib.Path("/dev/shm").glob("ctrace*"))
        self.addCleanup(self.remove_new, before)

    @staticmethod
    def remove_new(before):
        for path in set(pathlib.Path("/dev/shm").glob("ctrace*")) - before:
            shutil.rmtree(path, ignore_errors=True)

    def start_flood(self, output="trace", waits=WAITS):
        return self.start_record(
            ENDINGS, "flood", waits, output=output, options=["--rate=0", "--kernel=sched"]
        )

    def stop_converter(self, recorder):
        """Lets it begin, and no further. Its id."""
        converter = None
        deadline = time.monotonic() + 40
        while converter is None:
            self.assertLess(time.monotonic(), deadline, "there was no converter")
            if recorder.poll() is not None:
                _, err = recorder.communicate()
                self.skipTest(f"the kernel gives no layer here: {err}")
            try:
                converter = children_of(recorder_of(recorder)).get(CONVERTER)
            except (FileNotFoundError, ProcessLookupError, KeyError):
                continue
        os.kill(converter, signal.SIGSTOP)
        return converter

    def check_recovery(self, output="trace", fewest=WAITS):
        result = self.ctrace("recover", output)
        self.assertEqual(result.status, 0, result)
        waits = waits_on_disk(self.folder / output)
        self.assertGreaterEqual(sum(waits.values()), fewest)
        self.assertEqual(self.ctrace("report", output).status, 0)
        self.assertFalse((self.folder / output / "spool").exists())


class Recorder(KilledTest):
    def kill_one(self, output, after_s, part):
        """What was lost, and what there is twice. It may have been finished a moment before."""
        recorder = self.start_flood(output, FLOOD_WAITS)
        time.sleep(after_s)
        try:
            pid = recorder.pid if part == "job" else recorder_of(recorder)
            os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, KeyError):
            pass  # it had ended, or not begun
        recorder.wait(40)
        ended_itself = recorder.returncode == 0
        trace = self.folder / output
        before = waits_on_disk(trace) if trace.exists() else collections.Counter()
        result = self.ctrace("recover", output)
        if ended_itself:
            return []
        if result.status != 0:
            if not before and re.search("nothing (to recover|was recorded)", result.err):
                return []
            report = self.ctrace("report", output)
            is_finished = report.status == 0 and "not complete" not in report.out
            return [] if is_finished else [f"it could not be recovered: {result}"]
        after = waits_on_disk(trace)
        if before:
            self.recovered.append(output)
        faults = []
        if before - after:
            faults.append(f"{sum((before - after).values())} of {sum(before.values())} were lost")
        twice = waits_open_twice(trace)
        if twice:
            faults.append(f"{len(twice)} open waits are there twice")
        report = self.ctrace("report", output)
        if report.status != 0:
            faults.append(f"it cannot be read: {report}")
        return faults

    def test_a_recorder_that_is_killed_at_any_moment_loses_nothing_that_was_on_disk(self):
        self.recovered = []
        began = time.monotonic()
        recorder = self.start_flood("whole", FLOOD_WAITS)
        recorder.communicate(timeout=60)
        lasts_s = time.monotonic() - began
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        for turn in range(TURNS):
            # Several at once take longer, and so reach less far: the rest of them is added.
            moments = [chance.random() * lasts_s * 1.5 for _ in range(KILLS)]
            with concurrent.futures.ThreadPoolExecutor(KILLS_AT_ONCE) as pool:
                kills = [
                    pool.submit(self.kill_one, f"{turn}-{i}", moment, ("recorder", "job")[i % 2])
                    for i, moment in enumerate(moments)
                ]
            faults = {
                (i, round(moment, 3)): kill.result()
                for i, (moment, kill) in enumerate(zip(moments, kills))
                if kill.result()
            }
            self.assertEqual(faults, {}, f"turn {turn} of seed {seed}, of {lasts_s:.2f} s")
            if len(self.recovered) > KILLS / 6:
                return
        self.fail("too few had begun and not ended")

    def test_its_converter_ends_with_it(self):
        recorder = self.start_flood()
        converter = self.stop_converter(recorder)
        os.kill(recorder_of(recorder), signal.SIGKILL)
        recorder.wait(20)
        wait_until(lambda: has_ended(converter), "the converter had ended")
        self.check_recovery()

    def test_a_converter_that_is_killed_is_started_again(self):
        recorder = self.start_flood()
        os.kill(self.stop_converter(recorder), signal.SIGKILL)
        _, err = recorder.communicate(timeout=60)
        self.assertEqual(recorder.returncode, 0, err)
        self.assertRegex(err, r"[\d,]+ kernel events")
        self.assertTrue((self.folder / "trace" / "kernel" / "metadata").exists())


class Terminated(KilledTest):
    def end(self, recorder, number=signal.SIGTERM):
        os.kill(recorder.pid, number)
        _, err = recorder.communicate(timeout=20)
        self.assertEqual(recorder.returncode, -number, err)
        return err

    def test_a_signal_ends_it_while_it_converts(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                output = number.name
                recorder = self.start_flood(output)
                converter = self.stop_converter(recorder)
                err = self.end(recorder, number)
                self.assertRegex(err, f"not finished.*\n.*ctrace recover .*{output}")
                wait_until(lambda pid=converter: has_ended(pid), "the converter had ended")
                self.check_recovery(output)

    def test_a_signal_for_the_program_reaches_it_while_the_recording_is_finished(self):
        recorder = self.start_record(
            "sh",
            "-c",
            f"trap 'exit 41' TERM; {ENDINGS} flood {WAITS} >flood; echo over; sleep 60 & wait",
            options=["--rate=0", "--kernel=sched", "--duration=1s"],
        )
        converter = self.stop_converter(recorder)
        self.assertEqual(recorder.stdout.readline(), "over\n")
        shell = children_of(recorder_of(recorder))["sh"]
        os.kill(recorder.pid, signal.SIGTERM)
        wait_until(lambda: has_ended(shell), "the program had ended")
        os.kill(converter, signal.SIGCONT)
        _, err = recorder.communicate(timeout=60)
        self.assertEqual(recorder.returncode, 41, err)

    def test_a_signal_ends_it_while_a_session_daemon_starts(self):
        self.record_ok(ENDINGS, "sleep", "20")
        place = self.folder / "bin"
        place.mkdir()
        late = place / "lttng-sessiond"
        late.write_text("#!/bin/sh\ntouch asked\nexec sleep 31.25\n")
        late.chmod(0o755)
        environment = dict(os.environ, PATH=f"{place}:{os.environ['PATH']}")
        recorder = self.start_record(ENDINGS, "sleep", "20", env=environment)
        wait_until((self.folder / "asked").exists, "the daemon was started")
        self.assertRegex(self.end(recorder), "ended before the recording began")
        wait_until(
            lambda: run("pgrep", "-u", os.getuid(), "-f", "^sleep 31.25").out == "",
            "what it had started was gone",
        )
        self.assertTrue(self.waits(self.folder / "trace", op="nanosleep"), "the one before")
        self.assertFalse((self.folder / "trace.old").exists())

    def test_signals_end_it_while_a_session_daemon_does_not_answer(self):
        daemon = self.start_daemon()
        daemon.send_signal(signal.SIGSTOP)
        self.addCleanup(daemon.send_signal, signal.SIGCONT)
        recorder = self.start_record(ENDINGS, "exit", "0")
        time.sleep(1)
        self.assertRegex(self.end(recorder), "ended before the recording began")
        self.assertFalse((self.folder / "trace").exists())
        daemon.send_signal(signal.SIGCONT)

        recorder = self.start_record(ENDINGS, "hang", output="late")
        self.assertEqual(recorder.stdout.readline(), "hanging\n")
        daemon.send_signal(signal.SIGSTOP)
        program = children_of(recorder_of(recorder))["endings"]
        time.sleep(2)  # until the recorder asks it whether all is well
        os.kill(recorder.pid, signal.SIGTERM)
        wait_until(lambda: has_ended(program), "the program had got it")
        time.sleep(0.5)  # another one, and not the same twice
        err = self.end(recorder)
        daemon.send_signal(signal.SIGCONT)
        self.assertRegex(err, "not finished")
        result = self.ctrace("recover", "late")
        self.assertEqual(result.status, 0, result)
        self.assertTrue(self.waits(self.folder / "late", op="pthread_mutex_lock"))


class Daemons(KilledTest):
    def test_what_was_on_disk_survives_a_daemon_that_is_killed_at_any_moment(self):
        for name in ("lttng-sessiond", "lttng-consumerd"):
            for after_s in (0.1, 0.3, 0.6):
                with self.subTest(name, after_s=after_s):
                    output = f"{name}-{after_s}"
                    recorder = self.start_flood(output, 4 * WAITS)
                    # A consumer that dies while its session daemon starts it: that one waits for
                    # ever (LTTng 2.13), until a signal ends the recorder.
                    if name == "lttng-consumerd":
                        ust = self.folder / output / "ust"
                        wait_until(lambda: list(ust.rglob("waits_*")), "the consumer was ready")
                    time.sleep(after_s)
                    for pid in process_ids(name):
                        os.kill(pid, signal.SIGKILL)
                    before = waits_on_disk(self.folder / output)
                    out, err = recorder.communicate(timeout=180)
                    self.assertIn(recorder.returncode, (0, 125), err)
                    self.assertEqual(out, f"{4 * WAITS}\n")
                    if not (self.folder / output).exists():
                        self.assertRegex(err, "cannot record")
                        continue
                    after = waits_on_disk(self.folder / output)
                    self.assertEqual(before - after, collections.Counter(), err)


if __name__ == "__main__":
    main()
