"""Python's functions in the stacks of waits, held against what the interpreter itself says."""

import collections
import csv
import json
import pathlib
import re
import shutil
import subprocess
import unittest

from harness import WORKLOADS, TraceTest, main, run

SYSTEM = "/usr/bin/python3"
OLDEST = (3, 8)
NEWEST = (3, 13)


def interpreters():
    """The system's, and those that pyenv has built."""
    found = [SYSTEM]
    pyenv = shutil.which("pyenv")
    if pyenv:
        versions = pathlib.Path(pyenv).resolve().parent.parent / "versions"
        for each in sorted(versions.glob("3.*/bin/python3")):
            number = tuple(int(part) for part in each.parent.parent.name.split(".")[:2])
            if OLDEST <= number <= NEWEST:
                found.append(str(each))
    return found


class Python(TraceTest):
    def record_python(self, source, *arguments, python=SYSTEM):
        return self.record_ok(python, WORKLOADS / source, *arguments)

    def waits_of(self, result):
        """For each wait, its row of the export, and its Python frames."""
        output = self.folder / "waits.csv"
        exported = self.ctrace("export", result.directory, "-o", output)
        self.assertEqual(exported.status, 0, exported)
        waits = []
        with output.open(newline="", encoding="utf-8") as table:
            for row in csv.DictReader(table):
                frames = []
                for frame in row["stack"].split(" < "):
                    match = re.fullmatch(r"(.*) \((.*\.py|<.*>):(\d+)\)", frame)
                    if match:
                        frames.append((match[1], match[2], int(match[3])))
                waits.append((row, tuple(frames)))
        return waits

    def test_frames_are_those_that_the_interpreter_tells(self):
        for python in interpreters():
            with self.subTest(python=python):
                result = self.record_python("python_frames.py", python=python)
                expected = [tuple(map(tuple, stack)) for stack in json.loads(result.out)]
                found = {frames for _, frames in self.waits_of(result)}
                self.assertEqual(len(expected), 15)
                for stack in expected:
                    self.assertIn(stack, found)

    def test_profile_has_names_files_lines_and_where_functions_begin(self):
        result = self.record_python("python_frames.py", "in_comprehension", "in_callback")
        profile = self.folder / "sleep.pb.gz"
        written = self.ctrace("pprof", "sleep", result.directory, "-o", profile)
        self.assertEqual(written.status, 0, written)
        lines = (WORKLOADS / "python_frames.py").read_text(encoding="utf-8").splitlines()
        begin = lines.index("    def key(_):") + 1
        self.assertIn("time.sleep", lines[begin])
        raw = subprocess.run(
            ["go", "tool", "pprof", "-raw", profile], capture_output=True, text=True, check=True
        ).stdout
        place = re.escape(str(WORKLOADS / "python_frames.py"))
        self.assertRegex(raw, rf"in_callback\.<locals>\.key {place}:{begin + 1} s={begin}\b")
        self.assertRegex(raw, r"<listcomp> ")
        top = subprocess.run(
            ["go", "tool", "pprof", "-top", "-cum", profile],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        self.assertRegex(top, r"in_callback\b")
        self.assertNotIn("_PyEval_EvalFrameDefault", top)

    def test_a_function_that_takes_the_place_of_a_freed_one_has_its_own_name(self):
        result = self.record_python("python_many.py", "codes")
        waits = collections.Counter(
            frames[0] for row, frames in self.waits_of(result) if "nanosleep" in row["operation"]
        )
        found = {function for function, _, _ in waits}
        expected = json.loads(result.out)
        self.assertEqual(len(expected), 1000)
        self.assertEqual({*expected} - found, set())
        self.assertEqual({line for _, file, line in waits if file == "<string>"}, {2})

    def test_deep_recursion_keeps_both_ends(self):
        result = self.record_python("python_many.py", "deep")
        stacks = [[name for name, _, _ in frames] for _, frames in self.waits_of(result)]
        names = next(names for names in stacks if "deep.<locals>.down" in names)
        self.assertGreater(names.count("deep.<locals>.down"), 90)
        self.assertEqual(names[-1], "<module>")
        self.assertLessEqual(len(names), 128)

    def test_children_of_fork_and_threads_that_end_have_their_frames(self):
        for scenario in ("fork", "ends"):
            with self.subTest(scenario=scenario):
                result = self.record_python("python_many.py", scenario)
                for name, count in json.loads(result.out).items():
                    waits = [
                        frames[0][0]
                        for row, frames in self.waits_of(result)
                        if "nanosleep" in row["operation"] and row["class"] == "sleep"
                    ]
                    named = [each for each in waits if each.endswith(name)]
                    self.assertEqual((len(named), len(waits)), (count, count))

    def test_waits_for_the_gil_are_called_so_with_the_functions_of_both(self):
        for python in interpreters():
            with self.subTest(python=python):
                result = self.record_python("python_gil.py", python=python)
                findings = self.ctrace("report", "findings", result.directory)
                self.assertRegex(
                    " ".join(findings.out.split()),
                    r"in line for Python's GIL \(global interpreter lock\): [^.]*"
                    r"[^/]* (Its holder|Their holders) [^/]*, in compute \(python_gil\.py:1\d\)",
                )
                locks = self.ctrace("report", "locks", result.directory).out
                self.assertRegex(locks, r"condition 0x\w+ \(Python's GIL\)")
                self.assertRegex(locks, r" held by [^<]* in compute \(python_gil\.py:1\d\) <")
                self.assertRegex(locks, r" waited for in compute \(python_gil\.py:1\d\) <")
                profile = self.folder / "sync.pb.gz"
                self.ctrace("pprof", "sync", result.directory, "-o", profile)
                raw = subprocess.run(
                    ["go", "tool", "pprof", "-raw", profile],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
                self.assertRegex(raw, r"object:\[condition 0x\w+ \(Python's GIL\)\]")
                whole = self.ctrace("report", "--all", "--depth=99", result.directory).out
                self.assertNotIn("_PyRuntime", whole)

    def test_text_leaves_out_the_interpreter_and_exports_do_not(self):
        result = self.record_python("python_frames.py")
        text = self.ctrace("report", "waits", "--top=99", "--depth=99", result.directory).out
        stacks = re.split(r"\n {1,11}\S+ \S+  ", text)
        python = [stack for stack in stacks if "python_frames.py:" in stack]
        self.assertGreater(len(python), 10)
        for stack in python:
            self.assertNotRegex(stack, r"\n +(Py[A-Z_]|_Py|python3[.\d]*\+0x)")
        exported = [row["stack"] for row, frames in self.waits_of(result) if frames]
        self.assertTrue([stack for stack in exported if re.search(r"< _?Py|python3\S*\+0x", stack)])

    def test_odd_names_of_functions_and_files_are_text(self):
        result = self.record_python("python_many.py", "odd")
        expected = json.loads(result.out)
        report = self.ctrace("report", "--top=999", "--format=json", result.directory).out
        found = {
            frame["function"]
            for site in json.loads(report)["sites"]
            for frame in site["stack"]
            if "function" in frame
        }
        self.assertEqual({*expected} - found, set())
        text = self.ctrace("report", "--all", "--top=999", result.directory).out
        self.assertNotRegex(text, "[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]")

    def test_functions_of_one_interpreter_stay_out_of_the_frames_of_another(self):
        for python in interpreters():
            with self.subTest(python=python):
                result = self.record_python("python_many.py", "enters", python=python)
                row = next(row for row, _ in self.waits_of(result) if row["class"] == "sleep")
                # Where functions have no names, one that has stands between them.
                entry = "interp_run_string" if "interp_run" in row["stack"] else "PyRun_StringFlags"
                inside, _, outside = row["stack"].partition(f" < {entry}")
                # From 3.12 on, a thread knows what it is in; before, where it came from.
                known, other = inside, outside
                if " < inside (<string>:3) < <module> (<string>:4) < " not in inside:
                    known, other = outside, inside
                    self.assertIn(" < enters (python_many.py:", known)
                    self.assertIn(" < <module> (python_many.py:", known)
                self.assertNotIn("_PyEval_EvalFrameDefault", known)
                self.assertNotIn("python_many.py", inside)
                self.assertNotIn("<string>", outside)
                self.assertIn("_PyEval_EvalFrameDefault", other)

    def test_a_damaged_interpreter_harms_nobody(self):
        result = self.record(WORKLOADS / "fake_python", options=["--rate=0"])
        self.assertEqual((result.status, result.out), (0, "behaves\n"), result)
        self.assertTrue([row for row, _ in self.waits_of(result) if "< ffff" in row["stack"]])

    def test_frames_that_change_meanwhile_hold_nobody_up(self):
        result = self.record(WORKLOADS / "fake_python", "circle", options=["--rate=0"])
        self.assertEqual((result.status, result.out), (0, "behaves\n"), result)

    @unittest.skipUnless(shutil.which("strace"), "no strace here")
    def test_a_stack_asks_the_kernel_for_frames_alone(self):
        """Not for the process, which the board knows: that took as many calls again."""
        calls = self.folder / "calls"
        program = "import time\nfor _ in range(200): time.sleep(0.0001)"
        traced = ["strace", "-f", "-o", calls, "-e", "trace=getpid,process_vm_readv"]
        if run(*traced, "true").status != 0:
            self.skipTest("strace cannot be used here")
        self.record_ok(*traced, SYSTEM, "-c", program, options=["--kernel=off"])
        names = re.findall(r"(getpid|process_vm_readv)\(", calls.read_text())
        copies = names.count("process_vm_readv")
        self.assertGreater(copies, 1000)
        self.assertLess(names.count("getpid"), copies / 4)


main()
