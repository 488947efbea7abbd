"""`ctrace timeline -o x.html`: one file that has what its size lets it have, as the server tells it, or none."""

import base64
import gzip
import hashlib
import html
import json
import pathlib
import re
import shutil
import tempfile

from harness import CTRACE, EXAMPLES, SMALL_FS, TraceTest, main, run
from test_view import Server

QUESTION = re.compile(r'<script type="text/plain" class="kept" data-question="([^"]*)">([^<]*)</script>')


def answers_of(path):
    """{question: bytes}"""
    text = path.read_text()
    return {
        html.unescape(question): gzip.decompress(base64.b64decode(packed, validate=True))
        for question, packed in QUESTION.findall(text)
    }


class Html(TraceTest):
    """All tests have one recording, which none of them changes."""

    recorded = None

    def setUp(self):
        super().setUp()
        if not Html.recorded:
            Html.recorded = pathlib.Path(tempfile.mkdtemp(prefix="html.")) / "convoy"
            self.addClassCleanup(shutil.rmtree, Html.recorded.parent, ignore_errors=True)
            shutil.copytree(self.record_ok(EXAMPLES / "convoy").directory, Html.recorded)
        self.directory = Html.recorded
        self.file = self.folder / "convoy.html"

    def write(self, *options, path=None):
        path = path or self.file
        result = self.ctrace("timeline", self.directory, "-o", path, *options)
        self.assertEqual((result.status, result.out), (0, ""), result)
        self.assertIn(f"wrote {path}", result.err)
        return path

    def test_its_answers_are_the_server_s(self):
        """All of them, to the byte; and for the same recording the same file."""
        self.write()
        self.assertEqual(self.write(path=self.folder / "again.html").read_bytes(), self.file.read_bytes())
        server = Server(self, self.directory)
        kinds = dict.fromkeys(("overview", "tiles", "area", "path", "interval", "report"), 0)
        for question, body in answers_of(self.file).items():
            name = question.split("?")[0]
            if name == "report":
                self.assertEqual(json.loads(body), server.json("table"))
            elif name == "interval":
                intervals = json.loads(body)
                refs = [re.fullmatch(r"(t\d+)@(\d+)-(\d+)", one).groups() for one in question[12:].split(",")]
                self.assertEqual(len(refs), len(intervals))
                for (lane, begin, end), interval in zip(refs[:3], intervals):
                    self.assertEqual((interval["from"], interval["to"]), (int(begin), int(end)))
                    self.assertEqual(interval, server.json("interval", lane=lane, at=begin))
            elif name in kinds and (name != "tiles" or kinds[name] < 40):
                self.assertEqual(server.ask("api/" + question)[2], body, question)
            if name in kinds:
                kinds[name] += 1
        self.assertGreater(min(kinds.values()), 0, kinds)
        self.assertGreater(kinds["area"], 10)

    def test_it_is_as_large_as_it_may_be(self):
        whole = self.write().stat().st_size
        sizes = {}
        for size in (500_000, 700_000, 1_000_000):
            sizes[size] = self.write(f"--max-size={size // 1000}k").stat().st_size
            self.assertLessEqual(sizes[size], size)
            self.assertLess(sizes[size], whole)
            self.assertIn("overview", answers_of(self.file))
        self.assertLess(sizes[500_000], sizes[1_000_000])

    def test_nothing_but_its_own_text_is_script_or_style(self):
        text = self.write().read_text()
        policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
        self.assertLess(policy.start(), re.search("<(script|style|link)", text).start())
        for element, words in (("script", r' type="module"'), ("style", "")):
            own = re.findall(f"<{element}{words}>(.*?)</{element}>", text, re.DOTALL)
            self.assertEqual(len(own), 1, element)
            digest = base64.b64encode(hashlib.sha256(own[0].encode()).digest()).decode()
            self.assertIn(f"{element}-src 'sha256-{digest}';", policy[1])
        self.assertEqual(re.findall(r"default-src '[^']*'", policy[1]), ["default-src 'none'"])
        self.assertNotIn("unsafe", policy[1])
        self.assertNotRegex(re.sub(QUESTION, "", text), r"(?i)https?://(?!www\.w3\.org/)")

    def test_export_writes_the_same(self):
        self.write()
        other = self.folder / "other.html"
        for options in (("--format=html", "-o", other), ("-o", other)):
            result = self.ctrace("export", self.directory, *options)
            self.assertEqual(result.status, 0, result)
            self.assertEqual(other.read_bytes(), self.file.read_bytes())
            other.unlink()
        self.assert_refused(self.ctrace("export", self.directory, "--format=html"), "-o FILE.html", status=2)
        self.assert_refused(self.ctrace("export", self.directory, "-o", other, "--thread=main"), "--from and --to", status=2)
        self.write("--from=10%", "--to=20%")
        result = self.ctrace("export", self.directory, "-o", other, "--from=10%", "--to=20%")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(other.read_bytes(), self.file.read_bytes())

    def test_without_the_program_that_draws_or_that_finds(self):
        place = pathlib.Path(CTRACE).resolve().parent
        if not (place / "ctrace-export").exists():  # it is installed
            place = place.parent / "libexec/ctrace"
        for program, words, needed in (("ctrace-export", ("--format=html",), "ctrace-viewer"),
                                       ("ctrace-timeline", (), "ctrace-analyzer")):
            alone = self.folder / program
            shutil.copy(place / program, alone)
            result = run(alone, *words, "-o", self.file, self.directory)
            self.assert_refused(result, needed, status=1)
            self.assertFalse(self.file.exists())

    def test_what_makes_no_sense_is_refused(self):
        for options in (("--scale=2",), ("--from=1ms", "--thread=main"), ("--threads=3",), ("--path",), ("--class=sync",),
                        ("--max-size=5",), ("--max-size=499k",), ("--max-size=soon",)):
            with self.subTest(options):
                result = self.ctrace("timeline", self.directory, "-o", self.file, *options)
                self.assert_refused(result, "max-size", status=2)
        result = self.ctrace("timeline", self.directory, "-o", "x.svg", "--max-size=2M")
        self.assert_refused(result, r"\.html", status=2)
        self.assert_refused(self.ctrace("timeline", "nowhere", "-o", self.file), "nowhere", status=1)
        self.assertFalse(self.file.exists())

    def test_a_full_disk_leaves_no_part_of_it(self):
        if not SMALL_FS:
            self.skipTest("there is no file system to be filled up")
        before = sorted(pathlib.Path(SMALL_FS).iterdir())
        filling = pathlib.Path(SMALL_FS) / "filling"
        self.addCleanup(filling.unlink)
        filling.write_bytes(bytes(shutil.disk_usage(SMALL_FS).free - (256 << 10)))  # no file is that small
        target = pathlib.Path(SMALL_FS) / "convoy.html"
        result = self.ctrace("timeline", self.directory, "-o", target, "--max-size=15M")
        self.assert_refused(result, "No space left", status=1)
        self.assertNotIn("wrote", result.err)
        self.assertEqual(sorted(pathlib.Path(SMALL_FS).iterdir()), sorted([*before, filling]))


if __name__ == "__main__":
    main()
