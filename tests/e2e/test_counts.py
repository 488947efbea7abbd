"""What is called a wait is one everywhere: the recorder's summary, verify and report count the same."""

import csv
import io
import json
import re
import signal

from harness import WORKLOADS, TraceTest, main, wait_until


# Once it sleeps for good.
KILLED = """
sleep 30 &
until [ "$(cat /proc/$!/comm)" = sleep ] && grep -q "S (sleeping)" /proc/$!/status; do
    sleep 0.01
done
sleep 0.2
kill -9 $!
"""


class Counts(TraceTest):
    def counted(self, result, pattern):
        """The number in what was said; None if there is none."""
        match = re.search(pattern, result.err + result.out)
        return match and int(match[1].replace(",", ""))

    def summary_waits(self, result):
        return self.counted(result, r"recorded .* and ([\d,]+) waits?\b")

    def assert_read_alike(self, directory):
        """The number that verify, and report in each format, agree on."""
        report = json.loads(self.report_text(directory, "--format=json"))
        table = csv.DictReader(io.StringIO(self.report_text(directory, "--format=csv")))
        count = sum(thread["waits"] for thread in report["threads"])
        self.assertEqual(sum(int(row["waits"]) for row in table), count)
        verified = self.ctrace("verify", directory)
        self.assertEqual(self.counted(verified, r"threads?, ([\d,]+) waits?, "), count, verified)
        return count

    def test_waits_that_ended(self):
        result = self.record_ok(WORKLOADS / "waits", options=["--rate=0"])
        count = self.assert_read_alike(result.directory)
        self.assertGreater(count, 100)
        self.assertEqual(self.summary_waits(result), count, result)

    def test_waits_that_are_open_at_the_end(self):
        """Of one process that goes on, and of one that was killed."""
        for name, options, command in (
            ("on", ["--duration=1s"], ["sleep", "2"]),
            ("killed", [], ["sh", "-c", KILLED]),
        ):
            with self.subTest(name):
                result = self.record_ok(*command, options=["--rate=0", *options], output=name)
                count = self.assert_read_alike(result.directory)
                self.assertTrue(self.waits(result.directory, is_open=1))
                self.assertEqual(self.summary_waits(result), count, result)

    def test_where_the_kernel_tells_of_more_the_summary_says_so(self):
        for name, command in (
            ("alone", [WORKLOADS / "static"]),
            ("child", ["sh", "-c", f"{WORKLOADS}/static; sleep 0.05"]),
        ):
            with self.subTest(name):
                result = self.record_ok(*command, options=["--kernel=syscalls"], output=name)
                if "recorded through the kernel" not in result.err:
                    self.skipTest("the kernel does not tell of system calls here")
                count = self.assert_read_alike(result.directory)
                self.assertGreater(count, 0)
                self.assertIsNone(self.summary_waits(result), result)
                least = self.counted(result, r"and at least ([\d,]+) waits?") or 0
                self.assertLess(least, count)
                self.assertEqual(least > 0, name == "child")

    def test_what_recover_says_of_lost_waits_is_so(self):
        recorder = self.start_record("sh", "-c", "sleep 0.1; touch slept; sleep 9")
        wait_until((self.folder / "slept").exists, "the first wait was over")
        recorder.send_signal(signal.SIGKILL)
        recorder.wait()
        result = self.ctrace("recover", "trace")
        self.assertEqual(result.status, 0, result)
        self.assertIn("ctrace report says how many", result.err)
        count = self.assert_read_alike(self.folder / "trace")
        capture = json.loads(self.report_text("trace", "--format=json"))["capture"]
        self.assertEqual(self.summary_waits(result), count + capture["waits_lost"], result)


if __name__ == "__main__":
    main()
