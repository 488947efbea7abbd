"""ctrace trend: a regression that was planted in weeks of profiles is found on its day, and chance is not."""

import csv
import datetime
import io
import os
import random
import shutil

from harness import EXAMPLES, TraceTest, go_pprof, main
from pprof_writer import profile

SECOND = 1_000_000_000
DAY_ONE = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
ENVIRONMENT = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8")


class Trend(TraceTest):
    def collect(self, days, shares, every_hours=2, stamped=True):
        """Profiles by time, as a collecting script lays them out; `shares`: of a day and its index -> {function: share}."""
        chance = random.Random(17)
        root = self.folder / "profiles"
        for index in range(days * 24 // every_hours):
            time = DAY_ONE + datetime.timedelta(hours=index * every_hours)
            stacks = [((name, "main"), int(1000 * share * chance.uniform(0.9, 1.1)))
                      for name, share in shares(index * every_hours // 24, index).items()]
            folder = root / "production" / time.strftime("%Y%m%d_%H%M%S")
            folder.mkdir(parents=True)
            time_ns = int(time.timestamp()) * SECOND if stamped else 0
            (folder / "cpu.pb.gz").write_bytes(profile(stacks, time_ns=time_ns, duration_ns=10 * SECOND))
        return root

    def ask(self, *words, status=0):
        result = self.ctrace("trend", *words, env=ENVIRONMENT)
        self.assertEqual(result.status, status, result)
        return result

    def planted(self, **options):
        """From the sixth day on, compress takes twice its share, and there is a function that was not there."""
        return self.collect(7, lambda day, _: {
            "serve": 5, "parse": 3, "compress": 2 if day < 5 else 5, **({"retry": 1} if day >= 5 else {})}, **options)

    def test_a_planted_regression_and_a_new_function(self):
        out = self.ask(self.planted()).out
        changes = out[out.index("CHANGED MOST: 2026-01-01 (12 profiles) -> 2026-01-07 (12 profiles)"):].splitlines()
        self.assertRegex(changes[1], r"1\. (compress|serve): ")
        compress = next(line for line in changes if " compress: " in line)
        self.assertRegex(compress, r"(19|20)\.\d % -> 3[4-7]\.\d %, 1[4-7]\.\d points more \(p < 0\.0001\)")
        self.assertRegex(out, r"retry: 0\.0 % -> [67]\.\d %, [67]\.\d points more; new since 2026-01-06 00:00:00")
        self.assertRegex(out, r"  new +▁+.*█  retry")

    def test_the_day_is_where_the_line_rises(self):
        root = self.planted()
        result = self.ask(root, "--between=2026-01-04,2026-01-05", "--fail-above=2")
        self.assertIn("not proven", result.out)
        result = self.ask(root, "--between=2026-01-05,2026-01-06", "--fail-above=5", status=1)
        self.assertIn("compress rose by", result.err)
        self.ask(root, "--between=20260105,20260106", "--fail-above=30")
        self.ask(root, "--between=2026-01-05 00,2026-01-06 00", "--fail-above=5", status=2)
        self.assertIn("no profile is of", self.ask(root, "--between=2026-02-01,2026-01-06", status=3).err)

    def test_what_cannot_be_written_is_no_regression(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = self.ctrace("trend", self.planted(), "--fail-above=30", stdout=full, env=ENVIRONMENT)
        self.assertEqual(result.status, 3, result)
        self.assertIn("cannot write", result.err)

    def test_chance_is_not_proven(self):
        root = self.collect(4, lambda day, index: {"serve": 5, "parse": 3, "compress": 2})
        out = self.ask(root, "--fail-above=1").out
        changes = out[out.index("CHANGED MOST"):]
        self.assertEqual(changes.count("points"), changes.count(": not proven)") + 1, out)

    def test_profiles_without_a_time_have_their_folders(self):
        stamped = self.ask(self.planted()).out
        shutil.rmtree(self.folder / "profiles")
        self.assertEqual(self.ask(self.planted(stamped=False)).out, stamped)

    def test_the_table_holds_what_the_profiles_do(self):
        root = self.collect(1, lambda day, index: {"serve": 3, "parse": 1})
        rows = list(csv.DictReader(io.StringIO(self.ask(root, "--format=csv", "--place=^serve$").out)))
        self.assertEqual(len(rows), 12)
        for row in rows:
            self.assertAlmostEqual(float(row["flat"]) / float(row["total"]), float(row["share"]), places=5)
        if shutil.which("go"):
            text = go_pprof("-top", rows[7]["profile"]).out
            share = next(line.split()[1] for line in text.splitlines() if line.endswith(" serve"))
            self.assertAlmostEqual(float(share.rstrip("%")) / 100, float(rows[7]["share"]), places=3)
        rows = list(csv.DictReader(io.StringIO(self.ask(root, "--format=csv", "--place=main", "--cum").out)))
        self.assertEqual({row["share"] for row in rows}, {"1.000000"})
        self.assertEqual({row["function"] for row in rows}, {"main"})

    def test_a_gap_is_a_gap(self):
        root = self.collect(3, lambda day, index: {"serve": 1}, every_hours=1)
        for folder in (root / "production").glob("20260102*"):
            shutil.rmtree(folder)
        line = next(line for line in self.ask(root).out.splitlines() if line.endswith(" serve"))
        self.assertRegex(line, r"█{7,9} {7,9}█{7,9}  serve$")

    def test_a_picture(self):
        root = self.planted()
        for suffix, magic in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
            picture = self.folder / f"trend.{suffix}"
            self.ask(root, "-o", picture)
            self.assertTrue(picture.read_bytes().startswith(magic))
        self.assertIn("compress", (self.folder / "trend.svg").read_text())

    def test_profiles_of_recordings(self):
        root = self.folder / "profiles"
        for number in range(4):
            trace = self.record_ok(EXAMPLES / ("convoy" if number < 2 else "convoy_cured"), output=f"run{number}").directory
            folder = root / f"20260101_00000{number}"
            folder.mkdir(parents=True)
            self.assertEqual(self.ctrace("pprof", "sync", trace, "-o", folder / "sync.pb.gz").status, 0)
        out = self.ask(root, "--cum", "--place=serve_page").out  # of the kind that there is
        self.assertIn("TREND OF sync: shares of delay", out)
        self.assertRegex(out, r"serve_page: \d+\.\d % -> ")
        self.assertIn("contentions", self.ask(root, "--sample=contentions").out)

    def test_what_cannot_be_read_is_said(self):
        root = self.collect(1, lambda day, index: {"serve": 1})
        (root / "production/20260101_000000/cpu.pb.gz").write_bytes(b"\x1f\x8bnothing")
        result = self.ask(root)
        self.assertIn("11 profiles", result.out)
        self.assertIn("left out: ", result.err)
        for words, about in ((["nowhere"], "no folder"), ([self.folder / "profiles", "--profile=heap"], "one of: cpu"),
                             ([self.folder], None), ([root / "production/20260101_020000", "--sample=space"], "no values called space")):
            with self.subTest(words):
                result = self.ask(*words, status=3 if about else 0)
                self.assertIn(about or "", result.err)
        for words in (["--format=xml"], ["--top=0"], ["--place=("], ["--fail-above=x"], ["-o", "x.gif"], ["-o", "x.svg", "--fail-above=1"]):
            with self.subTest(words):
                self.assert_refused(self.ctrace("trend", root, *words))


if __name__ == "__main__":
    main()
