"""What the first screen says: the right thing first, and nothing where nothing is to be said."""

import json
import os
import shlex
import subprocess
import unittest

from harness import CTRACE, EXAMPLES, WORKLOADS, TraceTest, main

HELD_UP = WORKLOADS / "held_up"
HANGS = WORKLOADS / "hangs"
TROUBLES = WORKLOADS / "troubles"
PATHS = WORKLOADS / "paths"
OVERVIEW_LINES = 100


class Findings(TraceTest):
    def findings_of(self, *command, options=("--kernel=off",)):
        recorded = self.record(*command, options=list(options))
        self.directory, self.printed = recorded.directory, recorded.out
        report = self.ctrace("report", "--format=json", self.directory)
        self.assertEqual(report.status, 0, report)
        self.report_json = json.loads(report.out)
        return self.report_json["findings"]

    def first_of(self, *command, **options):
        findings = self.findings_of(*command, **options)
        self.assertTrue(findings, self.report_json)
        costs = [finding["cost_ns"] for finding in findings if finding["rule"] != "hang"]
        self.assertEqual(costs, sorted(costs, reverse=True))
        return findings[0]

    def check(self, finding, rule, function, *words):
        self.assertEqual(finding["rule"], rule, finding)
        self.assertEqual(finding["function"], function, finding)
        for word in words:
            self.assertIn(word, finding["text"])

    def sum_of(self, name, *operations):
        """What the whole recording has of it: "calls" or "total_ns"."""
        return sum(
            call[name]
            for call in self.report_json["calls"]
            if call["operation"] in operations
        )

    def test_a_convoy(self):
        first = self.first_of(EXAMPLES / "convoy", options=["--kernel=off", "--rate=0"])
        self.check(
            first, "lock", "serve_page", "4 threads worker-*", "mutex statistics_lock", "convoy.c:"
        )
        self.assertRegex(
            first["text"], r"Its holder was running or ready to run \d+ % of that, in serve_page"
        )
        # The waits of all workers, and nothing besides; the program adds them up in steps of its clock.
        operation = "pthread_mutex_lock"
        self.assertAlmostEqual(
            first["cost_ns"], self.sum_of("total_ns", operation), delta=self.sum_of("calls", operation)
        )

    def test_a_deadlock(self):
        for kernel in ("--kernel=off", "--kernel=auto"):
            with self.subTest(kernel):
                first = self.first_of(HANGS, "deadlock", 1500, options=[kernel])
                self.assertEqual(first["rule"], "hang")
                self.assertIn("Deadlock: 2 threads wait for each other", first["text"])
                for place in ("in transfer (hangs.c:", "in audit (hangs.c:"):
                    self.assertIn(place, first["text"])
                self.assertIn("2 more threads wait behind", first["text"])

    def test_a_slow_peer(self):
        first = self.first_of(EXAMPLES / "slow_peer", options=["--kernel=off", "--rate=0"])
        self.check(first, "peer", "upstream_receive_answer", "slow_peer", "its peer 127.0.0.1:")

    def test_a_request_that_fans_out_to_peers(self):
        """It is the slow one of them that all requests wait for."""
        options = ["--kernel=off", "--rate=0", "--no-follow"]
        first = self.first_of(WORKLOADS / "fan_out", "peers", options=options)
        answer = json.loads(self.printed)
        self.check(first, "peer", "ask_all", answer["slow"], f"It answered {answer['asked']} calls")
        others = [other for other in self.report_json["findings"][1:] if answer["slow"] in other["text"]]
        self.assertEqual(others, [])
        self.assertGreater(first["cost_ns"], answer["asked"] * answer["slow_ms"] * 1e6 / 2)

    def test_a_request_that_fans_out_to_threads(self):
        first = self.first_of(WORKLOADS / "fan_out", "threads")
        self.check(first, "slow thread", "serve_request", "for thread index (")

    def test_a_slow_stage(self):
        first = self.first_of(HELD_UP, "stages")
        self.check(first, "slow thread", "pack", "Thread packer", "for thread grinder")

    def test_a_lock_that_is_held_while_its_holder_reads(self):
        for kernel in ("--kernel=off", "--kernel=auto"):
            with self.subTest(kernel):
                first = self.first_of(TROUBLES, "reading", options=[kernel])
                self.check(first, "lock", "look_up", "threads reader-*", "mutex cache_lock")
                self.assertRegex(first["text"], r"waiting in read \d+ % of that, in load_page")

    def test_a_pipeline_whose_middle_stage_is_slow(self):
        first = self.first_of(TROUBLES, "pipeline")
        self.assertEqual(first["rule"], "slow thread", first)
        self.assertRegex(first["text"], r"2 threads \((parser|storer) and (parser|storer)\)")
        self.assertIn("for thread compressor", first["text"])

    def test_a_barrier_at_which_one_is_always_last(self):
        first = self.first_of(TROUBLES, "barrier")
        self.check(first, "barrier", "step", "at a barrier")
        self.assertRegex(first["text"], r"For \d+ % of that, the last one was heavy")

    def test_many_that_are_woken_in_vain(self):
        first = self.first_of(TROUBLES, "herd")
        self.check(first, "thundering herd", "work", "16 threads worker-*", "nothing to do")

    @unittest.skipIf(os.geteuid() != 0, "only root sees the run queue")
    def test_a_holder_of_low_priority(self):
        first = self.first_of(TROUBLES, "priority", options=["--kernel=auto"])
        self.check(first, "priority inversion", "ask_table", "10 threads called high", "table_lock")
        self.assertIn("such as low (nice 19), had no CPU", first["text"])

    def test_two_locks_in_either_order_that_did_not_meet(self):
        # It comes first where no wait took long by chance.
        (found,) = [
            finding
            for finding in self.findings_of(TROUBLES, "inversion")
            if finding["rule"] == "lock order"
        ]
        self.check(
            found,
            "lock order",
            "rename_user",
            "mutex users and mutex orders are taken in either order",
            "had mutex orders and waited for mutex users, in close_order",
        )

    def test_the_order_of_locks_is_of_what_is_recorded(self):
        for options in (["--net"], ["--delay=60s"]):
            with self.subTest(options):
                found = self.findings_of(TROUBLES, "inversion", options=options)
                self.assertNotIn("lock order", [finding["rule"] for finding in found])

    def test_a_server_that_is_away_for_once(self):
        first = self.first_of(TROUBLES, "server")
        self.check(first, "slow turn", "pause_us", "Thread troubles", "serves events by epoll_wait")
        self.assertRegex(first["text"], r"waited for something else, longest \(\d+ ms\) in read")

    def test_a_lost_wake_up(self):
        first = self.first_of(HANGS, "lost", 1500)
        self.check(first, "hang", "wait_for_news", "Probably a lost wake-up", "condition news")

    def test_a_part_has_commands_for_that_part(self):
        self.first_of(EXAMPLES / "convoy")
        report = self.ctrace(
            "report", "--format=json", "--from=10%", "--to=90%", "--process=convoy", self.directory
        )
        first = json.loads(report.out)["findings"][0]
        self.assertIn("--process=convoy --from=10% --to=90%", first["command"])

    def test_sleeping_until_something_has_happened(self):
        first = self.first_of(HELD_UP, "polling")
        self.check(first, "polling", "sleep_ms", "Thread poller")

    def test_a_child_that_works(self):
        first = self.first_of("sh", "-c", f"{WORKLOADS / 'burn'} shares; true")
        self.assertEqual(first["rule"], "child")
        self.assertIn("burn", first["text"])

    @unittest.skipIf(os.geteuid() != 0, "only root sees the run queue")
    def test_more_threads_than_cpus(self):
        first = self.first_of(HELD_UP, "crowd", options=["--kernel=auto"])
        self.assertEqual(first["rule"], "run queue")
        self.assertIn("threads called computer", first["text"])

    def check_idle(self, what):
        self.assertEqual(self.findings_of(HELD_UP, what), [])
        self.assertIn("The program was idle", self.report_json["no_findings"]["text"])
        text = self.report_text(self.directory)
        self.assertTrue(text.startswith("No findings\n  The program was idle"), text)

    def test_a_pool_with_nothing_to_do_is_idle(self):
        self.check_idle("pool")

    def test_a_server_that_nobody_asks_is_idle(self):
        self.check_idle("server")

    def critical_path_of(self, findings, thread):
        """The finding of it, whose cost is half of what the path has of that thread's running."""
        (found,) = [finding for finding in findings if finding["rule"] == "critical path"]
        result = self.ctrace("report", "path", "--format=json", "--top=1000", self.directory)
        ran_ns = sum(
            place["total_ns"]
            for place in json.loads(result.out)["path_places"]
            if place.get("thread") == thread and place["class"] == "running"
        )
        self.assertAlmostEqual(found["cost_ns"], ran_ns / 2, delta=1)
        return found

    def test_what_one_thread_does_before_the_others_can_begin(self):
        findings = self.findings_of(PATHS, "serial", 300)
        first = self.critical_path_of(findings, "paths")
        self.assertEqual(first, findings[0])
        self.assertIn("depended on thread paths", first["text"])
        self.assertIn("a call of pthread_join in run_serial (paths.c:", first["text"])
        self.assertIn("whatif thread:paths -50%", first["whatif_command"])

    def test_the_function_that_the_slow_stage_runs(self):
        findings = self.findings_of(PATHS, "pipeline", 10, options=["--kernel=off", "--cpu"])
        self.assertNotEqual(findings[0]["rule"], "critical path", findings)
        found = self.critical_path_of(findings, "compressor")
        self.check(found, "critical path", "used_us", "depended on thread compressor (")

    def test_the_one_child_of_a_script_that_takes_its_time(self):
        command = f"true; {WORKLOADS / 'burn'} shares; true"
        findings = self.findings_of("sh", "-c", command, options=["--kernel=off", "--cpu"])
        self.assertEqual(findings[0]["rule"], "child")
        found = self.critical_path_of(findings, "burn")
        self.check(found, "critical path", "spin", "depended on thread burn (")
        # What is said of a change is what ctrace whatif says of it.
        result = self.run_in_a_shell(found["whatif_command"])
        self.assertRegex(result.stdout, r"If function spin took 50 % less time:\n.*\n.* -(4\d|50)\.\d %")

    @unittest.skipIf(os.geteuid() != 0, "only root sees who ran")
    def test_how_much_of_the_cpus_was_used_meanwhile(self):
        options = ["--kernel=auto", "--rate=0"]
        findings = self.findings_of(PATHS, "pipeline", 10, options=options)
        first = findings[0]
        cpus = self.report_json["cpus"]
        self.assertLessEqual(cpus, os.cpu_count())
        # One thread at a time did anything to speak of, and those who waited did not run.
        self.assertGreater(first["cpus_used_percent"], 0)
        self.assertLess(first["cpus_used_percent"], 150)
        if cpus > 1:
            used = first["cpus_used_percent"] / 100
            self.assertIn(f"Meanwhile the program used {used:.2f} of ", first["text"])
        # The first thread waits for the others, for one after the other: for all that they run.
        joins = [one for one in self.report_json["sites"] if one["operation"] == "pthread_join"]
        ran_ns = sum(one["time_ns"]["running"] for one in self.report_json["threads"])
        self.assertLessEqual(sum(one["cpus_used_ns"] for one in joins), ran_ns * 1.01)
        self.assertGreater(sum(one["cpus_used_ns"] for one in joins), ran_ns * 0.8)
        self.findings_of(PATHS, "pipeline", 10)
        self.assertNotIn("cpus", self.report_json)
        self.assertNotIn("cpus_used_percent", self.report_json["findings"][0])
        self.assertNotIn("cpus_used_ns", self.report_json["sites"][0])

    def run_in_a_shell(self, command):
        """As one who copies it from the report."""
        words = shlex.split(command)
        self.assertEqual(words[0], "ctrace")
        program = shlex.quote(str(CTRACE))
        result = subprocess.run(
            ["sh", "-c", program + command.removeprefix("ctrace")],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(result.returncode, 0, (command, result))
        return result

    def test_commands_ask_for_what_the_report_was_asked_for(self):
        directory = self.folder / "it's $HOME"
        self.record_ok(EXAMPLES / "slow_peer", options=["--kernel=off"], output=directory)
        asked = [
            "--process=slow_peer*",
            "--class=net,sync",
            "--op=re*",
            "--object=127.0.0.1*",
            "--place=^upstream_(receive|send)|x$",
            "--min=0ms",
            "--no-idle",
            "--from=1%",
            "--to=99%",
        ]
        report = self.ctrace("report", "--format=json", *asked, directory)
        (first, *_) = json.loads(report.out)["findings"]
        self.assertEqual(first["function"], "upstream_receive_answer")
        words = shlex.split(first["command"])
        for option in asked[1:]:
            self.assertIn(option, words)
        self.assertEqual(words[-1], str(directory))
        self.assertIn("upstream_receive_answer", self.run_in_a_shell(first["command"]).stdout)
        everything = first["command"].replace("report waits", "report --format=json")
        again = json.loads(self.run_in_a_shell(everything).stdout)
        self.assertEqual(again["scope"]["waits"], json.loads(report.out)["scope"]["waits"])
        self.assertEqual(again["scope"]["begin_ns"], json.loads(report.out)["scope"]["begin_ns"])
        # On one line of the text, however long it is.
        text = self.ctrace("report", "findings", "--width=60", *asked, directory).out
        self.assertIn(first["command"], [line.strip() for line in text.splitlines()])

    def test_the_command_of_a_finding_shows_more(self):
        first = self.first_of(EXAMPLES / "slow_peer")
        words = first["command"].replace("'", "").split()
        self.assertEqual(words[0], "ctrace")
        result = self.ctrace(*words[1:])
        self.assertEqual(result.status, 0, result)
        self.assertIn("upstream_receive_answer", result.out)

    def test_the_overview_fits_on_two_screens(self):
        self.findings_of(EXAMPLES / "convoy")
        text = self.report_text(self.directory)
        self.assertTrue(text.startswith("Findings ("), text)
        self.assertLessEqual(len(text.splitlines()), OVERVIEW_LINES)
        everything = self.report_text(self.directory, "--all")
        for section, heading in (("calls", "\nCalls, "), ("waits", "\nLongest single waits")):
            self.assertNotIn(heading, text)
            self.assertIn(heading, everything)
            alone = self.ctrace("report", section, self.directory)
            self.assertEqual(alone.status, 0, alone)
            self.assertIn(heading, "\n" + alone.out)
            self.assertNotIn("Findings", alone.out)

    def test_a_recording_may_be_called_as_a_section_is(self):
        self.record_ok("true", output="waits")
        self.assertEqual(self.ctrace("report", "./waits").status, 0)
        self.assertEqual(self.ctrace("report", "waits", "waits").status, 0)


if __name__ == "__main__":
    main()
