"""ctrace view: what its server answers, and to whom it does not."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import urllib.parse

from harness import CTRACE, EXAMPLES, TIMEOUT_S, TraceTest, main

STATES = ["running", "runnable", "net", "sync", "syscall", "sleep", "other", "unknown"]


class Server:
    """A server that runs, and a connection to it."""

    def __init__(self, test, *arguments):
        self.connections = []
        self.process = subprocess.Popen(
            [CTRACE, "view", "--no-browser", *map(str, arguments)], cwd=test.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.kill)
        self.address = self.process.stdout.readline().strip()
        url = urllib.parse.urlsplit(self.address)
        self.port, self.path = url.port, url.path
        self.connection = None

    def kill(self):
        for connection in self.connections:
            connection.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=TIMEOUT_S)

    def connect(self):
        self.connections.append(http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S))
        return self.connections[-1]

    def ask(self, name, method="GET", path=None, headers=None, **params):
        """The status, headers and bytes of an answer."""
        self.connection = self.connection or self.connect()
        query = "?" + urllib.parse.urlencode(params) if params else ""
        self.connection.request(method, (self.path if path is None else path) + name + query, headers=headers or {})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.getheader("Connection") == "close":
            self.connection = None
        return answer.status, answer.headers, body

    def json(self, name, **params):
        status, headers, body = self.ask("api/" + name, **params)
        assert status == 200, (name, params, status, body)
        assert headers["Content-Type"] == "application/json", headers
        return json.loads(body)


def read_tile(body):
    """[lane][array][column]"""
    magic, version, lanes, count, level, first = struct.unpack_from("<IIIIdd", body)
    assert (magic, version) == (0x54455643, 1)
    arrays = [
        [struct.unpack_from(f"<{count}d", body, 32 + 8 * count * (12 * lane + array)) for array in range(12)]
        for lane in range(lanes)
    ]
    assert len(body) == 32 + 8 * count * 12 * lanes
    return level, first, arrays


class View(TraceTest):
    """Each test has a copy of one recording, and a server."""

    recorded = None

    def setUp(self):
        super().setUp()
        if not View.recorded:
            View.recorded = pathlib.Path(tempfile.mkdtemp(prefix="view.")) / "convoy"
            self.addClassCleanup(shutil.rmtree, View.recorded.parent, ignore_errors=True)
            shutil.copytree(self.record_ok(EXAMPLES / "convoy").directory, View.recorded)
        self.directory = self.folder / "convoy"
        shutil.copytree(View.recorded, self.directory)
        self.server = Server(self, self.directory)

    def test_it_ends_when_it_is_told_to(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            server = Server(self, self.directory)
            server.json("overview")
            readers = subprocess.run(["pgrep", "-P", str(server.process.pid)], stdout=subprocess.PIPE, text=True,
                                     check=False).stdout.split()
            self.assertNotEqual(readers, [])
            server.process.send_signal(number)
            self.assertEqual(server.process.wait(TIMEOUT_S), 0)
            self.assertEqual(server.process.communicate()[1], "")

    def test_the_page_comes_with_a_strict_policy(self):
        for name, kind in (("", "text/html; charset=utf-8"), ("index.html", "text/html; charset=utf-8")):
            status, headers, body = self.server.ask(name)
            self.assertEqual((status, headers["Content-Type"]), (200, kind))
            self.assertIn(b"<html", body)
            self.assertTrue(headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';"))
            self.assertNotIn("unsafe", headers["Content-Security-Policy"])
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            self.assertNotIn("Access-Control-Allow-Origin", headers)
        status, headers, body = self.server.ask("", method="HEAD")
        self.assertEqual((status, body), (200, b""))
        for name in ("../../etc/passwd", "%2e%2e/index.html", "..%2f..%2fetc%2fpasswd", "api/../../index.html"):
            self.assertIn(self.server.ask(name)[0], (400, 403, 404))

    def test_only_who_knows_the_address_is_answered(self):
        for path in ("/", "/index.html", "/api/", "/" + "0" * 32 + "/", self.server.path[:-2] + "/",
                     self.server.path.upper() if self.server.path.upper() != self.server.path else "/x/"):
            with self.subTest(path):
                status, headers, body = self.server.ask("", path=path)
                self.assertEqual(status, 403, body)
                self.assertIn("Content-Security-Policy", headers)
        for headers in ({"Host": "evil.example"}, {"Host": f"evil.example:{self.server.port}"},
                        {"Host": "127.0.0.1"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            with self.subTest(headers):
                self.assertEqual(self.server.ask("api/overview", headers=headers)[0], 403)
        own = {"Origin": f"http://localhost:{self.server.port}", "Host": f"localhost:{self.server.port}"}
        self.assertEqual(self.server.ask("api/overview", headers=own)[0], 200)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            with self.subTest(method):
                self.assertEqual(self.server.ask("api/overview", method=method)[0], 405)
        self.assertEqual(self.server.ask("api/overview", x="a" * 20000)[0], 414)
        self.assertEqual(self.server.ask("api/overview")[0], 200)

    def test_what_is_sent_is_not_kept(self):
        size = 200 << 20
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=TIMEOUT_S) as connection:
            connection.sendall(f"POST {self.server.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n"
                               f"Content-Length: {size}\r\n\r\n".encode())
            for _ in range(size >> 20):
                connection.sendall(bytes(1 << 20))
            self.assertIn(b" 405 ", connection.recv(1000))
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        self.assertLess(int(re.search(r"VmHWM:\s*(\d+)", status)[1]), size >> 11)

    def test_wrong_questions_are_told_what_is_wrong(self):
        good = {"lanes": "t0", "level": 20, "first": 0, "count": 4}
        for change, status in (({"lanes": "x1"}, 400), ({"lanes": ""}, 400), ({"lanes": "t99"}, 404),
                               ({"lanes": ",".join(["t0"] * 65)}, 400), ({"level": 63}, 400), ({"level": -1}, 400),
                               ({"count": 0}, 400), ({"count": 1025}, 400), ({"first": 2 ** 60}, 400),
                               ({"level": 60, "first": 2 ** 52}, 400), ({"r": 1}, 404), ({"r": "x"}, 404)):
            with self.subTest(change):
                answer = self.server.ask("api/tiles", **{**good, **change})
                self.assertEqual(answer[0], status, answer[2])
                self.assertNotEqual(json.loads(answer[2])["error"], "")
        self.assertEqual(self.server.ask("api/nothing")[0], 404)
        self.assertEqual(self.server.ask("api/tiles", **good)[0], 200)

    def test_overview_and_tiles_agree_with_the_report(self):
        overview = self.server.json("overview")
        self.assertEqual([state["name"] for state in overview["states"]], STATES)
        self.assertEqual([kind["name"] for kind in overview["kinds"]], ["worker-*"])
        self.assertEqual(len(overview["kinds"][0]["threads"]), 4)
        self.assertIn("statistics_lock", [thing.get("name") for thing in overview["objects"]])
        report = json.loads(self.ctrace("report", self.directory, "--format=json", "--all").out)
        self.assertEqual({thread["tid"]: thread["name"] for thread in overview["threads"]},
                         {thread["tid"]: thread["name"] for thread in report["threads"]})
        level = max(overview["length_ns"].bit_length() - 7, 0)
        lanes = [thread["lane"] for thread in overview["threads"]]
        status, headers, body = self.server.ask("api/tiles", lanes=",".join([*lanes, "k0"]), level=level, first=0,
                                                count=256)
        self.assertEqual(status, 200)
        self.assertIn("immutable", headers["Cache-Control"])
        arrays = read_tile(body)[2]
        for thread, lane in zip(overview["threads"], arrays):
            life = sum(sum(state) for state in lane[:8])
            self.assertEqual(life, thread["to"] - thread["from"])
        members = [int(number) for number in overview["kinds"][0]["threads"]]
        rows = {int(lane[1:]): row for lane, row in zip(lanes, arrays)}
        for state in range(8):
            for column in range(256):
                self.assertEqual(arrays[-1][state][column], sum(rows[number][state][column] for number in members))

    def test_several_recordings_and_several_clients(self):
        other = self.record_ok("sleep", "0.05", output="other").directory
        server = Server(self, self.directory, other)
        first, second = server.json("overview", r=0), server.json("overview", r=1)
        self.assertEqual([one["directory"] for one in first["recordings"]], [str(self.directory), str(other)])
        self.assertEqual(len(first["threads"]), 5)
        self.assertEqual(len(second["threads"]), 1)
        connections = [server.connect() for _ in range(8)]
        for number, connection in enumerate(connections):
            connection.request("GET", f"{server.path}api/overview?r={number % 2}")
        for number, connection in enumerate(connections):
            answer = json.loads(connection.getresponse().read())
            self.assertEqual(len(answer["threads"]), (5, 1)[number % 2])

    def test_who_hangs_up_holds_nobody_up(self):
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=TIMEOUT_S) as connection:
                connection.sendall(f"GET {self.server.path}api/overview HTTP/1.1\r\n"
                                   f"Host: 127.0.0.1:{self.server.port}\r\n\r\n".encode())
        self.assertEqual(len(self.server.json("overview")["threads"]), 5)
        self.assertIsNone(self.server.process.poll())

    def test_what_was_read_goes_on_being_answered(self):
        """Though the recording is read anew meanwhile, by another ctrace say, or is gone."""
        before = self.server.json("overview")
        os.unlink(self.directory / "index")
        self.assertEqual(self.ctrace("report", self.directory).status, 0)
        self.assertEqual(self.server.json("overview"), before)

    def test_a_reader_that_dies_is_started_again(self):
        before = self.server.json("overview")
        readers = subprocess.run(["pgrep", "-P", str(self.server.process.pid)], stdout=subprocess.PIPE, text=True,
                                 check=False).stdout.split()
        for reader in readers:
            os.kill(int(reader), signal.SIGKILL)
        answers = [self.server.ask("api/overview") for _ in range(2)]
        self.assertEqual(answers[-1][0], 200)
        self.assertEqual(json.loads(answers[-1][2]), before)


class Refused(TraceTest):
    def test_what_is_no_recording_or_no_port(self):
        self.assert_refused(self.ctrace("view", "--no-browser", "nowhere"), "nowhere", status=1)
        self.assert_refused(self.ctrace("view", "--port=70000"), "--port")
        trace = self.record_ok("true").directory
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assert_refused(self.ctrace("view", "--no-browser", f"--port={port}", trace), str(port), status=1)


if __name__ == "__main__":
    main()
