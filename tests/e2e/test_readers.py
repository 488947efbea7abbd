"""The direct reader takes what is recorded, and makes of it what babeltrace2 does."""

import os
import subprocess

from harness import WORKLOADS, TraceTest, main

COMPARE = os.environ["CTRACE_COMPARE_READERS"]


class Readers(TraceTest):
    def compare(self, *command, options=(), seeds=0):
        result = self.record_ok(*command, options=options)
        words = ["--direct", str(result.directory)]
        if seeds:
            words.append(f"--seeds={seeds}")
        found = subprocess.run(
            [COMPARE, *words], capture_output=True, text=True, check=False, timeout=300
        )
        self.assertEqual(found.returncode, 0, found.stdout + found.stderr)

    def test_waits_of_two_processes(self):
        self.compare("sh", "-c", f"{WORKLOADS / 'waits'}; sleep 0.01", options=["--kernel=off"])

    def test_all_waits(self):
        options = ["--kernel=off", "--rate=0"]
        self.compare(WORKLOADS / "endings", "flood", "2000", options=options)

    def test_waits_that_come_fast(self):
        self.compare(WORKLOADS / "flood", "4", "5000", options=["--kernel=off", "--rate=0"])

    def test_what_the_kernel_tells(self):
        self.compare(WORKLOADS / "waits", options=["--cpu=499"])

    def test_system_calls(self):
        options = ["--kernel=syscalls", "--cpu=99"]
        self.compare("sh", "-c", "ls / | cat; sleep 0.01", options=options)

    def test_changed_ones(self):
        self.compare(WORKLOADS / "waits", options=["--cpu=499"], seeds=40)


if __name__ == "__main__":
    main()
