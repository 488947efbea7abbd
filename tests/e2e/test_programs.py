"""Real programs, as they are installed."""

import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from harness import (
    CLASSES,
    WAIT_EVENTS,
    WORKLOADS,
    TraceTest,
    children_of,
    main,
    read_events,
    recorder_of,
    run,
    wait_until,
)

# What tests/run.sh installs; not another python3 that may be first on the PATH.
PYTHON = "/usr/bin/python3"
GETS = 300_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class KernelTimes:
    """What the kernel says of a process's first thread: its age, and how long it ran."""

    def __init__(self, pid):
        self.pid = pid
        task = pathlib.Path(f"/proc/{pid}/task/{pid}")
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        self.user_ns = int(fields[11]) * tick_ns
        self.age_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - int(fields[19]) * tick_ns
        # On a CPU, and waiting for one.
        self.cpu_ns, self.queued_ns = map(int, (task / "schedstat").read_text().split()[:2])


class Redis(TraceTest):
    def test_the_event_loop_under_load(self):
        port = free_port()
        recorder = self.start_record(
            "redis-server", "--port", port, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1",
            "--dir", self.folder,
        )  # fmt: skip
        wait_until(lambda: accepts(port), "redis answered")
        bench = run("redis-benchmark", "-p", port, "-t", "get", "-n", GETS, "-q", timeout=200)
        self.assertEqual(bench.status, 0, bench)
        self.assertIn("requests per second", bench.out)
        server = children_of(recorder_of(recorder))["redis-server"]
        kernel = KernelTimes(server)
        recorder.send_signal(signal.SIGTERM)
        _, err = recorder.communicate(timeout=60)
        self.assertEqual(recorder.returncode, 0, err)
        self.assertIn("nothing lost", err)
        trace = self.folder / "trace"
        self.assert_opens_everywhere(trace)

        profile = self.profile("net", trace)
        by_stack = {}
        for sample in profile.samples:
            key = (sample.labels["op"], tuple(sample.stack))
            by_stack[key] = by_stack.get(key, 0) + sample.delay_ns
        op, stack = max(by_stack, key=by_stack.get)
        self.assertEqual(op, "epoll_wait", stack)
        self.assertRegex(" ".join(stack), "aeProcessEvents|aeApiPoll|aeMain|main|epoll")
        self.assert_main_thread_adds_up(trace, kernel)

    def assert_main_thread_adds_up(self, trace, kernel):
        """Waits and running time are the thread's life, and the kernel's figures bound the latter."""
        report = json.loads(self.ctrace("report", "--format=json", trace).out)
        thread = next(t for t in report["threads"] if t["tid"] == kernel.pid)
        lifetime_ns = thread["end_ns"] - thread["start_ns"]
        self.assertEqual(sum(thread["time_ns"].values()), lifetime_ns)
        # The kernel's start is in ticks of 10 ms, and the end was told a moment before it came.
        self.assertAlmostEqual(lifetime_ns, kernel.age_ns, delta=kernel.age_ns * 0.02 + 500_000_000)

        running_ns = thread["time_ns"]["running"]
        waited_ns = sum(self.profile(kind, trace).delay_of(tid=kernel.pid) for kind in CLASSES)
        self.assertAlmostEqual(waited_ns + running_ns, lifetime_ns, delta=lifetime_ns * 0.02)
        # Calls are waits from begin to end, with the kernel's work for them in it: running is all of
        # the user time, and at most what the thread had or wanted a CPU for.
        self.assertGreater(running_ns, kernel.user_ns * 0.95)
        self.assertLess(running_ns, (kernel.cpu_ns + kernel.queued_ns) * 1.05)
        self.assertGreater(kernel.cpu_ns, kernel.user_ns)

        mine = [
            e
            for e in read_events(trace)
            if e.name in WAIT_EVENTS and e.fields.get("vtid") == kernel.pid
        ]
        self.assertGreater(len(mine), 100)
        # Waits of one thread follow each other. Those of a signal handler end within another one.
        last_begin_ns = last_end_ns = 0
        for event in mine:
            end_ns = event.time_ns - event.fields["lag_ns"]
            begin_ns = end_ns - event.fields["duration_ns"]
            if begin_ns > last_begin_ns:
                self.assertGreaterEqual(begin_ns, last_end_ns - 2000)
            last_begin_ns, last_end_ns = begin_ns, end_ns


class Python(TraceTest):
    def test_threads_and_sockets(self):
        result = self.record_ok(PYTHON, WORKLOADS / "python_threads.py")
        answer = json.loads(result.out)
        net = self.profile("net", result.directory)
        received = sum(self.main_thread_ns(net, op) for op in ("recv", "recvfrom"))
        self.assert_about(received, answer["recv"], 10, "received")
        sync = self.profile("sync", result.directory)
        locked = answer["lock"] + answer["join"]
        self.assert_about(self.main_thread_ns(sync), locked, 2, "locked")
        sleep = self.profile("sleep", result.directory)
        self.assert_about(self.main_thread_ns(sleep), answer["sleep"], 1, "asleep")

    def test_the_kernel_says_the_same(self):
        """strace is told by the kernel how long each call took, in the same run."""
        classes = {
            "accept4": "net",
            "recvfrom": "net",
            "sendto": "net",
            "futex": "sync",
            "clock_nanosleep": "sleep",
        }
        log = self.folder / "strace.log"
        result = self.record_ok(
            *("strace", "-f", "-qq", "-T", "-o", log, "-e", "trace=" + ",".join(classes)),
            *(PYTHON, WORKLOADS / "python_threads.py"),
            options=["--rate=0"],
        )
        calls, told_ns = collections.Counter(), collections.Counter()
        for line in log.read_text().splitlines():
            call = re.match(r"(\d+) +(?:<\.\.\. )?(\w+).*<([\d.]+)>$", line)
            if call and call[2] in classes:
                calls[int(call[1]), classes[call[2]]] += 1
                told_ns[int(call[1]), classes[call[2]]] += float(call[3]) * 1e9
        report = json.loads(self.ctrace("report", "--format=json", result.directory).out)
        recorded_ns = collections.Counter()
        for thread in report["threads"]:  # strace's child has the same id before and after exec
            for kind, time_ns in thread["time_ns"].items():
                recorded_ns[thread["tid"], kind] += time_ns
        long_ones = [subject for subject, time_ns in told_ns.items() if time_ns > 100_000_000]
        self.assertGreaterEqual({kind for _, kind in long_ones}, {"net", "sync", "sleep"})
        for tid, kind in long_ones:
            with self.subTest(tid=tid, kind=kind):
                self.assert_about(
                    recorded_ns[tid, kind], told_ns[tid, kind], calls[tid, kind], "as strace"
                )

    def main_thread_ns(self, profile, op=None):
        return sum(
            sample.delay_ns
            for sample in profile.samples
            if sample.labels["tid"] == sample.labels["pid"] and op in (None, sample.labels["op"])
        )


class Curl(TraceTest):
    @contextlib.contextmanager
    def slow_server(self, port):
        script = (
            "import http.server, sys, time\n"
            "class Slow(http.server.BaseHTTPRequestHandler):\n"
            "    def do_GET(self):\n"
            "        time.sleep(0.3)\n"
            "        self.send_response(200)\n"
            "        self.end_headers()\n"
            "        self.wfile.write(b'hello')\n"
            "    def log_message(self, *words): pass\n"
            "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Slow).serve_forever()\n"
        )
        server = subprocess.Popen([sys.executable, "-c", script, str(port)])
        try:
            wait_until(lambda: accepts(port), "the server answered")
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.kill()
            server.wait()

    def test_curl_waits_for_its_server(self):
        with self.slow_server(free_port()) as url:
            begin_ns = time.monotonic_ns()
            result = self.record_ok("curl", "-sS", url)
            longest_ns = time.monotonic_ns() - begin_ns
        self.assertEqual(result.out, "hello")
        net = self.profile("net", result.directory)
        self.assertGreater(net.delay_ns, 280_000_000)
        self.assertLess(net.delay_ns, longest_ns)
        self.assertIn("poll", {sample.labels["op"] for sample in net.samples})

    def test_a_recorded_server_answers(self):
        port = free_port()
        (self.folder / "page").write_text("a page")
        recorder = self.start_record(
            PYTHON, "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", self.folder
        )
        wait_until(lambda: accepts(port), "the server answered")
        for _ in range(20):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/page", timeout=10) as page:
                self.assertEqual(page.read(), b"a page")
        recorder.send_signal(signal.SIGINT)
        recorder.communicate(timeout=60)
        self.assert_opens_everywhere(self.folder / "trace")


class Sqlite(TraceTest):
    def test_one_transaction_per_row(self):
        script = "create table t(x);" + "".join(f"insert into t values({i});" for i in range(50))
        result = self.record_ok("sqlite3", self.folder / "data.db", script + "select sum(x) from t;")
        self.assertEqual(result.out.strip(), "1225")
        syscall = self.profile("syscall", result.directory)
        ops = {sample.labels["op"] for sample in syscall.samples}
        self.assertTrue(ops & {"fsync", "fdatasync"}, ops)
        self.assertGreater(len(self.waits(result.directory, op="fdatasync"))
                           + len(self.waits(result.directory, op="fsync")), 50)


class Git(TraceTest):
    def git(self, *words, **options):
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        return run("git", *identity, *words, **options)

    def test_clone_and_log(self):
        origin = self.folder / "origin"
        self.assertEqual(self.git("init", "-q", origin).status, 0)
        for i in range(20):
            (origin / "file").write_text(f"{i}\n")
            self.git("-C", origin, "add", "file")
            self.assertEqual(self.git("-C", origin, "commit", "-qm", f"change {i}").status, 0)
        clone = self.folder / "clone"
        cloned = self.record_ok("git", "clone", "-q", f"file://{origin}", clone)
        self.assertEqual((clone / "file").read_text(), "19\n")
        exes = {e.fields["args"] for e in read_events(cloned.directory) if "args" in e.fields}
        self.assertTrue(any("upload-pack" in words for words in exes), exes)
        logged = self.record_ok("git", "-C", clone, "log", "--oneline", output="log")
        self.assertEqual(len(logged.out.splitlines()), 20)
        bare = run("git", "-C", clone, "log", "--oneline")
        self.assertEqual(logged.out, bare.out)


class Shell(TraceTest):
    def test_pipelines_fork_and_exec(self):
        result = self.record_ok(
            "bash", "-c", "for i in 1 2 3; do sleep 0.05; seq 100 | sort -n | tail -1; done | wc -l"
        )
        self.assertEqual(result.out.strip(), "3")
        names = [
            e.fields["exe"].rsplit("/", 1)[-1]
            for e in read_events(result.directory)
            if e.name == "ctrace:process_start"
        ]
        for name in ("bash", "sleep", "seq", "sort", "tail", "wc"):
            self.assertIn(name, names)
        syscall = self.profile("syscall", result.directory)
        processes = {sample.labels["process"] for sample in syscall.samples}
        self.assertTrue(any("wc" in process for process in processes), processes)
        slept = self.profile("sleep", result.directory)
        self.assert_about(slept.delay_ns, 150_000_000, 3, "three sleeps")

    def test_output_is_the_same_with_and_without_ctrace(self):
        scripts = (
            "exec 3</etc/hostname; cat <&3; exec 3<&-",
            "trap 'echo hup' HUP; kill -HUP $$; echo done",
            "(exit 3); echo $?; false || echo $?",
            "umask 077; umask; ulimit -n",
            "coproc cat; echo hi >&${COPROC[1]}; read x <&${COPROC[0]}; echo $x; kill $COPROC_PID",
        )
        for number, script in enumerate(scripts):
            with self.subTest(script):
                bare = run("bash", "-c", script)
                recorded = self.record("bash", "-c", script, output=f"trace-{number}")
                self.assertEqual((recorded.status, recorded.out), (bare.status, bare.out))


class Daemon(TraceTest):
    def test_its_parent_is_who_made_it(self):
        """Not who takes it over when that one ends, be it before or after it becomes another program."""
        script = (
            "import os, time\n"
            "if os.fork(): os._exit(0)\n"
            "time.sleep(0.2)\n"
            "os.execv('/bin/sleep', ['sleep', '0.1'])\n"
        )
        trace = self.record_ok("/usr/bin/python3", "-c", script).directory
        maker, *made = json.loads(self.ctrace("report", "--format=json", trace).out)["processes"]
        self.assertEqual([process["name"] for process in made], ["python3", "sleep"])
        self.assertEqual([process["ppid"] for process in made], [maker["pid"]] * 2)


class Perl(TraceTest):
    def test_close_all_descriptors_and_go_on(self):
        """As daemons do it: every descriptor is closed, ours too; the program must not notice."""
        script = (
            "use POSIX; POSIX::close($_) for 3..200;"
            "open(my $f, '<', '/etc/passwd') or die; print fileno($f), qq{\\n};"
            "select(undef, undef, undef, 0.1); print qq{alive\\n};"
        )
        result = self.record_ok("perl", "-e", script)
        self.assertEqual(result.out.split(), ["3", "alive"])
        # And so is the recording, which goes on: what came after is in it.
        self.assertIn("nothing lost", result.err)
        slept = self.profile("sleep", result.directory)
        self.assert_about(slept.delay_of(op="select"), 100_000_000, 1, "the sleep after it")


if __name__ == "__main__":
    main()
