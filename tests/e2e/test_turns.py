"""Who was asked and what was served, told of connections in event loops and pools of threads."""

import collections
import contextlib
import http.server
import json
import signal
import socket
import threading
import time
import urllib.request

from harness import WORKLOADS, TraceTest, main, read_profile, wait_until, workload_answer

TURNS = WORKLOADS / "turns"
EVERYTHING = 100_000


class Turns(TraceTest):
    def report(self, *options):
        result = self.ctrace(
            "report", "--format=json", f"--top={EVERYTHING}", *options, self.folder / "trace"
        )
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def run_workload(self, *arguments, options=("--rate=0",)):
        result = self.record_ok(TURNS, *arguments, options=list(options))
        return workload_answer(result), self.report()


class Pool(Turns):
    """400 numbered requests of 20 clients: what the program says of each is held against the trace."""

    LINKS = {"woken", "next in line", "unlinked"}

    @classmethod
    def matched(cls, truth, report):
        """Pairs of what was and what is told, by connection and order."""
        told = collections.defaultdict(list)
        for request in report["slowest_requests"]:
            told[int(request["client"].rpartition(":")[2])].append(request)
        was = collections.defaultdict(list)
        for request in truth["requests"]:
            was[request["client"]].append(request)
        for client, requests in was.items():
            requests.sort(key=lambda request: request["read_ns"])
            answers = sorted(told[client], key=lambda request: request["begin_ns"])
            yield from zip(requests, answers, strict=True)

    def test_no_wrong_link(self):
        truth, report = self.run_workload("pool")
        server = next(s for s in report["servers"] if s["server"].endswith(f":{truth['port']}"))
        self.assertEqual(server["requests"], len(truth["requests"]))
        self.assertEqual(server["handed_over"], len(truth["requests"]))
        pairs = list(self.matched(truth, report))
        self.assertEqual(len(pairs), len(truth["requests"]))
        answered_ns = collections.defaultdict(list)
        for was, _ in pairs:
            answered_ns[was["writer"]].append(was["answered_ns"])
        links = collections.Counter()
        for was, told in pairs:
            with self.subTest(number=was["number"]):
                links[told["link"]] += 1
                self.check(was, told, answered_ns[was["writer"]])
        self.assertLessEqual(set(links), self.LINKS)
        self.assertGreater(links["woken"] + links["next in line"], len(pairs) / 2, links)

    def check(self, was, told, answered_ns):
        self.assertEqual(told["reader_tid"], was["reader"])
        self.assertEqual(told["writer_tid"], was["writer"])
        # It was read before the program looked at its clock, and written after that.
        end_ns = told["begin_ns"] + told["duration_ns"]
        self.assertLessEqual(told["begin_ns"], was["read_ns"])
        self.assertGreaterEqual(end_ns, was["answered_ns"])
        self.assertEqual(sum(part["total_ns"] for part in told["parts"]), told["duration_ns"])
        if told["link"] == "unlinked":
            return
        # When the worker took it, and not when it took another one.
        before_ns = max((t for t in answered_ns if t < was["answered_ns"]), default=0)
        self.assertLessEqual(told["taken_ns"], was["taken_ns"], told)
        self.assertGreaterEqual(told["taken_ns"], before_ns, told)

    def test_the_clients_calls_are_their_requests(self):
        truth, report = self.run_workload("pool")
        peer = next(p for p in report["peers"] if p["peer"].endswith(f":{truth['port']}"))
        self.assertEqual(peer["answers"], len(truth["requests"]))
        self.assertEqual(peer["closed"] + peer["given_up"], 0)

    def test_text_and_csv_say_the_same(self):
        _, report = self.run_workload("pool")
        rows = self.ctrace("report", "requests", "--format=csv", f"--top={EVERYTHING}", "trace")
        self.assertEqual(rows.status, 0, rows)
        lines = rows.out.split("\r\n")[1:-1]
        self.assertEqual(len(lines), len(report["slowest_requests"]))
        for line, request in zip(lines, report["slowest_requests"]):
            cells = line.split(",")
            self.assertEqual(int(cells[6]), request["duration_ns"])
            self.assertEqual(sum(map(int, cells[8:-1])), request["duration_ns"])
        text = self.report_text(self.folder / "trace", "requests")
        self.assertIn("The slowest requests (10), and where their time went", text)

    def test_the_path_of_one_of_them(self):
        _, report = self.run_workload("pool")
        trace, profile, picture = (self.folder / name for name in ("trace", "c.pb.gz", "p.svg"))
        for number in (1, 7):
            asked = report["slowest_requests"][number - 1]
            begin_ns = asked["begin_ns"] - asked["unread_ns"]
            option = f"--request={number}"
            told = json.loads(self.ctrace("report", "path", option, "--format=json", trace).out)
            self.assertEqual(told["path"]["begin_ns"], begin_ns)
            self.assertEqual(told["path"]["end_ns"], asked["begin_ns"] + asked["duration_ns"])
            self.assertEqual(told["path"]["tid"], asked["writer_tid"])
            length_ns = told["path"]["length_ns"]
            self.assertEqual(sum(row["total_ns"] for row in told["path_threads"]), length_ns)
            self.assertEqual(self.ctrace("pprof", "critical", option, "-o", profile, trace).status, 0)
            self.assertEqual(read_profile(profile).delay_ns, length_ns)
            drawn = self.ctrace("timeline", "--path", option, "-o", picture, trace)
            self.assertEqual((drawn.status, "critical path" in picture.read_text()), (0, True))
        for arguments, said in (
            (("report", "path", "--request=401"), "--request=401: only 400 are known"),
            (("report", "path", "--request=0"), "--request=0 is no number between"),
            (("report", "requests", "--request=1"), "--request is an option of ctrace report path"),
            (("timeline", "-o", picture, "--request=1"), "--request is an option of ctrace timeline --path"),
        ):
            refused = self.ctrace(*arguments, trace)
            self.assertNotEqual(refused.status, 0)
            self.assertIn(said, refused.err)


class Loop(Turns):
    OPTIONS = ("--rate=0", "--no-follow")  # the peers' own sleeping is another matter

    def check_loop(self, how, operation):
        answer, report = self.run_workload("loop", how, options=self.OPTIONS)
        peers = {peer["peer"]: peer for peer in report["peers"]}
        slow, fast = peers[answer["slow"]], peers[answer["fast"]]
        for peer in (slow, fast):
            self.assertEqual(peer["answers"], answer["calls"])
            self.assertEqual(peer["closed"] + peer["given_up"], 0)
        self.assertGreaterEqual(slow["p50_ns"], answer["slow_ms"] * 1_000_000)
        self.assertGreaterEqual(slow["total_ns"], answer["calls"] * answer["slow_ms"] * 1_000_000)
        # It is the slow one that the loop waits for, and each wait is charged to what ended it.
        first = report["findings"][0]
        self.assertEqual(first["rule"], "peer", first)
        self.assertIn(answer["slow"], first["text"])
        ended = {
            site["object"]: site
            for site in report["sites"]
            if site["operation"] == operation and site["object"].startswith("ended by")
        }
        self.assertIn(f"ended by inet socket -> {answer['slow']}", ended)
        profile = self.profile("net", self.folder / "trace")
        self.assertGreater(
            profile.delay_of(op=operation, peer=answer["slow"]),
            profile.delay_of(op=operation, peer=answer["fast"]),
        )

    def test_epoll_by_number(self):
        self.check_loop("epoll", "epoll_wait")

    def test_epoll_by_pointer(self):
        self.check_loop("pointers", "epoll_wait")

    def test_epoll_by_what_is_the_same_for_all(self):
        """Which of them it was is not known, and not guessed."""
        _, report = self.run_workload("loop", "shared", options=self.OPTIONS)
        ended = [site for site in report["sites"] if site["operation"] == "epoll_wait"]
        self.assertEqual(len(ended), 1, ended)
        self.assertRegex(ended[0]["object"], r"^fd \d+ epoll$")

    def test_poll(self):
        self.check_loop("poll", "poll")

    def test_select(self):
        self.check_loop("select", "select")

    def test_the_text_names_it(self):
        answer = workload_answer(self.record_ok(TURNS, "loop", "epoll", options=self.OPTIONS))
        trace = self.folder / "trace"
        self.assertRegex(
            self.report_text(trace, "peers"), rf"{answer['slow']}\s+{answer['calls']}\s+-\s"
        )
        self.assertIn(
            f"epoll_wait, ended by inet socket -> {answer['slow']}",
            " ".join(self.report_text(trace, "waits").split()),
        )
        rows = self.ctrace("report", "peers", "--format=csv", trace)
        self.assertIn(f"\r\n{answer['slow']},inet socket,turns,", rows.out)


class Others(Turns):
    def test_some_of_many_stand_for_all(self):
        answer, report = self.run_workload("burst", options=["--rate=100us"])
        address = f"127.0.0.1:{answer['port']}"
        server = next(s for s in report["servers"] if s["server"] == address)
        peer = next(p for p in report["peers"] if p["peer"] == address)
        self.assertLess(len(report["slowest_requests"]), answer["count"])
        for told in (server["requests"], peer["answers"]):
            self.assertAlmostEqual(told / answer["count"], 1, delta=0.2)

    def test_calls_without_answers(self):
        answer, report = self.run_workload("unanswered", options=["--rate=0", "--no-follow"])
        peer = next(p for p in report["peers"] if p["peer"] == answer["peer"])
        self.assertEqual((peer["answers"], peer["closed"], peer["given_up"], peer["open"]), (0, 1, 5, 1))
        told = next(f for f in report["findings"] if f["rule"] == "unanswered")
        self.assertIn(f"6 of the calls of turns to {answer['peer']} got no answer", told["text"])
        self.assertEqual(told["cost_ns"], peer["unanswered_ns"])
        self.assertGreaterEqual(told["cost_ns"], answer["slow_ms"] * 1_000_000)

    def test_datagrams_are_no_turns(self):
        _, report = self.run_workload("datagrams")
        self.assertEqual((report["peers"], report["servers"]), ([], []))

    def test_where_there_are_none(self):
        self.record_ok(WORKLOADS / "sleeper", "0.1")
        text = self.report_text(self.folder / "trace", "peers")
        self.assertIn("There are no peers in this recording", text)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class SlowUpstream(http.server.BaseHTTPRequestHandler):
    SLOW_MS = 60
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(self.SLOW_MS / 1000)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def log_message(self, *_):
        pass


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 2;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream slow {{ server 127.0.0.1:{upstream}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://slow; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""


# It works 10 ms for each request, and answers all at once when no more come.
LOOP = """
import selectors, socket, sys, time
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
waiting = selectors.DefaultSelector()
waiting.register(listening, selectors.EVENT_READ)
answers = []
while True:
    for key, _ in waiting.select(0.002 if answers else None):
        if key.fileobj is listening:
            waiting.register(listening.accept()[0], selectors.EVENT_READ)
            continue
        read = key.fileobj.recv(1)
        if not read:
            waiting.unregister(key.fileobj)
            continue
        if read == b"q":
            sys.exit()
        until = time.process_time() + 0.01
        while time.process_time() < until:
            pass
        answers.append((key.fileobj, read))
        break
    else:
        for connection, answer in answers:
            connection.sendall(answer)
        answers = []
"""


# It reads several first, and then works 20 ms for each and answers it.
BATCH = """
import selectors, socket, sys, time
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
waiting, connections = selectors.DefaultSelector(), []
while True:
    connections.append(listening.accept()[0])
    try:
        if connections[-1].recv(1, socket.MSG_PEEK) == b"x":
            break
    except ConnectionResetError:
        pass
    connections.pop()
connections += [listening.accept()[0] for _ in range(2)]
for connection in connections:
    waiting.register(connection, selectors.EVENT_READ)
for _ in range(4):
    while len(ready := waiting.select()) < 3:
        time.sleep(0.001)
    read = [(key.fileobj, key.fileobj.recv(1)) for key, _ in ready]
    for connection, answer in read:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        connection.sendall(answer)
"""


class Programs(Turns):
    """As they are installed, on loopback."""

    def record_server(self, port, *command):
        recorder = self.start_record(*command, options=["--rate=0"])
        wait_until(lambda: accepts(port), f"{command[0]} answered")
        return recorder

    def end(self, recorder):
        recorder.send_signal(signal.SIGTERM)
        _, err = recorder.communicate(timeout=60)
        self.assertIn("nothing lost", err)
        return self.report()

    def test_nginx_names_its_slow_upstream(self):
        upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowUpstream)
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        port, peer = free_port(), f"127.0.0.1:{upstream.server_address[1]}"
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            NGINX.format(folder=self.folder, port=port, upstream=upstream.server_address[1])
        )
        recorder = self.record_server(port, "nginx", "-c", configuration, "-p", self.folder)
        for i in range(12):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{i}", timeout=20) as answer:
                self.assertEqual(answer.read(), b"ok")
        report = self.end(recorder)
        told = next(p for p in report["peers"] if p["peer"] == peer)
        self.assertEqual(told["answers"], 12)
        self.assertGreaterEqual(told["p50_ns"], SlowUpstream.SLOW_MS * 1_000_000)
        first = report["findings"][0]
        self.assertEqual(first["rule"], "peer", first)
        self.assertIn(peer, first["text"])
        self.assertIn("It answered 12 calls", first["text"])
        server = next(s for s in report["servers"] if s["server"] == f"127.0.0.1:{port}")
        self.assertEqual(server["requests"], 12)
        # One at a time: each request is its thread's alone, and most of it its call.
        for request in report["slowest_requests"]:
            self.assertEqual(request["link"], "one thread")
            self.assertEqual([call["peer"] for call in request["calls"]], [peer])
            self.assertGreater(request["calls"][0]["total_ns"], request["duration_ns"] / 2)

    def test_redis_requests_are_its_commands(self):
        port = free_port()
        recorder = self.record_server(
            port, "redis-server", "--port", port, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1",
            "--dir", self.folder,
        )  # fmt: skip
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for _ in range(100):
                connection.sendall(b"PING\r\n")
                self.assertEqual(connection.recv(100), b"+PONG\r\n")
            connection.sendall(b"DEBUG SLEEP 0.1\r\n")
            slow = connection.recv(100)
        report = self.end(recorder)
        server = next(s for s in report["servers"] if s["server"] == f"127.0.0.1:{port}")
        self.assertEqual(server["requests"], 101)
        if slow.startswith(b"+OK"):
            self.assertGreaterEqual(report["slowest_requests"][0]["duration_ns"], 100_000_000)

    def test_redis_requests_behind_a_slow_command(self):
        """What their clients waited for is told: queued behind it, or unread while it ran."""
        port, slow_s = free_port(), 0.3
        recorder = self.record_server(
            port, "redis-server", "--port", port, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1",
            "--dir", self.folder, "--enable-debug-command", "yes",
        )  # fmt: skip

        def ask(connection):
            connection.sendall(b"PING\r\n")
            return connection

        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(6)]
            for client in clients:
                self.assertEqual(ask(client).recv(100), b"+PONG\r\n")
            clients[0].sendall(b"DEBUG SLEEP %f\r\n" % slow_s)
            time.sleep(slow_s / 3)
            begun = time.monotonic()
            for client in clients[1:]:
                ask(client)
            for client in clients[1:]:
                self.assertEqual(client.recv(100), b"+PONG\r\n")
            waited_ns = (time.monotonic() - begun) * 1e9
            names = [f"127.0.0.1:{client.getsockname()[1]}" for client in clients]
        report = self.end(recorder)
        slowest = report["slowest_requests"]
        self.assertEqual({r["client"] for r in slowest[:6]}, set(names))
        for request in slowest[:6]:
            for parts, whole in (("parts", "duration_ns"), ("unread_parts", "unread_ns")):
                self.assertEqual(sum(part["total_ns"] for part in request[parts]), request[whole])
            if request["client"] == names[0]:
                self.assertGreaterEqual(request["duration_ns"], slow_s * 1e9)
                continue
            # The client's own clock says no less than what was seen, and no more than with what may have been.
            self.assertLessEqual(request["duration_ns"], waited_ns)
            self.assertGreaterEqual(request["unread_ns"] + waited_ns / 2, waited_ns)
            longest = max(request["unread_parts"], key=lambda part: part["total_ns"])
            self.assertEqual((longest["state"], longest["behind"]), ("queued", names[0]))
        self.assertIn("before that, it may have lain unread", self.report_text(self.folder / "trace", "requests"))
        # What is a finding is not called idle.
        self.assertIn("slow turn", [finding["rule"] for finding in report["findings"]])
        asleep = [site for site in report["sites"] if site["operation"] == "nanosleep"]
        self.assertEqual([(site["is_idle"], site["idle_ns"]) for site in asleep], [(False, 0)], asleep)

    def test_what_the_kernel_tells_leaves_no_request_unknown(self):
        """There each wait of the loop has several pieces."""
        for kernel in ("off", "auto"):
            with self.subTest(kernel):
                port, trace = free_port(), self.folder / f"kernel-{kernel}"
                recorder = self.start_record(
                    "/usr/bin/python3", "-c", LOOP, port,
                    output=trace, options=["--rate=0", f"--kernel={kernel}"],
                )  # fmt: skip
                wait_until(lambda: accepts(port), "the loop answered")
                with contextlib.ExitStack() as stack:
                    clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(3)]
                    for _ in range(5):
                        for client in clients:
                            client.sendall(b"x")
                        for client in clients:
                            self.assertEqual(client.recv(1), b"x")
                    clients[0].sendall(b"q")
                    recorder.communicate(timeout=60)
                report = json.loads(self.ctrace("report", "--format=json", "requests", "--top=100", trace).out)
                requests = [r for r in report["slowest_requests"] if r["link"] == "event loop"]
                parts = [part for request in requests for part in request["parts"]]
                unknown_ns = sum(part["total_ns"] for part in parts if part["state"] == "unknown")
                self.assertGreaterEqual(len(requests), 10)
                self.assertLess(unknown_ns, sum(part["total_ns"] for part in parts) / 5)

    def test_a_loop_that_reads_several_first(self):
        """Its work is for one of them, and for which is not known: nobody's is invented."""
        port = free_port()
        recorder = self.start_record(
            "/usr/bin/python3", "-c", BATCH, port, options=["--rate=0", "--kernel=off"]
        )
        wait_until(lambda: accepts(port), "the loop answered")
        with contextlib.ExitStack() as stack:
            clients = []
            for _ in range(3):
                clients.append(stack.enter_context(socket.create_connection(("127.0.0.1", port))))
                clients[-1].sendall(b"x")
            for turn in range(4):
                for client in clients if turn else ():
                    client.sendall(b"x")
                for client in clients:
                    self.assertEqual(client.recv(1), b"x")
            recorder.communicate(timeout=60)
        requests = [r for r in self.report()["slowest_requests"] if r["link"] == "event loop"]
        either = [
            sum(part["total_ns"] for part in request["parts"] if part["state"] == "either")
            for request in requests
        ]
        self.assertGreaterEqual(len(requests), 8)
        self.assertGreaterEqual(2 * sum(ns >= 40e6 for ns in either), len(requests))
        for request, ns in zip(requests, either):
            self.assertEqual(sum(part["total_ns"] for part in request["parts"]), request["duration_ns"])
            self.assertGreaterEqual(ns, 20e6, request)

    def test_nginx_requests_call_each_its_own_upstream(self):
        """Many at once in one loop: what it asks is told apart by what it had read."""
        upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowUpstream)
        upstream.daemon_threads = True
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        port, peer = free_port(), f"127.0.0.1:{upstream.server_address[1]}"
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            NGINX.format(folder=self.folder, port=port, upstream=upstream.server_address[1])
            .replace("worker_processes 2", "worker_processes 1")
        )
        recorder = self.record_server(port, "nginx", "-c", configuration, "-p", self.folder)
        took_s = {}

        def client():
            with socket.create_connection(("127.0.0.1", port)) as connection:
                for _ in range(6):
                    begun = time.monotonic()
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    while not connection.recv(4096).endswith(b"ok"):
                        pass
                    took_s.setdefault(connection.getsockname()[1], []).append(time.monotonic() - begun)

        clients = [threading.Thread(target=client) for _ in range(4)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        report = self.end(recorder)
        requests = [r for r in report["slowest_requests"] if int(r["client"].rpartition(":")[2]) in took_s]
        self.assertEqual(len(requests), 24)
        self.assertIn("event loop", {request["link"] for request in requests})
        linked = 0
        for request in sorted(requests, key=lambda request: request["begin_ns"]):
            self.assertEqual(sum(part["total_ns"] for part in request["parts"]), request["duration_ns"])
            was_s = took_s[int(request["client"].rpartition(":")[2])].pop(0)
            self.assertLessEqual(request["duration_ns"], was_s * 1e9)
            calls = request["calls"]
            self.assertLessEqual(len(calls), 1)
            if calls:
                linked += 1
                self.assertEqual((calls[0]["peer"], calls[0]["count"]), (peer, 1))
                self.assertLess(calls[0]["total_ns"], request["duration_ns"])
                self.assertGreaterEqual(calls[0]["total_ns"], SlowUpstream.SLOW_MS * 1_000_000)
        self.assertGreater(linked, 12)

    def test_memcached_requests_are_its_commands(self):
        port = free_port()
        # It does not want to be root.
        recorder = self.record_server(
            port, "memcached", "-l", "127.0.0.1", "-p", port, "-U", 0, "-t", 2, "-u", "nobody"
        )
        for _ in range(4):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                for _ in range(25):
                    connection.sendall(b"get nothing\r\n")
                    self.assertEqual(connection.recv(100), b"END\r\n")
        report = self.end(recorder)
        server = next(s for s in report["servers"] if s["server"] == f"127.0.0.1:{port}")
        self.assertEqual(server["requests"], 100)
        self.assertEqual(server["handed_over"], 0)


if __name__ == "__main__":
    main()
