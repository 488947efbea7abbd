"""What is looked up in the programs' files is kept with the recording: it can be read without them."""

import os
import pathlib
import re
import shutil

from harness import CTRACE, WORKLOADS, TraceTest, main, run

SOURCE = WORKLOADS / "layers.c"
LINE = r"wait_at_the_bottom \(layers\.c:\d+\)"


class Symbolize(TraceTest):
    def record_layers(self, *options):
        self.program = self.folder / "layers"
        result = run("gcc", *options, SOURCE, "-o", self.program, cwd=self.folder)
        self.assertEqual(result.status, 0, result)
        return self.record_ok(self.program, options=["--rate=0", "--cpu=99"]).directory

    def symbolize(self, trace, *words):
        result = self.ctrace("symbolize", trace)
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.out, r"^[\d,]+ of [\d,]+ addresses resolved, [\d,]+ with file and line\n")
        for word in words:
            self.assertRegex(result.out, word)
        return result

    def answers(self, trace):
        """All that is said of it, on either stream. It is called "trace", wherever it is."""
        said = []
        for words in (["report", "--depth=99"], ["report", "--format=json"], ["pprof", "sleep"],
                      ["pprof", "wall"]):
            result = self.ctrace(*words, "trace", cwd=trace.parent)
            self.assertEqual(result.status, 0, result)
            said.append((words, result.out, result.err))
        picture = self.folder / "all.svg"
        result = self.ctrace("timeline", "-o", picture, "trace", cwd=trace.parent)
        self.assertEqual(result.status, 0, result)
        return said, picture.read_bytes()

    def opened(self, *words):
        """The files that the process which reads the recording opened: all but the loader's."""
        if os.getuid() != 0:
            self.skipTest("only root's strace can read the names in the memory of what reads recordings")
        log = self.folder / "strace"
        result = run("strace", "-f", "-o", log, "-e", "trace=open,openat,openat2", CTRACE, *words,
                     cwd=self.folder, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        if "ptrace" in result.err:
            self.skipTest("strace cannot be used here")
        self.assertEqual(result.status, 0, result)
        calls = re.findall(r'^(\d+) +open\w*\((?:\w+, )?"([^"]+)".* = \d+$', log.read_text(),
                           re.MULTILINE)
        self.assertGreater(len({pid for pid, _ in calls}), 1, "a child reads")
        parent = calls[0][0]
        return {path for pid, path in calls if pid != parent}

    def programs_opened(self, *words):
        found = set()
        for path in self.opened(*words):
            place = pathlib.Path(self.folder, path)
            if place.is_file() and place.read_bytes().startswith(b"\x7fELF"):
                found.add(path)
        return found

    def move(self, trace):
        """To another place, where the program is not."""
        elsewhere = self.folder / "elsewhere" / "trace"
        shutil.copytree(trace, elsewhere)
        self.program.rename(self.folder / "hidden")
        shutil.rmtree(trace)
        return elsewhere

    def test_a_recording_is_read_where_its_program_is_not(self):
        trace = self.record_layers("-g", "-O1")
        self.symbolize(trace)
        moved = self.move(shutil.copytree(trace, self.folder / "second" / "trace"))
        # Nothing of these was asked before it was moved.
        said, picture = self.answers(moved)
        self.assertRegex(said[0][1], LINE)
        self.assertNotIn("cannot be read", "".join(err for _, _, err in said))
        (self.folder / "hidden").rename(self.program)
        (trace / "symbols").unlink()
        self.assertEqual(self.answers(trace), (said, picture))

    def test_no_program_is_opened_twice(self):
        trace = self.record_layers("-g")
        commands = (["report", "trace"], ["pprof", "wall", "trace"])
        self.assertIn(str(self.program), self.programs_opened(*commands[0]))
        self.assertEqual(self.programs_opened(*commands[0]), set())
        self.symbolize(trace)
        for words in commands:
            self.assertEqual(self.programs_opened(*words), set(), words)
        self.assertNotIn(str(self.program), self.opened("timeline", "-o", "t.svg", "trace"))

    def test_what_was_kept_is_made_anew_if_it_is_damaged(self):
        trace = self.record_layers("-g")
        self.symbolize(trace)
        answers = self.answers(trace)
        kept = trace / "symbols"
        whole = kept.read_bytes()
        for damaged in (whole[:-1], whole[:20], b"", whole[:60] + b"\x7f" + whole[61:]):
            kept.write_bytes(damaged)
            self.symbolize(trace)
            self.assertEqual(self.answers(trace), answers)
            if damaged:  # else it may be somebody else's
                self.assertEqual(kept.read_bytes(), whole)

    def test_another_file_of_that_name_stays(self):
        trace = self.record_layers("-g")
        (trace / "symbols").write_text("of somebody else's")
        self.assertIn("in your cache", self.symbolize(trace).err)
        self.assertEqual((trace / "symbols").read_text(), "of somebody else's")

    def test_a_recording_that_cannot_be_written(self):
        trace = self.record_layers("-g")
        if os.getuid() == 0:
            os.chown(trace, 12345, 12345)
        else:
            trace.chmod(0o555)
            self.addCleanup(trace.chmod, 0o755)
        self.assertIn("in your cache", self.symbolize(trace).err)
        self.assertFalse((trace / "symbols").exists())
        if os.getuid() == 0:
            self.assertEqual(self.programs_opened("report", "trace"), set())
        nowhere = dict(os.environ, XDG_CACHE_HOME="/proc/nowhere")
        result = self.ctrace("symbolize", trace, env=nowhere)
        self.assert_refused(result, "cannot be kept", status=1)
        self.assertEqual(self.ctrace("report", trace, env=nowhere).status, 0)

    def test_a_debug_file_that_comes_later_is_used(self):
        self.program = self.folder / "layers"
        aside, beside = self.folder / "aside", self.folder / "layers.debug"
        self.record_layers("-g", "-O1")
        for words in (["objcopy", "--only-keep-debug", self.program, beside],
                      ["strip", self.program],
                      ["objcopy", f"--add-gnu-debuglink={beside}", self.program]):
            self.assertEqual(run(*words).status, 0)
        beside.rename(aside)
        trace = self.record_ok(self.program, options=["--rate=0"], output="later").directory
        self.symbolize(trace, "/layers lacks symbols", "-dbgsym")
        self.assertNotRegex(self.report_text(trace), LINE)
        aside.rename(beside)
        self.assertRegex(self.report_text(trace), LINE)
        # What it said stays, when it is gone again.
        beside.unlink()
        self.program.unlink()
        self.assertRegex(self.report_text(trace), LINE)

    def test_another_program_of_that_name_changes_nothing(self):
        trace = self.record_layers("-g", "-O1")
        self.symbolize(trace)
        answers = self.answers(trace)
        shutil.copy("/bin/true", self.program)
        self.symbolize(trace)
        self.assertEqual(self.answers(trace), answers)

    def test_two_at_once(self):
        """The last one wins, and what it kept is whole."""
        trace = self.record_layers("-g")
        self.symbolize(trace)
        whole = (trace / "symbols").read_bytes()
        for _ in range(5):
            (trace / "symbols").unlink()
            result = run("sh", "-c", '"$0" symbolize trace & "$0" symbolize trace & wait', CTRACE, cwd=trace.parent,
                         env=dict(os.environ, LC_ALL="C.UTF-8"))
            self.assertEqual(result.status, 0)
            run(CTRACE, "symbolize", trace)
            self.assertEqual((trace / "symbols").read_bytes(), whole)

    def test_files_that_lack_symbols_are_named(self):
        trace = self.record_layers("-O1")
        self.symbolize(trace, "/layers lacks debug information", "build with -g")
        self.program.unlink()
        (trace / "symbols").unlink()
        self.symbolize(trace, "/layers cannot be read here: ([1-9]\\d*) of \\1 addresses have no name")


if __name__ == "__main__":
    main()
