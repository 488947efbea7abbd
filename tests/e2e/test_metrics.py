"""/metrics of ctrace serve: what Prometheus gets of programs that run."""

import functools
import json
import pathlib
import re
import shutil
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import WORKLOADS, TraceTest, main, wait_until
import test_serve
from test_serve import Agent, free_port, needs

SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? ([0-9.e+-]+)$')
SECONDS = "ctrace_thread_seconds_total"


class MetricsTest(TraceTest):
    def start_states(self):
        process = subprocess.Popen([WORKLOADS / "states"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def scrape(self, agent):
        """{(name, labels): value}"""
        place = agent.path.removesuffix("debug/pprof/") + "metrics"
        status, headers, body = agent.ask("", path=place)
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        samples = {}
        for line in body.decode().splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.assertNotIn((name, labels), samples)
                samples[name, labels] = float(value)
        return samples

    def seconds(self, samples, kind, state):
        return samples[SECONDS, f'process="states",kind="{kind}",state="{state}"']


# 400 blocks of 1 MiB, which --heap samples with P = 0.86 each: 2 % is one standard error.
HOLDS_AND_FREES = """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
held = [libc.malloc(1 << 20) for _ in range(400)]
print("holds", flush=True)
sys.stdin.readline()
for block in held:
    libc.free(block)
print("freed", flush=True)
sys.stdin.read()
"""
HELD = 400 << 20
LIVE = ("ctrace_heap_live_bytes", None)


class Heap(MetricsTest):
    """Of a program that the agent starts."""

    start_agent = test_serve.Launched.start_agent

    def start(self, *options):
        agent = self.start_agent("/usr/bin/python3", "-c", HOLDS_AND_FREES, options=options)
        url = urllib.parse.urlsplit(agent.address)
        agent.port, agent.path = url.port, url.path
        agent.ask = functools.partial(Agent.ask, agent)
        self.assertEqual(agent.stdout.readline(), "holds\n")
        return agent

    def live(self, agent):
        return self.scrape(agent).get(LIVE, 0)

    def assert_follows(self, *options):
        agent = self.start("--heap", *options)
        wait_until(lambda: abs(self.live(agent) - HELD) < 0.25 * HELD, "it is told of what it holds")
        samples = self.scrape(agent)
        self.assertEqual(samples["ctrace_heap_processes", None], 1)
        self.assertTrue(300 < samples["ctrace_heap_live_objects", None], samples)
        print(file=agent.stdin, flush=True)
        self.assertEqual(agent.stdout.readline(), "freed\n")
        wait_until(lambda: self.live(agent) < 0.25 * HELD, "it is told of what is gone")
        return agent

    def test_it_follows_what_is_live(self):
        self.assert_follows()

    def test_it_does_where_all_is_kept(self):
        self.assert_follows("--flight=5s,16MB")

    def test_without_one_nothing_is_told(self):
        samples = self.scrape(self.start())
        self.assertEqual([name for name, _ in samples if "heap" in name], [])

    @needs("promtool")
    def test_its_checker_finds_nothing_to_say(self):
        agent = self.start("--heap")
        wait_until(lambda: self.live(agent) > 0, "it is told of")
        _, _, body = agent.ask("", path="/metrics")
        checked = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))


class Metrics(MetricsTest):
    def test_times_are_those_of_the_threads(self):
        process = self.start_states()

        def running_s():
            for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
                if (task / "comm").read_text() == "spins\n":
                    return int((task / "schedstat").read_text().split()[0]) / 1e9
            raise AssertionError("there is no such thread")

        agent = Agent(self, "--no-token", "-p", process.pid)
        before_s, before = running_s(), time.monotonic()
        self.scrape(agent)
        time.sleep(2)
        samples = self.scrape(agent)
        ran_s, took_s = running_s() - before_s, time.monotonic() - before
        self.assertLessEqual(self.seconds(samples, "spins", "running"), ran_s + 0.05)
        for kind, state, threads in (
            ("lock-*", "sync", 3), ("reads_pipe", "syscall", 1), ("receives", "net", 1), ("sleeps", "sleep", 1)
        ):
            with self.subTest(kind):
                told_s = self.seconds(samples, kind, state) / threads
                self.assertTrue(1 < told_s <= took_s, (told_s, took_s))
                self.assertEqual(samples["ctrace_threads", f'process="states",kind="{kind}"'], threads)
        self.assertEqual(samples["ctrace_processes", None], 2)
        self.assertEqual(samples["ctrace_hidden_processes", None], 0)

    def test_no_counter_goes_down_when_threads_end(self):
        process = self.start_states()
        agent = Agent(self, "--no-token", "-p", "states")
        self.scrape(agent)
        time.sleep(1)
        living = self.scrape(agent)
        process.stdin.close()
        process.wait()
        ended = ("ctrace_threads_ended_total", 'process="states",kind="lock-*"')
        wait_until(lambda: self.scrape(agent)[ended] == 3, "they have ended")
        gone = self.scrape(agent)
        for sample, value in living.items():
            if sample[0].endswith("_total"):
                self.assertGreaterEqual(gone[sample], value, sample)
        self.assertEqual(gone["ctrace_processes", None], 0)
        self.assertEqual(gone["ctrace_threads", 'process="states",kind="lock-*"'], 0)

    def test_only_who_knows_the_address(self):
        process = self.start_states()
        agent = Agent(self, "-p", process.pid)
        self.assertNotEqual(agent.ask("", path="/metrics")[0], 200)
        self.assertIn(("ctrace_processes", None), self.scrape(agent))
        place = agent.path.removesuffix("debug/pprof/") + "metrics"
        self.assertEqual(agent.ask("", method="POST", path=place)[0], 405)
        self.assertNotEqual(agent.ask("", path=place, headers={"Host": "evil.example"})[0], 200)


@needs("prometheus", "promtool")
class Prometheus(MetricsTest):
    """The real one."""

    def start_prometheus(self, agent):
        port = free_port()
        config = self.folder / "prometheus.yml"
        place = agent.path.removesuffix("debug/pprof/") + "metrics"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{
                "job_name": "ctrace",
                "metrics_path": place,
                "static_configs": [{"targets": [f"127.0.0.1:{agent.port}"]}],
            }],
        }))
        process = subprocess.Popen(
            [shutil.which("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return port

    def query(self, port, text):
        address = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.URLError:
            return []

    def test_it_scrapes_and_asks(self):
        process = self.start_states()
        agent = Agent(self, "-p", process.pid)
        port = self.start_prometheus(agent)
        text = 'ctrace_thread_seconds_total{kind="lock-*",state="sync"} > 3'
        wait_until(lambda: self.query(port, text), "it has scraped", timeout_s=60)
        self.assertEqual([one["value"][1] for one in self.query(port, "up")], ["1"])
        states = self.query(port, 'count by (state) (ctrace_thread_seconds_total{process="states"})')
        self.assertEqual(len(states), 8)

    def test_its_checker_finds_nothing_to_say(self):
        process = self.start_states()
        agent = Agent(self, "--no-token", "-p", process.pid)
        _, _, body = agent.ask("", path="/metrics")
        checked = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))


if __name__ == "__main__":
    main()
