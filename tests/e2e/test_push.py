"""ctrace push: what Pyroscope, Parca and OpenTelemetry are sent, held by a strict receiver; and what becomes of it where they refuse."""

import base64
import email.parser
import email.policy
import gzip
import http.server
import json
import os
import pathlib
import socket
import subprocess
import threading
import time
import urllib.parse

from harness import WORKLOADS, TraceTest, main, read_profile
from pprof_writer import profile
from protobuf_text import decode, number, one

SECOND = 1_000_000_000
BEGAN_S = 1_767_225_600  # 2026-01-01
WAITS = (("contentions", "count"), ("delay", "nanoseconds"))
SCHEMA = pathlib.Path(__file__).parent / "otlp_profiles.proto"
# Of Pyroscope's: what else it does not know.
CONFIG_FIELDS = {"units", "display-name", "aggregation", "cumulative"}


class Receiver:
    """A server that answers as `answer(number of the request)` says: a status and headers, or a socket's deed."""

    def __init__(self, test, answer=lambda number: (200, {})):
        self.requests = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body, time.monotonic()))
                answer = receiver.answer(len(receiver.requests))
                if callable(answer):
                    self.close_connection = True
                    answer(self.connection)
                    return
                status, headers = answer
                said = receiver.said or (b"said the\x1b[31m receiver\n" if status >= 300 else b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        self.answer, self.said = answer, b""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        test.addCleanup(self.server.server_close)
        test.addCleanup(self.server.shutdown)


def form_of(headers, body):
    """The fields of a form, each a file: {name: (file name, content)}."""
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    assert message.get_content_type() == "multipart/form-data" and not message.defects, message.defects
    fields = {}
    for part in message.iter_parts():
        assert part.get_content_disposition() == "form-data" and not part.defects, part.defects
        name = part.get_param("name", header="Content-Disposition")
        assert name not in fields, f"{name} is there twice"
        fields[name] = (part.get_filename(), part.get_payload(decode=True))
    return fields


class Dictionary:
    """What profiles refer to by an index; strict where the protocol is."""

    def __init__(self, message):
        self.message = message
        for table in ("mapping", "location", "function", "link", "attribute", "stack"):
            assert message[f"{table}_table"][0] == {}, f"{table}_table begins with something"
        assert message["string_table"][0] == "" and all(not key[0].isdigit() for key in message)

    def entry(self, table, index):
        assert 0 <= index < len(self.message[f"{table}_table"]), f"no {index} in {table}_table"
        return self.message[f"{table}_table"][index]

    def text(self, message, name):
        return self.entry("string", number(message, name))

    def type_of(self, message):
        return self.text(message, "type_strindex"), self.text(message, "unit_strindex")

    def stack(self, sample):
        """Of each place the functions in it, the leaf first."""
        stack = self.entry("stack", number(sample, "stack_index"))
        names = []
        for index in map(int, stack.get("location_indices", [])):
            place = self.entry("location", index)
            assert index > 0
            self.entry("mapping", number(place, "mapping_index"))
            names += [self.text(self.entry("function", number(line, "function_index")), "name_strindex")
                      for line in place.get("lines", [])]
        return tuple(names)

    def attributes(self, message):
        found = [self.entry("attribute", int(index)) for index in message.get("attribute_indices", [])]
        keys = [self.text(each, "key_strindex") for each in found]
        assert len(set(keys)) == len(keys), keys
        return {key: next(iter(one(each, "value").values()))[0] for key, each in zip(keys, found)}


def is_known(message):
    """Has protoc known each field by a name?"""
    return all(not name[0].isdigit() and all(is_known(each) for each in values if isinstance(each, dict))
               for name, values in message.items())


class Push(TraceTest):
    def write(self, name, time_s=BEGAN_S, duration_s=10, types=WAITS, value=7):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(profile([(("leaf", "main"), [value] * len(types))], time_ns=time_s * SECOND,
                                 duration_ns=duration_s * SECOND, types=types))
        return path

    def push(self, target, *words, status=0):
        result = self.ctrace("push", target, *words, env=dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8"))
        self.assertEqual(result.status, status, result)
        return result

    def test_pyroscope_gets_a_form(self):
        receiver = Receiver(self)
        path = self.write("block.pb.gz")
        result = self.push(f"pyroscope:{receiver.address}", "--name=shop.web", "--label=env=prod", "--label=at=a b&c", path)
        self.assertIn("sent 1 of 1 profile to", result.err)
        (where, headers, body, _), = receiver.requests
        url = urllib.parse.urlsplit(where)
        self.assertEqual(url.path, "/ingest")
        self.assertEqual(dict(urllib.parse.parse_qsl(url.query, strict_parsing=True)), {
            "name": "shop.web{env=prod,at=a b&c}", "from": str(BEGAN_S), "until": str(BEGAN_S + 10), "spyName": "ctrace"})
        form = form_of(headers, body)
        self.assertEqual(set(form), {"profile", "sample_type_config"})
        self.assertEqual(form["profile"][1], path.read_bytes())
        config = json.loads(form["sample_type_config"][1])
        self.assertEqual(set(config), {"contentions", "delay"})
        for value in config.values():
            self.assertEqual(set(value), CONFIG_FIELDS)
            self.assertIs(value["cumulative"], False)
        self.assertEqual((config["delay"]["units"], config["delay"]["display-name"], config["delay"]["aggregation"]),
                         ("lock_nanoseconds", "block_duration", "sum"))

    def test_parca_gets_a_raw_profile(self):
        receiver = Receiver(self)
        path = self.write("cpu.pb.gz", types=(("samples", "count"), ("cpu", "nanoseconds")))
        plain = self.folder / "plain.pb"
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        self.push(f"parca:{receiver.address}/below/", '--label=who=say "x"', "--name=shop", path, plain)
        for where, headers, body, _ in receiver.requests:
            self.assertEqual((where, headers["Content-Type"]), ("/below/api/profiles/writeraw", "application/json"))
            request = json.loads(body)
            self.assertEqual(set(request), {"series"})
            series, = request["series"]
            self.assertEqual(series["labels"], {"labels": [
                {"name": "__name__", "value": "process_cpu"}, {"name": "job", "value": "shop"},
                {"name": "who", "value": 'say "x"'}]})
            sample, = series["samples"]
            self.assertEqual(set(sample), {"rawProfile"})
            self.assertEqual(gzip.decompress(base64.b64decode(sample["rawProfile"], validate=True)), plain.read_bytes())
        self.assertEqual(len(receiver.requests), 2)

    def decoded(self, body):
        path = self.folder / "request"
        path.write_bytes(body)
        request = decode(path, SCHEMA, "opentelemetry.proto.ExportProfilesServiceRequest")
        self.assertTrue(is_known(request))
        resource, = request["resource_profiles"]
        scoped, = resource["scope_profiles"]
        attributes = {one(each, "key"): one(one(each, "value"), "string_value")
                      for each in one(resource, "resource")["attributes"]}
        return Dictionary(one(request, "dictionary")), attributes, scoped["profiles"]

    def test_opentelemetry_gets_a_profile_for_each_kind_of_value(self):
        receiver = Receiver(self)
        path = self.folder / "block.pb.gz"
        path.write_bytes(profile([(("leaf", "main"), [3, 500]), (("main",), [2, 0]), (("leaf", "main"), [1, 7])],
                                 time_ns=BEGAN_S * SECOND + 5, duration_ns=SECOND, types=WAITS))
        for _ in range(2):
            self.push(f"otlp:{receiver.address}", "--name=shop", "--label=env=prod", path)
        (where, headers, body, _), (_, _, again, _) = receiver.requests
        self.assertEqual((where, headers["Content-Type"]), ("/v1development/profiles", "application/x-protobuf"))
        self.assertEqual(body, again)
        dictionary, attributes, profiles = self.decoded(body)
        self.assertEqual(attributes, {"service.name": "shop", "env": "prod"})
        self.assertEqual([dictionary.type_of(one(each, "sample_type")) for each in profiles], list(WAITS))
        self.assertEqual([[(dictionary.stack(sample), *map(int, sample["values"])) for sample in each["samples"]]
                          for each in profiles],
                         [[(("leaf", "main"), 3), (("main",), 2), (("leaf", "main"), 1)],
                          [(("leaf", "main"), 500), (("leaf", "main"), 7)]])
        self.assertEqual(len(dictionary.message["stack_table"]), 3)
        self.assertEqual({(number(each, "time_unix_nano"), number(each, "duration_nano")) for each in profiles},
                         {(BEGAN_S * SECOND + 5, SECOND)})
        ids = [one(each, "profile_id") for each in profiles]
        self.assertEqual([len(each) for each in ids], [16, 16])
        self.assertNotEqual(*ids)

    def test_opentelemetry_gets_what_pprof_shows_of_a_recording(self):
        receiver = Receiver(self)
        trace = self.record_ok(WORKLOADS / "states").directory
        path = self.folder / "waits.pb.gz"
        self.assertEqual(self.ctrace("pprof", "sync", "-o", path, trace).status, 0)
        self.push(f"otlp:{receiver.address}", path)
        dictionary, attributes, profiles = self.decoded(receiver.requests[0][2])
        self.assertEqual(attributes["service.name"], "states")
        delay, = (each for each in profiles if dictionary.type_of(one(each, "sample_type"))[0] == "delay")
        told = sorted((int(sample["values"][0]), dictionary.attributes(sample)["thread"]) for sample in delay["samples"])
        shown = sorted((sample.delay_ns, sample.labels["thread"]) for sample in read_profile(path).samples if sample.delay_ns)
        self.assertEqual(told, shown)
        main_file = dictionary.entry("mapping", 1)
        self.assertTrue(dictionary.text(main_file, "filename_strindex").endswith("/states"))
        self.assertRegex(dictionary.attributes(main_file)["process.executable.build_id.gnu"], "^[0-9a-f]{16,}$")

    def test_opentelemetry_may_take_a_part_alone(self):
        receiver = Receiver(self)
        text = 'partial_success { rejected_profiles: 1 error_message: "no delays here" }'
        receiver.said = subprocess.run(
            ["protoc", "--encode=opentelemetry.proto.ExportProfilesServiceResponse", f"--proto_path={SCHEMA.parent}", SCHEMA],
            input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
        result = self.push(f"otlp:{receiver.address}", self.write("block.pb.gz"), status=1)
        self.assertRegex(result.err, "block.pb.gz was not sent .*rejects 1 .*: no delays here\n.*sent 0 of 1")
        self.assertEqual(len(receiver.requests), 1)

    def test_a_folder_is_sent_by_time_and_what_is_no_profile_is_said(self):
        receiver = Receiver(self)
        for hour in (10, 11, 12):
            self.write(f"profiles/20260102_{hour}0000/block.pb.gz", time_s=0, duration_s=0)
        (self.folder / "profiles/20260102_110000/torn.pb.gz").write_bytes(b"\x1f\x8bno profile")
        result = self.push(f"pyroscope:{receiver.address}", "profiles", status=1)
        self.assertRegex(result.err, "torn.pb.gz.*\n.*sent 3 of 4 profiles")
        queries = [dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request[0]).query)) for request in receiver.requests]
        day = BEGAN_S + 24 * 3600
        self.assertEqual([(query["name"], int(query["from"]) - day, int(query["until"]) - day) for query in queries],
                         [("unknown{}", hour * 3600, hour * 3600 + 1) for hour in (10, 11, 12)])

    def test_what_may_go_well_later_is_tried_again(self):
        def close(connection):
            connection.shutdown(socket.SHUT_RDWR)

        answers = [(500, {}), (429, {"Retry-After": "2"}), close, (200, {})]
        receiver = Receiver(self, lambda number: answers[number - 1])
        result = self.push(f"pyroscope:{receiver.address}", self.write("block.pb.gz"))
        self.assertEqual(len(receiver.requests), 4)
        self.assertEqual(len({body.split(b"\r\n", 1)[1].count(b"block_duration") for _, _, body, _ in receiver.requests}), 1)
        times = [request[3] for request in receiver.requests]
        self.assertGreaterEqual(times[1] - times[0], 0.2)
        self.assertGreaterEqual(times[2] - times[1], 1.9)
        self.assertEqual(result.err.count("trying again"), 3)
        self.assertIn("it answers 500 Internal Server Error: said the [31m receiver; trying again", result.err)

    def test_a_refusal_is_final_and_does_not_keep_back_the_others(self):
        receiver = Receiver(self, lambda number: [(400, {}), (302, {"Location": "/elsewhere"}), (200, {})][number - 1])
        paths = [self.write(f"{name}.pb.gz") for name in "abc"]
        result = self.push(f"parca:{receiver.address}", *paths, status=1)
        self.assertEqual(len(receiver.requests), 3)
        self.assertRegex(result.err, r"a\.pb\.gz was not sent to parca:.*: it answers 400 Bad Request: said the")
        self.assertRegex(result.err, r"b\.pb\.gz was not sent .*: it answers 302")
        self.assertIn("sent 1 of 3 profiles", result.err)

    def test_tries_end(self):
        receiver = Receiver(self, lambda number: (503, {}))
        result = self.push(f"pyroscope:{receiver.address}", "--tries=2", self.write("block.pb.gz"), status=1)
        self.assertEqual(len(receiver.requests), 2)
        self.assertRegex(result.err, r"block\.pb\.gz was not sent .*: it answers 503")

    def test_one_that_hangs_is_given_up(self):
        def hang(connection):
            time.sleep(20)

        receiver = Receiver(self, lambda number: hang)
        began = time.monotonic()
        result = self.push(f"parca:{receiver.address}", "--tries=2", "--timeout=300ms", self.write("cpu.pb.gz"), status=1)
        self.assertLess(time.monotonic() - began, 15)
        self.assertIn("no answer within 0.3 s", result.err)

    def test_nobody_listens(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        result = self.push(f"parca:http://127.0.0.1:{port}", "--tries=1", self.write("cpu.pb.gz"), status=1)
        self.assertIn("refused", result.err)

    def test_what_makes_no_sense_is_refused(self):
        path = self.write("cpu.pb.gz")
        target = "parca:http://127.0.0.1:1"
        for words, said in (
            ((), "say where to"),
            ((target,), "say which files"),
            (("http://127.0.0.1:4040", path), "begins with pyroscope:, parca: or otlp:"),
            (("parca:ftp://127.0.0.1", path), "begins with http://"),
            (("parca:http://me:secret@127.0.0.1", path), "could be read by others"),
            (("pyroscope:http://127.0.0.1/?a=b", path), r"no \? and no #"),
            ((target, path, "--label=prod"), "is no label"),
            ((target, path, "--label=__name__=x"), "is no label"),
            ((target, path, "--label=a=b,c=d"), "is no label"),
            ((target, path, "--name=a{b=c}"), "is no name"),
            ((target, path, "--tries=0"), "between 1 and 100"),
            ((target, path, "--timeout=soon"), "--timeout=soon is no time"),
        ):
            with self.subTest(words):
                self.assert_refused(self.ctrace("push", *words), said, status=2)
        self.assert_refused(self.ctrace("push", target, "absent.pb.gz"), "absent.pb.gz", status=1)
        (self.folder / "empty").mkdir()
        self.assert_refused(self.ctrace("push", target, "empty"), "no profile is in empty", status=1)


if __name__ == "__main__":
    main()
