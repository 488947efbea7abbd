"""Programs that measure their own waits: the trace, the report and the profiles must agree."""

import collections
import json
import math
import re

from harness import (
    CLASSES,
    EXAMPLES,
    WAIT_EVENTS,
    WORKLOADS,
    TraceTest,
    main,
    read_events,
    workload_answer,
)


class KnownWaits(TraceTest):
    """One recording of workloads/waits.c, looked at from all sides."""

    def test_profiles_add_up_to_the_trace(self):
        result = self.record_ok(WORKLOADS / "waits", options=["--rate=0"])
        totals = dict.fromkeys(CLASSES, 0)
        for event in self.waits(result.directory):
            totals[event.fields["class"]] += event.fields["duration_ns"]
        for kind in CLASSES:
            with self.subTest(kind):
                profile = self.profile(kind, result.directory)
                self.assertAlmostEqual(profile.delay_ns, totals[kind], delta=totals[kind] * 0.001)

    def test_stacks_name_the_functions_that_blocked(self):
        result = self.record_ok(WORKLOADS / "waits")
        profile = self.profile("net", result.directory)
        stacks = [sample.stack for sample in profile.samples if sample.labels["op"] == "accept"]
        mine = [stack for stack in stacks if "run_accept" in stack]
        self.assertTrue(mine, stacks)
        for stack in mine:
            self.assertIn("scenario_main", stack)
            self.assertLess(stack.index("run_accept"), stack.index("scenario_main"))

    def test_stacks_are_whole_while_another_thread_forks(self):
        result = self.record_ok(WORKLOADS / "forks", options=["--rate=0"])
        samples = self.profile("sleep", result.directory).samples
        waits = sum(sample.count for sample in samples)
        cut_off = sum(sample.count for sample in samples if "waiter_main" not in sample.stack)
        self.assertGreater(waits, 100)
        # A fork that takes longer than 50 ms cuts off the few stacks that are taken in it.
        self.assertLessEqual(cut_off, waits / 1000)

    def test_an_unlock_wakes_its_waiters(self):
        result = self.record_ok(WORKLOADS / "waits")
        waiters = {
            str(answer["tid"])
            for answer in workload_answer(result)
            if answer["name"] in ("mutex", "timedlock")
        }
        samples = self.profile("sync", result.directory).samples
        mine = [
            sample
            for sample in samples
            if sample.labels["tid"] in waiters and "mutex" in sample.labels["op"]
        ]
        woken_ns = sum(sample.delay_ns for sample in mine if sample.labels.get("waker"))
        self.assertGreater(woken_ns, sum(sample.delay_ns for sample in mine) * 0.7)
        profile = self.profile("mutex", result.directory)
        unlocked_ns = sum(
            sample.delay_ns for sample in profile.samples if "hold_lock" in sample.stack
        )
        self.assertEqual(unlocked_ns, woken_ns, profile.text)

    def test_locks_of_the_tracers_own_are_not_the_programs(self):
        result = self.record_ok(WORKLOADS / "endings", "threads", "3200", options=["--rate=0"])
        ops = {sample.labels["op"] for sample in self.profile("sync", result.directory).samples}
        self.assertEqual(ops, {"pthread_join"})

    def report_json(self, directory):
        result = self.ctrace("report", "--format=json", directory)
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def assert_classes_are_the_life(self, thread):
        lifetime_ns = thread["end_ns"] - thread["start_ns"]
        self.assertGreater(lifetime_ns, 0, thread)
        self.assertEqual(sum(thread["time_ns"].values()), lifetime_ns, thread)

    def test_threads_time_is_all_accounted_for(self):
        result = self.record_ok(WORKLOADS / "waits", options=["--rate=0"])
        report = self.report_json(result.directory)
        for thread in report["threads"]:
            with self.subTest(thread["name"]):
                self.assert_classes_are_the_life(thread)
                self.assertTrue(thread["has_exact_totals"])
                self.assertLessEqual(report["capture"]["begin_ns"], thread["start_ns"])
                self.assertLessEqual(thread["end_ns"], report["capture"]["end_ns"])
        waited = collections.Counter()
        for event in self.waits(result.directory):
            tid = event.fields["tid" if event.name == "ctrace:inflight" else "vtid"]
            waited[tid, event.fields["class"]] += event.fields["duration_ns"]
        for thread in report["threads"]:
            for kind in CLASSES:
                with self.subTest(thread["name"], kind=kind):
                    traced_ns = waited[thread["tid"], kind]
                    self.assertAlmostEqual(
                        thread["time_ns"][kind], traced_ns, delta=traced_ns * 0.001 + 1000
                    )
        for call in report["calls"]:
            self.assertEqual(sum(call["histogram"]), call["calls"], call)
            self.assertLessEqual(call["p50_ns"], call["p99_ns"], call)
        self.assertEqual(report["capture"]["waits_lost"], 0)
        recorded = [event for event in self.waits(result.directory) if event.name in WAIT_EVENTS]
        self.assertEqual(report["capture"]["waits_recorded"], len(recorded))

    def test_time_before_a_delayed_recording_is_no_part_of_it(self):
        result = self.record_ok(WORKLOADS / "endings", "sleep", "500", options=["--delay=200ms"])
        report = self.report_json(result.directory)
        length_ns = report["capture"]["end_ns"] - report["capture"]["begin_ns"]
        self.assertLess(length_ns, int(result.out))
        for thread in report["threads"]:
            self.assert_classes_are_the_life(thread)
            self.assertLessEqual(report["capture"]["begin_ns"], thread["start_ns"])
            self.assertLessEqual(thread["end_ns"] - thread["start_ns"], length_ns)

    def test_a_recording_that_never_began_is_empty(self):
        result = self.record(WORKLOADS / "endings", "sleep", "20", options=["--delay=10s"])
        self.assert_refused(result, "nothing was recorded", "before --delay was over", status=125)
        report = self.report_json(result.directory)
        self.assertEqual(report["capture"]["begin_ns"], report["capture"]["end_ns"])
        for thread in report["threads"]:
            self.assertEqual(sum(thread["time_ns"].values()), 0)

    def test_a_wait_in_a_signal_handler_is_taken_out_of_the_one_it_interrupts(self):
        """A read that the handler's sleeps interrupt, and that goes on after them."""
        script = (
            "use POSIX; use Time::HiRes qw(ualarm time);"
            "my $naps = 0;"
            "my $nap = sub { select(undef, undef, undef, 0.05); ualarm(100_000) if ++$naps < 2 };"
            "POSIX::sigaction(SIGALRM,"
            " POSIX::SigAction->new($nap, POSIX::SigSet->new, SA_RESTART)) or die;"
            "open(my $in, '-|', 'sleep 0.8; echo x') or die;"
            "ualarm(100_000); my $begin = time;"
            "sysread($in, my $line, 9) or die;"
            "printf qq{%d %d\\n}, $$, 1e9 * (time - $begin);"
        )
        result = self.record_ok("perl", "-e", script, options=["--rate=0"])
        pid, whole_ns = (int(word) for word in result.out.split())
        slept_ns = self.profile("sleep", result.directory).delay_of(pid=pid, tid=pid)
        self.assertGreater(slept_ns, 99_000_000)
        # Not those by which perl hears of its child's start.
        long_ones = self.profile("syscall", result.directory, "--min=400ms")
        read_ns = long_ones.delay_of(pid=pid, tid=pid, op="read")
        self.assert_about(read_ns + slept_ns, whole_ns, 1, "the read and the sleeps inside it")
        thread = next(t for t in self.report_json(result.directory)["threads"] if t["tid"] == pid)
        self.assert_classes_are_the_life(thread)
        self.assert_about(thread["time_ns"]["sleep"], slept_ns, 1, "asleep, in the report")
        syscall_ns = self.profile("syscall", result.directory).delay_of(pid=pid, tid=pid)
        self.assert_about(thread["time_ns"]["syscall"], syscall_ns, 1, "in calls, in the report")

    def test_sampling_is_unbiased(self):
        """Of each length of waits, the samples estimate the exact count and time, to their error."""
        rate_ns = 200_000
        result = self.record_ok(WORKLOADS / "endings", "flood", "60000", options=["--rate=200us"])
        exact = collections.Counter()
        exact_ns = 0
        for call in self.report_json(result.directory)["calls"]:
            if call["operation"] == "read":
                exact_ns += call["total_ns"]
                exact.update(dict(enumerate(call["histogram"])))
        self.assertGreaterEqual(exact.total(), 120000)
        sampled = collections.defaultdict(list)
        for event in self.waits(result.directory, op="read"):
            duration_ns = event.fields["duration_ns"]
            sampled[max(0, duration_ns.bit_length() - 8)].append(duration_ns)
        everything = [duration_ns for durations in sampled.values() for duration_ns in durations]
        self.assertLess(len(everything), exact.total() / 2)

        # One that is kept with probability p counts as w = 1 / p, and adds w (w - 1) to the estimated
        # variance of the count. An unbiased sum is off by five deviations once in two million runs.
        judged = 0
        for bucket, durations in sampled.items():
            weights = [max(1, rate_ns / duration_ns) for duration_ns in durations]
            deviation = math.sqrt(sum(weight * (weight - 1) for weight in weights))
            if len(durations) >= 50:
                judged += exact[bucket]
                self.assertLess(abs(sum(weights) - exact[bucket]), 5 * deviation + 1, bucket)
        self.assertGreater(judged, exact.total() / 2)
        deviation_ns = math.sqrt(
            sum(rate_ns * (rate_ns - each) for each in everything if each < rate_ns)
        )
        estimate_ns = self.profile("syscall", result.directory).delay_of(op="read")
        self.assertLess(abs(estimate_ns - exact_ns), 5 * deviation_ns)
        self.assertLess(5 * deviation_ns, exact_ns * 0.2)

    def test_classes_left_out_are_counted_only(self):
        result = self.record_ok(WORKLOADS / "waits", options=["--rate=0", "--net", "--syscall"])
        events = read_events(result.directory)
        ended = [event.fields for event in events if event.name in WAIT_EVENTS]
        self.assertEqual({fields["class"] for fields in ended}, {"net", "syscall"})
        woken_by = {event.fields["op"] for event in events if event.name == "ctrace:wake"}
        self.assertIn("write", woken_by)  # to pipes
        self.assertNotIn("pthread_mutex_unlock", woken_by)
        report = self.report_json(result.directory)
        self.assertEqual(report["capture"]["waits_lost"], 0)
        self.assertIn("sync, sleep: only counted", report["capture"]["missing"])
        for answer in workload_answer(result):
            thread = next(t for t in report["threads"] if t["tid"] == answer["tid"])
            self.assertGreater(thread["time_ns"][answer["class"]], 100_000_000, answer["name"])
            self.assert_classes_are_the_life(thread)
        empty = self.ctrace("pprof", "sync", result.directory, "-o", self.folder / "empty.pb.gz")
        self.assertEqual(empty.status, 0, empty)
        self.assertIn("sync, sleep: only counted", empty.err)

    def test_rate_zero_records_every_wait(self):
        result = self.record_ok(WORKLOADS / "endings", "flood", "5000", options=["--rate=0"])
        self.assertGreaterEqual(len(self.waits(result.directory, op="read")), 10000)


class CxxProgram(TraceTest):
    def test_standard_library_waits_are_measured_and_demangled(self):
        result = self.record_ok(WORKLOADS / "queue")
        answer = workload_answer(result)
        profile = self.profile("sync", result.directory)
        for op in ("pthread_cond_wait", "pthread_mutex_lock", "pthread_join"):
            with self.subTest(op):
                self.assert_about(profile.delay_of(op=op), answer[op], 45, op)
        names = {name for sample in profile.samples for name in sample.stack}
        self.assertTrue(any("JobQueue::pop" in name for name in names), sorted(names))


class Examples(TraceTest):
    """The examples say what they waited for; the profiles agree, and the cures show."""

    def waited_ms(self, name, *arguments):
        result = self.record_ok(EXAMPLES / name, *arguments, output=name)
        match = re.search(r"waited (\d+) ms", result.out)
        self.assertTrue(match, result)
        return float(match[1]), result.directory

    def check_pair(self, kind, function, op, sick, cured, waits):
        # A lock that is free costs the program's own clock readings a little time, not a wait.
        sick_ms, sick_trace = self.waited_ms(sick)
        cured_ms, cured_trace = self.waited_ms(cured)
        self.assertLess(cured_ms, sick_ms / 2)
        in_function_ns = self.delay_in(self.profile(kind, sick_trace), function, op)
        self.assertAlmostEqual(in_function_ns / 1e6, sick_ms, delta=sick_ms * 0.02 + 0.05 * waits)
        cured_ns = self.delay_in(self.profile(kind, cured_trace), function, op)
        self.assertLess(cured_ns, in_function_ns / 2)

    def delay_in(self, profile, function, op):
        return sum(
            sample.delay_ns
            for sample in profile.samples
            if function in sample.stack and sample.labels["op"] == op
        )

    def test_convoy(self):
        self.check_pair("sync", "serve_page", "pthread_mutex_lock", "convoy", "convoy_cured", 2000)

    def test_slow_peer(self):
        self.check_pair("net", "ask_upstream", "recv", "slow_peer", "slow_peer_cured", 60)

    def test_fsync(self):
        self.check_pair("syscall", "make_durable", "fsync", "fsync_each", "fsync_batch", 1000)


class Forks(TraceTest):
    def test_a_child_tells_of_its_descriptors_anew(self):
        """Both wait on the same pipe, the parent first: each knows what it is."""
        script = (
            "import os, time\n"
            "ends = os.pipe()\n"
            "def write_later():\n"
            "    if os.fork() == 0:\n"
            "        time.sleep(0.05)\n"
            "        os.write(ends[1], b'x')\n"
            "        os._exit(0)\n"
            "write_later()\n"
            "os.read(ends[0], 1)\n"
            "write_later()\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    os.read(ends[0], 1)\n"
            "    os._exit(0)\n"
            "os.waitpid(child, 0)\n"
        )
        result = self.record_ok("/usr/bin/python3", "-c", script)
        reads = [
            sample
            for sample in self.profile("syscall", result.directory).samples
            if sample.labels["op"] == "read" and sample.delay_ns > 20_000_000
        ]
        self.assertEqual(len({sample.labels["pid"] for sample in reads}), 2)
        for sample in reads:
            self.assertRegex(sample.labels["object"], r"^pipe pipe:")


if __name__ == "__main__":
    main()
