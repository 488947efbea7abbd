"""What runs: samples of the CPU time, their stacks, and the profiles that are made of them.

Shares of CPU time do not depend on what else the machine does. Where the kernel takes no samples
these tests skip, with its reason.
"""

import collections
import json
import os
import pathlib
import re
import resource
import shutil
import unittest

import harness
from harness import CTRACE, WORKLOADS, TraceTest, go_pprof, main, run, workload_answer

BURN = WORKLOADS / "burn"
SHARES_S = 1.2  # of CPU time; three quarters of it in heavy()
OFTEN = "--cpu=499"


def capture(directory):
    (event,) = [e for e in harness.read_events(directory) if e.name == "ctrace:capture"]
    return event.fields


def stolen_s():
    """What a hypervisor gave to others while this machine had work, on all CPUs until now."""
    ticks = pathlib.Path("/proc/stat").read_text().split()[8]
    return int(ticks) / os.sysconf("SC_CLK_TCK")


class CpuTest(TraceTest):
    def sampled(self, *command, options=(OFTEN,), **others):
        stolen_before_s = stolen_s()
        result = self.record_ok(*command, options=options, **others)
        self.stolen_s = stolen_s() - stolen_before_s
        fields = capture(result.directory)
        if "cpu" not in fields["layers"]:
            self.skipTest(fields["missing"])
        return result

    def report(self, directory, *options):
        result = self.ctrace("report", directory, "--format=json", *options)
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def assert_used(self, sampled_ns, used_s, tolerance_s):
        """The clock that samples go by counts stolen time, that of a task's CPU time does not."""
        self.assertGreater(sampled_ns / 1e9, used_s - tolerance_s)
        self.assertLess(sampled_ns / 1e9, used_s + tolerance_s + self.stolen_s)

    def assert_shares(self, samples):
        """Three to one, and whole stacks."""
        shares = collections.Counter()
        for sample in samples:
            for name in ("heavy", "light"):
                if name in sample.stack:
                    shares[name] += sample.delay_ns
                    stack = sample.stack[sample.stack.index(name) :]
                    self.assertEqual(stack[:2], [name, "share"])
        self.assertGreater(shares["light"], 0)
        self.assertAlmostEqual(shares["heavy"] / sum(shares.values()), 0.75, delta=0.06)
        return sum(shares.values())


class Samples(CpuTest):
    def test_functions_have_their_share_and_stacks_their_callers(self):
        result = self.sampled(BURN, "shares")
        profile = self.profile("cpu", result.directory)
        self.assertEqual(profile.value_types, ["samples/count", "cpu/nanoseconds[dflt]"])
        self.assertIn("PeriodType: cpu nanoseconds", profile.text)
        self.assert_shares(profile.samples)
        burning = [sample for sample in profile.samples if "share" in sample.stack]
        for sample in burning:
            self.assertEqual(sample.stack[sample.stack.index("share") + 1], "main")
            self.assertEqual(sample.labels["process"], "burn")
        answer = workload_answer(result)
        used_s = answer["user_s"] + answer["system_s"]
        self.assert_used(sum(s.delay_ns for s in burning), used_s, used_s * 0.1)
        self.assertRegex(result.err, r"\d+ CPU samples")

    def test_threads_are_told_apart(self):
        profile = self.profile("cpu", self.sampled(BURN, "threads").directory)
        for name in ("first", "second"):
            time_ns = self.assert_shares([s for s in profile.samples if s.labels["thread"] == name])
            self.assert_used(time_ns, SHARES_S / 2, SHARES_S * 0.06)

    def test_children_are_followed_through_fork_and_exec(self):
        result = self.sampled(BURN, "children")
        profile = self.profile("cpu", result.directory)
        samples = collections.defaultdict(list)
        for sample in profile.samples:
            if "share" in sample.stack:
                samples[sample.labels["pid"]].append(sample)
        self.assertEqual(len(samples), 2)
        for of_child in samples.values():
            self.assert_used(self.assert_shares(of_child), SHARES_S, 0.12)

    def test_children_are_left_alone_if_asked(self):
        result = self.record_ok(BURN, "children", options=[OFTEN, "--no-follow"])
        samples = [line for line in self.babeltrace(result.directory) if " cpu_sample: " in line]
        pid = json.loads(result.out.splitlines()[-1])["pid"]
        for line in samples:
            self.assertIn(f" pid = {pid},", line)

    def babeltrace(self, directory):
        result = run("babeltrace2", directory)
        self.assertEqual(result.status, 0, result)
        return result.out.splitlines()

    def test_the_trace_is_plain_ctf(self):
        lines = self.babeltrace(self.sampled(BURN, "shares").directory)
        samples = [line for line in lines if " cpu_sample: " in line]
        self.assertGreater(len(samples), SHARES_S * 499 * 0.8)
        self.assertRegex(samples[-1], r"period_ns = 2004008, .*is_partial = \d.*addresses = \[ \[0\] = 0x")

    def test_delayed_samples_have_names_too(self):
        result = self.sampled(BURN, "shares", options=["--cpu=999", "--delay=300ms"])
        profile = self.profile("cpu", result.directory)
        self.assertGreater(self.assert_shares(profile.samples) / 1e9, 0.1)
        self.assertLess(profile.delay_ns / 1e9, SHARES_S + self.stolen_s)

    def test_time_in_the_kernel_is_told_or_said_to_be_missing(self):
        result = self.sampled(BURN, "kernel")
        fields = capture(result.directory)
        profile = self.profile("cpu", result.directory)
        in_kernel = [sample for sample in profile.samples if sample.stack[0] == "[kernel]"]
        if "time in the kernel" in fields["missing"]:
            self.assertEqual(in_kernel, [])
            self.assertIn("time in the kernel", self.report_text(result.directory))
            return
        reading = sum(sample.delay_ns for sample in in_kernel if "read_zeros" in sample.stack)
        answer = workload_answer(result)
        self.assert_used(reading, answer["system_s"], 0.2 * answer["system_s"])

    def test_python_has_whole_stacks(self):
        code = "import time\nwhile time.process_time() < 1: sum(i * i for i in range(1000))"
        result = self.sampled("/usr/bin/python3", "-c", code)
        report = self.report(result.directory)["capture"]
        self.assertGreater(report["cpu_samples"], 300)
        self.assertLess(report["cpu_samples_partial"], report["cpu_samples"] * 0.05)
        profile = self.profile("cpu", result.directory)
        whole = [s for s in profile.samples if any(name.endswith("Py_BytesMain") for name in s.stack)]
        self.assertGreater(sum(s.delay_ns for s in whole), profile.delay_ns * 0.8)

    def test_perf_sees_the_same_shares(self):
        if shutil.which("perf") is None:
            self.skipTest("perf is not installed")
        data = self.folder / "perf.data"
        perf = run("perf", "record", "-q", "-e", "cpu-clock:u", "-F", "499",
                   "--call-graph=dwarf", "-o", data, BURN, "shares")  # fmt: skip
        if perf.status != 0:
            self.skipTest(f"perf does not work here: {perf.err}")
        table = run("perf", "report", "-i", data, "--stdio", "--children", "-g", "none", "-F",
                    "overhead_children,symbol")  # fmt: skip
        shares = {name: float(percent) for percent, name in
                  re.findall(r"^\s*([\d.]+)%\s+\[\.\] (\w+)", table.out, re.MULTILINE)}  # fmt: skip
        profile = self.profile("cpu", self.sampled(BURN, "shares").directory)
        for name in ("heavy", "light", "main"):
            ours = sum(s.delay_ns for s in profile.samples if name in s.stack) / profile.delay_ns
            self.assertAlmostEqual(ours * 100, shares[name], delta=8, msg=f"{name}: {table.out}")


class Wall(CpuTest):
    def assert_lives(self, directory, *part):
        """The time of each thread is its life, and in each state what the report says."""
        profile = self.profile("wall", directory, *part)
        self.assertEqual(profile.value_types, ["count/count", "wall/nanoseconds[dflt]"])
        threads = self.report(directory, *part)["threads"]
        self.assertTrue(threads)
        for thread in threads:
            life_ns = thread["end_ns"] - thread["start_ns"] if not part else sum(thread["time_ns"].values())
            self.assertEqual(profile.delay_of(tid=thread["tid"]), life_ns, thread)
            for state, time_ns in thread["time_ns"].items():
                self.assertEqual(profile.delay_of(tid=thread["tid"], state=state), time_ns, state)
        return profile

    def test_running_and_waiting_are_a_thread_s_life(self):
        for kernel in ("off", "auto"):
            with self.subTest(kernel=kernel):
                options = [OFTEN, f"--kernel={kernel}"]
                trace = self.sampled(BURN, "threads", options=options, output=kernel).directory
                profile = self.assert_lives(trace)
                self.assert_shares(profile.samples)
                asleep = [s for s in profile.samples if s.labels["state"] == "sleep"]
                self.assertEqual({s.labels["thread"] for s in asleep}, {"first", "second"})
                for sample in asleep:
                    self.assertEqual(sample.stack[0], "nanosleep")
                    self.assertIn("share_and_sleep", sample.stack)
                self.assert_lives(trace, "--from=20%", "--to=70%")
                self.assert_lives(trace, "--thread=first")

    def test_states_are_roots(self):
        trace = self.sampled(BURN, "threads").directory
        path = self.folder / "wall.pb.gz"
        self.assertEqual(self.ctrace("pprof", "wall", trace, "-o", path).status, 0)
        top = go_pprof("-top", "-nodefraction=0", "-tagroot=state", path)
        self.assertRegex(top.out, r"(?m) running$")
        self.assertRegex(top.out, r"(?m) sleep$")
        focused = go_pprof("-top", "-nodefraction=0", "-tagfocus=state=sleep", path)
        self.assertIn("nanosleep", focused.out)
        self.assertNotIn("spin", focused.out)

    def test_a_thread_without_a_sample_runs_without_a_stack(self):
        trace = self.record_ok(BURN, "quick", options=["--cpu=1"]).directory
        profile = self.assert_lives(trace)
        (running,) = [s for s in profile.samples if s.labels["state"] == "running"]
        self.assertEqual(running.stack, ["[running]", "unknown stack"])

    def test_without_samples_it_says_so(self):
        trace = self.record_ok(BURN, "quick").directory
        self.assert_lives(trace)
        result = self.ctrace("pprof", "wall", trace, "-o", "w.pb.gz")
        self.assertIn("ctrace record --cpu", result.err)


class Refusals(CpuTest):
    def test_a_rate_that_is_none_is_refused(self):
        for value in ("0", "-5", "abc", "", "1e3", "10001", "99Hz"):
            with self.subTest(value=value):
                result = self.record("true", options=[f"--cpu={value}"])
                self.assert_refused(result, f"--cpu={value}", "whole number from 1 to 10000", status=2)

    def test_without_a_rate_the_next_word_is_the_program(self):
        result = run(CTRACE, "record", "-o", self.folder / "trace", "--kernel=off", "--cpu", BURN,
                     "quick", cwd=self.folder)  # fmt: skip
        self.assertEqual(result.status, 0, result)
        self.assertIn("pid", workload_answer(result))

    def test_a_cpu_profile_takes_samples(self):
        trace = self.record_ok(BURN, "quick").directory
        self.assert_refused(self.ctrace("pprof", "cpu", trace), "no CPU samples", "record --cpu")

    def test_shortest_waits_are_not_for_a_cpu_profile(self):
        trace = self.record_ok(BURN, "quick").directory
        self.assert_refused(self.ctrace("pprof", "cpu", "--min=1ms", trace), "--min", "cpu", status=2)

    @unittest.skipIf(os.geteuid() == 0, "root may lock as much as there is")
    def test_where_no_memory_may_be_locked_it_is_said(self):
        """What a user may lock for each CPU, a few recordings have all of."""

        def forbid_more():
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))

        names = [f"trace{i}" for i in range(4)]
        recorders = [
            self.start_record("sleep", "1.5", options=["--cpu"], output=name, preexec_fn=forbid_more)
            for name in names
        ]
        all_said = ""
        for name, recorder in zip(names, recorders):
            _, said = recorder.communicate(timeout=harness.TIMEOUT_S)
            fields = capture(self.folder / name)
            all_said += said
            self.assertEqual(recorder.returncode, 0, said)
            if "cpu" not in fields["layers"]:
                self.assertRegex(said, "ctrace: --cpu: no (sample came|samples are taken): ")
                self.assertIn("cpu: ", fields["missing"])
        if "forbidden" in all_said or "paranoid" in all_said:
            self.skipTest(all_said)
        self.assertIn("no memory may be locked for it, as other recordings of this user", all_said)

    def test_where_nothing_runs_for_long_enough_it_is_said(self):
        result = self.record_ok("sleep", "0.1", options=["--cpu=1"])
        missing = capture(result.directory)["missing"]
        if "no samples are taken" in result.err:
            self.skipTest(missing)
        self.assertIn("ctrace: --cpu: no sample came: ", result.err)
        self.assertIn("cpu: no sample came: ", missing)

    def test_where_perf_is_forbidden_the_rest_is_recorded(self):
        trace = self.folder / "trace"
        result = run(WORKLOADS / "forbid_perf", CTRACE, "record", "--cpu", "-o", trace, "--", "sleep",
                     "0.1", cwd=self.folder)  # fmt: skip
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.err, "--cpu: no samples are taken: .*forbidden here")
        self.assertIn("cpu: ", capture(trace)["missing"])
        self.assertGreater(self.profile("sleep", trace).delay_ns, 0)
        self.assert_refused(self.ctrace("pprof", "cpu", trace), "no CPU samples", "forbidden here")


if __name__ == "__main__":
    main()
