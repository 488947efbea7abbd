"""`ctrace export`: every format is read by a program or by rules that are not ours, and all of them
have the same totals."""

import csv
import json
import os
import pathlib
import re
import shutil
import tarfile
import unittest

try:
    import jsonschema
except ImportError:
    jsonschema = None

from harness import EXAMPLES, WORKLOADS, TraceTest, go_pprof, main, run
from protobuf_text import decode, number, one

SCHEMA = pathlib.Path(__file__).parent / "perfetto_trace.proto"
CHROME = pathlib.Path(__file__).parent / "chrome_trace.schema.json"
FLAMEGRAPH = pathlib.Path("/usr/share/perl5/Devel/NYTProf/flamegraph.pl")
SPEEDSCOPE = "speedscope@1.25.0"

CLASSES = ("net", "sync", "syscall", "sleep", "runnable", "other")


class Perfetto:
    """A trace, as far as it obeys the rules of the format; what does not is in `faults`."""

    TEXTS = {
        "event_categories": "name",
        "event_names": "name",
        "debug_annotation_names": "name",
        "debug_annotation_string_values": "str",
    }

    def __init__(self, message):
        self.faults = []
        self.threads = {}  # uuid -> (pid, tid, name)
        self.processes = {}
        self.texts = {kind: {} for kind in self.TEXTS}
        self.slices = []  # (uuid, category, name, begin, end, annotations)
        self.events = []  # (time, order, event) of tracks
        self.switches = {}  # cpu -> (time, event)
        self.wakings = []
        self.flows = {}
        packets = message["packet"]
        self.check_first(packets[0])
        for order, packet in enumerate(packets):
            self.add(packet, order)
        self.check_tracks()
        self.check_flows()
        for cpu, switches in self.switches.items():
            self.check_cpu(cpu, switches)

    def expect(self, is_true, *words):
        if not is_true:
            self.faults.append(" ".join(str(word) for word in words))

    def check_first(self, packet):
        clocks = {
            number(clock, "clock_id"): number(clock, "timestamp")
            for clock in packet["clock_snapshot"][0]["clocks"]
        }
        self.expect(one(packet, "first_packet_on_sequence") == "true", "no first packet")
        self.expect(number(packet, "sequence_flags") & 1, "state is not cleared at first")
        self.expect({1, 3, 6} <= set(clocks), "clocks are missing:", clocks)
        defaults = packet["trace_packet_defaults"][0]
        self.expect(number(defaults, "timestamp_clock_id") == 3, "not CLOCK_MONOTONIC")
        self.realtime_ns = clocks.get(1, 0) - clocks.get(3, 0)

    def add(self, packet, order):
        self.expect(number(packet, "trusted_packet_sequence_id") > 0, "packet of no sequence")
        if order > 0:
            self.expect(number(packet, "sequence_flags") == 2, "packet needs no state?", packet)
        for kind, texts in one(packet, "interned_data", {}).items():
            for text in texts:
                iid = number(text, "iid")
                self.expect(iid > 0 and iid not in self.texts[kind], "told twice:", kind, iid)
                self.texts[kind][iid] = one(text, self.TEXTS[kind])
        if "track_descriptor" in packet:
            self.add_track(packet["track_descriptor"][0])
        elif "track_event" in packet:
            event = packet["track_event"][0]
            self.note_texts(event)
            self.events.append((number(packet, "timestamp"), order, event))
        elif "ftrace_events" in packet:
            self.add_bundle(packet["ftrace_events"][0])

    def add_track(self, track):
        uuid = number(track, "uuid")
        self.expect(uuid not in self.threads and uuid not in self.processes, "track twice", uuid)
        if "thread" in track:
            thread = track["thread"][0]
            self.threads[uuid] = (number(thread, "pid"), number(thread, "tid"), one(thread, "thread_name"))
        else:
            self.processes[uuid] = number(track["process"][0], "pid")

    def text(self, kind, iid):
        self.expect(iid in self.texts[kind], "not told yet:", kind, iid)
        return self.texts[kind].get(iid)

    def note_texts(self, event):
        """What numbers stand for is told before, or with it."""
        event["category"] = [self.text("event_categories", int(iid)) for iid in event.get("category_iids", [])]
        if "name_iid" in event:
            event["name"] = [self.text("event_names", number(event, "name_iid"))]
        event["annotations"] = {}
        for annotation in event.get("debug_annotations", []):
            name = self.text("debug_annotation_names", number(annotation, "name_iid"))
            value = one(annotation, "bool_value") or one(annotation, "double_value")
            if "string_value_iid" in annotation:
                value = self.text("debug_annotation_string_values", number(annotation, "string_value_iid"))
            event["annotations"][name] = value

    def check_tracks(self):
        open_slices = {}
        for time, _, event in sorted(self.events, key=lambda each: each[:2]):
            uuid = number(event, "track_uuid")
            self.expect(uuid in self.threads, "event of no track", uuid)
            stack = open_slices.setdefault(uuid, [])
            kind = one(event, "type")
            for flow in event.get("flow_ids", []) + event.get("terminating_flow_ids", []):
                self.flows.setdefault(flow, []).append((time, kind))
            if kind == "TYPE_SLICE_BEGIN":
                stack.append((time, event))
            elif kind == "TYPE_SLICE_END":
                self.expect(stack, "an end of nothing at", time)
                if stack:
                    begin, first = stack.pop()
                    self.expect(begin < time, "an empty slice at", time)
                    self.slices.append(
                        (uuid, one(first, "category"), one(first, "name"), begin, time, first["annotations"])
                    )
            self.expect(len(stack) <= 1, "waits inside of waits at", time)
        self.expect(not any(open_slices.values()), "slices are not ended")

    def check_flows(self):
        for flow, steps in self.flows.items():
            self.expect(
                [kind for _, kind in sorted(steps)] == ["TYPE_INSTANT", "TYPE_SLICE_END"],
                "a flow from nowhere, or to there:", flow, steps,
            )

    def add_bundle(self, bundle):
        cpu = number(bundle, "cpu")
        for event in bundle["event"]:
            if "sched_switch" in event:
                self.switches.setdefault(cpu, []).append(
                    (number(event, "timestamp"), number(event, "pid"), event["sched_switch"][0])
                )
            else:
                self.wakings.append((number(event, "timestamp"), cpu, number(event, "pid"), event["sched_waking"][0]))

    def check_cpu(self, cpu, switches):
        """Who leaves a CPU is who had it."""
        has, last = 0, 0
        self.runs = getattr(self, "runs", [])
        for time, pid, switch in switches:
            leaver, comer = number(switch, "prev_pid"), number(switch, "next_pid")
            self.expect(time >= last, "CPU", cpu, "goes back in time at", time)
            self.expect(leaver == has == pid, "CPU", cpu, "has", has, "but", leaver, "leaves it at", time)
            self.expect(comer != leaver, "CPU", cpu, "goes from", comer, "to the same at", time)
            if has:
                self.runs.append((has, cpu, last, time))
            has, last = comer, time
        self.expect(has == 0, "CPU", cpu, "is still had by", has)


class Exported(TraceTest):
    def record_and_report(self, *words, options):
        self.recording = self.record_ok(*words, options=options).directory
        self.report = json.loads(self.ctrace("report", "--format=json", "--all", self.recording).out)

    def export(self, name, *options):
        path = self.folder / name
        result = self.ctrace("export", "-o", path, *options, self.recording)
        self.assertEqual(result.status, 0, result)
        self.assertIn(f"wrote {path}", result.err)
        self.assertNotIn("FILE", result.err)
        if "next: " in result.err and "open it" not in result.err:
            self.assertIn(str(path), result.err.split("next: ")[1])
        return path

    def perfetto(self, *options):
        path = self.export("trace.pftrace", *options)
        return Perfetto(decode(path, SCHEMA, "perfetto.protos.Trace"))


class Export(Exported):
    """Of one recording, with every wait."""

    def setUp(self):
        super().setUp()
        self.record_and_report(EXAMPLES / "convoy", options=["--rate=0", "--kernel=auto"])

    def class_sums(self):
        """By thread: what the report says of each class."""
        return {
            thread["tid"]: {name: thread["time_ns"][name] for name in CLASSES if thread["time_ns"][name]}
            for thread in self.report["threads"]
        }

    def sum_up(self, pieces):
        """`pieces` of (tid, class, nanoseconds), in the same form."""
        sums = {}
        for tid, name, duration_ns in pieces:
            if name not in CLASSES:
                continue
            by_class = sums.setdefault(tid, {})
            by_class[name] = by_class.get(name, 0) + duration_ns
        return sums

    def assert_same_sums(self, pieces):
        """Without a kernel layer, the program itself has added up its waits, in steps of its clock."""
        pieces = list(pieces)
        sums, expected = self.sum_up(pieces), self.class_sums()
        step = 0 if "kernel" in self.report["capture"]["layers"] else len(pieces)
        for tid in expected.keys() | sums.keys():
            self.assertEqual(sums.get(tid, {}).keys(), expected.get(tid, {}).keys(), tid)
            for name, sum_ns in sums.get(tid, {}).items():
                self.assertAlmostEqual(sum_ns, expected[tid][name], delta=step, msg=(tid, name))

    def test_perfetto_obeys_the_rules_and_has_all_time(self):
        trace = self.perfetto()
        self.assertEqual(trace.faults, [])
        self.assertEqual(sum(name.startswith("worker-") for _, _, name in trace.threads.values()), 4)
        self.assertTrue(trace.flows)
        self.assert_same_sums(
            (trace.threads[uuid][1], category, end - begin)
            for uuid, category, _, begin, end, _ in trace.slices
        )
        waits = [each for each in trace.slices if each[1:3] == ("sync", "pthread_mutex_lock")]
        self.assertTrue(all("statistics_lock" in each[5]["object"] for each in waits))
        self.assertTrue(any("serve_page" in each[5]["stack"] for each in waits))

    def test_perfetto_has_what_the_scheduler_did(self):
        trace = self.perfetto()
        if not trace.switches:
            self.skipTest("the kernel does not tell here who ran when")
        self.assertEqual(trace.faults, [])
        running = {}
        for tid, _, begin, end in trace.runs:
            running[tid] = running.get(tid, 0) + end - begin
        for thread in self.report["threads"]:
            self.assertLessEqual(thread["time_ns"]["running"], running.get(thread["tid"], 0), thread["name"])
        self.assertTrue(trace.wakings or os.getuid() != 0)
        states = {one(switch, "prev_state") for each in trace.switches.values() for _, _, switch in each}
        self.assertIn("1", states)

    def test_a_part_is_cut_and_no_less_strict(self):
        trace = self.perfetto("--from=30%", "--to=60%", "--thread=worker-1")
        self.assertEqual(trace.faults, [])
        self.assertEqual({trace.threads[each[0]][2] for each in trace.slices}, {"worker-1"})
        begin = min(each[3] for each in trace.slices)
        end = max(each[4] for each in trace.slices)
        capture = self.report["capture"]
        self.assertLessEqual(end - begin, (capture["end_ns"] - capture["begin_ns"]) * 0.3 + 1)

    def test_every_format_has_what_is_asked_for_alone(self):
        options = ["--class=sync", "--min=1ms"]
        report = json.loads(self.ctrace("report", "--format=json", "--top=100", *options, self.recording).out)
        expected = round(sum(site["total_ns"] for site in report["sites"]))
        self.assertGreater(expected, 0)
        trace = self.perfetto(*options)
        self.assertEqual(trace.faults, [])
        self.assertEqual({each[1] for each in trace.slices}, {"sync"})
        with open(self.export("waits.csv", *options), newline="") as file:
            rows = [int(row["duration_ns"]) for row in csv.DictReader(file)]
        events = json.loads(self.export("trace.json", *options).read_text())["traceEvents"]
        chrome = [round(each["dur"] * 1000) for each in events if each["ph"] == "X" and each["pid"] != 0]
        for durations in ([end - begin for _, _, _, begin, end, _ in trace.slices], rows, chrome):
            self.assertAlmostEqual(sum(durations), expected, delta=len(durations))

    def test_chrome_is_json_with_nanoseconds(self):
        path = self.export("trace.json")
        text = path.read_text()
        events = json.loads(text)["traceEvents"]
        self.assertTrue(all(re.fullmatch(r"\d+\.\d{3}", ts) for ts in re.findall(r'"ts":([^,]*)', text)))
        names = {each["args"]["name"] for each in events if each["ph"] == "M"}
        self.assertLessEqual({"convoy", "worker-1", "worker-4"}, names)
        complete = [each for each in events if each["ph"] == "X"]
        self.assertEqual({each["ph"] for each in events}, {"M", "X"})
        self.assert_same_sums(
            (each["tid"], each["cat"], round(each["dur"] * 1000))
            for each in complete if each["pid"] != 0
        )
        last = {}  # those of a row do not overlap
        for each in sorted(complete, key=lambda each: each["ts"]):
            row = each["pid"], each["tid"]
            self.assertGreaterEqual(each["ts"], last.get(row, 0) - 1e-6)
            last[row] = each["ts"] + each["dur"]

    @unittest.skipUnless(jsonschema, "python3-jsonschema is not installed: see tests/install-packages.sh")
    def test_chrome_obeys_a_schema(self):
        validator = jsonschema.Draft202012Validator(json.loads(CHROME.read_text()))
        validator.check_schema(validator.schema)
        document = json.loads(self.export("trace.json").read_text())
        self.assertEqual([error.message[-300:] for error in validator.iter_errors(document)], [])
        complete = next(each for each in document["traceEvents"] if each["ph"] == "X")
        for changed in ({"ts": "1"}, {"dur": None}, {"pid": "1"}, {"args": []}, {"ph": "?"}, {"surplus": 1}):
            self.assertFalse(validator.is_valid({"traceEvents": [{**complete, **changed}]}), changed)
        for name in ("ts", "dur", "tid", "name"):
            lacking = {key: value for key, value in complete.items() if key != name}
            self.assertFalse(validator.is_valid({"traceEvents": [lacking]}), name)

    def test_csv_and_json_have_every_wait(self):
        with open(self.export("waits.csv"), newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        document = json.loads(self.export("table.waits.json").read_text())
        self.assertEqual(document["schema"], "ctrace-waits-1")
        self.assertEqual(len(document["waits"]), len(rows))
        self.assert_same_sums((int(row["tid"]), row["class"], int(row["duration_ns"])) for row in rows)
        for row, wait in zip(rows, document["waits"]):
            for name, value in wait.items():
                if isinstance(value, str):
                    self.assertEqual(row[name].removeprefix("'"), value, name)
                elif value is not None:
                    self.assertEqual(float(row[name]), value, name)
        locks = [row for row in rows if row["operation"] == "pthread_mutex_lock" and row["waker"]]
        self.assertTrue(locks)
        self.assertTrue(all(row["waker_place"].startswith("serve_page") for row in locks))

    def test_profiles_are_the_same_in_every_format(self):
        for kind in ("sync", "wall", "mutex"):
            option = f"--profile={kind}"
            delay_ns = self.profile(kind, self.recording).delay_ns
            exported = go_pprof("-raw", self.export("profile.pb.gz", option))
            self.assertEqual(exported.status, 0, exported)
            direct = go_pprof("-raw", self.folder / f"{kind}.pb.gz")
            self.assertEqual(exported.out, direct.out)
            lines = self.export("stacks.folded", option).read_text().splitlines()
            self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in lines), delay_ns)
            self.assertEqual(lines, sorted(set(lines)))
            speedscope = json.loads(self.export("profile.speedscope.json", option).read_text())
            everything, *threads = speedscope["profiles"]
            self.assertEqual(sum(everything["weights"]), delay_ns)
            self.assertEqual(everything["endValue"], delay_ns)
            self.assertEqual(sum(sum(each["weights"]) for each in threads), delay_ns)
            frames = [frame["name"] for frame in speedscope["shared"]["frames"]]
            stacks = {";".join(frames[i] for i in sample) for sample in everything["samples"]}
            self.assertEqual(stacks, {line.rsplit(" ", 1)[0].split(";", 1)[1] for line in lines})

    @unittest.skipUnless(FLAMEGRAPH.exists(), "there is no flamegraph.pl")
    def test_a_flame_graph_is_drawn_of_folded_stacks(self):
        folded = self.export("stacks.folded", "--profile=sync")
        result = run("perl", FLAMEGRAPH, "--countname=ns", folded)
        self.assertEqual(result.status, 0, result)
        total = sum(int(line.rsplit(" ", 1)[1]) for line in folded.read_text().splitlines())
        self.assertIn(f"({total:,} ns, 100", result.out)
        self.assertIn("serve_page", result.out)

    def test_speedscope_obeys_its_own_schema(self):
        packed = run("npm", "pack", "--silent", SPEEDSCOPE, cwd=self.folder) if shutil.which("npm") else None
        if packed is None or packed.status != 0:
            self.skipTest("speedscope's schema cannot be had here")
        import jsonschema

        with tarfile.open(next(self.folder.glob("speedscope-*.tgz"))) as archive:
            schema = json.load(archive.extractfile("package/dist/release/file-format-schema.json"))
        jsonschema.validate(json.loads(self.export("wall.speedscope.json").read_text()), schema)

    def test_a_profile_says_what_it_is_of_as_pprof_does(self):
        filtered = ["--thread=worker-2", "--op=pthread_mutex_lock"]
        out = self.folder / "sync.pb.gz"
        for command in (["pprof", "sync"], ["export", "--format=pprof", "--profile=sync"]):
            result = self.ctrace(*command, *filtered, "-o", out, self.recording)
            self.assertEqual(result.status, 0, result)
            self.assertIn("only: ", go_pprof("-comments", out).out)

    def test_a_profile_is_refused_as_pprof_refuses_it(self):
        bare = self.record_ok(EXAMPLES / "convoy", options=["--kernel=off"], output="bare").directory
        for options, said in (
            (["cpu"], "there are no CPU samples"),
            (["sched"], "has no kernel layer"),
            (["cpu", "--op=read"], "a cpu profile has none"),
            (["critical", "--op=read"], "a critical path"),
        ):
            kind, *filters = options
            with self.subTest(kind=kind):
                asked = self.ctrace("pprof", kind, *filters, "-o", self.folder / "a", bare)
                exported = self.ctrace(
                    "export", "--format=pprof", f"--profile={kind}", *filters, "-o", self.folder / "b", bare
                )
                self.assertNotEqual(exported.status, 0)
                self.assertEqual(exported.status, asked.status)
                for result in (asked, exported):
                    self.assertIn(said, result.err)
                self.assertFalse((self.folder / "b").exists())

    def test_what_is_wrong_is_said(self):
        for arguments, words in (
            ([], "which format"),
            (["--format=perfeto"], "did you mean perfetto"),
            (["-o", "trace.xyz"], "tells no format"),
            (["--format=csv", "--profile=sync"], "does not"),
            (["--format=folded", "--profile=sinc"], "none of"),
        ):
            self.assert_refused(self.ctrace("export", *arguments, self.recording), words, status=2)
        self.assert_refused(self.ctrace("export", "--format=csv", "nowhere"), "nowhere", status=1)
        self.assert_refused(
            self.ctrace("export", "-o", "/dev/full", "--format=csv", self.recording), "full|space", status=1
        )


class Sampled(Exported):
    """Of one with some of its short waits, and no kernel that tells how long the others were."""

    def setUp(self):
        super().setUp()
        self.record_and_report(WORKLOADS / "turns", "pool", options=["--rate=1ms", "--kernel=off"])

    def test_waits_and_what_they_stand_for_are_the_same_in_every_format(self):
        trace = self.perfetto()
        self.assertEqual(trace.faults, [])
        waits = {"perfetto": [(category, end - begin, float(notes.get("stands_for", 1)))
                              for _, category, _, begin, end, notes in trace.slices]}
        events = json.loads(self.export("trace.json").read_text())["traceEvents"]
        waits["chrome"] = [(each["cat"], round(each["dur"] * 1000), float(each["args"].get("stands_for", 1)))
                           for each in events if each["ph"] == "X" and each["pid"] != 0]
        with open(self.export("waits.csv"), newline="") as file:
            waits["csv"] = [(row["class"], int(row["duration_ns"]), float(row["weight"])) for row in csv.DictReader(file)]
        waits["json"] = [(wait["class"], wait["duration_ns"], wait["weight"])
                         for wait in json.loads(self.export("table.waits.json").read_text())["waits"]]
        result = self.ctrace("query", "-f", "json", "SELECT class, duration_ns, weight FROM intervals "
                             "WHERE duration_ns > 0", self.recording)
        waits["sql"] = [(row["class"], row["duration_ns"], row["weight"]) for row in json.loads(result.out)["rows"]]
        expected = self.rounded(waits["csv"])
        self.assertTrue(any(weight > 1 for _, _, weight in expected))
        for name, found in waits.items():
            self.assertEqual(self.rounded(found), expected, name)

    @staticmethod
    def rounded(waits):
        return sorted((name, duration_ns, round(weight, 6)) for name, duration_ns, weight in waits)

    def test_profiles_are_scaled_to_what_the_program_counted(self):
        expected = sum(thread["end_ns"] - thread["start_ns"] for thread in self.report["threads"])
        lines = self.export("wall.folded").read_text().splitlines()
        self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in lines), expected)
        speedscope = json.loads(self.export("wall.speedscope.json").read_text())
        self.assertEqual(sum(speedscope["profiles"][0]["weights"]), expected)
        self.assertEqual(self.profile("wall", self.recording).delay_ns, expected)

    def test_it_is_said(self):
        whole = self.record_ok("true", options=["--rate=0", "--kernel=off"], output="whole").directory
        for format, recording, is_said in (
            ("csv", self.recording, True), ("perfetto", self.recording, True), ("folded", self.recording, False),
            ("csv", whole, False),
        ):
            result = self.ctrace("export", "-f", format, "-o", "out", recording)
            self.assertEqual(result.status, 0, result)
            self.assertEqual("waits shorter than 1.00 ms were sampled" in result.err, is_said, result)


if __name__ == "__main__":
    main()
