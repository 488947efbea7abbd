"""Programs that have their own idea of memory, threads or calls, alone and recorded: the same answers."""

import contextlib
import hashlib
import json
import os
import socket
import threading
import urllib.request

from harness import WORKLOADS, TraceTest, main, read_events, run, wait_until
from test_programs import accepts, free_port

REQUESTS = 40
CLIENTS = 4


def in_threads(body):
    """Runs body(0), body(1) ... in threads of their own; what they returned."""
    answers = [None] * CLIENTS

    def run_one(number):
        answers[number] = body(number)

    threads = [threading.Thread(target=run_one, args=[number]) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


class Servers(TraceTest):
    """Under load, with every answer checked; they end by themselves when asked to."""

    @contextlib.contextmanager
    def recorded(self, port, *words):
        recorder = self.start_record(*words)
        wait_until(lambda: accepts(port), f"{words[0]} answered")
        yield
        recorder.terminate()
        _, err = recorder.communicate(timeout=60)
        self.assertEqual(recorder.returncode, 0, err)
        self.assertIn("nothing lost", err)
        self.assert_opens_everywhere(self.folder / "trace")

    def test_memcached_keeps_what_it_is_given(self):
        port = free_port()
        user = ["-u", "nobody"]  # of use to root only
        with self.recorded(port, "memcached", "-l", "127.0.0.1", "-p", port, "-t", 4, *user):
            answers = in_threads(lambda number: self.store_and_fetch(port, number))
        self.assertEqual(answers, [REQUESTS] * CLIENTS)
        ops = {sample.labels["op"] for sample in self.profile("net", self.folder / "trace").samples}
        self.assertIn("epoll_wait", ops)

    def store_and_fetch(self, port, number):
        """How many values came back as they were."""
        good = 0
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            stream = connection.makefile("rwb")
            for i in range(REQUESTS):
                value = hashlib.sha256(b"%d %d" % (number, i)).hexdigest().encode() * (1 + i)
                stream.write(b"set k%d-%d 0 0 %d\r\n%s\r\n" % (number, i, len(value), value))
                stream.write(b"get k%d-%d\r\n" % (number, i))
                stream.flush()
                lines = [stream.readline().rstrip(b"\r\n") for _ in range(4)]
                good += lines[0] == b"STORED" and lines[2:] == [value, b"END"]
        return good

    def test_nginx_sends_what_is_on_disk(self):
        port = free_port()
        pages = {f"{i}": hashlib.sha256(b"%d" % i).hexdigest() * (i * i) for i in range(1, 30)}
        for name, content in pages.items():
            (self.folder / name).write_text(content)
        user = "user root;" if os.getuid() == 0 else ""  # its workers' own cannot look in here
        settings = self.folder / "nginx.conf"
        settings.write_text(f"""
            {user} daemon off; worker_processes 2; pid {self.folder}/pid; error_log {self.folder}/errors;
            events {{ worker_connections 64; }}
            http {{
                access_log off; aio threads; sendfile on;
                client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
                fastcgi_temp_path {self.folder}/fcgi; uwsgi_temp_path {self.folder}/uwsgi;
                scgi_temp_path {self.folder}/scgi;
                server {{ listen 127.0.0.1:{port}; root {self.folder}; }}
            }}""")

        def fetch(_):
            return {name: self.page(port, name) for name in pages}

        with self.recorded(port, "nginx", "-c", settings, "-e", self.folder / "errors"):
            answers = in_threads(fetch)
        self.assertTrue(answers == [pages] * CLIENTS, "each page is what is on disk")
        ops = {sample.labels["op"] for sample in self.profile("net", self.folder / "trace").samples}
        self.assertIn("epoll_wait", ops)

    def page(self, port, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=10) as page:
            return page.read().decode()


class Environments(TraceTest):
    """A process finds the recording by a setting that is in the program's environment."""

    def test_thrown_away_before_exec(self):
        result = self.record_ok("env", "-i", "/bin/sleep", "0.1")
        self.assertEqual(len(self.waits(result.directory, op="nanosleep")), 1)

    def test_overwritten_by_a_title_before_fork(self):
        script = "$0 = 'a title' x 500; if (!fork) { select(undef, undef, undef, 0.1); exit } wait"
        result = self.record_ok("perl", "-e", script)
        self.assertEqual(len(self.waits(result.directory, op="select")), 1)


class Node(TraceTest):
    def test_workers_wait_for_each_other(self):
        script = WORKLOADS / "node_threads.js"
        bare = run("node", script)
        self.assertEqual((bare.status, bare.out), (0, "19900 760\n"))
        result = self.record_ok("node", script)
        self.assertEqual(result.out, bare.out)
        self.assertGreater(self.profile("sync", result.directory).delay_ns, 0)


class Allocators(TraceTest):
    """malloc is another library's, whose functions run before ours and in every thread."""

    def check(self, library):
        queue = WORKLOADS / "queue"
        environment = dict(os.environ, LD_PRELOAD=library)
        # Loaded before ours, and after.
        runs = {
            "inner": self.record("env", f"LD_PRELOAD={library}", queue, output="inner"),
            "outer": self.record(queue, output="outer", env=environment),
        }
        for name, result in runs.items():
            with self.subTest(name):
                self.assertEqual(result.status, 0, result)
                answer = json.loads(result.out)
                self.assertEqual(answer["result"], 465)
                sync = self.profile("sync", result.directory)
                self.assertGreater(sync.delay_of(op="pthread_cond_wait"), 0)
                modules = {
                    event.fields["path"].rsplit("/", 1)[-1]
                    for event in read_events(result.directory)
                    if event.name == "ctrace:module"
                }
                self.assertTrue(any(name.startswith(library) for name in modules), modules)

    def test_jemalloc(self):
        self.check("libjemalloc.so.2")

    def test_tcmalloc(self):
        self.check("libtcmalloc_minimal.so.4")


class Sanitizers(TraceTest):
    """What they find is found, and nothing else, with their words and their status."""

    def check(self, program, mistake, status):
        bare = run(WORKLOADS / program, mistake)
        result = self.record(WORKLOADS / program, mistake, output=mistake)
        self.assertEqual(bare.status, status, bare)
        self.assertEqual((result.status, result.out), (bare.status, bare.out), result)
        self.assertEqual(self.findings(result), self.findings(bare))
        ops = {sample.labels["op"] for sample in self.profile("sync", result.directory).samples}
        self.assertLessEqual({"pthread_mutex_lock", "pthread_cond_wait", "pthread_join"}, ops)

    def findings(self, result):
        return [line for line in result.err.splitlines() if line.startswith("SUMMARY")]

    def test_address_sanitizer(self):
        for mistake, status in (("none", 0), ("leak", 1), ("overflow", 1)):
            with self.subTest(mistake):
                self.check("sanitized_address", mistake, status)

    def test_thread_sanitizer(self):
        for mistake, status in (("none", 0), ("race", 66)):
            with self.subTest(mistake):
                self.check("sanitized_thread", mistake, status)


if __name__ == "__main__":
    main()
