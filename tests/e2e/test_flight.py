"""ctrace serve --flight: what came last is there when something went wrong, and takes no more room than it may."""

import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import unittest

from harness import CTRACE, SMALL_FS, TIMEOUT_S, main, run, wait_until
from test_serve import Agent, ServeTest

NAME = r"\d{8}-\d{6}-"

# Takes turns of a millisecond, but for one that lasts, when it is told to stall.
WORKER = """
import signal, time
stall = False
def on_alarm(number, frame):
    global stall
    stall = True
signal.signal(signal.SIGALRM, on_alarm)
def stalls():
    time.sleep(0.7)
end = time.monotonic() + float(__import__('sys').argv[1])
while time.monotonic() < end:
    time.sleep(0.001)
    if stall:
        stall = False
        stalls()
"""


class FlightTest(ServeTest):
    def start_flight(self, *program, flight="8s,8MB", options=("--flight-gap=0",), **popen_options):
        """An agent with a program, which can be asked at agent.address."""
        self.said = self.folder / "said"
        words = [CTRACE, "serve", "--listen=127.0.0.1:0", "--no-token", f"--flight={flight}", "--flight-dir=flight",
                 *options, *(["--"] if program[0] != "-p" else []), *map(str, program)]
        with self.said.open("w") as said:
            agent = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True,
                                     cwd=self.folder, **popen_options)

        def end():
            if agent.poll() is None:
                agent.terminate()
            agent.communicate(timeout=TIMEOUT_S)

        self.addCleanup(end)
        wait_until(lambda: agent.poll() is not None or "is written out by" in self.said.read_text(), "it runs")
        return agent

    def written(self, reason=""):
        return sorted(path for path in (self.folder / "flight").glob("2*-*")
                      if re.fullmatch(NAME + reason + ".*", path.name))

    def told(self):
        """Those that it has said to be written out."""
        return re.findall(r"wrote (\S+) \(([^)]*)\); read it by: ctrace report \1", self.said.read_text())

    def write_out(self, agent):
        before = len(self.told())
        agent.send_signal(signal.SIGUSR2)
        wait_until(lambda: len(self.told()) > before, "it was written out")
        path, reason = self.told()[-1]
        self.assertEqual(reason, "signal")
        return pathlib.Path(path)

    def longest(self, trace):
        result = self.ctrace("report", "--min=600ms", trace)
        self.assertEqual(result.status, 0, result)
        return result.out


class Program(FlightTest):
    """One that the agent starts; an ordinary user may."""

    def test_a_stall_is_in_what_is_written_out_after_it(self):
        agent = self.start_flight(sys.executable, "-c", WORKER, 60)
        time.sleep(random.uniform(0.5, 4))
        os.kill(self.child(self.child(agent.pid)), signal.SIGALRM)
        time.sleep(random.uniform(1, 3))
        trace = self.write_out(agent)
        self.assertRegex(self.longest(trace), r"7\d\d ms")
        self.assertEqual(self.ctrace("verify", trace).status, 0)

    def child(self, pid):
        return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def test_it_keeps_no_more_than_the_last_stretch(self):
        agent = self.start_flight(sys.executable, "-c", WORKER, 60, flight="2s,8MB")
        time.sleep(5)
        out = self.ctrace("report", self.write_out(agent)).out
        self.assertRegex(out, r"dropped +the first \d")
        seconds = float(re.search(r"when .* for ([\d.]+) s", out)[1])
        self.assertGreaterEqual(seconds, 2)
        self.assertLess(seconds, 4.5)

    def test_its_end_is_kept(self):
        for script, status, reason in (("sleep 0.3", 0, "end"), ("kill -SEGV $$", -signal.SIGSEGV, "SIGSEGV"),
                                       ("kill -ABRT $$", -signal.SIGABRT, "SIGABRT"),
                                       ("sleep 0.3; kill -KILL $$", -signal.SIGKILL, "SIGKILL")):
            agent = self.start_flight("sh", "-c", script)
            self.assertEqual(agent.wait(TIMEOUT_S), status)
            trace, = self.written(reason)
            self.assertEqual(self.told(), [(str(trace), reason)])
            self.assertEqual(self.ctrace("report", trace).status, 0)
        self.assertFalse((self.folder / "flight" / "running").exists())

    def test_whoever_asks_gets_the_past(self):
        agent = self.start_flight(sys.executable, "-c", WORKER, 60)
        time.sleep(4)
        address = re.search(r"http\S+", self.said.read_text())[0]
        archive = self.folder / "trace.tar"
        self.assertEqual(run("curl", "-sf", "-o", archive, address + "trace?seconds=-1").status, 0)
        with tarfile.open(archive) as tar:
            tar.extractall(self.folder / "past")
        out = self.ctrace("report", self.folder / "past" / "ctrace.data").out
        # A part of what is kept has two seconds.
        self.assertLess(float(re.search(r"when .* for ([\d.]+) s", out)[1]), 4)
        self.assertRegex(out, r"dropped +the first \d")
        for question, word in (("sleep?seconds=-2&debug=1", "sleep"), ("sleep?seconds=0.5&debug=1", "sleep")):
            self.assertIn(word, run("curl", "-sf", address + question).out)
        refused = run("curl", "-s", address + "profile?seconds=-2").out
        self.assertIn("this is not kept", refused)
        snapshot = self.ctrace("snapshot", "flight/running", "-o", "mine")
        self.assertEqual(snapshot.status, 0, snapshot)
        self.assertEqual(self.ctrace("verify", "mine").status, 0)
        agent.terminate()

    def test_it_is_bounded(self):
        """So many, so large, and so often."""
        agent = self.start_flight(sys.executable, "-c", WORKER.replace("0.001", "0"), 60, flight="60s,2MB",
                                  options=("--flight-gap=0", "--flight-count=2"))
        time.sleep(3)
        all_written = [self.write_out(agent) for _ in range(4)]
        wait_until(lambda: len(self.written()) == 2, "the oldest have gone")
        self.assertEqual(self.written(), sorted(all_written)[-2:])
        size_kb = int(run("du", "-sk", self.folder / "flight").out.split()[0])
        self.assertLess(size_kb, 3 * 2 * 2 * 1024)

    def test_one_in_a_while(self):
        agent = self.start_flight(sys.executable, "-c", WORKER, 60, options=())
        self.write_out(agent)
        agent.send_signal(signal.SIGUSR2)
        wait_until(lambda: "nothing is written out (signal)" in self.said.read_text(), "it was refused")
        self.assertEqual(len(self.told()), 1)

    def test_a_folder_has_one_agent(self):
        """The other one takes nothing from it."""
        agent = self.start_flight(sys.executable, "-c", WORKER, 60)
        other = self.ctrace("serve", "--listen=127.0.0.1:0", "--flight=5s", f"--flight-dir={self.folder}/flight", "--", "true")
        self.assertEqual(other.status, 1, other)
        self.assertIn("in use, by another agent", other.err)
        self.assertTrue(self.write_out(agent).is_dir())


class Attached(FlightTest):
    @unittest.skipUnless(SMALL_FS, "it takes root to mount a small file system")
    def test_a_disk_that_is_nearly_full(self):
        """What was written out before is not given up for what would end at once."""
        program = self.start(sys.executable, "-c", WORKER, 60)
        small = pathlib.Path(SMALL_FS)
        flight = small / "flight"
        self.addCleanup((small / "ballast").unlink, missing_ok=True)
        self.addCleanup(shutil.rmtree, flight)
        agent = self.start_flight("-p", program.pid, flight="2s,2MB", options=(f"--flight-dir={flight}",))
        wait_until(lambda: (flight / "running").exists(), "it is recorded")
        time.sleep(1)
        (small / "ballast").write_bytes(bytes(shutil.disk_usage(small).free - 540_000))
        wait_until(lambda: "nothing is kept: the disk has too little room left" in self.said.read_text(), "it ended")
        time.sleep(1)
        self.assertRegex(self.said.read_text(), r"is not recorded: the disk .* was nearly full: .*; it begins anew")
        self.assertFalse((flight / "running").exists())
        (small / "ballast").unlink()
        for path in flight.glob("2*"):
            shutil.rmtree(path)
        wait_until(lambda: (flight / "running").exists(), "it is recorded again")
        agent.send_signal(signal.SIGINT)
        self.assertEqual(agent.wait(TIMEOUT_S), 0)
        self.assertEqual(self.said.read_text().count("nothing is kept"), 1)

    @unittest.skipUnless(os.geteuid() == 0, "the kernel is asked")
    def test_what_runs_already(self):
        program = self.start(sys.executable, "-c", WORKER, 60)
        agent = self.start_flight("-p", program.pid)
        time.sleep(3)
        trace = self.write_out(agent)
        verified = self.ctrace("verify", trace)
        self.assertEqual(verified.status, 0, verified)
        program.kill()
        program.wait()
        self.assertEqual(agent.wait(TIMEOUT_S), 0)
        self.assertEqual(len(self.written("end")), 1, self.said.read_text())
        end, = self.written("end")
        self.assertEqual(self.ctrace("report", end).status, 0)


class Refused(FlightTest):
    def test_what_makes_no_sense(self):
        for options, words in ((["--flight=soon"], "such as 30s,64MB"), (["--flight-gap=5s"], "add --flight=30s"),
                               (["--flight=5s", "--flight-count=0"], "from 1")):
            result = self.ctrace("serve", *options, "--", "true")
            self.assertEqual(result.status, 2)
            self.assertIn(words, result.err)

    def test_without_it_there_is_no_past(self):
        program = self.start("sleep", "1000")
        status, _, body = Agent(self, "-p", program.pid).ask("trace?seconds=-1")
        self.assertEqual(status, 400)
        self.assertIn("--flight", body.decode())


if __name__ == "__main__":
    main()
