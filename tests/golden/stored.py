"""stored.py WRITE_TRACE PROGRAMS: a recording is read once. Every later command says the same to the
byte, from what was kept; and whatever happens to that, too."""

import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

WRITER, PROGRAMS = sys.argv[1], pathlib.Path(sys.argv[2])
HERE = pathlib.Path(__file__).resolve().parent
CASES = ("convoy", "nested", "sampled", "hostile_names", "images", "late_name")
COMMANDS = (
    ("ctrace-report", "--format=text"),
    ("ctrace-report", "--format=json", "--from=35ms", "--to=60ms"),
    ("ctrace-report", "--format=csv", "--thread=1*"),
    ("ctrace-pprof", "mutex"),
    ("ctrace-pprof", "sync", "--from=10%", "--to=70%"),
    ("ctrace-verify",),
    ("ctrace-report", "path", "--all"),
    ("ctrace-pprof", "critical"),
    ("ctrace-whatif", "thread:*", "-50%"),
    ("ctrace-query", "SELECT * FROM intervals ORDER BY begin_ns; SELECT * FROM threads; SELECT * FROM frames"),
)


class Stored(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.cache = self.folder / "cache"
        self.trace = self.folder / "trace"
        self.index = self.trace / "index"

    def write(self, case):
        shutil.rmtree(self.trace, ignore_errors=True)
        subprocess.run([WRITER, HERE / f"traces/{case}.txt", self.trace], check=True)

    def ask(self, command):
        """What it says, and how it ends."""
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.cache), LC_ALL="C.UTF-8")
        arguments = [PROGRAMS / command[0], *command[1:]]
        result = subprocess.run([*arguments, self.trace], env=environment, capture_output=True,
                                timeout=120)
        return result.returncode, result.stdout, result.stderr

    def draw(self):
        picture = self.folder / "picture.svg"
        subprocess.run([PROGRAMS / "ctrace-timeline", "-o", picture, self.trace], check=True,
                       env=dict(os.environ, XDG_CACHE_HOME=str(self.cache)), timeout=120)
        return picture.read_bytes()

    def kept_in_cache(self):
        return list((self.cache / "ctrace").glob("*")) if self.cache.exists() else []

    def test_the_second_answer_is_the_first_and_takes_no_trace(self):
        for case in CASES:
            self.write(case)
            answers = []
            for command in COMMANDS:
                self.index.unlink(missing_ok=True)
                answers.append(self.ask(command))
                self.assertTrue(self.index.exists(), (case, command))
            picture = self.draw()
            # No event is left, but all that is known of the files without a look into them is.
            for path in sorted(self.trace.rglob("*")):
                if path.is_file() and path != self.index:
                    before = path.stat()
                    path.write_bytes(bytes(before.st_size))
                    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            for command, answer in zip(COMMANDS, answers):
                self.assertEqual(self.ask(command), answer, (case, command))
            self.assertEqual(self.draw(), picture, case)

    def test_what_was_kept_is_made_anew_if_it_is_damaged(self):
        self.write("convoy")
        answer = self.ask(COMMANDS[0])
        whole = self.index.read_bytes()
        generator = random.Random(3)
        for turn in range(12):
            damaged = bytearray(whole)
            if turn == 0:
                damaged = damaged[:len(damaged) // 2]
            elif turn == 1:
                damaged = damaged[:30]
            else:
                damaged[generator.randrange(8, len(whole))] ^= 1 << generator.randrange(8)
            self.index.write_bytes(damaged)
            self.assertEqual(self.ask(COMMANDS[0]), answer, turn)
            if turn < 2:
                self.assertEqual(self.index.read_bytes(), whole)

    def test_a_trace_that_has_changed_is_read_again(self):
        self.write("convoy")
        self.ask(COMMANDS[0])
        before = self.index.read_bytes()
        stream = next(path for path in self.trace.rglob("*_0"))
        os.utime(stream, ns=(1, 1))
        self.ask(COMMANDS[0])
        self.assertNotEqual(self.index.read_bytes()[:64], before[:64])

    def test_another_file_of_that_name_stays(self):
        self.write("convoy")
        self.index.write_text("of somebody else's")
        status, _, _ = self.ask(COMMANDS[0])
        self.assertEqual(status, 0)
        self.assertEqual(self.index.read_text(), "of somebody else's")
        self.assertEqual(len(self.kept_in_cache()), 1)

    def make_anothers(self):
        """Nothing may be written to the recording, by whomever this is."""
        if os.geteuid() == 0:
            os.chown(self.trace, 12345, 12345)
        else:
            self.trace.chmod(0o555)
            self.addCleanup(self.trace.chmod, 0o755)

    def test_what_may_not_be_written_is_kept_in_the_cache(self):
        self.write("convoy")
        answer = self.ask(COMMANDS[0])
        self.index.unlink()
        self.make_anothers()
        self.assertEqual(self.ask(COMMANDS[0]), answer)
        self.assertFalse(self.index.exists())
        kept = self.kept_in_cache()
        self.assertEqual(len(kept), 1)
        self.assertRegex(kept[0].name, re.compile(r"^[0-9a-f]+-[0-9a-f]+\.index$"))
        before = kept[0].stat().st_ino
        self.assertEqual(self.ask(COMMANDS[0]), answer)
        self.assertEqual([path.stat().st_ino for path in self.kept_in_cache()], [before])

    def test_nothing_need_be_kept(self):
        self.write("convoy")
        answer = self.ask(COMMANDS[0])
        self.index.unlink()
        self.make_anothers()
        self.cache.write_text("no folder")
        self.assertEqual(self.ask(COMMANDS[0]), answer)
        self.assertFalse(self.index.exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
