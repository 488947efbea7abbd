"""ctrace view: what its server answers, and to whom it does not."""

import concurrent.futures
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
import time
import urllib.parse

from harness import CTRACE, EXAMPLES, TIMEOUT_S, TraceTest, go_pprof, main

STATES = ["running", "runnable", "net", "sync", "syscall", "sleep", "other", "unknown"]


class Server:
    """A server that runs, and a connection to it."""

    def __init__(self, test, *arguments):
        self.connections = []
        self.process = subprocess.Popen(
            [CTRACE, "view", "--no-browser", *arguments], cwd=test.folder, stdin=subprocess.DEVNULL,
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
            shutil.copytree(self.record_ok(EXAMPLES / "convoy", options=["--rate=0"]).directory, View.recorded)
        self.directory = self.folder / "convoy"
        shutil.copytree(View.recorded, self.directory)
        self.server = Server(self, self.directory)

    def readers(self, server):
        found = subprocess.run(["pgrep", "-P", str(server.process.pid)], stdout=subprocess.PIPE, text=True,
                               check=False)
        return [pathlib.Path("/proc", pid) for pid in found.stdout.split()]

    def wait_for(self, is_so, what):
        deadline = time.monotonic() + TIMEOUT_S
        while not is_so():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def test_it_ends_when_it_is_told_to(self):
        """And what reads for it, which keeps the symbols that it has found."""
        for number in (signal.SIGINT, signal.SIGTERM):
            (self.directory / "symbols").unlink(missing_ok=True)
            server = Server(self, self.directory)
            server.json("overview")
            readers = self.readers(server)
            self.assertNotEqual(readers, [])
            server.process.send_signal(number)
            self.assertEqual(server.process.wait(TIMEOUT_S), 0)
            self.assertEqual(server.process.communicate()[1], "")
            self.wait_for(lambda left=readers: not any(reader.exists() for reader in left), "readers")
            self.assertTrue((self.directory / "symbols").exists())

    def test_in_the_background_of_a_shell(self):
        """Which ignores interrupts there, and under nohup, when the terminal goes."""
        ignored = [signal.SIGINT, signal.SIGHUP]
        before = [signal.signal(number, signal.SIG_IGN) for number in ignored]
        try:
            server = Server(self, self.directory)
        finally:
            for number, handler in zip(ignored, before):
                signal.signal(number, handler)
        server.process.send_signal(signal.SIGHUP)
        self.assertEqual(len(server.json("overview")["threads"]), 5)
        server.process.send_signal(signal.SIGINT)
        self.assertEqual(server.process.wait(TIMEOUT_S), 0)

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

    def send(self, change, server=None, **headers):
        """A change of a note, as the page sends it; the status, and what there is then."""
        server = server or self.server
        own = {"Origin": f"http://127.0.0.1:{server.port}", "Content-Type": "application/json"}
        own.update({name.replace("_", "-"): value for name, value in headers.items()})
        connection = server.connect()
        body = change if isinstance(change, bytes) else json.dumps(change).encode()
        connection.request("POST", server.path + "api/notes", body,
                           {name: value for name, value in own.items() if value is not None})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def test_notes_are_kept_with_the_recording(self):
        overview = self.server.json("overview")
        note = {"at_ns": overview["begin_ns"], "text": "look \u202e<b>here</b>"}
        self.assertEqual(self.server.json("notes")["notes"], [])
        status, kept = self.send(note)
        self.assertEqual((status, kept["place"]), (200, str(self.directory / "notes.json")))
        self.assertEqual([(one["at_ns"], one["text"]) for one in kept["notes"]], [tuple(note.values())])
        other = Server(self, self.directory)
        self.assertEqual(other.json("notes"), kept)
        self.assertEqual(len(self.send(note, other)[1]["notes"]), 2)
        first = kept["notes"][0]
        self.assertEqual(self.send({**first, "text": "changed"}, other)[0], 200)
        self.assertEqual(self.send({**first, "text": "late"})[0], 409)
        self.assertEqual(self.send({"id": first["id"], "version": 2})[0], 200)
        self.assertEqual(len(self.server.json("notes")["notes"]), 1)
        self.assertEqual(sorted(path.name for path in self.directory.glob("notes*")), ["notes.json"])
        # They are no part of what was recorded.
        self.assertEqual(self.server.ask("api/table")[0], 200)
        self.assertEqual(self.ctrace("verify", self.directory).status, 0)

    def test_many_pages_add_notes_at_once(self):
        servers = [self.server, Server(self, self.directory)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            added = list(pool.map(lambda i: self.send({"at_ns": str(i), "text": str(i)}, servers[i % 2])[0], range(40)))
        self.assertEqual(set(added) - {503}, {200})
        kept = {int(one["text"]) for one in self.server.json("notes")["notes"]}
        self.assertEqual(kept, {i for i, status in enumerate(added) if status == 200})

    def test_who_is_not_the_page_changes_nothing(self):
        good = {"at_ns": "5", "text": "a"}
        for headers, status in (({"Origin": None}, 403), ({"Origin": "http://evil.example"}, 403),
                                ({"Origin": "null"}, 403), ({"Host": "evil.example"}, 403),
                                ({"Content_Type": "text/plain"}, 415), ({"Content_Type": None}, 415),
                                ({"Content_Length": None, "Transfer_Encoding": "chunked"}, 411)):
            with self.subTest(headers):
                self.assertEqual(self.send(good if status != 411 else b"0\r\n\r\n", **headers)[0], status)
        self.assertEqual(self.send({"at_ns": "5", "text": "a" * 20000})[0], 413)
        self.assertEqual(self.send({"at_ns": "5", "text": "a" * 5000})[0], 400)
        for body in (b"", b"{", b"[]", b"[" * 16000, b'{"at_ns": "x", "text": "a"}', b"\xff"):
            self.assertEqual(self.send(body)[0], 400)
        path = self.server.path
        self.server.path = "/" + "0" * 32 + "/"
        self.assertEqual(self.send(good)[0], 403)
        self.server.path = path
        self.assertFalse((self.directory / "notes.json").exists())
        self.assertEqual(self.send(good)[0], 200)

    def test_notes_on_what_cannot_be_written_to(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        self.server.json("overview")
        self.directory.chmod(0o500)
        self.addCleanup(self.directory.chmod, 0o700)
        status, kept = self.send({"at_ns": "5", "text": "a"})
        self.assertEqual((status, kept["place"]), (200, str(self.directory) + ".notes.json"))
        self.assertEqual(Server(self, self.directory).json("notes"), kept)

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

    def test_objects_are_called_by_what_they_mostly_were(self):
        """Not by what a number meant first; and those that only idle threads wait for come last."""
        program = self.folder / "reuse.py"
        program.write_text("""
import os, queue, sys, threading, time
first = os.open(sys.argv[0], os.O_RDONLY)
os.read(first, 10)
os.close(first)
reading, writing = os.pipe()
assert reading == first
lock = threading.Lock()
def take():
    for _ in range(3):
        with lock:
            time.sleep(0.02)
threading.Thread(target=queue.Queue().get, daemon=True).start()
takers = [threading.Thread(target=take) for _ in range(2)]
for taker in takers:
    taker.start()
threading.Timer(0.3, os.write, (writing, b"x")).start()
os.read(reading, 1)
print(reading)
for taker in takers:
    taker.join()
""")
        result = self.record_ok("/usr/bin/python3", program, options=["--rate=0"])
        objects = Server(self, result.directory).json("overview")["objects"]
        number = result.out.strip()
        self.assertTrue([thing for thing in objects if thing["text"].startswith(f"fd {number} pipe")], objects)
        self.assertFalse([thing for thing in objects if "reuse.py" in thing["text"]], objects)
        locks = [thing for thing in objects if thing["kind"] in ("semaphore", "condition", "mutex")]
        self.assertLess(locks[0]["ns"], max(lock["ns"] for lock in locks), objects)

    def test_an_interval_leads_to_others(self):
        """From a wait for the lock to who held it and woke it, and on to what that one did; and back."""
        overview = self.server.json("overview")
        lock = next(thing for thing in overview["objects"] if thing.get("name") == "statistics_lock")
        level = max(overview["length_ns"].bit_length(), 0)
        tile = read_tile(self.server.ask("api/tiles", lanes=lock["lane"], level=level, first=0, count=1)[2])[2][0]
        begin, end, number = int(tile[8][0]), int(tile[9][0]), int(tile[11][0])
        wait = self.server.json("interval", lane=f"t{number}", at=begin)
        self.assertEqual((wait["from"], wait["to"], wait["op"]), (begin, end, "pthread_mutex_lock"))
        self.assertEqual(wait["object"], {"text": lock["text"], "lane": lock["lane"]})
        self.assertIn("serve_page", [frame["function"] for frame in wait["stack"]])
        self.assertEqual(wait["holders"][0]["from"], begin)
        if "holder_count" not in wait:
            self.assertEqual(wait["holders"][-1]["to"], end)
        for one, after in zip(wait["holders"], wait["holders"][1:]):
            self.assertEqual(one["to"], after["from"])
        waker = self.server.json("interval", lane=wait["waker"]["lane"], at=wait["waker"]["at"] - 1)
        self.assertLess(waker["from"], wait["waker"]["at"])
        self.assertIn({"lane": f"t{number}"}, [{"lane": wake["lane"]} for wake in waker["wakes"]])
        here = self.server.json("interval", lane=f"t{number}", at=next(one["from"] for one in overview["threads"] if one["lane"] == f"t{number}"))
        waits = next(one["waits"] for one in overview["threads"] if one["lane"] == f"t{number}")
        for step in range(20):  # backwards as forwards
            if "next" not in here:
                self.assertGreaterEqual(step, min(waits, 20), here)
                break
            after = self.server.json("interval", **here["next"])
            self.assertGreaterEqual(after["from"], here["to"])
            if STATES[here["state"]] != "running":
                self.assertEqual(after["previous"]["at"], here["from"])
            here = after
        for kind in ("same_object", "same_place"):
            for direction, other in (("previous", "next"), ("next", "previous")):
                there = here[kind].get(direction) if kind in here else None
                if there:
                    found = self.server.json("interval", **there)
                    self.assertEqual(found["object"], here["object"])
                    self.assertEqual(found[kind][other], {"lane": here["lane"], "at": here["from"]})
        between = self.server.json("interval", lane="t0", at=overview["lives"]["from"])
        self.assertEqual(STATES[between["state"]], "running")
        self.assertEqual(self.server.ask("api/interval", lane="t0", at=0)[0], 404)
        for wrong in ({"lane": "c0", "at": 5}, {"lane": "t0"}, {"at": 5}, {"lane": "t0", "at": "soon"}):
            self.assertEqual(self.server.ask("api/interval", **wrong)[0], 400)

    def test_an_area_sums_up_what_tiles_show(self):
        overview = self.server.json("overview")
        width = 1 << 20
        first = overview["lives"]["from"] // width + 100
        window = {"from": first * width, "to": (first + 200) * width}
        area = self.server.json("area", **window, flame="wait")
        lanes = [thread["lane"] for thread in area["threads"]]
        rows = read_tile(self.server.ask("api/tiles", lanes=",".join(lanes), level=20, first=first, count=200)[2])[2]
        for thread, row in zip(area["threads"], rows):
            self.assertEqual(thread["ns"], [sum(state) for state in row[:8]])
        self.assertEqual(area["ns"], [sum(thread["ns"][state] for thread in area["threads"]) for state in range(8)])
        waited = sum(area["ns"][1:])
        for part in ("ops", "places"):
            self.assertEqual(sum(row["ns"] for row in area[part]), waited)
        nodes = area["flame"]["nodes"]
        self.assertEqual((nodes[0][:2], nodes[0][3]), ([-1, -1], waited))
        self.assertEqual(sum(node[2] for node in nodes), waited)
        for number, node in enumerate(nodes):
            below = sum(other[3] for other in nodes[1:] if other[0] == number)
            self.assertEqual(node[3], node[2] + below)
        report = json.loads(self.ctrace("report", self.directory, "--format=json", f"--from={window['from']}ns",
                                        f"--to={window['to']}ns").out)
        times = {thread["tid"]: thread["time_ns"] for thread in report["threads"]}
        for thread in overview["threads"]:
            for state, ns in zip(STATES, area["threads"][lanes.index(thread["lane"])]["ns"]):
                self.assertEqual(times[thread["tid"]].get(state, 0), ns)
        one = self.server.json("area", **window, lanes="t1,k0,t1")
        self.assertEqual([thread["lane"] for thread in one["threads"]], ["t1", "t2", "t3", "t4"])
        for wrong in ({"from": 5, "to": 5}, {"flame": "x"}, {"lanes": "o0"}, {"from": "x"}):
            self.assertEqual(self.server.ask("api/area", **wrong)[0], 400)

    def test_a_path_is_told_without_gaps(self):
        lives = self.server.json("overview")["lives"]
        steps = self.server.json("path", columns=50)["steps"]
        self.assertEqual((steps[0]["from"], steps[-1]["to"]), (lives["from"], lives["to"]))
        for one, after in zip(steps, steps[1:]):
            self.assertEqual(one["to"], after["from"])
        self.assertEqual(self.server.json("path", lane="t2")["lane"], "t2")
        self.assertEqual(self.server.ask("api/path", lane="t2", **{"from": 1, "to": 2})[0], 404)

    def runs(self, name):
        found = subprocess.run(["pgrep", "-P", str(self.server.process.pid), "-f", name], stdout=subprocess.PIPE,
                               check=False)
        return found.stdout != b""

    def test_other_commands_are_asked_by_the_page(self):
        report = self.server.json("table", lanes="k0", **{"from": 400000000, "to": 800000000})
        self.assertEqual({thread["name"] for thread in report["threads"]}, {f"worker-{i}" for i in (1, 2, 3, 4)})
        self.assertIn("findings", self.server.json("findings"))
        rows = self.server.json("query", sql="SELECT count(*) AS n FROM threads; ")
        self.assertEqual((rows["columns"], rows["rows"]), (["n"], [{"n": 5}]))
        for sql in ("SELECT nothing", "-", "DROP TABLE threads", "ATTACH 'x' AS y", ""):
            with self.subTest(sql):
                self.assertEqual(self.server.ask("api/query", sql=sql)[0], 400)
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=TIMEOUT_S) as connection:
            query = urllib.parse.urlencode({"sql": endless})
            connection.sendall(f"GET {self.server.path}api/query?{query} HTTP/1.1\r\n"
                               f"Host: 127.0.0.1:{self.server.port}\r\n\r\n".encode())
            self.wait_for(lambda: self.runs("ctrace-query"), "who answers")
        self.wait_for(lambda: not self.runs("ctrace-query"), "nobody wants the answer")

    def test_files_are_what_the_commands_write(self):
        window = {"from": 400000000, "to": 800000000}
        status, headers, body = self.server.ask("api/download", what="pprof", profile="sync", lanes="t1", **window)
        self.assertEqual((status, headers["Content-Disposition"]), (200, 'attachment; filename="convoy.sync.pb.gz"'))
        profile = self.folder / "x.pb.gz"
        profile.write_bytes(body)
        self.assertIn("serve_page", go_pprof("-top", profile).out)
        tid = next(one["tid"] for one in self.server.json("overview")["threads"] if one["lane"] == "t1")
        self.assertEqual(self.ctrace("pprof", "sync", self.directory, "-o", "y.pb.gz", "--from=400ms", "--to=800ms",
                                     f"--thread={tid}").status, 0)
        self.assertEqual((self.folder / "y.pb.gz").read_bytes(), body)
        for what, begin in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("csv", b"process"), ("perfetto", b"\n")):
            status, headers, body = self.server.ask("api/download", what=what, **window)
            self.assertEqual((status, body[: len(begin)]), (200, begin))
            self.assertTrue(headers["Content-Disposition"].startswith('attachment; filename="convoy.'))
        for wrong in ({"what": "exe"}, {}, {"what": "pprof", "profile": "x"}, {"what": "csv", "from": "-1"},
                      {"what": "csv", "lanes": "o0"}):
            self.assertEqual(self.server.ask("api/download", **wrong)[0], 400)
        self.assertEqual(self.ctrace("record", "-o", self.directory, "true").status, 0)
        self.assertEqual(self.server.ask("api/download", what="csv")[0], 409)
        self.assertEqual(len(self.server.json("overview")["threads"]), 5)
        self.assertEqual(self.server.ask("api/area", **{"from": 0, "to": 1000})[0], 503)  # nobody has read it before

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
        for reader in self.readers(self.server):
            os.kill(int(reader.name), signal.SIGKILL)
        for _ in range(3):
            self.assertEqual(self.server.json("overview"), before)


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
