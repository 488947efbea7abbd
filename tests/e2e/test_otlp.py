"""`ctrace export --format=otlp`: requests as spans obey the protocol's rules, and say what the
report of requests says."""

import collections
import contextlib
import http.server
import json
import pathlib
import signal
import socket
import threading

from harness import WORKLOADS, TraceTest, main, wait_until
from protobuf_text import decode, number, one
from test_turns import NGINX, TURNS, SlowUpstream, accepts, free_port

SCHEMA = pathlib.Path(__file__).parent / "otlp_trace.proto"
MESSAGE = "opentelemetry.proto.ExportTraceServiceRequest"
KINDS = {1: "SPAN_KIND_INTERNAL", 2: "SPAN_KIND_SERVER", 3: "SPAN_KIND_CLIENT"}
JSON_VALUES = {"stringValue": str, "intValue": int, "doubleValue": float}


def value_of(value):
    if "int_value" in value:
        return number(value, "int_value")
    return float(one(value, "double_value")) if "double_value" in value else one(value, "string_value", "")


class Span:
    def __init__(self, message, resource, scope):
        self.resource, self.scope = resource, scope
        self.trace_id, self.id = one(message, "trace_id", b""), one(message, "span_id", b"")
        self.parent_id = one(message, "parent_span_id", b"")
        self.name, self.kind = one(message, "name", ""), one(message, "kind")
        self.begin_ns = number(message, "start_time_unix_nano")
        self.end_ns = number(message, "end_time_unix_nano")
        pairs = [(one(each, "key"), value_of(one(each, "value", {}))) for each in message.get("attributes", [])]
        self.attributes = dict(pairs)
        self.has_twice = len(self.attributes) < len(pairs)

    def said(self):
        return {name: value for name, value in vars(self).items() if name != "has_twice"}


def spans_of(message):
    for each in message.get("resource_spans", []):
        attributes = one(each, "resource", {}).get("attributes", [])
        resource = {one(each, "key"): value_of(one(each, "value")) for each in attributes}
        for scoped in each.get("scope_spans", []):
            for span in scoped.get("spans", []):
                yield Span(span, resource, one(one(scoped, "scope"), "name"))


def as_message(value):
    """JSON of the protocol in the form of what `protoc` decodes, by the protocol's mapping."""
    if isinstance(value, list):
        return [as_message(each) for each in value]
    if not isinstance(value, dict):
        return value
    message = {}
    for name, member in value.items():
        snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
        if name.endswith("Id"):
            member = bytes.fromhex(member)
        elif name == "kind":
            member = KINDS[member]
        elif not isinstance(member, (list, dict)):
            member = str(JSON_VALUES.get(name, str)(member))
        message[snake] = as_message(member) if isinstance(member, list) else [as_message(member)]
    return message


class Otlp(TraceTest):
    def export(self, name, *options):
        path = self.folder / name
        result = self.ctrace("export", "-o", path, *options, self.folder / "trace")
        self.assertEqual(result.status, 0, result)
        return path

    def spans(self, *options):
        return list(spans_of(decode(self.export("requests.otlp", *options), SCHEMA, MESSAGE)))

    def report(self):
        result = self.ctrace("report", "requests", "--format=json", "--top=100000", self.folder / "trace")
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def check_rules(self, spans):
        """Requests with what is below them: ids, times and nesting are as the protocol has it."""
        self.assertEqual(len({(span.trace_id, span.id) for span in spans}), len(spans))
        traces = collections.defaultdict(list)
        for span in spans:
            self.assertEqual((len(span.trace_id), len(span.id)), (16, 8))
            self.assertTrue(any(span.trace_id) and any(span.id))
            self.assertTrue(span.name)
            self.assertFalse(span.has_twice, span.attributes)
            self.assertLess(span.begin_ns, span.end_ns)
            self.assertEqual(span.scope, "ctrace")
            traces[span.trace_id].append(span)
        for root, *pieces in traces.values():
            self.assertEqual((root.parent_id, root.kind), (b"", "SPAN_KIND_SERVER"))
            self.assertEqual({piece.parent_id for piece in pieces}, {root.id})
            # One after the other, and all of it.
            ends = [root.begin_ns, *(piece.end_ns for piece in pieces)]
            self.assertEqual([piece.begin_ns for piece in pieces] + [root.end_ns], ends)
            for piece in pieces:
                has_peer = "network.peer.address" in piece.attributes
                self.assertEqual(piece.kind, "SPAN_KIND_CLIENT" if has_peer else "SPAN_KIND_INTERNAL")
        return list(traces.values())

    @staticmethod
    def end_of(attributes, key):
        address, port = attributes.get(f"{key}.address", ""), attributes.get(f"{key}.port")
        return address if port is None else f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    def parts(self, pieces):
        sums = collections.Counter()
        for piece in pieces:
            said = piece.attributes
            names = ("ctrace.state", "ctrace.class", "ctrace.operation", "ctrace.object", "ctrace.behind")
            sums[tuple(said.get(name, "") for name in names)] += piece.end_ns - piece.begin_ns
        return sums

    def reported_parts(self, request):
        sums = collections.Counter()
        for part in request["parts"]:
            what = part.get("object", part.get("peer", ""))
            operation = part.get("operation", "").replace("none", "")
            key = part["state"], part.get("class", ""), operation, what, part.get("behind", "")
            sums[key] += part["total_ns"]
        return sums

    def check(self):
        """Every request of the report is there, and nothing else; what it says of each is the same."""
        spans, report = self.spans(), self.report()
        traces = self.check_rules(spans)
        offset_ns = int(report["capture"]["epoch_offset_ns"])
        told = {(r["pid"], r["client"], r["begin_ns"] + offset_ns): r for r in report["slowest_requests"]}
        self.assertEqual(len(traces), len(told))
        for root, *pieces in traces:
            key = root.resource["process.pid"], self.end_of(root.attributes, "client"), root.begin_ns
            request = told.pop(key)
            self.assertEqual(root.end_ns - root.begin_ns, request["duration_ns"])
            self.assertEqual(self.end_of(root.attributes, "server"), request["server"])
            self.assertEqual(root.attributes["ctrace.link"], request["link"])
            self.assertEqual(root.attributes["thread.id"], request["writer_tid"])
            self.assertEqual(self.parts(pieces), self.reported_parts(request))
        self.assertEqual(told, {})
        return traces


class Workloads(Otlp):
    def setUp(self):
        super().setUp()
        self.record_ok(TURNS, "pool", options=["--rate=0"])

    def test_spans_are_the_requests_of_the_report(self):
        traces = self.check()
        self.assertEqual(len(traces), 400)
        confidences = collections.Counter(root.attributes["ctrace.confidence"] for root, *_ in traces)
        self.assertLessEqual(set(confidences), {"likely", "unknown"})
        for root, *pieces in traces:
            self.assertEqual(root.resource["service.name"], "turns")
            if root.attributes["ctrace.confidence"] == "unknown":
                self.assertEqual([piece.name for piece in pieces], ["unknown"])
        waits = [piece for _, *pieces in traces for piece in pieces if piece.name == "nanosleep"]
        self.assertTrue(waits)
        for wait in waits:
            place = wait.attributes["code.file.path"].rpartition("/")[2]
            self.assertIn(f"({place}:{wait.attributes['code.line.number']})", wait.attributes["code.stacktrace"])
            self.assertIn("(turns.c:", wait.attributes["code.stacktrace"])

    def test_json_says_the_same(self):
        message = as_message(json.loads(self.export("requests.otlp.json").read_text()))
        self.assertEqual([span.said() for span in spans_of(message)], [span.said() for span in self.spans()])

    def test_a_part_has_the_same_ids(self):
        whole = self.check_rules(self.spans())
        ids = {root.id: [piece.said() for piece in pieces] for root, *pieces in whole}
        part = self.check_rules(self.spans("--from=30%", "--to=60%"))
        self.assertTrue(0 < len(part) < len(whole))
        for root, *pieces in part:
            self.assertEqual([piece.said() for piece in pieces], ids[root.id])
        writer = whole[0][0].attributes["thread.id"]
        chosen = self.check_rules(self.spans(f"--thread={writer}"))
        expected = [root.id for root, *_ in whole if root.attributes["thread.id"] == writer]
        self.assertEqual([root.id for root, *_ in chosen], expected)
        self.assertLess(len(expected), len(whole))

    def test_what_chooses_no_request_is_refused(self):
        for option in ("--class=sync", "--min=1ms", "--no-idle", "--op=nanosleep"):
            result = self.ctrace("export", "--format=otlp", option, self.folder / "trace")
            self.assertEqual(result.status, 2, result)
            self.assertIn("holds requests, and those are chosen by --process", result.err)


class Others(Otlp):
    def test_where_there_are_none(self):
        self.record_ok(WORKLOADS / "sleeper", "0.1")
        self.assertEqual(self.spans(), [])
        result = self.ctrace("export", "-o", self.folder / "none.otlp.json", self.folder / "trace")
        self.assertEqual(result.status, 0, result)
        self.assertIn("there are no requests in it", result.err)
        document = json.loads((self.folder / "none.otlp.json").read_text())
        self.assertEqual(document, {"resourceSpans": []})

    def test_nginx_calls_its_upstream(self):
        upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowUpstream)
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        port, peer = free_port(), upstream.server_address[1]
        configuration = self.folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=self.folder, port=port, upstream=peer))
        recorder = self.start_record(
            "nginx", "-c", configuration, "-p", self.folder, options=["--rate=0"]
        )
        wait_until(lambda: accepts(port), "nginx answered")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(4)]
            for _ in range(3):
                for client in clients:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                for client in clients:
                    self.assertIn(b"200 OK", client.recv(4096))
        recorder.send_signal(signal.SIGTERM)
        recorder.communicate(timeout=60)
        traces = self.check()
        called = 0
        for root, *pieces in traces:
            calls = [piece for piece in pieces if piece.kind == "SPAN_KIND_CLIENT"]
            for call in calls:
                self.assertEqual(call.attributes["network.peer.address"], "127.0.0.1")
                self.assertEqual(call.attributes["network.peer.port"], peer)
            spent_ns = sum(call.end_ns - call.begin_ns for call in calls)
            called += spent_ns > (root.end_ns - root.begin_ns) / 2
        self.assertEqual(len(traces), 12)
        self.assertGreater(called, 6)


if __name__ == "__main__":
    main()
