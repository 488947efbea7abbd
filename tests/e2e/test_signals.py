"""Signals between a terminal, ctrace and the program."""

import os
import pathlib
import pty
import signal
import time

from harness import (
    CTRACE,
    WORKLOADS,
    TraceTest,
    children_of,
    main,
    recorder_of,
    run,
    wait_until,
)

ENDINGS = WORKLOADS / "endings"
SIGNALS = WORKLOADS / "signals"


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


class Inheritance(TraceTest):
    def check(self, *changes, **options):
        """The program finds the signals as it would without ctrace."""

        def prepare():
            for change in changes:
                change()

        bare = run(SIGNALS, "inherited", preexec_fn=prepare, **options)
        recorded = self.record_ok(SIGNALS, "inherited", preexec_fn=prepare, **options)
        self.assertEqual(recorded.out, bare.out)
        return bare.out

    def test_an_ordinary_start(self):
        self.assertEqual(self.check(), "")

    def test_blocked_signals_stay_blocked(self):
        numbers = {signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD, signal.SIGWINCH}
        said = self.check(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, numbers))
        self.assertEqual(said.count("blocked"), len(numbers))

    def test_ignored_signals_stay_ignored(self):
        numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE)
        said = self.check(*(lambda n=n: signal.signal(n, signal.SIG_IGN) for n in numbers))
        self.assertEqual(said.count("ignored"), len(numbers))

    def test_who_ignores_its_children_is_not_waited_for_forever(self):
        said = self.check(lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(said, "CHLD ignored\n")


class HandedOn(TraceTest):
    def counts(self, text):
        words = [line.split() for line in text.splitlines() if line != "ready"]
        return {name: int(count) for name, count in words}

    def start_in_group(self, mode):
        """A recording that leads a process group, whose program is ready for signals."""
        recorder = self.start_record(SIGNALS, mode, "2000", process_group=0)
        self.assertEqual(recorder.stdout.readline(), "ready\n")
        return recorder

    def check_end(self, recorder, expected):
        out, err = recorder.communicate(timeout=60)
        self.assertEqual(recorder.returncode, 0, err)
        self.assertEqual(self.counts(out), expected)

    def test_what_goes_to_the_whole_group_arrives_once(self):
        recorder = self.start_in_group("count")
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
            os.killpg(recorder.pid, number)
        self.check_end(recorder, {"TERM": 1, "USR1": 1, "HUP": 1})

    def test_what_goes_to_us_and_then_to_the_group_as_from_timeout_is_one(self):
        for number, name in ((signal.SIGTERM, "TERM"), (signal.SIGINT, "INT")):
            with self.subTest(name):
                recorder = self.start_in_group("count")
                os.kill(recorder.pid, number)
                os.killpg(recorder.pid, number)
                self.check_end(recorder, {name: 1})

    def test_a_program_that_left_the_group_gets_what_the_group_got(self):
        recorder = self.start_in_group("alone")
        os.killpg(recorder.pid, signal.SIGTERM)
        self.check_end(recorder, {"TERM": 1})

    def test_each_signal_to_ctrace_arrives_once(self):
        recorder = self.start_record(SIGNALS, "count", "2500")
        self.assertEqual(recorder.stdout.readline(), "ready\n")
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
            recorder.send_signal(number)
            time.sleep(0.3)
        self.check_end(recorder, {"USR1": 2, "TERM": 1, "HUP": 1})

    def test_what_the_program_sends_to_its_group_is_not_sent_back(self):
        script = f'trap "echo got >> got" USR1; kill -USR1 0; {ENDINGS} sleep 500; true'
        result = self.record("sh", "-c", script)
        self.assertEqual(result.status, 0, result)
        self.assertEqual((self.folder / "got").read_text(), "got\n")

    def test_nothing_of_ctrace_is_left_running(self):
        recorder = self.start_record(ENDINGS, "hang")
        self.assertEqual(recorder.stdout.readline(), "hanging\n")
        children = children_of(recorder_of(recorder))
        ours = [recorder_of(recorder), children["ctrace-witness"]]
        self.addCleanup(lambda: run("kill", "-KILL", children["endings"]))
        recorder.kill()
        recorder.wait(20)
        self.assertEqual(set(children), {"ctrace-witness", "endings"})
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in ours), "all were gone")
        self.assertTrue(os.path.exists(f"/proc/{children['endings']}"), "the program goes on")

    def test_a_stopped_recording_goes_on(self):
        recorder = self.start_in_group("count")
        pids = [recorder.pid, children_of(recorder_of(recorder))["signals"]]
        os.killpg(recorder.pid, signal.SIGTSTP)
        wait_until(lambda: all(state_of(pid) == "T" for pid in pids), "both had stopped")
        os.killpg(recorder.pid, signal.SIGCONT)
        wait_until(lambda: all(state_of(pid) != "T" for pid in pids), "both went on")
        os.killpg(recorder.pid, signal.SIGUSR1)
        self.check_end(recorder, {"USR1": 1})


class Terminal(TraceTest):
    def record_in_terminal(self, program, keys, pause_s=0):
        """What was said, the status, and how long it took after the last key."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execv(CTRACE, [CTRACE, "record", "-o", "trace", "--", *map(str, program)])
        said = b""
        while b"ready" not in said:
            said += os.read(terminal, 4096)
        for key in keys:
            os.write(terminal, key)
            time.sleep(pause_s)
        begin = time.monotonic()
        while b"wrote" not in said:
            said += os.read(terminal, 4096)
        _, status = os.waitpid(child, 0)
        took_s = time.monotonic() - begin
        os.close(terminal)
        return said.decode(), os.waitstatus_to_exitcode(status), took_s

    def test_ctrl_z_stops_the_program_and_not_the_recorder(self):
        """An interactive shell says that the job has stopped; fg goes on with it."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.addCleanup(lambda: os.close(terminal))
        said = b""

        def type_until(keys, answer):
            nonlocal said
            os.write(terminal, keys)
            begin = len(said)
            while answer not in said[begin:]:
                said += os.read(terminal, 4096)

        type_until(b"PS1=; " + f"{CTRACE} record -o trace -- {SIGNALS} count 3000\n".encode(), b"ready")
        (job,) = children_of(child).values()
        recorder = children_of(job)["ctrace-record"]
        program = children_of(recorder)["signals"]
        type_until(b"\x1a", b"Stopped")
        self.assertEqual([state_of(pid) for pid in (job, program)], ["T", "T"])
        self.assertNotEqual(state_of(recorder), "T")
        type_until(b"fg\n", b"wrote")
        type_until(b"echo status=$((100 + $?))\n", b"status=100")
        os.write(terminal, b"exit\n")
        os.waitpid(child, 0)

    def test_a_program_that_stops_itself_stops_the_job(self):
        job = self.start_record("sh", "-c", "echo $$; kill -STOP $$; exit 7")
        pid = int(job.stdout.readline())
        wait_until(lambda: state_of(job.pid) == "T", "the job had stopped")
        os.kill(pid, signal.SIGCONT)
        job.communicate(timeout=20)
        self.assertEqual(job.returncode, 7)

    def test_a_program_that_is_killed_while_it_is_stopped_ends_the_job(self):
        job = self.start_record("sh", "-c", "echo $$; kill -STOP $$; exit 7")
        pid = int(job.stdout.readline())
        wait_until(lambda: state_of(job.pid) == "T", "the job had stopped")
        os.kill(pid, signal.SIGKILL)
        job.communicate(timeout=20)
        self.assertEqual(job.returncode, 128 + signal.SIGKILL)

    def test_a_second_ctrl_c_ends_the_recording_without_the_program(self):
        program = [SIGNALS, "count", "15000"]
        said, status, took_s = self.record_in_terminal(program, [b"\x03", b"\x03"], 1.2)
        self.assertEqual(status, 130, said)
        self.assertLess(took_s, 8)
        self.assertIn("Ctrl-C again ends the recording", said)
        self.assert_opens_everywhere(self.folder / "trace")

    def test_each_key_is_one_signal(self):
        program = [SIGNALS, "count", "1500"]
        said, status, _ = self.record_in_terminal(program, [b"\x03", b"\x1c"])
        self.assertEqual(status, 0, said)
        self.assertIn("INT 1\r\nQUIT 1\r\n", said)


class Descendants(TraceTest):
    def start(self, prepare=None):
        """A recording whose program has ended with status 6, but for a child of it."""
        script = f"({ENDINGS} sleep 30000 >/dev/null 2>&1 &); echo ended; exit 6"
        recorder = self.start_record("sh", "-c", script, preexec_fn=prepare)
        self.assertEqual(recorder.stdout.readline(), "ended\n")
        expected = {"ctrace-witness", "endings"}
        pid = recorder_of(recorder)
        wait_until(lambda: set(children_of(pid)) == expected, "only the child was left")
        child = children_of(pid)["endings"]
        self.addCleanup(lambda: run("kill", "-KILL", child))
        time.sleep(0.3)
        self.assertIsNone(recorder.poll(), "it was not waited for")
        return recorder, child

    def check_end(self, recorder, child):
        _, err = recorder.communicate(timeout=20)
        self.assertEqual(recorder.returncode, 6, err)
        os.kill(child, 0)  # it goes on
        self.assertTrue(self.waits(self.folder / "trace", op="nanosleep", is_open=1), err)

    def test_a_signal_ends_a_recording_whose_program_has_ended(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with self.subTest(number):
                recorder, child = self.start()
                recorder.send_signal(number)
                self.check_end(recorder, child)

    def test_a_signal_that_is_ignored_from_the_start_does_not(self):
        recorder, child = self.start(lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        recorder.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertIsNone(recorder.poll())
        recorder.send_signal(signal.SIGTERM)
        self.check_end(recorder, child)


if __name__ == "__main__":
    main()
