"""`ctrace record` as a command: statuses, signals, daemons, output directories."""

import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import time

from harness import (
    CTRACE,
    WORKLOADS,
    TraceTest,
    children_of,
    main,
    process_ids,
    read_events,
    recorder_of,
    run,
    session_daemons,
    wait_until,
)

ENDINGS = WORKLOADS / "endings"
TEMPORARY = pathlib.Path(os.environ["TMPDIR"])


class Status(TraceTest):
    def test_the_programs_status_is_passed_on(self):
        for status in (0, 3, 255):
            with self.subTest(status):
                result = self.record(ENDINGS, "exit", status, output=f"trace-{status}")
                self.assertEqual(result.status, status, result)

    def test_death_by_a_signal_is_128_and_its_number(self):
        for name, number in (("KILL", 9), ("TERM", 15), ("SEGV", 11)):
            with self.subTest(name):
                result = self.record(
                    "sh", "-c", f"ulimit -c 0; kill -{name} $$", output=f"trace-{name}"
                )
                self.assertEqual(result.status, 128 + number, result)

    def test_the_status_is_in_the_trace(self):
        result = self.record(ENDINGS, "exit", 3)
        captures = [e for e in read_events(result.directory) if e.name == "ctrace:capture"]
        self.assertEqual([capture.fields["exit_status"] for capture in captures], [3])

    def test_the_programs_streams_are_its_own(self):
        result = self.record("sh", "-c", "cat; echo to-stderr >&2", stdin=subprocess.DEVNULL)
        self.assertEqual(result.out, "")
        self.assertIn("to-stderr", result.err)
        source = self.folder / "input"
        source.write_bytes(b"through")
        with source.open() as stdin:
            result = self.record("cat", stdin=stdin, output="piped")
        self.assertEqual(result.out, "through")

    def test_arguments_reach_the_program_unchanged(self):
        words = ["-o", "--rate=3", "--", "a b", "", "*", "é"]
        result = self.record_ok("printf", "[%s]", *words)
        self.assertEqual(result.out, "".join(f"[{word}]" for word in words))

    def test_a_program_needs_no_dashes_before_it(self):
        result = self.ctrace("record", ENDINGS, "exit", "4")
        self.assertEqual(result.status, 4, result)
        self.assertTrue((self.folder / "ctrace.data").is_dir())

    def test_the_environment_is_the_programs_own_but_for_the_preload(self):
        result = self.record_ok("env")
        names = {line.partition("=")[0] for line in result.out.splitlines()}
        mine = names - set(os.environ) - {"_", "PWD", "OLDPWD", "SHLVL"}
        allowed = re.compile("LD_PRELOAD|CTRACE_SESSION")
        self.assertEqual([name for name in mine if not allowed.fullmatch(name)], [])

    def test_names_in_messages_are_as_they_are_in_every_locale(self):
        for locale in ("C", "C.UTF-8", ""):
            with self.subTest(locale):
                environment = dict(os.environ, LC_ALL=locale)
                result = self.record(
                    ENDINGS, "exit", "0", output=f"größe-{locale}", env=environment
                )
                self.assertEqual(result.status, 0, result)
                self.assertIn(f"/größe-{locale} (", result.err)
                result = self.record("./fehlt-größe", env=environment)
                self.assert_refused(result, "fehlt-größe", status=127)
                result = self.ctrace("recover", "größe", env=environment)
                self.assert_refused(result, "recover for .*/größe:", status=1)

    def test_closed_streams_stay_closed_and_no_file_of_ours_gets_the_messages(self):
        (self.folder / "script").write_text(
            f"""
            for fd in 0 1 2; do test -e /proc/$$/fd/$fd && touch open-$fd; done
            trap '' INT
            kill -INT $PPID  # ctrace says that the program goes on
            sleep 2
            {ENDINGS} sleep 20
            exit 3
            """
        )
        command = f"exec {CTRACE} record -o trace -- sh ./script <&- >&- 2>&-"
        result = run("sh", "-c", command, cwd=self.folder)
        self.assertEqual(result.status, 3, result)
        self.assertEqual(sorted(os.listdir(self.folder)), ["script", "trace"])
        programs = {event.fields.get("exe") for event in read_events(self.folder / "trace")}
        self.assertIn(str(ENDINGS), programs)

    def test_the_summary_says_what_was_recorded_and_where(self):
        result = self.record_ok(ENDINGS, "abandon")
        for word in ("1 process", "3 threads", "wait", "trace"):
            self.assertRegex(result.err, word)


class Output(TraceTest):
    def test_an_existing_trace_is_moved_aside(self):
        def identity(name):
            return (self.folder / name).stat().st_ino

        self.record_ok(ENDINGS, "exit", "0")
        first = identity("trace")
        self.record_ok(ENDINGS, "exit", "0")
        second = identity("trace")
        self.assertEqual(identity("trace.old"), first)
        self.record_ok(ENDINGS, "exit", "0")
        self.assertEqual(identity("trace.old"), second)

    def test_something_that_is_no_trace_is_not_moved(self):
        (self.folder / "trace").mkdir()
        (self.folder / "trace" / "thesis.txt").write_text("years of work")
        result = self.record(ENDINGS, "exit", "0")
        self.assert_refused(result, "trace", "not a recording")
        self.assertEqual(os.listdir(self.folder / "trace"), ["thesis.txt"])

    def test_a_tree_with_a_recordings_names_is_not_one(self):
        source = self.folder / "linux"
        (source / "kernel").mkdir(parents=True)
        (source / "kernel" / "sched.c").write_text("years of work")
        result = self.ctrace("record", "-o", source, "--", ENDINGS, "exit", "0")
        self.assert_refused(result, "linux", "not a recording")
        source.rename(self.folder / "trace.old")
        self.record_ok(ENDINGS, "exit", "0")
        result = self.record(ENDINGS, "exit", "0")
        self.assert_refused(result, "trace.old", "not a recording")
        kept = self.folder / "trace.old" / "kernel" / "sched.c"
        self.assertEqual(kept.read_text(), "years of work")
        self.assertEqual(sorted(os.listdir(self.folder)), ["trace", "trace.old"])

    def test_an_empty_directory_is_used_and_made_private(self):
        place = self.folder / "trace"
        place.mkdir()
        place.chmod(0o2750)
        before = place.stat()
        self.record_ok(ENDINGS, "sleep", "20")
        self.assertEqual(place.stat().st_ino, before.st_ino)
        self.assertEqual(place.stat().st_mode & 0o777, 0o700)
        self.assertEqual(os.listdir(self.folder), ["trace"])
        self.assertTrue(self.waits(place, op="nanosleep"))

    def test_a_second_recording_to_the_same_directory_is_refused(self):
        first = self.start_record(ENDINGS, "hang")
        self.assertEqual(first.stdout.readline(), "hanging\n")
        second = self.record("touch", self.folder / "ran")
        self.assert_refused(second, "another ctrace is recording to .*trace.*-o", status=125)
        self.assertEqual(os.listdir(self.folder), ["trace"])
        other = self.record_ok(ENDINGS, "sleep", "20", output="other")
        self.assertTrue(self.waits(other.directory, op="nanosleep"))
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
        self.assertTrue(self.waits(self.folder / "trace", op="pthread_mutex_lock", is_open=1))
        self.record_ok(ENDINGS, "sleep", "20")  # it is free again

    def test_recordings_that_start_at_once_in_one_directory(self):
        recorders = [self.start_record(ENDINGS, "sleep", "1500") for _ in range(4)]
        statuses = []
        for recorder in recorders:
            _, err = recorder.communicate(timeout=60)
            statuses.append(recorder.returncode)
            if recorder.returncode != 0:
                self.assertRegex(err, "another ctrace is recording")
        self.assertEqual(sorted(statuses), [0, 125, 125, 125])
        self.assertEqual(os.listdir(self.folder), ["trace"])
        self.assertEqual(len(self.waits(self.folder / "trace", op="nanosleep")), 1)

    def check_all_is_as_before(self, fail):
        """`fail` records to a directory with a recording, and to one that is not there."""

        def identities():
            return {path.name: path.stat().st_ino for path in self.folder.iterdir()}

        self.record_ok(ENDINGS, "exit", "0")
        self.record_ok(ENDINGS, "exit", "0")
        before = identities()
        self.assertLessEqual({"trace", "trace.old"}, set(before))
        fail("trace")
        self.assertEqual(identities(), before)
        fail("new")
        self.assertEqual(identities(), before)
        self.assertTrue(read_events(self.folder / "trace"))
        self.assertTrue(read_events(self.folder / "trace.old"))

    def test_a_program_that_the_kernel_refuses_leaves_all_as_it_was(self):
        program = self.folder / "foreign"
        content = bytearray(ENDINGS.read_bytes())
        content[18:20] = b"\xff\x7f"  # the machine that it is for
        program.write_bytes(content)
        program.chmod(0o755)

        def fail(output):
            result = self.record(program, output=output)
            self.assert_refused(result, "foreign.*exec format", status=126)

        self.check_all_is_as_before(fail)

    def test_without_a_session_daemon_all_stays_as_it_was(self):
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")

        def fail(output):
            result = self.record(ENDINGS, "exit", "0", output=output, env=environment)
            self.assert_refused(result, "cannot record.*lttng-sessiond", status=125)

        environment = dict(os.environ, PATH="/nonexistent")
        self.check_all_is_as_before(fail)

    def test_nothing_is_left_behind(self):
        def leftovers():
            places = ["/dev/shm", "/run", os.environ["TMPDIR"], os.environ["HOME"]]
            return {
                f"{place}/{name}"
                for place in places
                for name in os.listdir(place)
                if "ctrace" in name
            }

        before = leftovers()
        self.record_ok(ENDINGS, "abandon")
        self.assertEqual(leftovers() - before, set())
        self.assertEqual(os.listdir(self.folder), ["trace"])

    def test_the_trace_is_plain_ctf(self):
        result = self.record_ok(ENDINGS, "sleep", "20")
        self.assertTrue(list(pathlib.Path(result.directory).rglob("metadata")))
        names = [event.name for event in read_events(result.directory)]
        for name in ("process_start", "wait", "stack", "module", "counters", "capture"):
            self.assertIn(f"ctrace:{name}", names)
        self.assertEqual(names[-1], "ctrace:capture")

    def test_a_relative_output_is_where_ctrace_was_called(self):
        result = self.ctrace("record", "-o", "a/../here", "--", "sh", "-c", "cd /; true")
        if result.status == 0:
            self.assertTrue((self.folder / "here").is_dir())
        result = self.ctrace("record", "-o", "there", "--", "sh", "-c", "cd /; true")
        self.assertEqual(result.status, 0, result)
        self.assertTrue((self.folder / "there").is_dir())


class Signals(TraceTest):
    def test_signals_are_handed_on(self):
        recorder = self.start_record(ENDINGS, "signals")
        self.assertEqual(recorder.stdout.readline(), "ready\n")
        for name in ("USR1", "HUP", "TERM"):
            recorder.send_signal(getattr(signal, f"SIG{name}"))
            self.assertEqual(recorder.stdout.readline(), f"{name}\n")
        recorder.communicate(timeout=30)
        self.assertEqual(recorder.returncode, 7)
        self.assert_opens_everywhere(self.folder / "trace")

    def test_ctrl_c_ends_the_recording_and_keeps_the_trace(self):
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execv(CTRACE, [CTRACE, "record", "-o", "trace", "--", str(ENDINGS), "hang"])
        said = b""
        deadline = time.monotonic() + 60
        is_interrupted = False
        while time.monotonic() < deadline:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:
                break
            if not chunk:
                break
            said += chunk
            if b"hanging" in said and not is_interrupted:
                os.write(terminal, b"\x03")
                is_interrupted = True
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(status), 130, said)
        self.assert_opens_everywhere(self.folder / "trace")
        self.assertTrue(self.waits(self.folder / "trace", op="pthread_mutex_lock", is_open=1))

    def test_a_program_may_read_from_its_terminal(self):
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execv(CTRACE, [CTRACE, "record", "--", "sh", "-c", 'read x; echo "got:$x"'])
        os.write(terminal, b"word\n")
        said = b""
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:
                break
            if not chunk:
                break
            said += chunk
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, said)
        self.assertIn(b"got:word", said)


class Endings(TraceTest):
    def check_blocked_threads(self, result):
        self.assert_opens_everywhere(result.directory)
        names = {}
        for event in self.waits(result.directory):
            if event.name == "ctrace:inflight" and event.fields["duration_ns"] > 150_000_000:
                names[event.fields["op"]] = event.fields
        self.assertEqual(set(names), {"pthread_mutex_lock", "read"})
        sync = self.profile("sync", result.directory)
        self.assertGreater(sync.delay_of(thread="on-lock", op="pthread_mutex_lock"), 190_000_000)
        syscall = self.profile("syscall", result.directory)
        self.assertGreater(syscall.delay_of(thread="in-read", op="read"), 190_000_000)

    def test_threads_blocked_at_exit_are_in_the_trace(self):
        self.check_blocked_threads(self.record_ok(ENDINGS, "abandon"))

    def test_a_killed_program_leaves_everything_in_the_trace(self):
        result = self.record(ENDINGS, "killed")
        self.assertEqual(result.status, 137, result)
        self.check_blocked_threads(result)

    def test_the_whole_process_tree_is_waited_for(self):
        script = f"({ENDINGS} sleep 700 >/dev/null 2>&1 &) ; exit 5"
        result = self.record("sh", "-c", script)
        self.assertEqual(result.status, 5, result)
        slept_ns = self.profile("sleep", result.directory).delay_ns
        self.assert_about(slept_ns, 700_000_000, 5, "sleep of the grandchild")

    def test_no_follow_leaves_children_alone(self):
        self.needs_option("record", "--no-follow")
        result = self.record_ok(
            "sh", "-c", f"{ENDINGS} sleep 100; true", options=["--no-follow"]
        )
        names = [e.fields["exe"] for e in read_events(result.directory) if "exe" in e.fields]
        self.assertFalse([name for name in names if name.endswith("endings")])

    def test_a_delay_that_outlasts_the_program_is_named_as_the_reason(self):
        result = self.record(ENDINGS, "sleep", "300", options=["--delay=1h"])
        self.assert_refused(result, "nothing was recorded: .*--delay", status=125)
        self.assertNotIn("nothing lost", result.err)
        self.assertRegex(self.report_text(result.directory), "--delay")
        capture = [e for e in read_events(result.directory) if e.name == "ctrace:capture"][0]
        self.assertEqual(capture.fields["begin_ns"], capture.fields["end_ns"])
        self.assert_opens_everywhere(result.directory)

    def test_a_delay_leaves_out_what_was_before(self):
        """What a thread waited for when the recording began is counted from then on."""
        script = f"{ENDINGS} sleep 100; {ENDINGS} sleep 1500"
        for kernel in ("off", "auto"):
            options = ["--delay=1s", f"--kernel={kernel}"]
            result = self.record_ok("sh", "-c", script, options=options)
            with self.subTest(kernel):
                trace = result.directory
                capture = [e for e in read_events(trace) if e.name == "ctrace:capture"][0]
                lasted_ns = capture.fields["end_ns"] - capture.fields["begin_ns"]
                self.assertLess(lasted_ns, 1_500_000_000)
                (nap,) = self.waits(trace, op="nanosleep")
                self.assertLessEqual(nap.fields["duration_ns"], lasted_ns)
                report = json.loads(self.ctrace("report", trace, "--format=json").out)
                # The shell waits for it; who slept before is not told of.
                self.assertEqual(len(report["processes"]), 2)
                for thread, state in zip(report["threads"], ("syscall", "sleep")):
                    life_ns = thread["end_ns"] - thread["start_ns"]
                    self.assertGreater(thread["time_ns"][state], 0.95 * life_ns, thread)
                self.assertIn("recorded 2 processes, 2 threads", result.err)

    def test_a_wait_that_does_not_end_begins_with_a_delayed_recording(self):
        options = ["--delay=300ms", "--duration=200ms"]
        begun_ns = time.monotonic_ns()
        result = self.record_ok(ENDINGS, "sleep", "2500", options=options)
        (capture,) = [e.fields for e in read_events(result.directory) if e.name == "ctrace:capture"]
        # A busy machine may begin late, and not end at once.
        self.assertGreaterEqual(capture["begin_ns"], begun_ns + 300_000_000)
        inside_ns = capture["end_ns"] - capture["begin_ns"]
        self.assertGreater(inside_ns, 0)
        self.assertLess(inside_ns, 2_000_000_000)
        slept_ns = self.profile("sleep", result.directory).delay_ns
        self.assertAlmostEqual(slept_ns, inside_ns, delta=1000, msg="the part inside")

    def test_duration_cuts_the_recording_and_leaves_the_program(self):
        self.needs_option("record", "--duration")
        begin = time.monotonic()
        result = self.record(ENDINGS, "sleep", "1500", options=["--duration=300ms"])
        self.assertTrue(result.out.strip().isdigit(), "the program ran to its end")
        self.assertGreater(time.monotonic() - begin, 1.4)
        self.assert_opens_everywhere(result.directory)

    def check_lock_wait(self, trace):
        """It began 200 ms before its process was killed, long before the recording ended."""
        waits = [
            event.fields["duration_ns"]
            for event in self.waits(trace, op="pthread_mutex_lock")
            if event.name == "ctrace:inflight"
        ]
        self.assertEqual(len(waits), 1)
        self.assertGreater(waits[0], 190_000_000)
        self.assertLess(waits[0], 600_000_000)

    def test_a_wait_ends_with_its_process_also_if_nobody_waits_for_that(self):
        result = self.record_ok("sh", "-c", f"{ENDINGS} killed & exec {ENDINGS} sleep 2500")
        self.check_lock_wait(result.directory)

    def test_a_wait_ends_with_its_process_if_another_one_waits_for_that(self):
        result = self.record_ok("sh", "-c", f"{ENDINGS} killed; {ENDINGS} sleep 1700; exit 0")
        self.check_lock_wait(result.directory)


class Homes(TraceTest):
    """An ordinary user's LTTng has its sockets in their home."""

    def setUp(self):
        super().setUp()
        if os.getuid() == 0:
            self.skipTest("root's daemon needs no home")

    def check(self, **changes):
        environment = {**os.environ, **changes}
        environment = {name: value for name, value in environment.items() if value is not None}
        result = self.record_ok(ENDINGS, "sleep", "20", env=environment)
        self.assertTrue(self.waits(result.directory, op="nanosleep"), result)
        self.assertNotIn("LOST", result.err)
        self.assertEqual(list(TEMPORARY.glob("ctrace-home*")), [])

    def test_a_home_that_is_not_there(self):
        self.check(HOME="/nonexistent")
        self.check(HOME=str(self.folder / "missing"))
        self.assertFalse((self.folder / "missing").exists())

    def test_no_home_at_all(self):
        self.check(HOME=None)

    def test_a_home_that_cannot_be_written(self):
        home = self.folder / "home"
        home.mkdir(mode=0o555)
        self.check(HOME=str(home))

    def test_a_home_whose_name_is_too_long_for_a_socket(self):
        home = self.folder / ("h" * 80)
        home.mkdir()
        self.check(HOME=str(home))

    def test_a_child_with_another_home_is_recorded(self):
        script = f"HOME=/nonexistent {ENDINGS} sleep 20"
        result = self.record_ok("sh", "-c", f"{script}; true")
        self.assertTrue(self.waits(result.directory, op="nanosleep"))

    def test_somebody_elses_temporary_home_is_not_used(self):
        other = self.folder / "other"
        other.mkdir()
        (TEMPORARY / f"ctrace-home-{os.getuid()}").symlink_to(other)
        self.addCleanup((TEMPORARY / f"ctrace-home-{os.getuid()}").unlink)
        environment = dict(os.environ, HOME="/nonexistent")
        result = self.record_ok(ENDINGS, "sleep", 20, env=environment)  # in one by another name
        self.assertTrue(self.waits(result.directory, op="nanosleep"))
        self.assertEqual(os.listdir(other), [])

    def test_recordings_at_once_share_a_temporary_home(self):
        environment = dict(os.environ, HOME="/nonexistent")
        recorders = []
        for i in range(5):
            name = f"trace-{i}"
            recorders.append(self.start_record(ENDINGS, "sleep", 60, output=name, env=environment))
            time.sleep(0.15)
        for i, recorder in enumerate(recorders):
            _, err = recorder.communicate(timeout=60)
            self.assertEqual(recorder.returncode, 0, err)
            self.assertTrue(self.waits(self.folder / f"trace-{i}", op="nanosleep"), err)
        self.assertEqual(list(TEMPORARY.glob("ctrace-home*")), [])
        wait_until(lambda: not session_daemons(), "the daemon was gone")

    def test_what_a_killed_recorder_began_in_a_temporary_home_can_be_finished(self):
        environment = dict(os.environ, HOME="/nonexistent")
        recorder = self.start_record(ENDINGS, "hang", env=environment)
        self.assertEqual(recorder.stdout.readline(), "hanging\n")
        program = children_of(recorder_of(recorder))["endings"]
        recorder.kill()
        recorder.wait(20)
        result = self.ctrace("recover", "trace", env=environment)
        os.kill(program, signal.SIGKILL)
        self.assertEqual(result.status, 0, result)
        self.assertTrue(self.waits(self.folder / "trace", op="pthread_mutex_lock", is_open=1))
        self.assertEqual(list(TEMPORARY.glob("ctrace-home*")), [])
        self.assertEqual(session_daemons(), set())


class Daemons(TraceTest):
    def test_a_daemon_that_was_running_is_left_alone(self):
        daemon = self.start_daemon()
        self.record_ok(ENDINGS, "sleep", "10")
        self.record_ok(ENDINGS, "sleep", "10", output="second")
        self.assertIsNone(daemon.poll())
        sessions = run("lttng", "--no-sessiond", "list")
        self.assertNotIn("ctrace", sessions.out)
        self.assertTrue(self.waits(self.folder / "second", op="nanosleep"))

    def test_the_programs_limit_of_open_files_is_not_the_daemons(self):
        command = f"ulimit -Sn 64; exec {CTRACE} record -o trace -- sh -c"
        script = f"for i in 1 2 3 4; do {ENDINGS} sleep 300 >/dev/null & done; wait; ulimit -Sn"
        result = run("sh", "-c", f"{command} '{script}'", cwd=self.folder)
        self.assertEqual((result.status, result.out), (0, "64\n"), result)
        self.assertEqual(len(self.waits(self.folder / "trace", op="nanosleep")), 4, result)

    def test_a_session_that_a_killed_recorder_left_is_replaced(self):
        self.start_daemon()
        place = os.stat("/dev/shm")
        # Its session directory, which was there, is gone.
        name = f"ctrace-FoRsAk-{place.st_dev:x}.{place.st_ino:x}"
        created = run("lttng", "--no-sessiond", "create", name, "--output", self.folder / "other")
        self.assertEqual(created.status, 0, created)
        result = self.record_ok(ENDINGS, "sleep", "20")
        self.assertTrue(self.waits(result.directory, op="nanosleep"))
        self.assertNotIn(name, run("lttng", "--no-sessiond", "list").out)

    def test_a_daemon_that_it_started_is_gone_afterwards(self):
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")
        self.record_ok(ENDINGS, "sleep", "10")
        wait_until(lambda: not session_daemons(), "the daemon was gone")
        wait_until(lambda: not process_ids("lttng-consumerd"), "its consumer was gone")

    def test_two_recordings_at_once_do_not_disturb_each_other(self):
        first = self.start_record(ENDINGS, "sleep", "900", output="first")
        second = self.start_record(ENDINGS, "sleep", "300", output="second")
        answers = {}
        for name, recorder in (("first", first), ("second", second)):
            out, err = recorder.communicate(timeout=60)
            self.assertEqual(recorder.returncode, 0, err)
            answers[name] = int(out)
        for name, slept_ns in answers.items():
            profile = self.profile("sleep", self.folder / name)
            self.assert_about(profile.delay_ns, slept_ns, 1, name)
            pids = {e.fields.get("vpid") for e in self.waits(self.folder / name, op="nanosleep")}
            self.assertEqual(len(pids - {None}), 1)

    def test_a_recording_that_starts_while_another_ends_succeeds(self):
        recorders = []
        for i in range(6):
            recorders.append(self.start_record(ENDINGS, "sleep", "60", output=f"trace-{i}"))
            time.sleep(0.15)
        for i, recorder in enumerate(recorders):
            _, err = recorder.communicate(timeout=60)
            self.assertEqual(recorder.returncode, 0, err)
            self.assertTrue(self.waits(self.folder / f"trace-{i}", op="nanosleep"), err)


if __name__ == "__main__":
    main()
