"""ctrace bench: a program is run warm, as often as is asked, compared with how it was, and killed where it hangs."""

import os
import re
import signal
import subprocess
import time

from harness import CTRACE, EXAMPLES, WORKLOADS, TraceTest, main

# Notes each run; takes 20 ms, or as long as it is told.
COUNTING = "echo run >>runs; sleep ${1:-0.02}"


class Bench(TraceTest):
    def bench(self, *words, status=0):
        result = self.ctrace("bench", *words, cwd=self.folder, timeout=120)
        self.assertEqual(result.status, status, result)
        return result

    def count(self):
        runs = self.folder / "runs"
        count = len(runs.read_text().split()) if runs.exists() else 0
        runs.unlink(missing_ok=True)
        return count

    def kept(self):
        return sorted(str(path.relative_to(self.folder / "ctrace.bench"))
                      for path in (self.folder / "ctrace.bench").glob("*/*/run-??"))

    def test_it_runs_as_often_as_is_asked(self):
        result = self.bench("--runs=3", "--", "sh", "-c", COUNTING)
        self.assertEqual(self.count(), 4)
        self.assertEqual(self.kept(), [f"last/waits/run-0{number}" for number in (1, 2, 3)])
        self.assertIn("too short", result.out)
        median = re.search(r"waits: 3 runs, median ([\d.]+) ms", result.out)
        self.assertGreater(float(median[1]), 20)
        self.bench("--runs=1", "--warmup=0", "--profile=waits,cpu,heap", "--save=each", "--", "sh", "-c", COUNTING)
        self.assertEqual(self.count(), 3)
        self.assertEqual(self.kept()[:3], ["each/cpu/run-01", "each/heap/run-01", "each/waits/run-01"])
        self.bench("--runs=1", "--warmup=0", "--benchtime=0.5s", "--", "sh", "-c", COUNTING, "sh", "0.2")
        self.assertIn(self.count(), (2, 3))
        self.bench("--runs=1", "--warmup=0.3s", "--", "sh", "-c", COUNTING)
        self.assertGreaterEqual(self.count(), 2)
        self.assertEqual([path.name for path in (self.folder / "ctrace.bench").iterdir() if path.name.startswith(".")], [])

    def test_it_compares_with_how_it_was(self):
        sick, cured = (["sh", "-c", "sleep " + seconds] for seconds in ("0.4", "0.05"))
        self.bench("--runs=4", "--save=sick", "--", *sick)
        result = self.bench("--runs=4", "--base=sick", "--fail-on=duration>+20%", "--", *cured)
        self.assertEqual(result.out.count("COMPARED"), 1)
        self.assertRegex(result.out, r"the runs took [\d.]+ m?s -> ")
        self.bench("--runs=4", "--save=cured", "--", *cured)
        result = self.bench("--runs=4", "--base=cured", "--fail-on=duration>+100%", "--", *sick, status=1)
        self.assertIn("duration>+100%: regressed", result.out)

    def test_what_hangs_is_killed_and_where_it_hung_is_told(self):
        for warmup in ("--warmup=0", "--warmup=1"):
            begin = time.monotonic()
            result = self.bench("--timeout=700ms", warmup, "--", WORKLOADS / "hangs", "deadlock", "100000", status=124)
            self.assertLess(time.monotonic() - begin, 60)
            self.assertIn("Deadlock: 2 threads wait for each other", result.out)
            self.assertIn("in audit", result.out)
        self.assertEqual(self.kept(), [])
        self.assertEqual(self.ctrace("report", self.folder / "ctrace.bench/last.hung").status, 0)

    def test_all_that_a_hanging_program_started_is_killed(self):
        mark = f"{os.getpid()}.5"
        self.bench("--timeout=500ms", "--warmup=0", "--", "sh", "-c", f"sleep {mark} & setsid sleep {mark} & wait", status=124)
        left = subprocess.run(["pgrep", "-fx", f"sleep {mark}"], capture_output=True, text=True, check=False).stdout
        self.assertEqual(left, "")

    def test_a_run_that_fails_ends_it_and_keeps_what_was(self):
        self.bench("--runs=1", "--", "true")
        result = self.bench("--runs=2", "--", "sh", "-c", "echo no such table >&2; exit 3", status=4)
        self.assertIn("ended with status 3", result.err)
        self.assertIn("| no such table", result.err)
        self.assertNotIn("wrote", result.err)
        self.assertEqual(self.kept(), ["last/waits/run-01"])
        result = self.bench("--", "./no-such-program", status=4)
        self.assertIn("no-such-program", result.err)

    def test_an_interrupt_ends_it_and_leaves_nothing(self):
        job = subprocess.Popen([CTRACE, "bench", "--", "sleep", "1000.25"], cwd=self.folder, stderr=subprocess.PIPE,
                               stdout=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while subprocess.run(["pgrep", "-fx", "sleep 1000.25"], capture_output=True, check=False).returncode != 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        job.send_signal(signal.SIGTERM)
        self.assertEqual(job.wait(40), 128 + signal.SIGTERM)
        job.communicate()
        self.assertEqual(list((self.folder / "ctrace.bench").iterdir()), [])
        self.assertNotEqual(subprocess.run(["pgrep", "-fx", "sleep 1000.25"], capture_output=True, check=False).returncode, 0)

    def test_what_makes_no_sense_is_refused(self):
        for words, about in (([], "which program"), (["--runs=0", "true"], "--runs"), (["--save=a/b", "true"], "no name"),
                             (["--base=last", "true"], "one name"), (["--fail-on=duration>+5%", "true"], "--base"),
                             (["--profile=net", "true"], "none of waits"), (["--timeout=soon", "true"], "soon"),
                             (["--base=nothing", "true"], "no runs of waits called nothing")):
            with self.subTest(words):
                self.assert_refused(self.ctrace("bench", *words, cwd=self.folder), about, status=3)
        self.assertEqual(list((self.folder / "ctrace.bench").glob("*")), [])

    def test_the_examples(self):
        result = self.bench("--runs=1", "--warmup=0", "--profile=all", "--", EXAMPLES / "convoy_cured")
        self.assertRegex(result.out, r"all: 1 run, median .* CPU samples")


if __name__ == "__main__":
    main()
