"""html_file.py WRITE_TRACE PROGRAMS: a file of HTML of whatever a trace is, and none that is larger than it may be."""

import base64
import gzip
import html
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

WRITER, PROGRAMS = sys.argv[1], pathlib.Path(sys.argv[2])
TRACES = pathlib.Path(__file__).resolve().parent / "traces"
WORKERS = 70
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

    def test_a_finding_of_many_threads_has_its_sum(self):
        """As the page asks for it: of many threads that are all of a kind, of that."""
        lines = ["1.000s 9 9 process_start schema_version=2 process_start_ns=1s rate_ns=0 ppid=1 exe=/bin/pool args=pool "
                 "cwd=/", "1.000s 9 9 thread_start"]
        for tid in range(10, 10 + WORKERS):
            lines += [f"1.001s 9 {tid} thread_start creator_tid=9", f"1.001s 9 {tid} thread_name name=worker-{tid}"]
        for turn in range(1, WORKERS + 1):
            end_us, tid = 1_100_000 + turn * 5000, 9 + turn
            lines += [f"{end_us - 2}us 9 {tid - 1} wake object=0x7000 op=pthread_mutex_unlock",
                      f"{end_us}us 9 {tid} lock_wait duration_ns={turn * 5}ms object=0x7000 owner={tid - 1} "
                      "op=pthread_mutex_lock class=sync"]
        lines += ["2.000s 9 9 process_exit status=0", "trace closing/ust",
                  "2.1s 1 1 capture schema_version=2 ctrace_version=0.1.0 command=pool layers=preload begin_ns=1s end_ns=2s "
                  "rate_ns=0 process_count=1"]
        trace = self.folder / "pool.txt"
        trace.write_text("\n".join(lines) + "\n")
        result = self.write(trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        report = subprocess.run([PROGRAMS / "ctrace-report", "--format=json", self.folder / "trace"], capture_output=True,
                                timeout=120, check=True)
        spans = [(one["from_ns"] - 10**9, one["to_ns"] - 10**9) for one in json.loads(report.stdout)["findings"]
                 if len(one["tids"]) >= WORKERS]
        self.assertTrue(spans, report.stdout)
        text = html.unescape(self.file.read_text())
        for begin, end in spans:
            self.assertRegex(text, f'"area[?]from={begin}&to={end}&lanes=k[0-9]+(,t[0-9]+)*&flame=wait"')

    def test_the_longest_turn_of_a_loop_has_its_sum(self):
        """It may be all work: then there is no wait to show."""
        lines = ["1.000s 9 9 process_start schema_version=2 process_start_ns=1s rate_ns=0 ppid=1 exe=/bin/loop args=loop "
                 "cwd=/", "1.000s 9 9 thread_start"]
        for turn in range(1, 101):
            end_ms = 1000 + turn * 5 + (300 if turn > 50 else 0) + (100 if turn > 80 else 0)
            lines.append(f"{end_ms}ms 9 9 wait duration_ns=4ms object=0x600000009 result=1 op=epoll_wait class=net")
        lines += ["2.000s 9 9 process_exit status=0", "trace closing/ust",
                  "2.0s 9 9 counters pid=9 process_start_ns=1s tid=9 op=epoll_wait calls=100 total_ns=400ms",
                  "2.1s 1 1 capture schema_version=2 ctrace_version=0.1.0 command=loop layers=preload begin_ns=1s end_ns=2s "
                  "rate_ns=0 process_count=1"]
        trace = self.folder / "loop.txt"
        trace.write_text("\n".join(lines) + "\n")
        result = self.write(trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        report = subprocess.run([PROGRAMS / "ctrace-report", "--format=json", self.folder / "trace"], capture_output=True,
                                timeout=120, check=True)
        turn = next(one for one in json.loads(report.stdout)["findings"] if one["rule"] == "slow turn")["longest"]
        begin, end = turn["from_ns"] - 10**9, turn["to_ns"] - 10**9
        self.assertLess(end - begin, 400_000_000)
        self.assertIn(f'"area?from={begin}&to={end}&lanes=t0&flame=wait"', html.unescape(self.file.read_text()))

    def answers(self):
        """{question: text or bytes}"""
        kept = re.findall(r'class="kept" data-question="([^"]*)">([^<]*)<', self.file.read_text())
        return {html.unescape(question): gzip.decompress(base64.b64decode(packed)) for question, packed in kept}

    def test_a_window_is_all_that_there_is(self):
        """Columns that have a part of it are whole, and so are waits."""
        begin, end = 20_000_000, 40_000_000
        result = self.write(TRACES / "convoy.txt", "--from=20ms", "--to=50%")
        self.assertEqual(result.returncode, 0, result.stderr)
        answers = self.answers()
        overview = json.loads(answers[f"overview?from={begin}&to={end}"])
        self.assertEqual([overview[name] for name in ("window", "lives")], [{"from": begin, "to": end}] * 2)
        self.assertEqual(overview["length_ns"], 80_000_000)
        whole = json.loads(answers[f"area?from={begin}&to={end}&flame=wait"])
        self.assertEqual({one["lane"]: one["ns"] for one in overview["threads"]},
                         {one["lane"]: one["ns"] for one in whole["threads"]})
        self.assertEqual({one["lane"]: one["ns"] for one in overview["objects"]},
                         {one["lane"]: one["ns"] for one in whole["objects"]})
        self.assertLess(max(sum(one["ns"]) for one in overview["threads"]), end - begin + 1)
        names = {"tiles": 0, "area": 0, "path": 0, "interval": 0}
        for question in answers:
            name, _, words = question.partition("?")
            numbers = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)(?:&|$)", words)}
            if name == "tiles":
                column = 1 << numbers["level"]
                self.assertGreater((numbers["first"] + 1) * column, begin, question)
                self.assertLessEqual((numbers["first"] + numbers["count"] - 1) * column, end, question)
            elif name in ("area", "path"):
                self.assertGreaterEqual(numbers["from"], begin, question)
                self.assertLessEqual(numbers["to"], end, question)
            elif name == "interval":
                for first, last in re.findall(r"t\d+@(\d+)-(\d+)", words):
                    self.assertGreater(int(last), begin, question)
                    self.assertLess(int(first), end, question)
            if name in names:
                names[name] += 1
        self.assertGreater(min(names.values()), 0, names)
        asked = [PROGRAMS / "ctrace-report", "--format=json", "--from=20ms", "--to=50%", "--top=100", "--depth=20",
                 self.folder / "trace"]
        report = subprocess.run(asked, capture_output=True, timeout=120, check=True)
        self.assertEqual(json.loads(answers["report"]), json.loads(report.stdout))

    def keep_notes(self, text):
        """As ctrace view keeps them, beside the trace."""
        (self.folder / "trace.notes.json").write_text(text)

    def test_notes_on_what_it_shows_are_in_it(self):
        subprocess.run([WRITER, TRACES / "convoy.txt", self.folder / "trace"], check=True)
        notes = [{"id": f"{number:016x}", "version": 1, "at_ns": str((990 + ms) * 10**6), "text": f"</script> at {ms}"}
                 for number, ms in enumerate((10, 30, 60))]
        self.keep_notes(json.dumps({"schema": "ctrace-notes-1", "notes": notes}))
        for options, kept in (((), notes), (("--from=20ms", "--to=40ms"), notes[1:2])):
            result = self.write(None, *options)
            self.assertEqual((result.returncode, result.stderr.count("\n")), (0, 1), result.stderr)
            self.assertEqual(json.loads(self.answers()["notes"]), {"place": "", "notes": kept})

    def test_notes_that_cannot_be_read_are_missed_aloud(self):
        subprocess.run([WRITER, TRACES / "convoy.txt", self.folder / "trace"], check=True)
        self.keep_notes("{")
        result = self.write(None)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, "the page has no notes: .*notes.json is damaged")
        self.assertNotIn("notes", self.answers())

    def test_threads_that_ended_before_a_window_are_not_in_it(self):
        lines = ["1.000s 9 9 process_start schema_version=2 process_start_ns=1s rate_ns=0 ppid=1 exe=/bin/two args=two "
                 "cwd=/", "1.000s 9 9 thread_start", "1.001s 9 10 thread_start creator_tid=9",
                 "1.001s 9 11 thread_start creator_tid=9", "1.001s 9 10 thread_name name=pool-1",
                 "1.001s 9 11 thread_name name=pool-2",
                 "1.100s 9 10 wait duration_ns=50ms object=0x600000009 result=1 op=epoll_wait class=net",
                 "1.200s 9 10 thread_exit",
                 "1.900s 9 11 wait duration_ns=50ms object=0x600000009 result=1 op=epoll_wait class=net",
                 "2.000s 9 9 process_exit status=0", "trace closing/ust",
                 "2.1s 1 1 capture schema_version=2 ctrace_version=0.1.0 command=two layers=preload begin_ns=1s end_ns=2s "
                 "rate_ns=0 process_count=1"]
        trace = self.folder / "two.txt"
        trace.write_text("\n".join(lines) + "\n")
        result = self.write(trace, "--from=800ms")
        self.assertEqual(result.returncode, 0, result.stderr)
        answers = self.answers()
        overview = json.loads(next(answers[one] for one in answers if one.startswith("overview")))
        self.assertEqual([one["tid"] for one in overview["threads"]], [9, 11])
        there = {one["lane"] for one in overview["threads"]}
        self.assertLessEqual({f"t{one}" for kind in overview["kinds"] for one in kind["threads"]}, there)
        tiles = [re.search("lanes=([^&]*)", one)[1].split(",") for one in answers if one.startswith("tiles")]
        self.assertLessEqual({lane for lanes in tiles for lane in lanes if lane[0] == "t"}, there)

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
