"""ctrace serve: what go tool pprof, curl and a browser get of programs that run, and who does not."""

import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import unittest
import urllib.parse

from harness import CTRACE, TIMEOUT_S, WORKLOADS, Profile, TraceTest, children_of, go_pprof, has_ended, main, run, wait_until
from test_groups import hierarchies

POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def needs(*programs):
    return unittest.skipUnless(all(map(shutil.which, programs)), f"not installed: {programs}")


class Agent:
    """One that runs, and what it answers."""

    def __init__(self, test, *options, listen="127.0.0.1:0"):
        # Its recordings lie where nobody else's do.
        self.place = test.folder / f"place{len(list(test.folder.glob('place*')))}"
        self.place.mkdir()
        self.process = subprocess.Popen(
            [CTRACE, "serve", f"--listen={listen}", *map(str, options)], cwd=test.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, TMPDIR=str(self.place)))
        test.addCleanup(self.kill)
        self.address = self.process.stdout.readline().strip()
        url = urllib.parse.urlsplit(self.address)
        self.port, self.path = url.port, url.path

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=TIMEOUT_S)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(TIMEOUT_S)
        return status, self.process.stderr.read()

    def ask(self, name, method="GET", path=None, headers=None, body=None):
        """The status, headers and bytes of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request(method, (self.path if path is None else path) + name, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def text(self, name):
        status, _, body = self.ask(name)
        assert status == 200, (name, status, body)
        return body.decode()

    def recorders(self):
        return [pid for name, pid in children_of(self.process.pid).items() if name == "ctrace-record"]

    def is_recording(self):
        """Its recorders have begun, as they say."""
        said = [path.read_text() for path in self.place.glob("ctrace-serve-*/recording-*/said")]
        return said and all("attached" in text for text in said)

    def recordings(self):
        return list(self.place.glob("ctrace-serve-*/recording-*"))


class ServeTest(TraceTest):
    def start(self, *words, **options):
        process = subprocess.Popen([str(word) for word in words], stdin=options.pop("stdin", subprocess.DEVNULL),
                                   stdout=options.pop("stdout", subprocess.DEVNULL), stderr=subprocess.DEVNULL, **options)

        def end():
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()

        self.addCleanup(end)
        return process

    def start_served(self):
        """The process of workloads/served.cpp."""
        process = self.start(WORKLOADS / "served", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdout.readline()
        return process

    def start_redis(self):
        port = free_port()
        server = self.start("redis-server", "--port", port, "--save", "", "--dir", self.folder)
        wait_until(lambda: "PONG" in run("redis-cli", "-p", port, "ping").out, "redis answers")
        self.start("redis-benchmark", "-p", port, "-t", "get", "-n", "100000000", "-c", "5", "-q")
        return server

    def need_kernel(self, agent):
        """As an ordinary user, there may be nobody who records what runs already."""
        status, _, body = agent.ask("sleep?seconds=0.05")
        if status == 503 and os.geteuid() != 0:
            self.skipTest(body.decode())
        self.assertEqual(status, 200, body)

    def need_waits(self, agent):
        """An ordinary user's kernel tells when they ran, not for what they waited."""
        self.need_kernel(agent)
        if os.geteuid() != 0:
            self.skipTest("only root is told of waits")

    def profile_of(self, agent, name):
        """As go tool pprof fetches it."""
        result = go_pprof("-raw", agent.address + name)
        self.assertEqual(result.status, 0, result)
        return Profile(result.out)

    def profiles_of(self, agent, *names):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(lambda name: self.profile_of(agent, name), names))


class Programs(ServeTest):
    """What go tool pprof makes of programs that people have."""

    @needs("redis-server", "redis-benchmark")
    def test_redis(self):
        agent = Agent(self, "-p", self.start_redis().pid)
        self.need_waits(agent)
        # A busy machine loses some of what the kernel tells of so many waits: that is said, and asked again.
        cpu = self.profile_of(agent, "profile?seconds=1")
        self.assertTrue(any("aeMain" in sample.stack for sample in cpu.samples), cpu.text)
        net, block = self.profiles_of(agent, "net?seconds=1", "block?seconds=1")
        for profile in (net, block):
            self.assertTrue(any(sample.stack[0] == "epoll_wait" for sample in profile.samples), profile.text)

        def has_all_threads():
            samples = self.profile_of(agent, "threads").samples
            return sum(sample.count for sample in samples) == 5 and any(
                "bioProcessBackgroundJobs" in sample.stack for sample in samples)

        wait_until(has_all_threads, "all threads were seen where they wait")
        result = go_pprof("-top", agent.address + "profile?seconds=0.5")
        self.assertIn("Type: cpu", result.out)

    @needs("nginx")
    def test_nginx_and_one_of_its_workers(self):
        port = free_port()
        settings = self.folder / "nginx.conf"
        settings.write_text(f"""daemon off; pid {self.folder}/nginx.pid; worker_processes 2;
error_log {self.folder}/error.log; events {{ worker_connections 100; }}
http {{ access_log off; client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p;
fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
server {{ listen 127.0.0.1:{port}; return 200 "hello\\n"; }} }}""")
        master = self.start("nginx", "-c", settings, "-e", self.folder / "errors")
        fetch = ("curl", "-s", f"http://127.0.0.1:{port}/")
        wait_until(lambda: run(*fetch).out == "hello\n", "nginx answered")
        workers = pathlib.Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()
        self.assertEqual(len(workers), 2)
        agent = Agent(self, "-p", master.pid)
        self.need_waits(agent)
        run(*fetch)
        everybody, one, same, named = self.profiles_of(
            agent, "net?seconds=0.5", f"net?seconds=0.5&process={workers[0]}",
            f"../../{workers[0]}/debug/pprof/net?seconds=0.5", "threads?process=nginx")
        self.assertTrue(set(workers) <= {sample.labels["pid"] for sample in everybody.samples}, everybody.text)
        for profile in (one, same):
            self.assertEqual({sample.labels["pid"] for sample in profile.samples}, {workers[0]})
        self.assertEqual({sample.labels["pid"] for sample in named.samples}, {str(master.pid), *workers})
        index = agent.text("")
        for worker in workers:
            self.assertIn(f'"../../{worker}/debug/pprof/"', index)
            page = agent.text(f"../../{worker}/debug/pprof/")
            self.assertIn("<td>nginx</td>", page)
            self.assertIn(f'"../../../{worker}/debug/pprof/"', page)

    @needs(str(POSTGRES / "postgres"))
    def test_postgresql_that_was_running(self):
        if os.geteuid() != 0:
            self.skipTest("only root may record another user's processes")
        data, port = pathlib.Path(tempfile.mkdtemp(prefix="pg.", dir="/tmp")), free_port()
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        shutil.chown(data, "nobody")
        as_nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
        result = run(*as_nobody, POSTGRES / "initdb", "-D", data, "-A", "trust", "-N", "-U", "nobody", cwd=data)
        self.assertEqual(result.status, 0, result)
        self.start(*as_nobody, POSTGRES / "postgres", "-D", data, "-p", port, "-k", data, cwd=data)
        client = ("psql", "-h", "127.0.0.1", "-p", port, "-U", "nobody", "postgres", "-c")
        wait_until(lambda: run(*client, "SELECT 1").status == 0, "PostgreSQL answers")
        self.start(*client, "SELECT pg_sleep(100)")
        agent = Agent(self, "-p", "postgres")
        sleeping = lambda: self.profile_of(agent, "threads")
        wait_until(lambda: any("pg_sleep" in sample.stack for sample in sleeping().samples), "pg_sleep is seen")
        text = agent.text("threads?debug=2")
        self.assertRegex(text, r'(?s)thread \d+ "postgres" of postgres \(\d+\) \[[^\]]*\]:\n.*\npg_sleep\n')

    def test_a_cplusplus_service(self):
        process = self.start_served()
        agent = Agent(self, "-p", process.pid)
        self.need_waits(agent)
        cpu, sync, sleep, wall = self.profiles_of(
            agent, "profile?seconds=1", "sync?seconds=1", "sleep?seconds=1", "wall?seconds=1")
        self.assertTrue(any(sample.stack[0] == "compute" for sample in cpu.samples), cpu.text)
        self.assertEqual({sample.labels["thread"] for sample in cpu.samples} & {"worker", "idler"}, {"worker"})
        self.assertGreater(sync.delay_of(thread="waiter"), 100_000_000, sync.text)
        self.assertTrue(all("want_lock" in sample.stack for sample in sync.samples if sample.labels["thread"] == "waiter"))
        self.assertGreater(sleep.delay_of(thread="holder"), 100_000_000, sleep.text)
        self.assertGreater(wall.delay_of(thread="worker", state="running"), 0, wall.text)


class Threads(ServeTest):
    """What they do now."""

    def test_each_with_its_stack_and_what_it_waits_for(self):
        process = self.start_served()
        agent = Agent(self, "-p", process.pid)
        self.need_waits(agent)
        time.sleep(0.2)
        seen = lambda: re.search(r'(?m)^thread \d+ "worker"(.*\n)+?compute.*\n', agent.text("threads?debug=2"))
        wait_until(seen, "who computes has got a CPU while it was looked at")
        text = agent.text("threads?debug=2")
        tids = set(os.listdir(f"/proc/{process.pid}/task"))
        heads = re.findall(r'^thread (\d+) "(.*?)" of served \((\d+)\) \[(.*)\]:$', text, re.MULTILINE)
        self.assertEqual({head[0] for head in heads}, tids, text)
        states = {head[1]: head[3] for head in heads}
        self.assertRegex(states["idler"], r"^sync, futex_wait: futex 0x[0-9a-f]+.*, \d+ ms or more")
        self.assertRegex(states["worker"], "^run")  # running, or in line for a CPU
        self.assertRegex(text, r'(?m)^thread \d+ "idler"(.*\n)+?wait_for_work.*\n\t.*served\.cpp:\d+ 0x')

    def test_equal_stacks_are_put_together(self):
        """In the form of Go's, which pprof reads."""
        process = self.start("/usr/bin/python3", "-c", """
import threading, time
for _ in range(7):
    threading.Thread(target=time.sleep, args=(1000,)).start()
print(flush=True)
""", stdout=subprocess.PIPE)
        process.stdout.readline()
        agent = Agent(self, "-p", process.pid)
        self.need_waits(agent)
        for name in ("threads", "goroutine"):
            text = agent.text(f"{name}?debug=1")
            self.assertRegex(text, r"^threads profile: total 8\n7 @ 0x")
            (self.folder / "text").write_text(text)
            result = go_pprof("-raw", self.folder / "text")
            self.assertEqual(result.status, 0, result)
            self.assertRegex(result.out, r"(?m)^ +7: \d")
        profile = self.profile_of(agent, "goroutine")
        self.assertEqual([sample.count for sample in profile.samples], [1] * 8)
        self.assertEqual(profile.value_types, ["threads/count[dflt]", "waited/nanoseconds"])

    def test_how_many_there_are(self):
        process = self.start_served()
        agent = Agent(self, "-p", process.pid)
        result = go_pprof("-raw", agent.address + "threadcreate")
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.out, r"(?m)^ +5: ")


class Questions(ServeTest):
    def setUp(self):
        super().setUp()
        self.process = self.start("sleep", "1000")
        self.agent = Agent(self, "-p", self.process.pid)

    def test_wrong_ones_are_told_what_is_wrong(self):
        for name, status, words in (
            ("profile?seconds=x", 400, "seconds=x"), ("profile?seconds=0", 400, "up to 3600"),
            ("profile?seconds=-1", 400, "seconds"), ("profile?seconds=3601", 400, "up to 3600"),
            ("profile?seconds=nan", 400, "seconds"), ("profile?seconds=inf", 400, "seconds"),
            ("profile?seconds=", 400, "seconds"), ("profile?hz=0", 400, "from 1 to 10000"),
            ("profile?hz=10001", 400, "hz"), ("threads?debug=3", 400, "1 or 2"), ("net?debug=yes", 400, "debug"),
            ("trace?format=zip", 400, "tar or perfetto"), ("net?process=", 400, "an id or a name"),
            ("net?process=1", 404, "none of those"), ("net?process=nobody", 404, "none of those"),
            ("net?secnods=1", 400, "secnods= is not understood"), ("net?seconds=1&seconds=2", 400, "twice"),
            ("heap", 400, "nothing is injected"), ("allocs", 400, "serve --heap"),
            ("snyc", 404, "block, cmdline"), ("../../1/debug/pprof/", 404, "none of those"),
            ("../../debug/", 302, "pprof/"), ("../../nothing", 404, "debug/pprof"),
            (f"../../{self.process.pid}/debug/pprof/net?process=1", 400, "the address names"),
        ):  # fmt: skip
            with self.subTest(name):
                answer, headers, body = self.agent.ask(name)
                self.assertEqual((answer, headers["Content-Type"]), (status, "text/plain; charset=utf-8"), body)
                self.assertEqual(headers["X-Go-Pprof"], "1")
                self.assertIn(words, body.decode())
        self.assertEqual(self.agent.recordings(), [])

    def test_the_index_leads_to_all(self):
        status, headers, body = self.agent.ask("")
        page = body.decode()
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertRegex(headers["Content-Security-Policy"], "^default-src 'none'; style-src 'sha256-")
        names = re.findall(r'<td><a href="(\w+)', page)
        self.assertTrue({"profile", "block", "threads", "goroutine", "trace", "cmdline", "heap"} <= set(names), page)
        self.assertIn("<code>sleep 1000</code>", page)
        for place in ("", f"../../{self.process.pid}/debug/pprof/"):
            for link in re.findall(r'href="([^"]*)"', self.agent.text(place)):
                path = urllib.parse.urljoin(self.agent.path + place, link)
                self.assertIn(self.agent.ask("", method="HEAD", path=path)[0], (200, 400), link)
        self.assertIn(f"curl &apos;{self.agent.address}threads?debug=2&apos;", page)
        for path, place in (("", None), ("debug/pprof", "pprof/")):
            status, headers, _ = self.agent.ask(path, path=self.agent.path.replace("debug/pprof/", ""))
            self.assertEqual((status, headers["Location"]), (302, place or "debug/pprof/"))
        status, _, body = self.agent.ask("profile?seconds=100", method="HEAD")
        self.assertEqual((status, body, self.agent.recordings()), (200, b"", []))

    def test_what_go_has_beside_profiles(self):
        self.assertEqual(self.agent.text("cmdline"), "sleep\x001000")
        self.assertEqual(self.agent.text("symbol"), "num_symbols: 0\n")
        self.assertEqual(self.agent.ask("symbol", method="POST", body=b"0x1+0x2")[2], b"num_symbols: 0\n")
        self.assertEqual(self.agent.ask("cmdline", method="POST", body=b"")[0], 405)

    def test_a_recording(self):
        self.need_kernel(self.agent)
        (self.folder / "tar").write_bytes(self.agent.ask("trace?seconds=0.2")[2])
        with tarfile.open(self.folder / "tar") as archive:
            archive.extractall(self.folder)
        self.assertIn("sleep 1000", self.report_text(self.folder / "ctrace.data"))
        self.assertTrue((self.folder / "ctrace.data" / "symbols").exists())
        status, headers, body = self.agent.ask("trace?seconds=0.1&format=perfetto")
        self.assertEqual(status, 200)
        self.assertIn("trace.pftrace", headers["Content-Disposition"])
        self.assertIn(b"sleep", body)
        self.assertEqual(self.agent.recordings(), [])

    def test_of_what_never_ran_the_profile_is_empty(self):
        self.need_kernel(self.agent)
        status, _, body = self.agent.ask("profile?seconds=0.1")
        if status == 500 and os.geteuid() != 0:  # its kernel takes no samples
            self.assertRegex(body.decode(), "^there are no CPU samples: ")
            self.skipTest(body.decode())
        result = go_pprof("-top", self.agent.address + "profile?seconds=0.1")
        self.assertEqual(result.status, 0, result)
        self.assertIn("Total samples = 0", result.out)

    def test_a_text_of_waits(self):
        self.need_waits(self.agent)
        text = self.agent.text("sleep?seconds=0.2&debug=1")
        self.assertRegex(text, r"^--- contention:\ncycles/second=1000000000\n\d+ 1 @ 0x")
        self.assertIn("clock_nanosleep", text)


class Group(ServeTest):
    def make_cgroup(self):
        """Or the test is skipped."""
        for folder in [folder for folder, is_2, _ in hierarchies() if is_2] if os.geteuid() == 0 else ():
            path = folder / f"ctrace-serve-{os.getpid()}"
            with contextlib.suppress(OSError):
                path.mkdir()
                self.addCleanup(path.rmdir)
                return path
        self.skipTest("no cgroup can be made here")

    def test_all_of_a_cgroup(self):
        path = self.make_cgroup()
        self.assert_refused(self.ctrace("serve", f"--cgroup={path}"), "cgroup", status=1)
        self.start("sleep", "1001")  # it is not in there
        inside = [self.start("sleep", "1000") for _ in range(2)]
        try:
            for process in inside:
                (path / "cgroup.procs").write_text(str(process.pid))
        except OSError as error:
            self.skipTest(str(error))
        agent = Agent(self, f"--cgroup={path}")
        pids = {str(process.pid) for process in inside}
        status, _, body = agent.ask("../../metrics")
        self.assertEqual((status, b'process="sleep"' in body, b"python" in body), (200, True, False), body)
        self.assertEqual(agent.text("cmdline"), "sleep\x001000\nsleep\x001000")
        everybody, one = self.profiles_of(agent, "threads", f"threads?process={inside[0].pid}")
        self.assertEqual({sample.labels["pid"] for sample in everybody.samples}, pids)
        self.assertEqual({sample.labels["pid"] for sample in one.samples}, {str(inside[0].pid)})
        for process in inside:
            process.kill()
            process.wait()
        status, _, body = agent.ask("sleep?seconds=0.1")
        self.assertEqual((status, body), (503, f"cgroup {path}: no such process runs now\n".encode()))
        self.assert_refused(self.ctrace("serve", f"--cgroup={path}", "-p", "1"), "give one of them", status=2)
        self.assert_refused(self.ctrace("serve", "--cgroup=/no/such"), "cgroup", status=1)


class Recordings(ServeTest):
    def setUp(self):
        super().setUp()
        self.process = self.start("sleep", "1000")
        self.agent = Agent(self, "-p", self.process.pid)
        self.need_kernel(self.agent)

    def begin(self, name):
        """Asks, and waits for no answer."""
        connection = socket.create_connection(("127.0.0.1", self.agent.port), timeout=TIMEOUT_S)
        self.addCleanup(connection.close)
        connection.sendall(f"GET {self.agent.path}{name} HTTP/1.1\r\nHost: 127.0.0.1:{self.agent.port}\r\n\r\n".encode())
        return connection

    def finish(self, connection):
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()

    def test_who_hangs_up_ends_theirs(self):
        connection = self.begin("net?seconds=1000")
        wait_until(self.agent.recorders, "it is recorded")
        recorder = self.agent.recorders()[0]
        connection.close()
        wait_until(lambda: has_ended(recorder), "the recorder ended")
        wait_until(lambda: not self.agent.recordings(), "the recording was removed")
        self.assertFalse(has_ended(self.process.pid))

    def test_the_same_at_the_same_time_is_recorded_once(self):
        connections = [self.begin(f"{name}?seconds=1") for name in ("net", "sleep", "block")]
        other = self.begin("net?seconds=1000")
        own = self.begin("trace?seconds=1")  # of which nothing is written while it is packed
        wait_until(lambda: len(self.agent.recordings()) == 3, "three are recorded")
        self.assertEqual([self.finish(connection)[0] for connection in [*connections, own]], [200] * 4)
        wait_until(lambda: len(self.agent.recordings()) == 1, "theirs was removed")
        other.close()
        wait_until(lambda: not self.agent.recordings(), "the other's was, too")

    def test_who_hangs_up_leaves_the_others_theirs(self):
        first, second = self.begin("net?seconds=1"), self.begin("sleep?seconds=1")
        wait_until(self.agent.recorders, "it is recorded")
        first.close()
        self.assertEqual(self.finish(second)[0], 200)

    def test_there_are_not_too_many(self):
        connections = [self.begin(f"net?seconds={100 + i}") for i in range(4)]
        wait_until(lambda: len(self.agent.recordings()) == 4, "they are recorded")
        status, body = self.finish(self.begin("net?seconds=200"))
        self.assertEqual((status, b"ask again" in body), (503, True), body)
        self.assertEqual(self.finish(self.begin("cmdline"))[0], 200)
        for connection in connections:
            connection.close()
        wait_until(lambda: not self.agent.recordings(), "the recordings were removed")

    def test_it_ends_with_what_it_records(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            agent = self.agent = Agent(self, "-p", self.process.pid)
            self.begin("net?seconds=1000")
            wait_until(agent.recorders, "it is recorded")
            recorder = agent.recorders()[0]
            self.assertEqual(agent.end(number), (0, ""))
            self.assertTrue(has_ended(recorder))
            self.assertEqual(list(agent.place.iterdir()), [])

    def test_what_is_asked_while_it_ends_is_not_recorded(self):
        connection = self.begin("net?seconds=1000")
        wait_until(self.agent.is_recording, "it is recorded")
        recorder = self.agent.recorders()[0]
        self.addCleanup(lambda: has_ended(recorder) or os.kill(recorder, signal.SIGCONT))
        os.kill(recorder, signal.SIGSTOP)  # the agent waits for it
        self.agent.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(connection)[0], 503)
        self.assertEqual(self.finish(self.begin("net?seconds=1000")), (503, b"this agent is ending\n"))
        os.kill(recorder, signal.SIGCONT)
        self.assertEqual(self.agent.process.wait(TIMEOUT_S), 0)

    def test_its_recorder_ends_even_if_it_is_killed(self):
        self.begin("net?seconds=1000")
        wait_until(self.agent.recorders, "it is recorded")
        recorder = self.agent.recorders()[0]
        self.agent.process.kill()
        wait_until(lambda: has_ended(recorder), "the recorder ended")

    def test_it_ends_with_the_last_process(self):
        connection = self.begin("net?seconds=1000")
        wait_until(self.agent.is_recording, "it is recorded")
        self.process.kill()
        self.process.wait()
        self.assertEqual(self.finish(connection)[0], 200)
        self.assertEqual(self.agent.process.wait(TIMEOUT_S), 0)
        self.assertIn("have ended", self.agent.process.stderr.read())

    def test_of_a_name_others_may_come(self):
        shutil.copy("/usr/bin/sleep", self.folder / "napper")
        agent = Agent(self, "-p", "napper")
        status, _, body = agent.ask("sleep?seconds=0.1")
        self.assertEqual((status, body), (503, b"napper: no such process runs now\n"))
        for _ in range(2):
            process = self.start(self.folder / "napper", "1000")
            wait_until(lambda: f'/{process.pid}/' in agent.text(""), "it is on the index")
            profile = self.profile_of(agent, "threads")
            self.assertEqual({sample.labels["pid"] for sample in profile.samples}, {str(process.pid)})
            process.kill()
            process.wait()


class Launched(ServeTest):
    """A program that the agent starts."""

    def start_agent(self, *program, options=(), **popen_options):
        words = [CTRACE, "serve", "--listen=127.0.0.1:0", "--no-token", *options, "--", *map(str, program)]
        agent = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 cwd=self.folder, **popen_options)

        def end():
            agent.kill()
            agent.communicate()

        self.addCleanup(end)
        agent.address = agent.stderr.readline().strip().removeprefix("ctrace serve: ")
        self.assertRegex(agent.address, "^http://127.0.0.1:")
        return agent

    def test_it_ends_as_the_program_does(self):
        for script, status in (("exit 7", 7), ("kill -9 $$", -9), ("kill -TERM $$", -15), ("cat; exit 0", 0)):
            with self.subTest(script):
                agent = self.start_agent("sh", "-c", f"sleep 0.2; {script}")
                out, _ = agent.communicate("in and out", timeout=TIMEOUT_S)
                self.assertEqual((agent.returncode, out), (status, "in and out" if "cat" in script else ""))

    def test_its_status_is_known_where_ends_of_children_are_ignored(self):
        ignore = lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        agent = self.start_agent("sh", "-c", "cat; exit 7", preexec_fn=ignore)
        agent.communicate("", timeout=TIMEOUT_S)
        self.assertEqual(agent.returncode, 7)

    def test_signals_are_the_programs(self):
        agent = self.start_agent("/usr/bin/python3", "-c", """
import signal, sys, time
for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, frame: print(signal.Signals(number).name, flush=True))
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(3))
print("ready", flush=True)
while True:
    time.sleep(0.01)
""")
        self.assertEqual(agent.stdout.readline(), "ready\n")
        for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGHUP):
            agent.send_signal(number)
            self.assertEqual(agent.stdout.readline(), f"{number.name}\n")
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(agent.wait(TIMEOUT_S), 3)

    def test_it_has_what_it_would_have_without_us(self):
        mine, theirs = os.pipe()
        self.addCleanup(os.close, mine)
        agent = self.start_agent("sh", "-c", f"sleep 0.2; grep -E '^Sig(Blk|Ign)' /proc/self/status; echo kept >&{theirs}",
                                 pass_fds=[theirs])
        os.close(theirs)
        out, _ = agent.communicate(timeout=TIMEOUT_S)
        self.assertEqual(os.read(mine, 100), b"kept\n")
        bare = run("sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status")
        self.assertEqual(out, bare.out)

    def test_profiles_of_it_and_of_what_it_starts(self):
        agent = self.start_agent("sh", "-c", "sleep 1000 & echo $!; wait")
        child = int(agent.stdout.readline())
        result = run("curl", "-s", "-w", "%{http_code}", f"{agent.address}sleep?seconds=0.2", "-o", self.folder / "profile")
        if result.out != "200" and os.geteuid() != 0:
            self.skipTest((self.folder / "profile").read_text())
        index = run("curl", "-s", agent.address).out
        self.assertIn("<code>sleep 1000</code>", index)
        if os.geteuid() == 0:
            threads = go_pprof("-raw", agent.address + "threads")
            self.assertEqual({sample.labels["pid"] for sample in Profile(threads.out).samples} & {str(child)}, {str(child)})
        os.kill(child, signal.SIGKILL)
        self.assertEqual(agent.wait(TIMEOUT_S), 0)

    def start_windows(self, *program, options=()):
        """A program, and what is recorded of it."""
        place = self.folder / "place"
        place.mkdir()
        agent = self.start_agent(*program, options=options, env=dict(os.environ, TMPDIR=str(place)))
        agent.port, agent.path = urllib.parse.urlsplit(agent.address).port, "/debug/pprof/"
        agent.recordings = lambda: list(place.glob("ctrace-serve-*/recording-*"))
        return agent

    def begin(self, agent, name):
        connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=TIMEOUT_S)
        self.addCleanup(connection.close)
        connection.request("GET", agent.path + name)
        return connection

    def finish(self, connection):
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")

    def kill(self, pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def test_its_waits_need_no_privilege(self):
        agent = self.start_windows(WORKLOADS / "served")
        agent.stdout.readline()
        sync, mutex, sleep, block, net = self.profiles_of(
            agent, *(f"{name}?seconds=0.7" for name in ("sync", "mutex", "sleep", "block")), "sleep?seconds=0.4")
        self.assertGreater(sync.delay_of(thread="waiter"), 100_000_000, sync.text)
        self.assertTrue(all("want_lock" in sample.stack for sample in sync.samples if sample.labels["thread"] == "waiter"))
        self.assertGreater(sleep.delay_of(thread="holder"), 100_000_000, sleep.text)
        self.assertTrue(any("hold_lock" in sample.stack for sample in mutex.samples), mutex.text)
        self.assertLessEqual({"waiter", "holder", "idler"}, {sample.labels["thread"] for sample in block.samples})
        # Of the window alone.
        self.assertLess(sleep.delay_of(thread="holder"), 2_000_000_000, sleep.text)
        self.assertGreater(net.delay_of(thread="holder"), 50_000_000, net.text)
        wait_until(lambda: not agent.recordings(), "nothing of it is left")
        # Nobody asked for what was before the window: it is not dropped.
        for profile in (sync, mutex, sleep, block, net):
            self.assertFalse([line for line in profile.comments if line.startswith("dropped")], profile.text)
        text = self.finish(self.begin(agent, "sync?seconds=0.3&debug=2"))[1]
        self.assertRegex(text, r'(?m)^thread \d+ "waiter"')
        (self.folder / "tar").write_bytes(subprocess.run(
            ["curl", "-s", f"{agent.address}trace?seconds=0.3"], check=True, capture_output=True).stdout)
        with tarfile.open(self.folder / "tar") as archive:
            archive.extractall(self.folder)
        report = self.ctrace("report", "waits", "ctrace.data")
        self.assertIn("hold_lock", report.out)
        agent.communicate(timeout=TIMEOUT_S)
        self.assertEqual(agent.returncode, 0)

    def test_one_of_its_processes(self):
        agent = self.start_windows("sh", "-c", "sleep 1000 & echo $!; wait")
        child = int(agent.stdout.readline())
        self.addCleanup(self.kill, child)
        everybody, one, named = self.profiles_of(
            agent, "block?seconds=0.3", f"../../{child}/debug/pprof/block?seconds=0.3", "block?seconds=0.3&process=sleep")
        self.assertEqual(len({sample.labels["pid"] for sample in everybody.samples}), 2, everybody.text)
        for profile in (one, named):
            self.assertEqual({sample.labels["pid"] for sample in profile.samples}, {str(child)})
        self.kill(child)
        self.assertEqual(agent.wait(TIMEOUT_S), 0)

    def test_windows_wait_in_line(self):
        agent = self.start_windows("cat")
        for shared in range(2):
            first = self.begin(agent, "block?seconds=1000")
            wait_until(lambda: len(agent.recordings()) == 1, "it is recorded")
            others = [self.begin(agent, f"{name}?seconds=0.2") for name in ("syscall", "block")]
            last = self.begin(agent, "block?seconds=0.3")
            wait_until(lambda: len(agent.recordings()) == 3, "two are in line")
            first.close()
            for connection in (*others, last):
                self.assertEqual(self.finish(connection)[0], 200)
            wait_until(lambda: not agent.recordings(), "nothing of them is left")
        first, gone = self.begin(agent, "block?seconds=0.5"), self.begin(agent, "block?seconds=1000")
        wait_until(lambda: len(agent.recordings()) == 2, "one is in line")
        gone.close()
        self.assertEqual(self.finish(first)[0], 200)
        wait_until(lambda: not agent.recordings(), "who hung up in line is gone")
        agent.communicate("", timeout=TIMEOUT_S)
        self.assertEqual(agent.returncode, 0)

    def test_what_it_did_before_it_ended(self):
        agent = self.start_windows("cat")
        connection = self.begin(agent, "block?seconds=1000&debug=1")
        wait_until(lambda: len(agent.recordings()) == 1, "it is recorded")
        waiting = self.begin(agent, "block?seconds=100&debug=1")
        wait_until(lambda: len(agent.recordings()) == 2, "another is in line")
        time.sleep(0.5)
        agent.stdin.close()
        agent.stdin = None
        status, text = self.finish(connection)
        self.assertEqual((status, "read" in text), (200, True), text)
        self.assertEqual(self.finish(waiting)[0], 503)
        self.assertEqual(agent.wait(TIMEOUT_S), 0)

    def assert_has_all(self, program, place):
        """What a Go service has; it allocates at that place."""
        agent = self.start_windows(program, options=["--heap=0"])
        agent.stdout.readline()
        sync = self.profile_of(agent, "sync?seconds=0.5")
        heap, allocs = self.profiles_of(agent, "heap", "allocs")
        self.assertGreater(sync.delay_of(thread="waiter"), 100_000_000, sync.text)
        self.assertTrue(any("want_lock" in frame for sample in sync.samples for frame in sample.stack), sync.text)
        for profile, shown in (heap, "inuse_space/bytes"), (allocs, "alloc_space/bytes[dflt]"):
            self.assertIn(shown, profile.text)
            self.assertRegex(profile.text, place)
        asked = run("curl", "-s", "-w", "%{http_code}", f"{agent.address}sleep?seconds=0.05", "-o", self.folder / "profile")
        if asked.out == "200" or os.geteuid() == 0:
            cpu, threads = self.profiles_of(agent, "profile?seconds=0.5", "threads")
            self.assertTrue(any("compute" in frame for sample in cpu.samples for frame in sample.stack), cpu.text)
            self.assertLessEqual({"waiter", "holder", "worker"}, {sample.labels["thread"] for sample in threads.samples})
        agent.communicate("", timeout=TIMEOUT_S)
        self.assertEqual(agent.returncode, 0)

    def test_all_of_a_cplusplus_service(self):
        # A thread keeps what it is to do on the heap.
        self.assert_has_all(WORKLOADS / "served", "pthread_create|_M_start_thread|std::thread")

    @needs("rustc")
    def test_all_of_a_rust_service(self):
        service = self.folder / "service"
        built = run("rustc", "-O", "-g", "-C", "force-frame-pointers=yes", WORKLOADS / "served.rs", "-o", service)
        self.assertEqual(built.status, 0, built)
        self.assert_has_all(service, r"keep_blocks .*served\.rs:\d+")

    def test_its_heap(self):
        agent = self.start_agent(WORKLOADS / "served", options=["--heap=0"])
        agent.stdout.readline()
        heap, allocs = (go_pprof("-raw", agent.address + kind) for kind in ("heap", "allocs"))
        self.assertIn("inuse_space/bytes", heap.out, heap)
        self.assertIn("alloc_space/bytes[dflt]", allocs.out, allocs)
        # A thread of C++ keeps what it is to do on the heap.
        self.assertRegex(heap.out, r"pthread_create|_M_start_thread|std::thread", heap)
        result = run("curl", "-s", agent.address + "heap?debug=1")
        self.assertEqual(result.out, "debug= is not of heap profiles: go tool pprof -top reads them\n")
        agent.communicate(timeout=TIMEOUT_S)
        self.assertEqual(agent.returncode, 0)
        self.assert_refused(self.ctrace("serve", "--heap", "-p", os.getpid()), "nothing is injected", status=2)

    def test_its_heap_while_windows_begin(self):
        """Each drops all that was there before, also what a snapshot of the heap is about to copy."""
        agent = self.start_windows(WORKLOADS / "served", options=["--heap=0"])
        agent.stdout.readline()
        for _ in range(2):
            for connection in [self.begin(agent, name) for name in ("heap", "block?seconds=0.02", "allocs")]:
                status, text = self.finish(connection)
                self.assertEqual(status, 200, text)
        agent.communicate("", timeout=TIMEOUT_S)
        self.assertEqual(agent.returncode, 0)

    def test_how_its_heap_changes(self):
        """What was there before is no part of it."""
        agent = self.start_windows("/usr/bin/python3", "-uc", """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
held = [libc.malloc(7777) for _ in range(500)]
print("ready", flush=True)
for line in sys.stdin:
    held += [libc.malloc(5555) for _ in range(300)]
    for block in held[:200]:
        libc.free(block)
    print("done", flush=True)
""", options=["--heap=0"])
        self.assertEqual(agent.stdout.readline(), "ready\n")
        connection = self.begin(agent, "heap?seconds=2")
        wait_until(lambda: list((self.folder / "place").glob("ctrace-serve-*/answer-*/answer.earlier")), "it has begun")
        print(end="\n", file=agent.stdin, flush=True)
        self.assertEqual(agent.stdout.readline(), "done\n")
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        (self.folder / "delta").write_bytes(answer.read())
        result = go_pprof("-raw", self.folder / "delta")
        values = {}
        for match in re.finditer(r"(?m)^ +(-?\d+) +(-?\d+) +(-?\d+) +(-?\d+):.*\n.*\n +bytes:\[?(\d+)", result.out):
            *counts, size = map(int, match.groups())
            values[size] = [sum(pair) for pair in zip(counts, values.get(size, [0] * 4))]
        self.assertEqual(values.get(5555), [300, 300 * 5555] * 2, result.out)
        self.assertEqual(values.get(7777), [0, 0, -200, -200 * 7777], result.out)
        agent.communicate("", timeout=TIMEOUT_S)
        self.assertEqual(agent.returncode, 0)

    def test_what_systemd_needs(self):
        """And takes, where it is here."""
        for words, lines in ((["-p", "redis-server"], ["-p redis-server"]),
                             (["--redact", "--", "./app", "50%", "a b"], ["ExecStart=\n", f'-- {self.folder}/app "50%%" "a b"']),
                             (["--every=60s", "--flight=30s", "-p", "1"], [" --dir=%S/%p/profiles --flight-dir=%S/%p/flight -p 1",
                                                                           "StateDirectory=%p"]),
                             (["--every=60s", "--dir=own", "-p", "1"], [f"--dir={self.folder}/own ", "ProtectSystem=full\n\n"]),
                             (["--listen=unix:own/socket", "-p", "1"], [f"--listen=unix:{self.folder}/own/socket -p 1"])):
            result = self.ctrace("serve", "--unit", *words)
            self.assertEqual(result.status, 0, result)
            for line in lines:
                self.assertIn(line, result.out)
            if shutil.which("systemd-analyze") and "Unit" in result.out and os.geteuid() == 0:
                (self.folder / "ctrace-serve.service").write_text(result.out.replace("Documentation", "#"))
                checked = run("systemd-analyze", "verify", self.folder / "ctrace-serve.service")
                self.assertEqual((checked.status, "ctrace-serve.service" in checked.err), (0, False), checked)


class Ready(ServeTest):
    """Its service manager is told."""

    def hear(self, name, *words, **options):
        """What is told by that socket, and how the agent runs."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(name)
            manager.settimeout(TIMEOUT_S)
            agent = self.start(CTRACE, "serve", "--listen=127.0.0.1:0", *words, stdout=subprocess.PIPE,
                               env=dict(os.environ, NOTIFY_SOCKET=name.replace("\0", "@")), **options)
            return manager.recv(1000).decode(), agent

    def test_once_it_can_be_asked(self):
        sleeper = self.start("sleep", "1000")
        for name in (f"{self.folder}/manager", f"\0ctrace-test-{os.getpid()}"):
            with self.subTest(name):
                said, agent = self.hear(name, "-p", sleeper.pid)
                self.assertEqual(said.splitlines()[0], "READY=1")
                address = agent.stdout.readline().decode().strip()
                self.assertEqual(run("curl", "-s", address + "cmdline").out, "sleep\x001000")
        agent = Agent(self, "-p", sleeper.pid)  # nobody wants to know
        self.assertEqual(agent.ask("cmdline")[0], 200)

    def test_a_program_tells_itself(self):
        said, _ = self.hear(f"{self.folder}/manager", "--", "/usr/bin/python3", "-c", """
import os, socket, time
time.sleep(1)  # in which the agent could tell
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
    manager.sendto(b"READY=of its own", os.environ["NOTIFY_SOCKET"])
""")
        self.assertEqual(said, "READY=of its own")


class Who(ServeTest):
    """Only who may is answered."""

    def setUp(self):
        super().setUp()
        self.process = self.start("sleep", "1000")

    def test_only_who_knows_the_address(self):
        agent = Agent(self, "-p", self.process.pid)
        self.assertRegex(agent.address, r"^http://127\.0\.0\.1:\d+/[0-9a-f]{32}/debug/pprof/$")
        token = agent.path.split("/")[1]
        for path in ("/", "/debug/pprof/", "/debug/pprof/cmdline", f"/{'0' * 32}/debug/pprof/cmdline",
                     f"/{token[:-1]}/debug/pprof/cmdline", f"/{token}"):
            with self.subTest(path):
                self.assertEqual(agent.ask("", path=path)[0], 403)
        for headers in ({"Host": "evil.example"}, {"Host": f"evil.example:{agent.port}"}, {"Host": "127.0.0.1"},
                        {"Origin": "http://evil.example"}, {"Origin": "null"}):
            with self.subTest(headers):
                status, answered, _ = agent.ask("cmdline", headers=headers)
                self.assertEqual((status, answered["Access-Control-Allow-Origin"]), (403, None))
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
            with self.subTest(method):
                self.assertEqual(agent.ask("cmdline", method=method)[0], 405)
        self.assertEqual(agent.ask("cmdline?" + "a" * 20000)[0], 414)
        self.assertEqual(agent.ask("cmdline")[0], 200)

    def test_what_is_sent_is_not_kept(self):
        agent = Agent(self, "-p", self.process.pid)
        size = 200 << 20
        with socket.create_connection(("127.0.0.1", agent.port), timeout=TIMEOUT_S) as connection:
            connection.sendall(f"POST {agent.path}symbol HTTP/1.1\r\nHost: 127.0.0.1:{agent.port}\r\n"
                               f"Content-Length: {size}\r\n\r\n".encode())
            with contextlib.suppress(ConnectionError):
                for _ in range(size >> 20):
                    connection.sendall(bytes(1 << 20))
        status = pathlib.Path(f"/proc/{agent.process.pid}/status").read_text()
        self.assertLess(int(re.search(r"VmHWM:\s+(\d+)", status)[1]), 100 << 10)
        self.assertEqual(agent.ask("cmdline")[0], 200)

    def test_without_a_token(self):
        agent = Agent(self, "-p", self.process.pid, "--no-token")
        self.assertEqual(agent.address, f"http://127.0.0.1:{agent.port}/debug/pprof/")
        self.assertEqual(agent.ask("cmdline")[0], 200)
        self.assertEqual(agent.ask("cmdline", headers={"Host": f"evil.example:{agent.port}"})[0], 403)
        # As a browser asks for an image of a page elsewhere.
        image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
        self.assertEqual(agent.ask("net?seconds=100", headers=image)[0], 403)
        self.assertEqual(agent.recordings(), [])
        self.assertEqual(agent.ask("cmdline", headers=dict(image, **{"Sec-Fetch-Site": "same-origin"}))[0], 200)

    def test_by_a_socket_of_ones_own(self):
        path = self.folder / "own" / "socket"
        for _ in range(2):  # the second finds what the first has left
            agent = Agent(self, "-p", self.process.pid, listen=f"unix:{path}")
            self.assertEqual(agent.address, f"unix:{path}")
            self.assertEqual((path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777), (0o700, 0o600))
            curl = ("curl", "-s", "--unix-socket", path, "http://localhost/debug/pprof/cmdline")
            self.assertEqual(run(*curl).out, "sleep\x001000")
            result = self.ctrace("serve", "-p", self.process.pid, f"--listen=unix:{path}")
            self.assert_refused(result, "another server", status=1)
            if os.geteuid() == 0:
                path.parent.chmod(0o755)
                path.chmod(0o666)
                result = run("setpriv", "--reuid=nobody", "--clear-groups", "curl", "-s", *curl[2:], "-w", "%{http_code}")
                self.assertNotIn("sleep", result.out)
                path.parent.chmod(0o700)
            agent.kill()
        agent = Agent(self, "-p", self.process.pid, listen=f"unix:{path}")
        self.assertEqual(agent.end(), (0, ""))
        self.assertFalse(path.exists())

    def test_places_that_others_reach_are_refused(self):
        (self.folder / "open").mkdir()
        (self.folder / "open").chmod(0o755)
        (self.folder / "file").mkdir(mode=0o700)
        (self.folder / "file" / "socket").write_text("")
        for listen, words in (
            ("0.0.0.0:0", "own addresses"), ("[::]:0", "own addresses"), ("192.0.2.1:80", "own addresses"),
            ("127.0.0.2:0", "127.0.0.1 or [::1]"),
            ("6060", "an address and a port"), ("127.0.0.1:70000", "an address and a port"), ("unix:", "path"),
            (f"unix:{self.folder}/open/socket", "others can get into"), (f"unix:{'x' * 200}", "107 bytes"),
            (f"unix:{self.folder}/file/socket", "a file of that name"),
        ):
            with self.subTest(listen):
                self.assert_refused(self.ctrace("serve", "-p", self.process.pid, f"--listen={listen}"), re.escape(words))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            result = self.ctrace("serve", "-p", self.process.pid, f"--listen=127.0.0.1:{taken.getsockname()[1]}")
            self.assert_refused(result, "cannot listen", status=1)

    def test_command_lines_can_be_kept_back(self):
        agent = Agent(self, "-p", self.process.pid, "--redact")
        self.assertEqual(agent.text("cmdline"), "sleep")
        self.assertNotIn("1000", re.sub(r"\d+ s|href=\S+|>\d+<", "", agent.text("").split("<h2>Processes")[1].split("<h2>")[0]))
        status, _, body = agent.ask("trace?seconds=1")
        self.assertEqual((status, b"--redact" in body), (403, True))

    def test_command_lines_that_are_wrong(self):
        for words, said, status in (
            ([], "which program", 2), (["-p", ""], "--pid", 2), (["-p", "4194301"], "no process 4194301 runs", 1),
            (["-p", f"{self.process.pid},4194301"], "no process 4194301 runs", 1),
            (["--lisetn=x"], "did you mean --listen", 2), (["-p", self.process.pid, "true"], "give one of them", 2),
            (["--listen=127.0.0.1:0", "/no/such"], "No such file", 127),
            (["--listen=127.0.0.1:0", "/etc/passwd"], "not executable", 126),
        ):
            with self.subTest(words):
                self.assert_refused(self.ctrace("serve", *words), re.escape(said), status=status)


if __name__ == "__main__":
    main()
