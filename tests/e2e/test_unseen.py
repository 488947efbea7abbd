"""Who gets the library, whoever it has become; and who does not, which is said, never hidden."""

import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import time
import unittest

from harness import CTRACE, WORKLOADS, TraceTest, main, read_events, recorder_of, run, wait_until

NOBODY = 65534
SLEEPER_MUSL = WORKLOADS / "sleeper_musl"
OTHER_USER = WORKLOADS / "other_user"
# How often start_each.py does it.
WAYS = 8


def unseen(directory):
    return {
        event.fields["name"]: event.fields
        for event in read_events(directory)
        if event.name == "ctrace:unseen"
    }


class UnseenTest(TraceTest):
    def report_json(self, directory):
        result = self.ctrace("report", directory, "--format=json")
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def assert_unseen(self, result, expected, words):
        """Summary, report and profile name these, with how many, and say why; nobody else."""
        found = unseen(result.directory)
        self.assertEqual({name: fields["count"] for name, fields in found.items()}, expected, result)
        total = sum(expected.values())
        names = ", ".join(
            (rf"{count} x " if count > 1 else "") + re.escape(name) + rf" \([^)]*{words}[^)]*\)"
            for name, count in sorted(expected.items())
        )
        for text in (
            result.err,
            self.report_text(result.directory),
            "\n".join(self.profile("sync", result.directory).comments),
        ):
            text = " ".join(text.split())
            self.assertRegex(text, rf"{total} process(es)? did not load ctrace's library: {names}; ")
            if not any(fields["is_recorded"] for fields in found.values()):
                self.assertNotRegex(text, "nothing (was )?lost|losses +none")
        self.assertEqual(self.report_json(result.directory)["capture"]["unseen_processes"], total)
        self.assertEqual(self.ctrace("verify", result.directory).status, 0)

    def assert_all_seen(self, result):
        self.assertEqual(unseen(result.directory), {}, result)
        self.assertIn("nothing lost", result.err)


@unittest.skipIf(os.getuid() != 0, "only root can become others")
class OtherUsers(UnseenTest):
    def setUp(self):
        super().setUp()
        # A library that others can read, and programs that they can execute.
        for folder in (self.folder, *self.folder.parents):
            if folder != pathlib.Path("/tmp") and folder.is_relative_to("/tmp"):
                folder.chmod(0o755)
        if run("setpriv", f"--reuid={NOBODY}", "test", "-r", CTRACE).status != 0:
            self.skipTest("ctrace is where others cannot read it")

    def assert_waits(self, result, count=1):
        """In line for the lock, by some thread, as long as it was held."""
        waits = [s for s in self.profile("sync", result.directory).samples
                 if s.labels["op"] == "pthread_mutex_lock"]
        self.assertEqual(len(waits), count, result)
        for wait in waits:
            self.assertGreater(wait.delay_ns, 60_000_000)
            self.assertIn("wait_for_lock", wait.stack)

    def test_an_image_of_another_user_is_recorded(self):
        wait = f"{OTHER_USER} wait"
        for command in (
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *wait.split()],
            ["runuser", "-u", "nobody", "--", *wait.split()],
            ["su", "-s", "/bin/sh", "nobody", "-c", wait],
            [OTHER_USER, "fork", NOBODY],
            [OTHER_USER, "exec", NOBODY],
            ["unshare", "--user", "--map-user=1", OTHER_USER, "wait"],
        ):
            with self.subTest(command):
                if command[0] == "unshare" and run(*command).status != 0:
                    self.skipTest("no user namespaces here")
                result = self.record_ok(*command)
                self.assert_waits(result)
                self.assert_all_seen(result)

    def test_a_program_that_is_not_to_be_trusted_is_said_not_to_be_recorded(self):
        result = self.record_ok(OTHER_USER, "effective", NOBODY)
        self.assert_unseen(result, {"other_user": 1}, "as by setuid")

    def test_a_library_that_the_user_cannot_read_is_left_out(self):
        hidden = self.folder / "hidden"
        prefix = pathlib.Path(CTRACE).resolve().parent.parent
        hidden.mkdir(mode=0o700)
        shutil.copytree(prefix, hidden / "ctrace", symlinks=True, ignore=lambda folder, names: [
            name for name in names
            if pathlib.Path(folder) == prefix and name not in ("bin", "lib", "libexec")])
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                   WORKLOADS / "sleeper"]
        result = run(hidden / "ctrace/bin/ctrace", "record", "--kernel=off", "-o",
                     self.folder / "trace", *command, cwd=self.folder)
        self.assertEqual((result.status, result.out), (0, "nothing\n"), result)
        self.assertNotIn("ld.so", result.err)
        result.directory = self.folder / "trace"
        self.assert_unseen(result, {"sleeper": 1}, "its user cannot read")

    def test_nobody_else_gets_anything_of_a_recording(self):
        recorder = self.start_record("sleep", "60")
        wait_until(lambda: list(pathlib.Path("/dev/shm").glob("ctrace-*/*.board")), "there is a board")
        (session,) = pathlib.Path("/dev/shm").glob("ctrace-*/handout")
        script = f"""
import os, socket
for path in os.sys.argv[1:]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path)
        print("open:", path)
    except PermissionError:
        pass
stranger = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
stranger.connect("{session}")
print(socket.recv_fds(stranger, 1, 2)[:2])
"""
        boards = session.parent.glob("*.board")
        result = run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                     "/usr/bin/python3", "-c", script, session.parent, session.parent / "control", *boards)
        self.assertEqual(result.out, "(b'', [])\n", result)
        recorder.terminate()
        recorder.communicate(timeout=30)

    def test_a_root_without_the_library_is_not_told_to_load_it(self):
        root = self.folder / "root"
        shell = run("ldd", "/bin/sh").out
        files = ["/bin/sh", *re.findall(r"(/\S+) \(0x", shell)]
        for file in files:
            (root / file[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(file), root / file[1:])
        command = ["chroot", root, "/bin/sh", "-c", "echo from inside; echo complaint >&2"]
        result = self.record_ok(*command)
        self.assertEqual(result.out, "from inside\n")
        self.assertNotIn("ld.so", result.err)
        self.assert_unseen(result, {"sh": 1}, "not in its root")


class OtherLibraries(UnseenTest):
    def setUp(self):
        super().setUp()
        self.assertTrue(SLEEPER_MUSL.exists(), "musl-gcc (package musl-tools) is not installed")

    def environment(self):
        return dict(os.environ, PATH=f"{WORKLOADS}:{os.environ['PATH']}")

    def test_the_program_itself_runs_as_it_would(self):
        result = self.record(SLEEPER_MUSL, options=["--kernel=off"])
        self.assertEqual((result.status, result.out), (125, "nothing\n"), result)
        self.assertRegex(result.err, "another C library")
        self.assertRegex(result.err, "nothing was recorded")

    def test_children_run_as_they_would_however_they_are_started(self):
        for name, words in (("sleeper_musl", "another C library"), ("static", "statically linked")):
            with self.subTest(name):
                result = self.record_ok(
                    "/usr/bin/python3", WORKLOADS / "start_each.py", WORKLOADS / name, name,
                    env=self.environment())
                self.assertNotIn("ld.so", result.err)
                if name == "sleeper_musl":
                    self.assertEqual(result.out.split(), WAYS * ["nothing"])
                self.assert_unseen(result, {name: WAYS}, words)

    def test_a_shell_and_a_script_lead_there_too(self):
        script = self.folder / "script"
        script.write_text(f"#!{SLEEPER_MUSL}\n")
        script.chmod(0o755)
        result = self.record_ok("sh", "-c", f"{SLEEPER_MUSL}; ./script; exec ./script")
        self.assertEqual(result.out.split(), 3 * ["nothing"])
        self.assert_unseen(result, {"script": 2, "sleeper_musl": 1}, "another C library")

    def test_what_the_user_had_loaded_stays(self):
        for command in ([SLEEPER_MUSL], ["sh", "-c", f"{SLEEPER_MUSL}; true"]):
            result = self.record(*command, env=dict(os.environ, LD_PRELOAD="libpthread.so.0"))
            self.assertEqual(result.out, "libpthread.so.0\n", result)

    def test_a_program_that_is_not_there_is_no_process(self):
        result = self.record_ok("sh", "-c", "/nonexistent; nonexistent; true")
        self.assert_all_seen(result)

    def test_another_word_size_is_named(self):
        # exit(0) of Linux's 32-bit x86 system calls, in the smallest executable.
        code = bytes.fromhex("31dbb801000000cd80")
        header = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
        header += struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        header += struct.pack("<IIIIIIII", 1, 0, 0x8048000, 0x8048000, 84 + len(code), 84 + len(code), 5, 4096)
        program = self.folder / "small"
        program.write_bytes(header + code)
        program.chmod(0o755)
        try:
            subprocess.run([program], check=True)
        except OSError as error:
            self.skipTest(f"this machine does not run 32-bit programs of x86: {error}")
        result = self.record_ok("sh", "-c", "./small; true", options=["--kernel=off"])
        self.assert_unseen(result, {"small": 1}, "word size")

    def test_the_kernel_tells_of_them(self):
        result = self.record_ok("sh", "-c", f"{SLEEPER_MUSL}; true", options=["--kernel=syscalls"])
        fields = [e.fields for e in read_events(result.directory) if e.name == "ctrace:capture"][0]
        if "kernel" not in fields["layers"] or "system calls" in fields["missing"]:
            self.skipTest(fields["missing"])
        self.assert_unseen(result, {"sleeper_musl": 1}, "another C library")
        self.assertRegex(result.err, "recorded through the kernel")
        sleeps = self.profile("sleep", result.directory).samples
        (wait,) = [s for s in sleeps if s.labels["process"] == "sleeper_musl"]
        self.assertGreater(wait.delay_ns, 45_000_000)

    def test_the_program_itself_is_recorded_through_the_kernel(self):
        result = self.record(SLEEPER_MUSL, options=["--kernel=auto"])
        if result.status == 125:
            self.skipTest("the kernel tells nothing here")
        self.assertEqual((result.status, result.out), (0, "nothing\n"), result)
        if unseen(result.directory)["sleeper_musl"]["is_recorded"]:
            self.assert_unseen(result, {"sleeper_musl": 1}, "another C library")


class AllSeen(UnseenTest):
    def test_nothing_is_said_where_there_is_nothing_to_say(self):
        result = self.record_ok("sh", "-c", "sleep 0.01 & (true); /bin/true; wait")
        self.assert_all_seen(result)

    def test_ends_and_failures_are_no_unseen_ones(self):
        for kernel in ("off", "auto"):
            with self.subTest(kernel):
                result = self.record_ok(
                    "sh", "-c", "sleep 9 & sleep 0.2; kill -9 $!; wait; (true); nonexistent; true",
                    options=[f"--kernel={kernel}"])
                self.assert_all_seen(result)


class Stopped(UnseenTest):
    """A recorder that does not run for so long looks as if it had been killed."""

    LONG_S = 16

    def record_with_a_stop(self, *options):
        script = "echo $$; read go; sleep 0.01 & wait; exec sleep 0.02"
        recorder = self.start_record("sh", "-c", script, stdin=subprocess.PIPE, options=options)
        program = int(recorder.stdout.readline())
        pid = recorder_of(recorder)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.LONG_S)
        recorder.stdin.write("go\n")
        recorder.stdin.flush()

        def has_ended():
            stat = pathlib.Path(f"/proc/{program}/stat").read_text()
            return stat.rpartition(")")[2].split()[0] == "Z"

        wait_until(has_ended, "the program ended", timeout_s=60)
        os.kill(pid, signal.SIGCONT)
        _, err = recorder.communicate(timeout=60)
        self.assertEqual(recorder.returncode, 0, err)
        return err

    def check(self, *options):
        trace = self.folder / "trace"
        err = self.record_with_a_stop(*options)
        found = unseen(trace)
        self.assertEqual(found["sleep"]["why"][:7], "it did,", found)
        self.assertGreaterEqual(sum(fields["count"] for fields in found.values()), 2)
        for text in (err, self.report_text(trace)):
            self.assertRegex(
                " ".join(text.split()),
                r"did not load ctrace's library: .*sleep \(it did, but the recorder had not run "
                "for 15 seconds\\)",
            )
            self.assertNotRegex(text, "unknown reason|nothing lost")
        return trace

    def test_images_that_came_meanwhile_are_counted_and_named(self):
        trace = self.check("--kernel=off")
        self.assertEqual(self.ctrace("verify", trace).status, 0)

    @unittest.skipUnless(os.getuid() == 0, "the kernel tells others too little for that")
    def test_with_the_kernel_as_well(self):
        self.check("--kernel=sched")


if __name__ == "__main__":
    main()
