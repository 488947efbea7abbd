"""Limits of a process (ulimit) that a reader or the recorder meets: it says which one it was."""

import re
import resource
import subprocess

from harness import CTRACE, TIMEOUT_S, WORKLOADS, TraceTest, main, run, session_daemons

ENDINGS = WORKLOADS / "endings"
LIMITS = WORKLOADS / "limits"


def limited(which, amount):
    return {"preexec_fn": lambda: resource.setrlimit(which, (amount, amount))}


class Reader(TraceTest):
    @classmethod
    def setUpClass(cls):
        cls.readers = (
            ("report", "trace"),
            ("verify", "trace"),
            ("pprof", "syscall", "trace", "-o", "profile.pb.gz"),
            ("timeline", "trace", "-o", "picture.svg"),
        )

    def check_that_they_say(self, words, which, amount, but=()):
        self.record_ok(LIMITS, "flood", 5000, options=["--rate=0"])
        for command in self.readers:
            if command[0] in but:
                continue
            with self.subTest(command[0]):
                (self.folder / "trace" / "index").unlink(missing_ok=True)
                result = self.ctrace(*command, **limited(which, amount))
                self.assert_refused(result, words)
                self.assertNotRegex(result.err, "so it is damaged")
                self.assertFalse((self.folder / command[-1]).is_file())

    def test_a_limit_on_the_size_of_files(self):
        limit = resource.RLIMIT_FSIZE, 1024
        self.check_that_they_say(r"too large(.|\n)*ulimit -f", *limit, but=["verify"])
        # It has little to say, and says it without what it has read having been kept.
        (self.folder / "trace" / "index").unlink(missing_ok=True)
        result = self.ctrace("verify", "trace", **limited(*limit))
        self.assertEqual((result.status, result.err), (0, ""), result)
        self.assertFalse((self.folder / "trace" / "index").exists())

    def test_a_limit_on_open_files(self):
        self.check_that_they_say(r"only 9 files may be open.*ulimit -n", resource.RLIMIT_NOFILE, 9)

    def test_a_limit_on_memory(self):
        self.check_that_they_say(
            r"stopped.*memory is limited to 3.1 MiB \(ulimit -d", resource.RLIMIT_DATA, 3_250_000
        )

    def test_a_soft_limit_on_open_files_is_raised(self):
        self.record_ok(LIMITS, "flood", 100, options=["--rate=0"])
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        result = self.ctrace(
            "report",
            "trace",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (9, hard)),
        )
        self.assertEqual(result.status, 0, result)

    def test_a_damaged_recording_is_still_called_so(self):
        self.record_ok(LIMITS, "flood", 100, options=["--rate=0"])
        for metadata in (self.folder / "trace").rglob("metadata"):
            metadata.write_bytes(b"no CTF")
        result = self.ctrace("report", "trace")
        self.assert_refused(result, "trace")
        self.assertNotRegex(result.err, "ulimit")


class Recorder(TraceTest):
    """Where files may have some MB only."""

    def setUp(self):
        super().setUp()
        if session_daemons():
            self.skipTest("a session daemon runs on this machine, which has its own limit")

    def record_limited(self, size, *options):
        """What the recorder says of a program that waits until it says something, but never more at
        once than there is room for, however busy the machine is."""
        script = f"while [ ! -e enough ]; do {ENDINGS} flood 2000 || exit; sleep 0.1; done; exit 5"
        recorder = self.start_record(
            *("sh", "-c", script), options=["--rate=0", *options], stdout=subprocess.DEVNULL,
            **limited(resource.RLIMIT_FSIZE, size),
        )
        said = ""
        while "the recording ends, and the program goes on" not in said:
            line = recorder.stderr.readline()
            self.assertTrue(line, said)
            said += line
        (self.folder / "enough").touch()
        _, err = recorder.communicate(timeout=TIMEOUT_S)
        self.assertEqual(recorder.returncode, 5, said + err)
        return said + err

    def check_that_it_ended_in_time(self, err, size):
        self.assertRegex(err, r"not complete: .*a file of it had \d\.\d MB, and may have .*ulimit -Hf")
        self.assertNotRegex(err, "killed|disk")
        report = re.sub(r"\s+", " ", self.report_text(self.folder / "trace"))
        self.assertRegex(report, "! LOST waits: what came after .*ulimit -Hf")
        for path in (self.folder / "trace").rglob("*"):
            if path.is_file() and path.name != "index":
                self.assertLessEqual(path.stat().st_size, size)

    def test_it_ends_before_a_file_would_be_too_large(self):
        self.check_that_it_ended_in_time(self.record_limited(3_000_000, "--kernel=off"), 3_000_000)

    def test_what_the_kernel_tells_is_a_file_as_well(self):
        self.check_that_it_ended_in_time(self.record_limited(3_000_000, "--kernel=sched"), 3_000_000)

    def test_too_little_for_anything_is_said_before_the_program_runs(self):
        result = run(
            CTRACE,
            *("record", "-o", "trace", ENDINGS, "exit", "0"),
            cwd=self.folder,
            **limited(resource.RLIMIT_FSIZE, 100_000),
        )
        self.assert_refused(result, "cannot record.*too large", status=125)

    def test_the_program_has_its_own_soft_limit(self):
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        script = 'head -c 2000000 /dev/zero > file; echo "status $?"'
        result = run(
            CTRACE,
            *("record", "-o", "trace", "--kernel=off", "sh", "-c", script),
            cwd=self.folder,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard)),
        )
        self.assertNotIn("status 0", result.out, result)
        self.assertEqual((self.folder / "file").stat().st_size, 1_000_000)
        self.assertRegex(result.err, "ctrace: wrote ")


if __name__ == "__main__":
    main()
