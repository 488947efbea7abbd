"""The examples: what each sick program's profile shows, and its cure takes away; and the cook-book, as it is typed."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from harness import CTRACE, EXAMPLES, TraceTest, go_pprof, main

README = pathlib.Path(__file__).resolve().parents[2] / "examples/README.md"


@unittest.skipUnless(shutil.which("go"), "go is not installed: see tests/install-packages.sh")
class Twins(TraceTest):
    def sums(self, name, kind, value, function, options, focus="."):
        """What the profile has of it, with all that it calls; and what the program says of itself."""
        result = self.record_ok(EXAMPLES / name, output=name, options=options)
        path = self.folder / f"{name}.{kind}.pb.gz"
        self.assertEqual(self.ctrace("pprof", kind, result.directory, "-o", path).status, 0)
        top = go_pprof("-top", "-cum", "-nodecount=1000", "-nodefraction=0", f"-sample_index={value}", "-unit=count", f"-focus={focus}",
                       path)
        line = re.search(rf"^.* {function}( \(inline\))?$", top.out, re.MULTILINE)
        return float(re.match(r"[\d.]+", line[0].split()[3])[0]) if line else 0.0, result.out

    def check_allocations(self, pair, function, sick, cured):
        """Every block is recorded: the profile has what the program says, to the block."""
        for name, expected in zip(pair, (sick, cured)):
            count, said = self.sums(name, "allocs", "alloc_objects", function[name == pair[1]], ["--heap=0"])
            self.assertRegex(said, rf"with {expected} ")
            self.assertEqual(count, expected, name)

    def test_an_object_pool(self):
        self.check_allocations(("pool", "pool_cured"), ("make_request", "make_request"), 20000, 1)

    def test_room_that_is_reserved(self):
        self.check_allocations(("growing", "growing_cured"), ("append_sample", "reserve"), 20000, 1)

    def test_a_text_that_is_put_together(self):
        self.check_allocations(("strings", "strings_cured"), ("join", "make_room"), 10000, 14)

    def test_a_buffer_that_is_used_again(self):
        self.check_allocations(("buffers", "buffers_cured"), ("decode_message", "make_buffer"), 1000, 1)

    def test_questions_that_are_asked_at_once(self):
        for name, expected in (("ask_each", 1000), ("ask_batch", 10)):
            count, said = self.sums(name, "net", "contentions", "recv", ["--rate=0", "--kernel=off"], focus="^ask$")
            self.assertIn(f"by {expected} questions", said)
            self.assertEqual(count, expected, name)


@unittest.skipUnless(README.exists(), "no source tree")
class CookBook(TraceTest):
    def blocks(self):
        """By heading: the commands below it."""
        text = README.read_text()
        self.assertIn("# Cook-book", text)
        for section in re.split(r"^##? ", text, flags=re.MULTILINE)[1:]:
            commands = re.findall(r"^    (.*)$", section, re.MULTILINE)
            if commands:
                yield section.splitlines()[0], commands

    def test_every_command_does_as_it_is_typed(self):
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "ctrace").symlink_to(CTRACE)
        (self.folder / "build").mkdir()
        (self.folder / "build/examples").symlink_to(EXAMPLES)
        environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}")
        headings = []
        for heading, commands in self.blocks():
            if any("ADDRESS" in command for command in commands):
                continue  # of a server: see below
            headings.append(heading)
            if not shutil.which("go"):
                commands = [command for command in commands if not command.startswith("go ")]
            with self.subTest(heading):
                done = subprocess.run(["bash", "-euxc", "\n".join(commands)], cwd=self.folder, env=environment, text=True,
                                      stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=False)
                self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        self.assertGreater(len(headings), 9)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("curl"), "to serve takes root; curl is not installed")
    def test_profiles_are_collected_from_a_server(self):
        program = subprocess.Popen(["sh", "-c", "while :; do sleep 0.01; done"], stdout=subprocess.DEVNULL)
        self.addCleanup(lambda: (program.kill(), program.wait()))
        agent = subprocess.Popen([CTRACE, "serve", "-p", str(program.pid), "--listen=127.0.0.1:0"], cwd=self.folder, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (agent.terminate(), agent.wait(), agent.stdout.close()))
        address = agent.stdout.readline().strip()
        for _ in range(2):
            done = subprocess.run([README.parent / "collect-profiles.sh", address, "profiles", "1"], cwd=self.folder, text=True,
                                  capture_output=True, timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("block.pb.gz", done.stdout)
        self.assertEqual(len(list(self.folder.glob("profiles/*/*.pb.gz"))), 6)
        result = self.ctrace("trend", "profiles", "--profile=block", cwd=self.folder)
        self.assertEqual(result.status, 0, result)
        self.assertIn("2 profiles", result.out)
        self.assertRegex(result.out, r"%  .*(waitpid|nanosleep)")


if __name__ == "__main__":
    main()
