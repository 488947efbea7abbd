"""Bad input and faults: a clear message, the right status, and nothing lost that was on disk."""

import collections
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import unittest

from harness import (
    CLASSES,
    CTRACE,
    SMALL_FS,
    WORKLOADS,
    TraceTest,
    main,
    process_ids,
    read_events,
    run,
    session_daemons,
    wait_until,
)

ENDINGS = WORKLOADS / "endings"
LOST = re.compile(
    r"(?i)\b[1-9][\d,]* (?:events?|waits?) (?:were |was )?lost"
    r"|\blost\b.*?\b[1-9][\d,]* (?:event|wait)"
)
FLOOD = 400000  # waits: more than the buffers hold
MAX_MODULES = 1936  # on a board
READERS = [["report"]] + [["pprof", kind] for kind in CLASSES] + [["symbolize"], ["timeline"]]


class Programs(TraceTest):
    def test_no_such_program(self):
        result = self.record("no-such-program")
        self.assert_refused(result, "no-such-program", "not found|no such", status=127)
        self.assertFalse((self.folder / "trace").exists())

    def test_no_such_path(self):
        result = self.record("./no/such/program")
        self.assert_refused(result, "no/such/program", "not found|no such", status=127)

    def test_not_executable(self):
        (self.folder / "notes").write_text("echo hello")
        result = self.record(self.folder / "notes")
        self.assert_refused(result, "notes", "permission|executable", status=126)
        self.assertFalse((self.folder / "trace").exists())

    def test_a_directory(self):
        result = self.record(self.folder)
        self.assert_refused(result, "permission|director|executable", status=126)

    def test_not_a_program_at_all(self):
        program = self.folder / "garbage"
        program.write_bytes(b"\x7fELF" + bytes(range(200)))
        program.chmod(0o755)
        result = self.record(program)
        self.assert_refused(result, "garbage", "format|not a program|cannot", status=126)

    def test_a_script_without_an_interpreter_runs_as_a_shell_would_run_it(self):
        script = self.folder / "script"
        script.write_text('echo "$0 $1"; sleep 0.05; exit 9\n')
        script.chmod(0o755)
        result = self.record(script, "word")
        self.assertEqual(result.status, 9, result)
        self.assertEqual(result.out, f"{script} word\n")
        self.assertTrue(self.waits(result.directory))

    def test_a_file_of_bytes_is_no_script(self):
        program = self.folder / "bytes"
        program.write_bytes(bytes(range(256)))
        program.chmod(0o755)
        result = self.record(program)
        self.assert_refused(result, "bytes", "neither", status=126)
        self.assertFalse((self.folder / "trace").exists())

    def test_a_program_whose_loader_is_missing(self):
        program = self.folder / "foreign"
        content = ENDINGS.read_bytes()
        self.assertIn(b"/ld-linux", content)
        program.write_bytes(content.replace(b"/ld-linux", b"/no-linux"))
        program.chmod(0o755)
        result = self.record(program)
        self.assert_refused(result, "foreign", "loader .*no-linux", status=126)
        self.assertFalse((self.folder / "trace").exists())

    def test_a_script_with_an_interpreter_is_recorded(self):
        script = self.folder / "script"
        script.write_text("#!/bin/sh\nread x < /dev/null\nexit 9\n")
        script.chmod(0o755)
        self.assertEqual(self.record(script).status, 9)

    def test_a_missing_interpreter(self):
        script = self.folder / "script"
        script.write_text("#!/no/such/interpreter\n")
        script.chmod(0o755)
        result = self.record(script)
        self.assert_refused(result, "script")
        self.assertIn(result.status, (126, 127))

    def test_a_static_program_is_named_as_such(self):
        result = self.record(WORKLOADS / "static")
        self.assertIn("static was here", result.out)
        self.assert_refused(result, "static")

    def test_a_static_program_among_others_is_no_failure(self):
        result = self.record("sh", "-c", f"{WORKLOADS / 'static'}; sleep 0.05")
        self.assertEqual(result.status, 0, result)
        self.assertTrue(self.waits(result.directory))

    def test_a_setuid_program_is_named_as_such(self):
        if os.getuid() == 0:
            self.skipTest("root loses nothing to setuid")
        candidates = [shutil.which(name) for name in ("su", "passwd", "chsh", "mount")]
        setuid = [path for path in candidates if path and os.stat(path).st_mode & stat.S_ISUID]
        if not setuid:
            self.skipTest("no setuid program here")
        result = self.record(setuid[0], "--help")
        self.assertLess(result.status, 128, result)
        self.assertRegex(result.err, "(?i)set-?u(ser-?)?id", result)

    def test_record_without_a_program(self):
        self.assert_refused(self.ctrace("record"), "program|usage")

    def test_unknown_options_and_commands(self):
        self.assert_refused(self.ctrace("record", "--no-such-option", "true"), "no-such-option")
        self.assert_refused(self.ctrace("no-such-command"), "no-such-command")
        self.assert_refused(self.ctrace("record", "--rate=often", "true"), "often")


class Places(TraceTest):
    def install_recorder(self, name):
        """A copy of the recorder, as in a build tree, at a place of this name."""
        place = self.folder / name
        built = pathlib.Path(CTRACE).parent.parent
        for folder, pattern in (("bin", "ctrace-record"), ("lib", "libctrace-*.so")):
            (place / folder).mkdir(parents=True)
            for path in built.rglob(pattern):
                shutil.copy(path, place / folder)
        return place / "bin" / "ctrace-record"

    def test_a_place_that_cannot_be_preloaded_from_is_refused(self):
        for name in ("with space", "with:colon"):
            with self.subTest(name):
                recorder = self.install_recorder(name)
                result = run(recorder, "-o", "trace", ENDINGS, "exit", "0", cwd=self.folder)
                self.assert_refused(result, f"{name}.*install ctrace", "runs without", status=125)
        recorder = self.install_recorder("plain-größe")
        result = run(recorder, "-o", "trace", ENDINGS, "sleep", "20", cwd=self.folder)
        self.assertEqual(result.status, 0, result)
        self.assertTrue(self.waits(self.folder / "trace", op="nanosleep"))

    def test_the_output_directory_is_not_writable(self):
        if os.getuid() == 0:
            place = "/proc/trace"
        else:
            (self.folder / "closed").mkdir(mode=0o555)
            place = self.folder / "closed" / "trace"
        result = self.ctrace("record", "-o", place, "--", "touch", self.folder / "ran")
        self.assert_refused(result, "trace", "permission|cannot|no such")
        self.assertFalse((self.folder / "ran").exists(), "it ran, and nothing was recorded")

    def test_a_current_directory_that_is_gone(self):
        (self.folder / "gone").mkdir()
        script = f"cd gone && rmdir ../gone && exec {CTRACE} record"
        result = run("sh", "-c", f"{script} -o trace {ENDINGS} exit 0", cwd=self.folder)
        self.assert_refused(result, "cannot record: cannot make trace", status=125)
        self.assertFalse(os.path.exists("/trace"))
        (self.folder / "gone").mkdir()
        result = run(
            "sh", "-c", f"{script} -o {self.folder}/trace {ENDINGS} exit 0", cwd=self.folder
        )
        self.assertEqual(result.status, 0, result)

    def test_a_limit_on_the_size_of_files_is_an_error(self):
        result = run(
            "sh", "-c", f"ulimit -f 100; exec {CTRACE} record {ENDINGS} exit 0", cwd=self.folder
        )
        self.assert_refused(result, "cannot record.*ctrace.data.*too large", status=125)
        self.assertEqual(os.listdir(self.folder), [])

    def test_the_output_is_a_file(self):
        place = self.folder / "file" / "trace"
        (self.folder / "file").write_text("kept")
        result = self.ctrace("record", "-o", place, "--", "true")
        self.assert_refused(result, "file", "not a directory")
        self.assertEqual((self.folder / "file").read_text(), "kept")

    def test_a_profile_into_a_missing_folder(self):
        trace = self.record_ok(ENDINGS, "sleep", "20").directory
        result = self.ctrace("pprof", "sleep", trace, "-o", "no/such/folder/p.pb.gz")
        self.assert_refused(result, "no/such/folder", "no such file")

    def test_binary_output_to_a_terminal_is_refused(self):
        trace = self.record_ok(ENDINGS, "sleep", "20").directory
        master, terminal = os.openpty()
        with os.fdopen(terminal, "wb") as stdout:
            result = self.ctrace("pprof", "sleep", trace, stdout=stdout)
        self.addCleanup(os.close, master)
        os.set_blocking(master, False)
        try:
            shown = os.read(master, 65536)
        except OSError:  # nothing was written, and nobody has it open any more
            shown = b""
        self.assertEqual(shown, b"")
        # Either a file was written, or it says how to.
        if result.status != 0:
            self.assert_refused(result, "terminal|-o")
        else:
            self.assertTrue(list(self.folder.glob("*.pb.gz")), result)

    def test_wrong_options_have_the_same_status_everywhere(self):
        trace = self.record_ok(ENDINGS, "sleep", "20").directory
        picture = ["-o", self.folder / "t.svg"]
        for command in (["report"], ["pprof", "sync"], ["timeline", *picture]):
            for options in (
                ["--no-such-option"],
                ["--from=soon"],
                ["--to=101%"],
                ["--from=5ms", "--to=2ms"],
                ["--from=50%", "--to=50%"],
                ["one-more"],
            ):
                with self.subTest(command=command, options=options):
                    self.assert_refused(self.ctrace(*command, trace, *options), "help", status=2)
            with self.subTest(command):
                late = self.ctrace(*command, trace, "--from=1h")
                self.assert_refused(late, "after the end", status=1)
        for command in (
            ["report", "--top=-1"],
            ["report", "--format=xml"],
            ["pprof", "nets"],
            ["pprof", "net", "--min=1"],
            ["timeline", "-o", "t.bmp"],
            ["timeline", *picture, "--threads=0"],
            ["timeline", *picture, "--width=3"],
            ["record"],
            ["record", "--rate=often", "true"],
            ["recover", "one", "two"],
        ):
            with self.subTest(command):
                self.assert_refused(self.ctrace(*command), status=2)

    def test_full_devices_and_closed_outputs_are_errors(self):
        trace = self.record_ok(ENDINGS, "sleep", "20").directory
        for command in (["report"], ["report", "--format=json"]):
            with self.subTest(command), open("/dev/full", "w") as full:
                result = self.ctrace(*command, trace, stdout=full)
                self.assert_refused(result, "no space")
        for command in ("report", "pprof sleep"):
            with self.subTest(command):
                result = run("sh", "-c", f"exec {CTRACE} {command} {trace} >&-")
                self.assert_refused(result, "bad file descriptor|closed", status=1)

    def test_a_reader_that_goes_away_ends_a_command_quietly(self):
        trace = self.record_ok(ENDINGS, "sleep", "20").directory
        for command in (["report"], ["report", "--format=json"], ["pprof", "sleep"]):
            with self.subTest(command):
                reader, writer = os.pipe()
                os.close(reader)
                with os.fdopen(writer, "w") as closed:
                    result = self.ctrace(*command, trace, stdout=closed)
                self.assertEqual(result.status, 128 + signal.SIGPIPE, result)
                self.assertEqual(result.err, "")


@unittest.skipUnless(SMALL_FS, "it takes root to mount a small file system")
class FullDisk(TraceTest):
    def setUp(self):
        super().setUp()
        self.small = pathlib.Path(SMALL_FS)
        self.addCleanup(self.empty)

    def empty(self):
        for path in self.small.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()

    def fill(self):
        with open(self.small / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass

    def test_the_disk_fills_up_while_recording(self):
        trace = self.small / "trace"
        result = self.ctrace(
            "record", "-o", trace, "--rate=0", "--", ENDINGS, "flood", "150000", timeout=120
        )
        self.assertEqual(result.out.strip(), "150000", "the program must not notice")
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.err, "not complete: .*disk.* was (nearly )?full")
        self.assertRegex(result.err, "waits are LOST|is not recorded")
        self.assertNotIn("nothing lost", result.err)
        copy = self.folder / "copy"
        shutil.copytree(trace, copy)
        self.assertGreater(len(read_events(copy)), 10000, "what was on disk is readable")
        self.assertRegex(self.report_text(copy), "! LOST")

    def test_the_disk_is_full_before_recording(self):
        self.fill()
        result = self.ctrace("record", "-o", self.small / "trace", "--", ENDINGS, "exit", "0")
        self.assert_refused(result, "no space|full")

    def test_the_disk_is_full_while_analysing(self):
        trace = self.record_ok(WORKLOADS / "waits").directory
        self.fill()
        commands = [["pprof", "sync"], ["timeline"]]
        names = {"pprof": ["p.pb.gz"], "timeline": ["t.svg", "t.png", "t.pdf"]}
        for command in commands:
            for name in names[command[0]]:
                with self.subTest(name):
                    result = self.ctrace(*command, trace, "-o", self.small / name)
                    self.assert_refused(result, name, "no space")
                    self.assertEqual([p.name for p in self.small.iterdir()], ["ballast"])

    def test_an_old_profile_survives_a_full_disk(self):
        trace = self.record_ok(WORKLOADS / "waits").directory
        (self.small / "p.pb.gz").write_bytes(b"old")
        self.fill()
        result = self.ctrace("pprof", "sync", trace, "-o", self.small / "p.pb.gz")
        self.assertNotEqual(result.status, 0)
        self.assertEqual((self.small / "p.pb.gz").read_bytes(), b"old")


class BadTraces(TraceTest):
    def check_all_readers(self, directory, *words, readers=READERS):
        for reader in readers:
            with self.subTest(reader):
                command = list(reader) + [directory]
                if reader[0] in ("pprof", "timeline"):
                    command += ["-o", self.folder / ("out.svg" if reader[0] == "timeline" else "o")]
                self.assert_refused(self.ctrace(*command, timeout=15), *words)
                self.assertFalse((self.folder / "out.svg").exists())
                self.assertFalse((self.folder / "o").exists())

    def test_a_missing_directory(self):
        self.check_all_readers(self.folder / "nowhere", "nowhere", "no such|not found|missing")

    def test_no_directory_named_and_none_there(self):
        result = self.ctrace("report")
        self.assert_refused(result, "ctrace.data")

    def test_an_empty_directory(self):
        (self.folder / "empty").mkdir()
        self.check_all_readers(self.folder / "empty", "empty", "no trace|not a trace|no .*trace")

    def test_a_directory_of_something_else(self):
        (self.folder / "letters").mkdir()
        (self.folder / "letters" / "metadata").write_text("dear sir")
        self.check_all_readers(self.folder / "letters", "letters")

    def test_several_recordings_in_one_directory(self):
        for name in ("one", "two"):
            self.record_ok(ENDINGS, "exit", "0", output=f"both/{name}")
        self.check_all_readers(self.folder / "both", "more than one recording", "both/one")

    @unittest.skipIf(os.getuid() == 0, "root may read everything")
    def test_a_trace_that_may_not_be_read(self):
        trace = self.record_ok(ENDINGS, "exit", "0").directory
        metadata = next(trace.rglob("metadata"))
        for place in (metadata, self.streams(trace)[-1], metadata.parent, trace):
            with self.subTest(place):
                mode = place.stat().st_mode
                place.chmod(0)
                self.check_all_readers(trace, re.escape(str(place)), "permission denied")
                place.chmod(mode)

    def copy_of(self, trace, name):
        copy = self.folder / name
        shutil.copytree(trace, copy)
        return copy

    def streams(self, trace):
        return sorted(
            (
                path
                for path in trace.rglob("*")
                if path.is_file() and path.name != "metadata" and not {"index", "symbols"} & set(path.parts)
            ),
            key=lambda path: path.stat().st_size,
        )

    def test_a_truncated_stream(self):
        trace = self.record_ok(WORKLOADS / "waits").directory
        largest = self.streams(trace)[-1]
        relative, size = largest.relative_to(trace), largest.stat().st_size
        for keep in (1, 40, size // 2, size - 1):
            with self.subTest(keep=keep):
                copy = self.copy_of(trace, f"cut-{keep}")
                os.truncate(copy / relative, keep)
                result = self.ctrace("report", copy)
                self.assertLess(result.status, 128, result)
                if result.status == 0:
                    self.assertRegex(result.out + result.err, "(?i)partial|truncated|cut off")
                else:
                    self.assert_refused(result, "cut-")

    def test_truncated_metadata(self):
        trace = self.record_ok(ENDINGS, "sleep", "20").directory
        for metadata in [path.relative_to(trace) for path in trace.rglob("metadata")]:
            size = (trace / metadata).stat().st_size
            for keep in (0, 20, 100, 5000, size // 3):
                with self.subTest(keep=keep):
                    copy = self.copy_of(trace, "cut")
                    os.truncate(copy / metadata, keep)
                    self.check_all_readers(copy, "cut", readers=READERS[:1])
                    shutil.rmtree(copy)

    def test_unknown_events_are_counted_and_the_rest_is_read(self):
        trace = self.record_ok(ENDINGS, "sleep", "50").directory
        renamed = 0
        for metadata in trace.rglob("metadata"):
            content = metadata.read_bytes()
            renamed += content.count(b'"ctrace:counters"')
            metadata.write_bytes(content.replace(b'"ctrace:counters"', b'"ctrace:newthing"'))
        self.assertGreater(renamed, 0)
        self.assertTrue(any(e.name == "ctrace:newthing" for e in read_events(trace)))
        result = self.ctrace("report", trace)
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.out + result.err, "(?i)does not know")
        self.assertGreater(self.profile("sleep", trace).delay_ns, 45_000_000)

    def test_random_damage_never_crashes_a_reader(self):
        trace = self.record_ok(WORKLOADS / "waits").directory
        stream = self.streams(trace)[-1].relative_to(trace)
        original = (trace / stream).read_bytes()
        for seed in range(12):
            with self.subTest(seed=seed):
                damaged = bytearray(original)
                for i in range(seed * 977 + 64, len(damaged), 9973):
                    damaged[i] ^= 0xFF
                (trace / stream).write_bytes(damaged)
                result = self.ctrace("report", trace)
                self.assertLess(result.status, 128, result)


# Loads copies of a library, waits, at last in ever other stacks, and prints how many modules there are.
LOAD_MANY = """
import ctypes, os, shutil, sys
def run(library, depth):
    list(map(run, [library], [depth - 1])) if depth > 0 else library.plugin_run(1)
for i in range(2010):
    copy = f"copy-{i}.so"
    shutil.copy(sys.argv[1], copy)
    run(ctypes.CDLL("./" + copy), max(0, i - 1990))
files = {line.split()[-1] for line in open("/proc/self/maps") if "x" in line.split()[1]}
print(len([name for name in files if name.startswith("/") or name == "[vdso]"]), flush=True)
os._exit(0) # no library's destructor
"""


# Fills shared memory, then waits in ever other stacks and threads, loads libraries, and says so.
FILL_UP = """
import ctypes, os, shutil, sys, threading, time
full = 0
with open("/dev/shm/fill", "wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(4096))
    except OSError:
        full = 1
def nap(depth):
    list(map(nap, [depth - 1])) if depth > 0 else time.sleep(0.0001)
def naps():
    for depth in range(60):
        nap(depth)
threads = [threading.Thread(target=naps) for _ in range(100)]
[thread.start() for thread in threads]
for i in range(40):
    shutil.copy(sys.argv[1], f"copy-{i}.so")
    ctypes.CDLL(f"./copy-{i}.so")
    nap(80 + i)
[thread.join() for thread in threads]
os.remove("/dev/shm/fill")
print("full" if full else "not full")
"""


class Losses(TraceTest):
    def test_shared_memory_that_fills_up_harms_nobody(self):
        namespaced = os.environ.get("CTRACE_TEST_NAMESPACES")
        resized = namespaced and run("mount", "-o", "remount,size=64m", "/dev/shm").status == 0
        if not resized:
            self.skipTest("/dev/shm cannot be made smaller here")
        self.addCleanup(run, "mount", "-o", "remount,size=50%", "/dev/shm")
        library = run("sh", "-c", "ls /lib/*/libutil.so.1").out.split()[0]
        result = self.record("/usr/bin/python3", "-c", FILL_UP, library, options=["--rate=0"])
        self.assertEqual((result.status, result.out), (0, "full\n"), result)
        self.assertRegex(result.err, "LOST [1-9]")
        self.assertRegex(self.report_text(result.directory), "! LOST")

    def test_a_crowd_of_short_processes_loses_nothing(self):
        script = f"for i in $(seq 300); do {ENDINGS} flood 20 >/dev/null & done; wait"
        result = self.record_ok("sh", "-c", script, options=["--rate=0"])
        self.assertIn("nothing lost", result.err)
        waits = [e for e in self.waits(result.directory) if e.name != "ctrace:inflight"]
        waited = collections.Counter(e.fields["vpid"] for e in waits)
        # The shell has waited for each.
        self.assertEqual(len([pid for pid, count in waited.items() if count >= 20]), 1 + 300)

    def test_modules_without_room_are_counted_once(self):
        library = WORKLOADS / "libplugin_first.so"
        result = self.record_ok("/usr/bin/python3", "-c", LOAD_MANY, library, timeout=120)
        lost = int(re.search("LOST ([0-9]+) modules .*: their functions have no names", result.err)[1])
        # Of python's own, those count that were there from the start or called something that waits.
        self.assertIn(lost, range(2010 - MAX_MODULES + 1, int(result.out) - MAX_MODULES + 1))
        self.assertNotRegex(result.err, "nothing lost|totals are too low")
        capture = [e for e in read_events(result.directory) if e.name == "ctrace:capture"][0]
        self.assertEqual(capture.fields["modules_lost"], lost)

    def test_lost_events_are_counted_and_shown_everywhere(self):
        recorder = self.start_record(
            ENDINGS, "gated", FLOOD, options=["--rate=0"], stdin=subprocess.PIPE
        )
        self.assertEqual(recorder.stdout.readline(), "ready\n")
        consumers = process_ids("lttng-consumerd")
        self.assertTrue(consumers, "no consumer daemon to hold up")
        for consumer in consumers:
            os.kill(consumer, signal.SIGSTOP)
        try:
            recorder.stdin.write("go\n")
            recorder.stdin.flush()
            self.assertEqual(recorder.stdout.readline(), f"{FLOOD}\n")
        finally:
            for consumer in consumers:
                os.kill(consumer, signal.SIGCONT)
        recorder.stdin.write("end\n")
        recorder.stdin.flush()
        _, err = recorder.communicate(timeout=60)
        trace = self.folder / "trace"
        self.assertEqual(recorder.returncode, 0, err)
        self.assertRegex(err, LOST)
        self.assertRegex(self.report_text(trace), LOST)
        profile = self.profile("syscall", trace)
        self.assertTrue(any(LOST.search(comment) for comment in profile.comments), profile.comments)
        result = self.ctrace("timeline", trace, "-o", self.folder / "t.pdf")
        self.assertEqual(result.status, 0, result)
        self.assertRegex(run("pdftotext", self.folder / "t.pdf", "-").out, LOST)


class Daemon(TraceTest):
    def kill_daemon_while(self, *command):
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")
        recorder = self.start_record(*command)
        wait_until(lambda: session_daemons(), "the daemon ran")
        wait_until((self.folder / "started").exists, "the program ran")
        for daemon in session_daemons():
            os.kill(daemon, signal.SIGKILL)
        return recorder

    def test_the_session_daemon_is_killed_mid_way(self):
        recorder = self.kill_daemon_while(
            "sh", "-c", f"{ENDINGS} sleep 100; touch started; {ENDINGS} sleep 900"
        )
        out, err = recorder.communicate(timeout=60)
        self.assertEqual(len(out.split()), 2, "the program ran to its end")
        self.assertEqual(recorder.returncode, 0, "the program's own status")
        self.assertRegex(err, "(?i)not complete.*session daemon was killed")
        trace = self.folder / "trace"
        self.assertRegex(self.report_text(trace), "! LOST .*session daemon was killed")
        slept = [e.fields["duration_ns"] for e in self.waits(trace, op="nanosleep")]
        before = [ns for ns in slept if 90_000_000 < ns < 500_000_000]
        self.assertEqual(len(before), 1, f"the wait before the kill is there: {slept}")

    def test_a_daemon_that_was_about_to_end_is_replaced(self):
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")
        place = "/run/lttng" if os.getuid() == 0 else f"{os.environ['HOME']}/.lttng"
        os.makedirs(place, exist_ok=True)
        last_breath = pathlib.Path(place, "client-lttng-sessiond")
        last_breath.unlink(missing_ok=True)  # of one that was killed
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
            daemon.bind(str(last_breath))
            daemon.listen(1)
            recorder = self.start_record(ENDINGS, "exit", "0")
            daemon.accept()[0].close()  # is it there?
            client = daemon.accept()[0]
        last_breath.unlink()
        client.close()
        _, err = recorder.communicate(timeout=60)
        self.assertEqual(recorder.returncode, 0, err)
        self.assertNotIn("cannot record", err)

    def test_a_daemon_that_comes_too_late_is_not_left_running(self):
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")
        place = self.folder / "bin"
        place.mkdir()
        late = place / "lttng-sessiond"
        daemon = shutil.which("lttng-sessiond")
        late.write_text(f'#!/bin/sh\nsleep 30.25\nexec {daemon} "$@"\n')
        late.chmod(0o755)
        environment = dict(os.environ, PATH=f"{place}:{os.environ['PATH']}")
        result = self.record(ENDINGS, "exit", "0", env=environment)
        self.assert_refused(result, "session daemon does not start", "runs without", status=125)
        self.assertEqual(session_daemons(), set())
        self.assertEqual(run("pgrep", "-u", os.getuid(), "-f", "^sleep 30.25").out, "")

    def test_no_session_daemon_to_be_had(self):
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")
        environment = dict(os.environ, PATH="/nonexistent")
        ruined = self.folder / "home"
        ruined.write_text("a file where the home should be")
        environment.update(HOME=str(ruined), LTTNG_HOME=str(ruined))
        if os.getuid() == 0:
            self.skipTest("root's daemon needs no home")
        result = subprocess.run(
            [CTRACE, "record", "-o", str(self.folder / "trace"), "--", str(ENDINGS), "exit", "0"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, "(?i)session daemon|lttng")


if __name__ == "__main__":
    main()
