"""Recordings that lose the recorder, the session daemon or its consumer: what there is, is kept."""

import collections
import json
import os
import pathlib
import shutil
import signal
import time

from harness import (
    WORKLOADS,
    TraceTest,
    end_daemons,
    has_ended,
    main,
    process_ids,
    read_events,
    run,
    session_daemons,
    wait_until,
)

ENDINGS = WORKLOADS / "endings"

# More waits than LTTng's buffers hold that are not on disk yet, by far.
FLOOD = 3000
UNWRITTEN = 1000

# Longer than an event is on its way to LTTng.
WRITTEN_S = 1


# Of recorder_pid in struct ct_control.
RECORDER_PID_OFFSET = 56


def kill_all(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(has_ended(pid) for pid in pids), "they had ended")


def session_directories():
    return set(pathlib.Path("/dev/shm").glob("ctrace-*"))


class FaultTest(TraceTest):
    def setUp(self):
        super().setUp()
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")
        self.others = session_directories()
        self.addCleanup(self.remove_boards)

    def remove_boards(self):
        for directory in session_directories() - self.others:
            shutil.rmtree(directory, ignore_errors=True)

    def boards(self):
        """Of this test's recording, while it goes on or if it was not finished."""
        mine = session_directories() - self.others
        return [path for directory in mine for path in directory.glob("*.board")]

    def start_script(self, script, **options):
        """A shell that says when it has started, and whose children wait."""
        recorder = self.start_record("sh", "-c", f"touch started; {script}", **options)
        wait_until((self.folder / "started").exists, "the program ran")
        wait_until(self.boards, "it had a board")
        return recorder

    def finish(self, recorder, status):
        out, err = recorder.communicate(timeout=90)
        self.assertEqual(recorder.returncode, status, err)
        self.assertNotIn("nothing lost", err)
        self.assertNotIn("no process loaded the preload", err)
        return out, err

    def names(self, directory):
        return {event.name.partition(":")[2] for event in read_events(directory)}

    def assert_has_an_end(self, directory, said):
        """The stacks, modules and totals are there: what only the recorder writes."""
        closing = {"process", "thread", "stack", "module", "counters", "capture"}
        self.assertLessEqual(closing, self.names(directory), said)
        self.assert_opens_everywhere(directory)


class Consumer(FaultTest):
    def test_a_killed_consumer_is_noticed_and_the_boards_survive(self):
        recorder = self.start_script(f"{ENDINGS} sleep 300; {ENDINGS} sleep 1500; exit 3")
        wait_until(lambda: len(self.boards()) > 1, "a child ran")
        kill_all(process_ids("lttng-consumerd"))
        _, err = self.finish(recorder, 3)
        self.assertRegex(err, "not complete.*consumer daemon was killed")
        self.assert_has_an_end(self.folder / "trace", err)
        missing = [
            event.fields["missing"]
            for event in read_events(self.folder / "trace")
            if event.name == "ctrace:capture"
        ]
        self.assertRegex(missing[0], "consumer daemon was killed")

    def test_waits_from_before_a_consumer_was_killed_survive(self):
        recorder = self.start_script(
            f"{ENDINGS} flood {FLOOD}; sleep {WRITTEN_S}; touch written; {ENDINGS} sleep 900",
            options=["--rate=0"],
        )
        wait_until((self.folder / "written").exists, "the events were written")
        kill_all(process_ids("lttng-consumerd"))
        self.finish(recorder, 0)
        waits = collections.Counter(
            event.fields["vpid"]
            for event in self.waits(self.folder / "trace")
            if event.name == "ctrace:wait"
        )
        self.assertGreater(max(waits.values()), FLOOD - UNWRITTEN)

    def test_a_killed_consumer_of_a_daemon_that_is_not_ours(self):
        daemon = self.start_daemon()
        recorder = self.start_script(f"{ENDINGS} sleep 1200; exit 3")
        kill_all(process_ids("lttng-consumerd"))
        _, err = self.finish(recorder, 3)
        self.assertRegex(err, "restart lttng-sessiond")
        self.assertRegex(err, "ctrace recover .*trace")
        self.assertIsNone(daemon.poll(), "somebody else's daemon was ended")
        self.assertTrue(self.boards())

        result = self.ctrace("recover", "trace")
        self.assert_refused(result, "restart lttng-sessiond", status=1)
        self.assertTrue(self.boards(), "a recovery that failed can be repeated")
        result = self.record(ENDINGS, "exit", "0", output="other")
        self.assert_refused(result, "cannot record", "restart lttng-sessiond", status=125)

        end_daemons()
        daemon.wait(20)
        result = self.ctrace("recover", "trace")
        self.assertEqual(result.status, 0, result)
        self.assert_has_an_end(self.folder / "trace", result)
        self.assertEqual(self.boards(), [])


class SessionDaemon(FaultTest):
    def test_waits_from_before_the_daemon_was_killed_survive(self):
        recorder = self.start_script(f"{ENDINGS} sleep 100; touch slept; {ENDINGS} sleep 900")
        wait_until((self.folder / "slept").exists, "the first wait was over")
        kill_all(session_daemons())
        _, err = self.finish(recorder, 0)
        self.assertRegex(err, "not complete.*session daemon was killed")
        self.assert_has_an_end(self.folder / "trace", err)
        slept = [e.fields["duration_ns"] for e in self.waits(self.folder / "trace", op="nanosleep")]
        self.assertTrue([ns for ns in slept if 90_000_000 < ns < 400_000_000], slept)

    def test_another_daemon_than_before(self):
        recorder = self.start_script(f"{ENDINGS} sleep 100; {ENDINGS} sleep 2000; exit 4")
        kill_all(session_daemons())
        daemon = self.start_daemon()
        _, err = self.finish(recorder, 4)
        self.assertRegex(err, "not complete.*session daemon was replaced")
        self.assert_has_an_end(self.folder / "trace", err)
        self.assertIsNone(daemon.poll())
        self.assertEqual(self.boards(), [])

    def test_a_daemon_that_cannot_be_started_again(self):
        place = self.folder / "bin"
        place.mkdir()
        for program in ("lttng-sessiond", "sh", "touch"):
            (place / program).symlink_to(shutil.which(program))
        recorder = self.start_script(
            f"{ENDINGS} sleep 1000; exit 5", env=dict(os.environ, PATH=str(place))
        )
        (place / "lttng-sessiond").unlink()
        kill_all(session_daemons())
        _, err = self.finish(recorder, 5)
        self.assertRegex(err, "could not be finished.*lttng-sessiond")
        self.assertRegex(err, "ctrace recover .*trace")
        result = self.ctrace("recover", "trace")
        self.assertEqual(result.status, 0, result)
        self.assert_has_an_end(self.folder / "trace", result)


class Recorder(FaultTest):
    def start_and_kill(self, *program):
        recorder = self.start_record(*program)
        self.assertEqual(recorder.stdout.readline(), "hanging\n")
        wait_until(self.boards, "it had a board")
        pid = int(self.boards()[0].name.partition("-")[0])
        self.addCleanup(lambda: run("kill", "-KILL", pid))
        recorder.kill()
        recorder.wait(20)
        return pid

    def check(self, directory, said):
        self.assert_has_an_end(directory, said)
        open_ops = {
            event.fields["op"]
            for event in self.waits(directory, is_open=1)
            if event.name == "ctrace:inflight"
        }
        self.assertLessEqual({"pthread_mutex_lock", "read"}, open_ops)

    def test_what_a_program_waited_for_after_its_recorder_was_killed_is_no_running(self):
        program = "import time\nprint('naps', flush=True)\nfor _ in range(40): time.sleep(0.05)"
        recorder = self.start_record("/usr/bin/python3", "-c", program)
        self.assertEqual(recorder.stdout.readline(), "naps\n")
        time.sleep(0.5)
        recorder.kill()
        recorder.wait(20)
        time.sleep(2)  # it ends
        self.assertEqual(self.ctrace("recover", "trace").status, 0)
        report = json.loads(self.ctrace("report", "--format=json", "trace").out)
        (thread,) = report["threads"]
        self.assertGreater(thread["time_ns"]["sleep"], 1_900_000_000, thread)
        self.assertLess(thread["time_ns"]["running"], 1_000_000_000, thread)

    def test_recover_finishes_what_a_killed_recorder_began(self):
        pid = self.start_and_kill(ENDINGS, "hang")
        result = self.ctrace("recover", "trace")
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.err, "recorder was killed")
        self.check(self.folder / "trace", result)
        os.kill(pid, 0)  # the program goes on
        again = self.ctrace("recover", "trace")
        self.assert_refused(again, "nothing to recover", status=1)

    def test_readers_say_how_to_finish_it(self):
        self.start_and_kill(ENDINGS, "hang")
        for command in (["report"], ["pprof", "sync"], ["timeline", "-o", "all.svg"]):
            with self.subTest(command):
                result = self.ctrace(*command, "trace")
                self.assert_refused(result, "not finished", "ctrace recover trace", status=1)

    def test_recover_of_a_program_that_has_ended_as_well(self):
        pid = self.start_and_kill(ENDINGS, "hang")
        kill_all([pid])
        time.sleep(5)
        result = self.ctrace("recover", "trace")
        self.assertEqual(result.status, 0, result)
        self.check(self.folder / "trace", result)
        for event in self.waits(self.folder / "trace", is_open=1):
            waited_s = event.fields["duration_ns"] / 1e9
            self.assertLess(waited_s, 5, "it ended with its process, not with the recovery")

    def test_a_later_recording_leaves_it_recoverable(self):
        self.start_and_kill(ENDINGS, "hang")
        self.record_ok(ENDINGS, "sleep", "20")
        self.assertTrue(self.waits(self.folder / "trace", op="nanosleep"))
        self.assert_refused(self.ctrace("recover", "trace"), "nothing to recover", status=1)
        result = self.ctrace("recover", "trace.old")
        self.assertEqual(result.status, 0, result)
        self.check(self.folder / "trace.old", result)

    def test_what_was_recorded_before_survives_and_nothing_is_added(self):
        """Waits that LTTng had written, and a time that ends with the program."""
        recorder = self.start_script(f"{ENDINGS} sleep 100; touch slept; exec {ENDINGS} hang")
        wait_until((self.folder / "slept").exists, "the first wait was over")
        wait_until(lambda: len(self.boards()) > 0, "there is a board")
        time.sleep(1.5)  # until it was brought out
        pids = [int(board.name.partition("-")[0]) for board in self.boards()]
        recorder.kill()
        recorder.wait(20)
        kill_all(pids)
        killed_at = time.monotonic()
        time.sleep(4)
        result = self.ctrace("recover", "trace")
        self.assertEqual(result.status, 0, result)
        self.assertNotIn("CRITICAL", result.err)
        slept = [e.fields["duration_ns"] for e in self.waits(self.folder / "trace", op="nanosleep")]
        self.assertTrue([ns for ns in slept if ns > 90_000_000], slept)
        report = json.loads(self.ctrace("report", "--format=json", "trace").out)
        end_s = report["capture"]["end_ns"] / 1e9
        self.assertLess(end_s, killed_at + 2.5)

    def test_a_recording_that_was_removed_is_not_the_one_to_recover(self):
        """What it left in memory has no place on disk any more."""
        kill_all([self.start_and_kill(ENDINGS, "hang")])
        shutil.rmtree(self.folder / "trace")
        self.record_ok(ENDINGS, "sleep", "20")
        self.assert_refused(self.ctrace("recover", "trace"), "nothing to recover", status=1)
        self.assertEqual(self.boards(), [])

    def test_a_process_id_that_is_used_again_does_not_hide_a_dead_recorder(self):
        self.start_and_kill(ENDINGS, "hang")
        control = self.boards()[0].parent / "control"
        with control.open("r+b") as page:
            page.seek(RECORDER_PID_OFFSET)
            page.write(os.getpid().to_bytes(4, "little"))
        result = self.ctrace("recover", "trace")
        self.assertEqual(result.status, 0, result)

    def test_one_that_was_killed_before_it_began_is_in_nobodys_way(self):
        directory = self.folder / "trace"
        directory.mkdir()
        reserve = directory / "reserve"
        with reserve.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, 2 << 20)
        self.record_ok(ENDINGS, "exit", "0")
        self.assertEqual(list(self.folder.glob("trace.*")), [])

    def test_one_that_was_killed_while_it_tried_the_file_system_is_in_nobodys_way(self):
        self.record_ok(ENDINGS, "exit", "0")
        (self.folder / "trace" / "hole").write_bytes(b"\0\1")
        self.record_ok(ENDINGS, "exit", "0")
        self.assertTrue((self.folder / "trace.old" / "hole").exists())
        self.record_ok(ENDINGS, "exit", "0")
        self.assertFalse((self.folder / "trace.old" / "hole").exists())
        self.assertEqual(list(self.folder.glob(".*")), [])

    def test_a_file_of_the_users_is_not_taken_for_its_own(self):
        directory = self.folder / "trace"
        directory.mkdir()
        reserve = directory / "reserve"
        reserve.write_text("mine")
        self.assert_refused(self.record(ENDINGS, "exit", "0"), "not a recording", status=125)
        self.assertEqual(reserve.read_text(), "mine")

    def test_recover_refuses_while_the_recorder_lives(self):
        recorder = self.start_record(ENDINGS, "hang")
        self.assertEqual(recorder.stdout.readline(), "hanging\n")
        result = self.ctrace("recover", "trace")
        self.assert_refused(result, "still being recorded", status=1)
        self.assertTrue(self.boards())
        recorder.send_signal(signal.SIGINT)
        recorder.communicate(timeout=60)
        self.check(self.folder / "trace", result)


if __name__ == "__main__":
    main()
