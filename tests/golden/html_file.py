"""html_file.py WRITE_TRACE PROGRAMS: a file of HTML of whatever a trace is, and none that is larger than it may be."""

import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

WRITER, PROGRAMS = sys.argv[1], pathlib.Path(sys.argv[2])
TRACES = pathlib.Path(__file__).resolve().parent / "traces"
CASES = ("convoy", "hostile_names", "images", "nested", "sampled")


class Html(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "page.html"

    def write(self, text, *options):
        """How the command ended, which made a page of that trace."""
        trace = self.folder / "trace"
        if not trace.exists():
            subprocess.run([WRITER, text, trace], check=True)
        command = [PROGRAMS / "ctrace-timeline", trace, "-o", self.file, *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def test_whatever_a_trace_is(self):
        for case in CASES:
            with self.subTest(case):
                self.setUp()
                result = self.write(TRACES / f"{case}.txt")
                self.assertEqual(result.returncode, 0, result.stderr)
                text = self.file.read_text()
                self.assertTrue(text.rstrip().endswith("</html>"))
                self.assertEqual(text.count("<script"), text.count("</script>"))
                self.assertEqual(len(re.findall('<script(?! type="text/plain" class="kept")', text)), 1)

    def test_what_takes_more_than_it_may_is_refused_and_how_much_is_said(self):
        chance = random.Random(1)
        lines = ["1.000s 1 1 process_start schema_version=2 process_start_ns=999000000 rate_ns=10000 ppid=1 "
                 "exe=/many args=many cwd=/"]
        for tid in range(1, 3001):
            name = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=15))
            lines += [f"1.001s 1 {tid} thread_start", f"1.001s 1 {tid} thread_name name={name}"]
        trace = self.folder / "many.txt"
        trace.write_text("\n".join(lines) + "\n")
        result = self.write(trace, "--max-size=500k")
        self.assertEqual(result.returncode, 1, result)
        self.assertFalse(self.file.exists())
        needed = re.search(r"give it at least (--max-size=([0-9.]+)M)", result.stderr)
        self.assertTrue(needed, result.stderr)
        result = self.write(trace, needed[1])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLessEqual(self.file.stat().st_size, float(needed[2]) * 1e6)


if __name__ == "__main__":
    sys.argv[1:] = []
    unittest.main()
