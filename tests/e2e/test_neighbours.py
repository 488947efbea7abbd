"""Another user of the machine: what they own, take or swap neither is used nor harms the recording."""

import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

from harness import WORKLOADS, TraceTest, main, run

ENDINGS = WORKLOADS / "endings"
OTHER = 65533
TEMPORARY = pathlib.Path(os.environ["TMPDIR"])

# It swaps a folder for a link, there and back, until it is killed.
SWAPPER = """
import os
while True:
    for name in ("away", "link"):
        try:
            os.rename("place", "kept"); os.symlink(os.environ["TARGET"], "place")
            os.unlink("place"); os.rename("kept", "place")
        except OSError:
            pass
"""

# Prints what reaches a program of its environment.
ENVIRONMENT = """
#include <stdio.h>
extern char **environ;
int main(void)
{
    for (char **at = environ; *at != NULL; at++)
        puts(*at);
    return 0;
}
"""


def as_other(*command, **options):
    return run("setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups", *command, **options)


def tree(folder):
    return sorted((str(path), path.lstat().st_ino) for path in folder.rglob("*"))


class OtherUserTest(TraceTest):
    def setUp(self):
        super().setUp()
        if os.getuid() != 0:
            self.skipTest("only root can be another user, too")
        os.chmod(TEMPORARY, 0o755)
        self.folder.chmod(0o1777)

    def recording(self, name="trace"):
        return self.record_ok(ENDINGS, "sleep", "10", output=name, options=["--kernel=off"]).directory

    def give(self, folder):
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, OTHER, OTHER, follow_symlinks=False)


class Ownership(OtherUserTest):
    def test_a_recording_of_somebody_else_is_not_moved_away(self):
        self.give(self.recording())
        before = tree(self.folder)
        result = self.record(ENDINGS, "exit", "0")
        self.assertIn("another user", result.err)
        self.assertIn("-o", result.err)
        self.assertEqual(tree(self.folder), before)

    def test_an_old_recording_of_somebody_else_is_not_removed(self):
        self.recording()
        self.recording()
        self.give(self.folder / "trace.old")
        before = tree(self.folder)
        result = self.record(ENDINGS, "exit", "0")
        self.assertIn("another user", result.err)
        self.assertEqual(tree(self.folder), before)

    def test_an_empty_folder_of_somebody_else_is_not_used(self):
        (self.folder / "trace").mkdir()
        self.give(self.folder / "trace")
        self.assertIn("another user", self.record(ENDINGS, "exit", "0").err)
        self.assertEqual(list((self.folder / "trace").iterdir()), [])

    def test_a_link_of_somebody_else_is_not_followed(self):
        target = self.recording("target")
        before = tree(target)
        for name in ("trace", "trace.old"):
            link = self.folder / name
            link.symlink_to(target)
            os.lchown(link, OTHER, OTHER)
            if name == "trace.old":
                self.recording()
            self.assertIn("another user", self.record(ENDINGS, "exit", "0").err)
            self.assertTrue(link.is_symlink())
            if name == "trace":
                link.unlink()
        self.assertEqual(tree(target), before)

    def test_a_recording_of_somebody_else_is_not_recovered(self):
        directory = self.recording()
        self.give(directory)
        before = tree(directory)
        self.assertEqual(self.ctrace("recover", "trace").status, 1)
        self.assertEqual(tree(directory), before)

    def test_nothing_is_removed_through_a_link_that_is_swapped_in(self):
        """The other user owns the folder in which root records, and swaps the recording in it."""
        os.chown(self.folder, OTHER, OTHER)
        self.folder.chmod(0o777)
        target = pathlib.Path(self.folder.parent / (self.folder.name + ".target"))
        self.addCleanup(shutil.rmtree, target, ignore_errors=True)
        for part in ("ust/a", "kernel/b", "spool/c", "closing/d", "jit/e"):
            (target / part).mkdir(parents=True)
            (target / part / "metadata").write_bytes(b"\xd5")
        (target / "reserve").write_text("")
        target.chmod(0o755)
        before = tree(target)
        swapper = subprocess.Popen(
            ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
            + ["/usr/bin/python3", "-c", SWAPPER.replace("place", "trace.old")],
            cwd=self.folder,
            env=dict(os.environ, TARGET=str(target)),
        )

        def end():
            swapper.kill()
            swapper.wait()

        self.addCleanup(end)
        for _ in range(6):
            self.record(ENDINGS, "exit", "0", options=["--kernel=off"])
        self.assertIsNone(swapper.poll())
        self.assertEqual(tree(target), before)


class Privacy(OtherUserTest):
    def test_nobody_else_reads_a_recording(self):
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        directory = self.record_ok("sleep", "0.05", options=["--kernel=sched"]).directory
        self.assertEqual(stat.S_IMODE(directory.stat().st_mode), 0o700)
        for path in (directory / "kernel").rglob("*"):
            if path.is_file():
                self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
        self.assertNotEqual(as_other("ls", directory).status, 0)

    def test_an_empty_folder_that_was_there_becomes_private(self):
        (self.folder / "trace").mkdir(mode=0o777)
        (self.folder / "trace").chmod(0o777)
        self.assertEqual(stat.S_IMODE(self.recording().stat().st_mode), 0o700)

    def test_a_setuid_program_is_not_told_of_the_recording(self):
        if run("unshare", "--version").status != 0 or shutil.which("cc") is None:
            self.skipTest("no compiler")
        (self.folder / "print.c").write_text(ENVIRONMENT)
        mount = os.statvfs(self.folder)
        if mount.f_flag & os.ST_NOSUID:
            self.skipTest("setuid does not count here")
        for mode, options in ((0o4755, []), (0o4711, []), (0o4755, ["-static"])):
            program = self.folder / "print"
            program.unlink(missing_ok=True)
            built = run("cc", *options, "-o", program, self.folder / "print.c")
            self.assertEqual(built.status, 0, built)
            os.chown(program, OTHER, OTHER)
            program.chmod(mode)
            for words in ((program,), ("sh", "-c", f"{program}; true")):
                result = self.record(*words, options=["--kernel=off"])
                self.assertIn("PATH=", result.out)
                self.assertNotIn("CTRACE_SESSION", result.out, (oct(mode), options, words))


class Names(OtherUserTest):
    def test_names_that_somebody_else_has_taken_do_not_matter(self):
        taken = [pathlib.Path(f"/dev/shm/ctrace-{number}") for number in range(1, 1024)]
        taken = [path for path in taken if not path.exists()]
        for path in taken:
            path.mkdir()
            os.chown(path, OTHER, OTHER)
            self.addCleanup(path.rmdir)
        directory = self.recording()
        self.assertTrue(self.waits(directory, op="nanosleep"))

    def test_a_session_directory_of_somebody_else_is_not_recovered(self):
        recorder = self.start_record(ENDINGS, "hang", options=["--kernel=off"])
        self.assertEqual(recorder.stdout.readline(), "hanging\n")
        before = {path.name for path in pathlib.Path("/dev/shm").glob("ctrace-*")}
        recorder.kill()
        recorder.wait(20)
        for name in before:
            self.addCleanup(shutil.rmtree, f"/dev/shm/{name}", ignore_errors=True)
            os.chown(f"/dev/shm/{name}", OTHER, OTHER)
        self.assert_refused(self.ctrace("recover", "trace"), "nothing to recover", status=1)
        for name in before:
            os.chown(f"/dev/shm/{name}", 0, 0)
        result = self.ctrace("recover", "trace")
        self.assertEqual(result.status, 0, result)


class Homes(TraceTest):
    def test_a_temporary_home_that_is_taken_is_made_elsewhere(self):
        if os.getuid() == 0:
            self.skipTest("root's daemon needs no home")
        own = TEMPORARY / f"ctrace-home-{os.getuid()}"
        space = os.stat("/proc/self/ns/pid").st_ino
        for path in (own, pathlib.Path(f"{own}-{space}")):
            path.write_text("")
            self.addCleanup(path.unlink)
        result = self.record_ok(ENDINGS, "sleep", "20", env=dict(os.environ, HOME="/nonexistent"))
        self.assertTrue(self.waits(result.directory, op="nanosleep"))
        self.assertEqual(list(TEMPORARY.glob("ctrace-home-*.*")), [])

    def test_the_users_runtime_folder_is_used_if_it_is_private(self):
        if os.getuid() == 0:
            self.skipTest("root's daemon needs no home")
        # The name of a socket is short: what lies deeper is not used, and nothing left there.
        deep = self.folder / ("deep" * 10)
        deep.mkdir(mode=0o700)
        runtimes = [pathlib.Path(tempfile.mkdtemp(dir=TEMPORARY)) for _ in range(2)]
        for runtime in runtimes:
            self.addCleanup(shutil.rmtree, runtime)
        runtimes[1].chmod(0o777)
        for runtime, is_used in ((runtimes[0], True), (runtimes[1], False), (deep, False)):
            with self.subTest(runtime.name):
                environment = dict(os.environ, HOME="/nonexistent", XDG_RUNTIME_DIR=str(runtime))
                result = self.record_ok("ls", runtime, env=environment)
                self.assertEqual("ctrace-home" in result.out, is_used, result)


class SpecialFiles(TraceTest):
    """What stands where a plain file should is not opened: nobody waits for it."""

    def kinds(self):
        """Each puts something there under that name."""

        def socket(path):
            import socket as sockets

            place = os.getcwd()
            os.chdir(path.parent)
            with sockets.socket(sockets.AF_UNIX) as bound:
                bound.bind(path.name)
            os.chdir(place)

        def device(path):
            os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(5, 0))

        yield "fifo", os.mkfifo
        yield "directory", os.mkdir
        yield "socket", socket
        for target in ("/proc/kmsg", "/dev/tty", "/dev/zero"):
            yield target, lambda path, to=target: path.symlink_to(to)
        if os.getuid() == 0:
            yield "device", device

    def test_in_the_place_of_every_file_of_a_recording(self):
        options = ["--kernel=sched"] if os.getuid() == 0 else []
        good = self.record_ok(ENDINGS, "sleep", "10", options=options).directory
        files = [path for path in good.rglob("*") if path.is_file()]
        chosen = {path.name.rstrip("0123456789"): path for path in files}
        for kind, put in self.kinds():
            for path in chosen.values():
                with self.subTest(kind=kind, file=str(path.relative_to(good))):
                    bad = self.folder / "bad"
                    shutil.rmtree(bad, ignore_errors=True)
                    shutil.copytree(good, bad)
                    place = bad / path.relative_to(good)
                    place.unlink()
                    try:
                        put(place)
                    except PermissionError:
                        self.skipTest(f"no {kind} can be made here")
                    result = self.ctrace("report", bad, timeout=20)
                    self.assertIn(result.status, (0, 1), result)

    def test_in_the_place_of_a_mapped_file(self):
        program = self.folder / "program"
        shutil.copy(ENDINGS, program)
        good = self.record_ok(program, "sleep", "10").directory
        for kind, put in self.kinds():
            with self.subTest(kind=kind):
                program.unlink(missing_ok=True)
                try:
                    put(program)
                except PermissionError:
                    continue
                result = self.ctrace("report", good, timeout=20)
                self.assertEqual(result.status, 0, result)
                if program.is_dir() and not program.is_symlink():
                    program.rmdir()

    def test_in_the_place_of_a_map_of_generated_code(self):
        good = self.record_ok(ENDINGS, "sleep", "10").directory
        pid = next(event.fields["vpid"] for event in self.waits(good, op="nanosleep"))
        for kind, put in self.kinds():
            with self.subTest(kind=kind):
                shutil.rmtree(good / "jit", ignore_errors=True)
                (good / "jit").mkdir()
                try:
                    put(good / "jit" / f"{pid}.map")
                except PermissionError:
                    continue
                self.assertEqual(self.ctrace("report", good, timeout=20).status, 0)

    def test_a_program_that_becomes_a_pipe_while_it_is_recorded(self):
        """The converter reads it at the end."""
        program = self.folder / "program"
        shutil.copy(shutil.which("sleep"), program)
        script = f"{program} 0.05; rm {program}; mkfifo {program}"
        result = self.record("sh", "-c", script, options=["--kernel=syscalls", "--cpu"], timeout=30)
        self.assertEqual(result.status, 0, result)


if __name__ == "__main__":
    main()
