"""ctrace record -p NAME: all processes that run already and are named so, with their children."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unittest

import harness
from harness import CTRACE, run, wait_until
from test_attach import AttachTest


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class NamesTest(AttachTest):
    def start(self, *command, **options):
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **options,
        )

        def end():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

        self.addCleanup(end)
        return process

    def start_named(self, name):
        """A program of that name, which waits."""
        path = self.folder / name
        if not path.exists():
            shutil.copy(shutil.which("sleep"), path)
        process = self.start(path, "600")
        wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") == str(path), "it runs")
        return process

    def own_name(self, suffix=""):
        """That nothing else has, and no longer than a process's own name may be."""
        return f"nap{os.getpid()}{suffix}"

    def recorded(self, directory):
        report = json.loads(self.ctrace("report", directory, "--format=json").out)
        return {process["pid"] for process in report["processes"]}


class Found(NamesTest):
    def test_all_of_that_name_and_nobody_else(self):
        name = self.own_name()
        named = [self.start_named(name), self.start_named(name)]
        others = [self.start_named(name + "x"), self.start_named("x" + name)]
        result = self.attach_ok(name)
        pids = {process.pid for process in named}
        self.assertEqual(self.recorded(result.directory), pids)
        for process in named:
            self.assertIn(f"process {process.pid} ({name})", result.err)
        for process in others:
            self.assertNotIn(str(process.pid), result.err)

    def test_names_and_ids_mixed(self):
        first, second = self.own_name("a"), self.own_name("b")
        processes = [self.start_named(name) for name in (first, second, self.own_name("c"))]
        pids = [process.pid for process in processes]
        for number, words in enumerate(
            (
                ["-p", f"{first},{second} {pids[2]}"],
                ["-p", f"{pids[0]}\n{second}", "-p", self.own_name("c")],
                ["-p", first, str(pids[1]), str(pids[2])],
                ["-p", f"{first},{pids[0]},{pids[1]},{pids[2]},{second}"],  # twice the same
            )
        ):
            with self.subTest(words):
                directory = self.folder / f"mixed{number}"
                result = self.ctrace("record", "-o", directory, *words, "--duration=200ms")
                self.assertEqual(result.status, 0, result)
                attached = result.err.partition("attached to ")[2].partition(";")[0]
                for pid in pids:
                    self.assertEqual(attached.count(f"process {pid} "), 1, result)
                self.assertEqual(self.recorded(directory), set(pids))

    def test_the_name_of_the_file_that_it_executes(self):
        """A process's own name has no room for it."""
        name = self.own_name("-which-has-a-long-name")
        process = self.start_named(name)
        own = pathlib.Path(f"/proc/{process.pid}/comm").read_text().strip()
        self.assertNotEqual(own, name)
        for number, text in enumerate((name, own)):
            with self.subTest(text):
                result = self.attach_ok(text, options=["--duration=200ms"], output=f"trace{number}")
                self.assertEqual(self.recorded(result.directory), {process.pid})

    def test_a_program_whose_file_was_replaced(self):
        name = self.own_name("-which-is-to-be-removed")
        process = self.start_named(name)
        (self.folder / name).unlink()
        result = self.attach_ok(name, options=["--duration=200ms"])
        self.assertEqual(self.recorded(result.directory), {process.pid})

    def test_with_its_children(self):
        name = self.own_name()
        script = self.folder / name
        script.write_text("#!/bin/sh\nsleep 600 &\nwait\n")
        script.chmod(0o755)
        shell = self.start(script)
        children = pathlib.Path(f"/proc/{shell.pid}/task/{shell.pid}/children")
        wait_until(lambda: children.read_text().split(), "the child is there")
        child = int(children.read_text())
        for options, pids in (([], {shell.pid, child}), (["--no-follow"], {shell.pid})):
            with self.subTest(options=options):
                result = self.attach_ok(
                    name, options=["--duration=200ms", *options], output=f"trace{len(options)}"
                )
                self.assertEqual(self.recorded(result.directory), pids)

    def test_never_ctrace_itself(self):
        """Whoever is recorded may have started the recording."""
        name = self.own_name()
        script = self.folder / name
        script.write_text(
            f'#!/bin/sh\n"{CTRACE}" record -o "{self.folder}/trace" -p {name} --duration=300ms\ntrue\n'
        )
        script.chmod(0o755)
        shell = self.start(script)
        self.assertEqual(shell.wait(harness.TIMEOUT_S), 0)
        self.assertEqual(self.recorded(self.folder / "trace"), {shell.pid})

    @unittest.skipUnless(shutil.which("nginx"), "no nginx here")
    @unittest.skipUnless(shutil.which("redis-server"), "no redis here")
    def test_servers_with_all_of_their_processes(self):
        port, redis_port = free_port(), free_port()
        settings = self.folder / "nginx.conf"
        (self.folder / "index.html").write_text("hello\n")
        settings.write_text(
            f"daemon off; worker_processes 3; pid {self.folder}/pid; error_log {self.folder}/errors;\n"
            + ("user root;\n" if os.getuid() == 0 else "")
            + "events {}\n"
            + f"http {{ access_log off; server {{ listen 127.0.0.1:{port}; root {self.folder}; }}\n"
            + "".join(
                f"{kind}_temp_path {self.folder}/{kind};\n"
                for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            + "}\n"
        )
        master = self.start("nginx", "-c", settings, "-e", self.folder / "errors")
        redis = self.start("redis-server", "--port", redis_port, "--save", "", "--dir", self.folder)
        fetch = ["curl", "-s", f"http://127.0.0.1:{port}/index.html"]
        wait_until(lambda: run(*fetch).out == "hello\n", "nginx answered")
        wait_until(
            lambda: "PONG" in run("redis-cli", "-p", redis_port, "ping").out, "redis answered"
        )
        workers = pathlib.Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()
        self.assertEqual(len(workers), 3)
        recorder = self.start_attaching("nginx,redis-server")
        for _ in range(20):
            self.assertEqual(run(*fetch).out, "hello\n")
        recorder.send_signal(signal.SIGINT)
        self.assertLessEqual(
            {master.pid, redis.pid, *map(int, workers)}, self.recorded(self.finish(recorder))
        )
        self.assertEqual(run(*fetch).out, "hello\n")


class NotFound(NamesTest):
    def test_what_is_near_is_told(self):
        name = self.own_name("server")
        process = self.start_named(name)
        for typed in (name[:-2], name[1:], name.upper(), name.replace("server", "sevrer")):
            with self.subTest(typed):
                result = self.ctrace("record", "-p", typed)
                self.assert_refused(
                    result, f'no process is named "{typed}"', f"{name} .{process.pid}.", status=125
                )
                self.assertFalse((self.folder / "ctrace.data").exists(), result)

    def test_nothing_is_near(self):
        result = self.ctrace("record", "-p", "qqqqqzzzzzqqqqq")
        self.assert_refused(result, 'no process is named "qqqqqzzzzzqqqqq"$', status=125)

    def test_one_of_several(self):
        name = self.own_name()
        self.start_named(name)
        result = self.ctrace("record", "-p", f"{name},qqqqqzzzzzqqqqq")
        self.assert_refused(result, "qqqqqzzzzzqqqqq", status=125)

    def test_its_name_is_made_harmless(self):
        name = self.own_name("\033[31m")
        self.start_named(name)
        result = self.ctrace("record", "-p", self.own_name())
        self.assert_refused(result, "near that are", status=125)
        self.assertNotIn("\033", result.err)


class OfOthers(NamesTest):
    def setUp(self):
        super().setUp()
        if os.getuid() == 0:
            self.skipTest("root may attach to all")
        if os.stat("/proc/1").st_uid != 0:
            self.skipTest("process 1 is not root's")
        self.name = pathlib.Path("/proc/1/comm").read_text().strip()

    def test_none_is_ours(self):
        result = self.ctrace("record", "-p", self.name)
        self.assert_refused(result, f"\\({self.name}\\) is user root's", "as root", status=125)

    def test_some_are_ours(self):
        ours = self.start_named(self.name)
        result = self.attach_ok(self.name, options=["--duration=200ms"])
        self.assertIn(f"not recorded: process 1 ({self.name}) is user root's", result.err)
        self.assertEqual(self.recorded(result.directory), {ours.pid})


if __name__ == "__main__":
    harness.main()
