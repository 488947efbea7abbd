"""What ctrace doctor finds: in programs and recordings in which one thing each is wrong, and in nothing that is sound."""

import json
import os
import shutil
import unittest

from harness import WORKLOADS, TraceTest, main, run


class Doctor(TraceTest):
    def ask(self, *words, **options):
        """All advice, by subject's kind and topic."""
        result = self.ctrace("doctor", "--format=json", *words, **options)
        self.assertIn(result.status, (0, 1), result)
        document = json.loads(result.out)
        self.assertEqual(document["schema"], "ctrace-doctor-1")
        self.assertEqual(result.status, 1 if document["wrong"] else 0, result)
        for advice in document["advice"]:
            if advice["kind"] == "wrong":
                self.assertNotEqual(advice["todo"], "", advice)
        return {(advice["subject"].split()[0], advice["topic"]): advice for advice in document["advice"]}

    def altered(self, name, *command):
        """A copy of a workload, of which that command was made."""
        copy = self.folder / name
        shutil.copy(WORKLOADS / "contend", copy)
        if command:
            result = run(*command, copy)
            self.assertEqual(result.status, 0, result)
        return copy

    def test_this_machine_can_record(self):
        advice = self.ask()
        self.assertEqual(advice["machine", "trial"]["kind"], "fine")
        self.assertEqual(advice["machine", "session daemon"]["kind"], "fine")
        self.assertEqual(("machine", "privilege") in advice, os.geteuid() != 0)
        self.assertEqual(list(self.folder.iterdir()), [], "the trial was removed")

    def test_without_a_session_daemon_it_says_what_to_install(self):
        programs = self.folder / "bin"
        programs.mkdir()
        for name in ("sh", "sleep"):
            (programs / name).symlink_to(shutil.which(name))
        advice = self.ask(env=dict(os.environ, PATH=str(programs)))
        self.assertEqual(advice["machine", "session daemon"]["kind"], "wrong")
        self.assertIn("lttng-tools", advice["machine", "session daemon"]["todo"])

    def test_a_sound_program(self):
        advice = self.ask(self.altered("sound"))
        self.assertEqual({one["kind"] for place, one in advice.items() if place[0] == "program"}, {"fine"})

    @unittest.skipUnless(shutil.which("strip"), "binutils is not installed")
    def test_code_that_cannot_be_named_or_unwound(self):
        for command, topic, kind, words in (
            (["strip"], "functions", "wrong", "stripped"),
            (["strip", "--strip-debug"], "lines", "less", "inlined"),
            (["objcopy", "--remove-section=.eh_frame", "--remove-section=.eh_frame_hdr"], "stacks", "wrong", "unwind"),
        ):
            with self.subTest(command):
                advice = self.ask(self.altered("altered", *command))["program", topic]
                self.assertEqual(advice["kind"], kind)
                self.assertIn(words, advice["text"])

    def test_programs_that_the_library_is_not_loaded_into(self):
        privileged = self.altered("privileged", "chmod", "u+s")
        for program, words in ((WORKLOADS / "static", "statically linked"), (WORKLOADS / "sleeper_musl", "another C library")):
            advice = self.ask(program)["program", "loading"]
            self.assertEqual(advice["kind"], "less" if os.geteuid() == 0 else "wrong")
            self.assertIn(words, advice["text"])
        if os.geteuid() == 0:
            self.assertEqual(self.ask(privileged)["program", "loading"]["kind"], "fine")
        else:  # its owner starts it
            self.assertEqual(self.ask("su")["program", "loading"]["kind"], "wrong")

    def test_a_script_is_what_runs_it(self):
        script = self.folder / "script"
        script.write_text(f"#!{WORKLOADS / 'contend'}\n")
        script.chmod(0o755)
        advice = self.ask(script)
        self.assertIn("contend", advice["program", "script"]["text"])
        self.assertEqual(advice["program", "functions"]["kind"], "fine")

    def test_what_a_recording_lacks(self):
        advice = self.ask(self.record_ok("sleep", "0.01", options=["--kernel=off", "--rate=0"]).directory)
        self.assertIn("--kernel=off", advice["recording", "kernel layer"]["todo"])
        self.assertIn("1 wait only", advice["recording", "waits"]["text"])
        self.assertIn("--cpu", advice["recording", "CPU profile"]["todo"])
        self.assertIn("--heap", advice["recording", "heap profile"]["todo"])
        self.assertIn("--rate", advice["recording", "cost"]["todo"])

    def test_functions_that_a_recording_lacks(self):
        stripped = self.altered("stripped", "strip")
        trace = self.record_ok(stripped, output="data").directory
        advice = self.ask(trace)
        self.assertEqual(advice["recording", "functions"]["kind"], "wrong", advice)

    def test_a_folder_that_is_no_recording_and_a_name_that_is_nothing(self):
        self.assertEqual(self.ask(self.folder)["recording", "reading"]["kind"], "wrong")
        for words, status in ((["no-such-program"], 1), (["true", "false"], 2), (["--format=xml"], 2)):
            with self.subTest(words):
                result = self.ctrace("doctor", *words)
                self.assertEqual((result.status, result.out), (status, ""), result)
        self.assertEqual(self.ctrace("doctor", "true", "false").err.count("\n"), 1)


if __name__ == "__main__":
    main()
