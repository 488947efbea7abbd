"""Every command's help and manual, and what other tools make of the files that ctrace writes."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request
import xml.etree.ElementTree

from harness import CLASSES, EXAMPLES, WORKLOADS, TraceTest, go_pprof, main, read_events, run

# They choose by the same options.
FILTERED = ("diff", "export", "pprof", "report", "timeline")
FILTERS = (
    "--process", "--thread", "--class", "--op", "--object", "--place", "--from", "--to", "--min", "--no-idle",
)
COMMANDS = ("record", "recover", "bench", "diff", "doctor", "export", "pprof", "push", "query", "report", "serve", "snapshot",
            "symbolize", "timeline", "top", "trend", "verify", "view", "whatif")
MANUALS = os.environ.get("CTRACE_MANUALS", "")


class Help(TraceTest):
    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            with self.subTest(command):
                result = self.ctrace(command, "--help")
                self.assertEqual(result.status, 0, result)
                self.assertIn(f"ctrace {command}", result.out)
                self.assertEqual(result.err, "")

    def test_the_front_door_lists_the_commands(self):
        for arguments in (["help"], ["--help"]):
            with self.subTest(arguments):
                result = self.ctrace(*arguments)
                self.assertEqual(result.status, 0, result)
                for command in COMMANDS:
                    self.assertIn(command, result.out)

    def test_help_of_a_command_is_its_manual_or_its_help(self):
        for command in COMMANDS:
            with self.subTest(command):
                result = self.ctrace("help", command, env=dict(os.environ, MANPAGER="cat"))
                self.assertEqual(result.status, 0, result)
                self.assertIn(command, result.out)
        self.assertNotEqual(self.ctrace("help", "no-such-command").status, 0)

    def test_version(self):
        version = self.ctrace("--version").out
        self.assertRegex(version, r"^ctrace \d+\.\d+")
        for command in COMMANDS:
            with self.subTest(command):
                self.assertEqual(self.ctrace(command, "--version").out, version)

    def test_no_command_shows_the_usage_and_fails(self):
        result = self.ctrace()
        self.assert_refused(result)
        self.assertRegex(result.err, "(?i)usage")

    def manuals(self):
        pages = [page for place in MANUALS.split(":") for page in pathlib.Path(place).glob("*.[17]")]
        return {page.stem: page for page in pages}

    def test_a_letters_value_may_be_joined_to_it(self):
        """But what a program is given stays as it is, however alike."""
        result = self.ctrace("record", "--cpu", "-ojoined", "--rate", "0", "echo", "-ofile", "-n3")
        self.assertEqual((result.status, result.out), (0, "-ofile -n3\n"), result)
        for words in (
            ["report", "-n3", "-d", "2", "-w=80", "-fjson", "joined"],
            ["pprof", "syscall", "-ot.pb.gz", "joined"],
            ["timeline", "joined", "-ot.svg"],
        ):
            with self.subTest(words[0]):
                self.assertEqual(self.ctrace(*words).status, 0)
        self.assertTrue((self.folder / "t.pb.gz").exists() and (self.folder / "t.svg").exists())
        for words in (["record", "-p1x"], ["report", "-nfew", "joined"], ["timeline", "-x3"]):
            with self.subTest(words):
                self.assert_refused(self.ctrace(*words), words[1][2:])

    def test_who_mistypes_is_told_what_is_meant(self):
        for words, meant in (
            (["recrod", "true"], "ctrace record"),
            (["help", "reprot"], "ctrace report"),
            (["record", "--raet=1us", "true"], "--rate"),
            (["report", "--form=1s"], "--from"),
            (["pprof", "sync", "--thraed=x"], "--thread"),
            (["pprof", "snyc"], "sync"),
            (["timeline", "--widht=9"], "--width"),
            (["verify", "--verson"], "--version"),
            (["recover", "--verison"], "--version"),
            (["symbolise"], "ctrace symbolize"),
        ):
            with self.subTest(words):
                self.assert_refused(self.ctrace(*words), f"did you mean {meant}?")
        result = self.ctrace("record", "--cpu", "99", "true")
        self.assert_refused(result, "cannot run 99", "--cpu=99", status=127)

    def test_ids_of_processes_as_pidof_and_pgrep_print_them(self):
        """No such process is what is wrong with them, not how they are written."""
        for words in (["-p", "4194301", "4194302"], ["-p", "4194301 4194302"],
                      ["--pid=4194301\n4194302\n"], ["-p", "4194301, 4194302", "--rate=0"]):
            with self.subTest(words):
                result = self.ctrace("record", *words)
                self.assertEqual(result.status, 125, result)
                self.assertIn("419430", result.err)
        self.assert_refused(self.ctrace("record", "-p", "1", "true"), "give one or the other")

    @unittest.skipUnless(MANUALS, "no manual pages to look at")
    def test_manual_pages_render_without_warnings(self):
        manuals = self.manuals()
        self.assertEqual(
            set(manuals) & {"ctrace", *(f"ctrace-{command}" for command in COMMANDS)},
            {"ctrace", *(f"ctrace-{command}" for command in COMMANDS)},
        )
        environment = dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80")
        for name, page in manuals.items():
            with self.subTest(name):
                result = run("man", "-l", "--warnings", page, env=environment)
                self.assertEqual(result.status, 0, result)
                self.assertEqual(result.err, "")

    @unittest.skipUnless(MANUALS, "no manual pages to look at")
    def test_manual_and_help_name_the_same_options(self):
        manuals = self.manuals()
        for command in COMMANDS:
            with self.subTest(command):
                text = self.ctrace(command, "--help").out
                options = set(re.findall(r"--[a-z][a-z-]*[a-z]", text))
                page = manuals[f"ctrace-{command}"].read_text().replace("\\-", "-")
                self.assertEqual("ctrace-filters (7)" in page, command in FILTERED)
                self.assertIn("--version", options)
                for option in options - {"--help"}:
                    self.assertIn(option, page)


    @unittest.skipUnless(MANUALS, "no manual pages to look at")
    def test_filters_are_the_same_everywhere(self):
        page = self.manuals()["ctrace-filters"].read_text().replace("\\-", "-")
        lines = {}
        for command in FILTERED:
            text = self.ctrace(command, "--help").out
            lines[command] = [
                " ".join(line.split()) for line in text.splitlines() if line.strip().startswith(tuple(
                    f"{option}{end}" for option in FILTERS for end in ("=", " ")))
            ]
            self.assertEqual(len(lines[command]), len(FILTERS), lines[command])
        self.assertEqual(lines["report"], lines["pprof"])
        self.assertEqual(lines["report"], lines["timeline"])
        self.assertEqual(lines["report"], lines["export"])
        self.assertEqual(lines["report"], lines["diff"])
        for option in FILTERS:
            self.assertIn(option, page)


class GoPprof(TraceTest):
    def profiles(self):
        sick = self.record_ok(EXAMPLES / "convoy", output="sick").directory
        cured = self.record_ok(EXAMPLES / "convoy_cured", output="cured").directory
        paths = {}
        for name, trace in (("sick", sick), ("cured", cured)):
            paths[name] = self.folder / f"{name}.pb.gz"
            result = self.ctrace("pprof", "sync", trace, "-o", paths[name])
            self.assertEqual(result.status, 0, result)
        return paths

    def test_all_views_open(self):
        paths = self.profiles()
        views = {
            "-top": "pthread_mutex_lock|serve_page",
            "-text": "serve_page",
            "-tree": "serve_page",
            "-raw": "contentions/count delay/nanoseconds",
            "-tags": "thread",
            "-traces": "serve_page",
            "-list=serve_page": r"convoy\.c",
            "-peek=serve_page": "worker",
        }
        for view, expected in views.items():
            with self.subTest(view):
                result = go_pprof(view, paths["sick"])
                self.assertEqual(result.status, 0, result)
                self.assertRegex(result.out, expected)

    def test_delay_is_the_default_and_contentions_can_be_asked_for(self):
        path = self.profiles()["sick"]
        self.assertIn("Type: delay", go_pprof("-top", path).out)
        by_count = go_pprof("-top", "-sample_index=contentions", path)
        self.assertIn("Type: contentions", by_count.out)
        self.assertEqual(by_count.status, 0, by_count)

    def test_time_and_duration_are_set(self):
        text = go_pprof("-raw", self.profiles()["sick"]).out
        self.assertRegex(text, r"Time: 20\d\d-")
        self.assertRegex(text, r"Duration: \d")

    def test_the_cure_shows_as_a_difference(self):
        paths = self.profiles()
        for base in ("-base", "-diff_base"):
            with self.subTest(base):
                result = go_pprof("-top", f"{base}={paths['sick']}", paths["cured"])
                self.assertEqual(result.status, 0, result)
                line = next(line for line in result.out.splitlines() if "serve_page" in line)
                self.assertTrue("-" in line.split()[0] or "-" in line.split()[3], line)

    def test_the_web_view_serves(self):
        path = self.profiles()["sick"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        server = subprocess.Popen(
            ["go", "tool", "pprof", "-no_browser", f"-http={address}", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            for view in ("top", "flamegraph", "peek?f=serve_page"):
                page = self.fetch(f"http://{address}/ui/{view}")
                self.assertTrue("serve_page" in page, f"{view} does not show the function")
        finally:
            os.killpg(server.pid, 9)
            server.wait()

    def fetch(self, url):
        deadline = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(url, timeout=10) as page:
                    return page.read().decode(errors="replace")
            except urllib.error.HTTPError as error:
                return error.read().decode(errors="replace")
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def test_the_same_trace_gives_the_same_bytes(self):
        trace = self.record_ok(WORKLOADS / "waits").directory
        for kind in CLASSES:
            with self.subTest(kind):
                files = []
                for name in ("first", "second"):
                    path = self.folder / name
                    self.assertEqual(self.ctrace("pprof", kind, trace, "-o", path).status, 0)
                    files.append(path.read_bytes())
                self.assertEqual(*files)

    def test_a_profile_can_be_written_to_a_pipe(self):
        trace = self.record_ok(WORKLOADS / "endings", "sleep", "20").directory
        path = self.folder / "piped"
        with path.open("wb") as stdout:
            result = self.ctrace("pprof", "sleep", trace, "-o", "/dev/stdout", stdout=stdout)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(path.read_bytes()[:2], b"\x1f\x8b")

    def test_filters_narrow_the_profile(self):
        trace = self.record_ok(WORKLOADS / "waits").directory
        everything = self.profile("net", trace)
        one = self.profile("net", trace, "--thread=accept")
        self.assertEqual(one.delay_ns, everything.delay_of(thread="accept"))
        self.assertEqual({sample.labels["thread"] for sample in one.samples}, {"accept"})
        nothing = self.profile("net", trace, "--min=10s")
        self.assertEqual(nothing.delay_ns, 0)

    def test_an_unknown_profile_is_refused(self):
        trace = self.record_ok(WORKLOADS / "endings", "exit", "0").directory
        self.assert_refused(self.ctrace("pprof", "goroutine", trace), "goroutine", "sync")


class Report(TraceTest):
    def test_text_names_threads_layers_and_the_hottest_wait(self):
        trace = self.record_ok(EXAMPLES / "convoy").directory
        text = self.report_text(trace)
        for word in ("preload", "worker-*", "4 threads", "pthread_mutex_lock", "serve_page"):
            self.assertIn(word, text)

    def test_threads_of_one_kind_are_one_row_unless_each_is_asked_for(self):
        trace = self.record_ok(EXAMPLES / "convoy").directory
        row = re.compile(r"(?m)^  (worker-\S+) +(\d+(?: threads)?) ")
        self.assertEqual(set(row.findall(self.report_text(trace))), {("worker-*", "4 threads")})
        each = {name for name, _ in row.findall(self.report_text(trace, "--all"))}
        self.assertEqual(each, {f"worker-{number}" for number in range(1, 5)})
        one = {name for name, _ in row.findall(self.report_text(trace, "--thread=worker-3"))}
        self.assertEqual(one, {"worker-3"})

    def test_processes_of_one_kind_are_one_row(self):
        script = "for i in 1 2 3; do sleep 0.0$i; done"
        trace = self.record_ok("sh", "-c", script).directory
        self.assertRegex(self.report_text(trace), r"(?m)^ +3 processes .* sleep 0\.\*$")
        each = self.report_text(trace, "--all")
        for number in (1, 2, 3):
            self.assertRegex(each, rf"(?m)^ +\d+ +\d+ .* sleep 0\.0{number}$")

    def test_of_many_processes_those_that_waited_longest_are_shown(self):
        script = "for i in 1 2 3 4 5 6 7 8 9 10 11; do /bin/true; done; sleep 0.3; /bin/true"
        text = self.report_text(self.record_ok("sh", "-c", script).directory, "--all")
        processes = re.search(r"(?s)Processes \((\d+)\)\n(.*?)\n\n", text)
        self.assertEqual(len(re.findall(r"(?m)^ +\d+ +\d+ +[\d.]+ \w+ ", processes[2])), 10, text)
        self.assertIn(f"and {int(processes[1]) - 10} more", processes[2])
        self.assertRegex(processes[2], r"(?m) sleep 0.3$")

    def test_a_thread_that_has_ended_keeps_its_name_for_who_joins_it(self):
        trace = self.record_ok(WORKLOADS / "endings", "joined", options=["--rate=0"]).directory
        self.assertRegex(self.report_text(trace), r"pthread_join on thread \d+ \(brief\)")

    def test_waits_of_one_line_are_one_place(self):
        trace = self.record_ok(WORKLOADS / "endings", "twice", "20").directory
        report = json.loads(self.ctrace("report", "--format=json", trace).out)
        sleeps = [place for place in report["sites"] if place["class"] == "sleep"]
        self.assertEqual([place["count"] for place in sleeps], [2], sleeps)
        self.assertRegex(self.report_text(trace, "waits"), r"1\. sleep: nanosleep\n +2 waits of")

    def test_json_is_json(self):
        trace = self.record_ok(EXAMPLES / "convoy").directory
        result = self.ctrace("report", "--format=json", trace)
        self.assertEqual(result.status, 0, result)
        self.assertIn("worker-1", json.dumps(json.loads(result.out)))

    def test_names_from_outside_cannot_break_the_output(self):
        odd = self.folder / 'odd "name"\n\x1b[31m<b>&é'
        shutil.copy(WORKLOADS / "endings", odd)
        trace = self.record_ok(odd, "sleep", "20").directory
        result = self.ctrace("report", "--format=json", trace)
        json.loads(result.out)
        self.assertNotIn("\x1b", self.report_text(trace))
        svg = self.folder / "odd.svg"
        self.assertEqual(self.ctrace("timeline", trace, "-o", svg).status, 0)
        self.assertEqual(run("rsvg-convert", "-o", self.folder / "odd.png", svg).status, 0)


class Timeline(TraceTest):
    def test_all_formats_are_what_they_say(self):
        trace = self.record_ok(EXAMPLES / "slow_peer").directory
        for suffix, magic in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
            with self.subTest(suffix):
                path = self.folder / f"t.{suffix}"
                result = self.ctrace("timeline", trace, "-o", path)
                self.assertEqual(result.status, 0, result)
                self.assertTrue(path.read_bytes().startswith(magic))
        svg = run("rsvg-convert", "-o", self.folder / "svg.png", self.folder / "t.svg")
        self.assertEqual(svg.status, 0, svg)
        text = run("pdftotext", self.folder / "t.pdf", "-")
        self.assertEqual(text.status, 0, text)
        self.assertIn("slow_peer", text.out)

    def test_an_svg_tells_where_its_waits_were(self):
        trace = self.record_ok(EXAMPLES / "convoy").directory
        self.assertEqual(self.ctrace("timeline", trace, "-o", "t.svg").status, 0)
        svg = xml.etree.ElementTree.parse(self.folder / "t.svg")
        tips = [tip.text for tip in svg.iter("{http://www.w3.org/2000/svg}title")]
        self.assertTrue(
            any(
                re.search(r"worker.*\n.*mutex_lock on .*statistics_lock.*\n(.*\n)*.*serve_page", tip)
                for tip in tips
            ),
            tips,
        )

    def test_findings_are_those_of_the_report(self):
        trace = self.record_ok(EXAMPLES / "convoy").directory
        for options in ((), ("--to=50%",), ("--thread=worker-1",)):
            with self.subTest(options):
                report = json.loads(self.ctrace("report", "--format=json", *options, trace).out)
                drawn = self.ctrace("timeline", "--findings", trace, "-o", "t.svg", *options)
                self.assertEqual((drawn.status, drawn.err), (0, ""))
                svg = xml.etree.ElementTree.parse(self.folder / "t.svg")
                texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
                self.assertNotEqual(report["findings"], [])
                for finding in report["findings"]:
                    self.assertTrue([text for text in texts if len(text) > 20 and finding["text"].startswith(text)],
                                    (finding["text"], texts[:20]))

    def test_an_unknown_suffix_is_refused(self):
        trace = self.record_ok(WORKLOADS / "endings", "exit", "0").directory
        result = self.ctrace("timeline", trace, "-o", "t.bmp")
        self.assert_refused(result, "bmp", "svg")
        self.assertFalse((self.folder / "t.bmp").exists())

    def test_a_window_past_the_end_is_refused_by_all_in_the_same_words(self):
        trace = self.record_ok(WORKLOADS / "endings", "sleep", "20").directory
        for words in (("pprof", "sleep", trace, "-o", "t.pb.gz"), ("timeline", trace, "-o", "t.svg")):
            with self.subTest(words[0]):
                result = self.ctrace(*words, "--from=1h")
                self.assert_refused(result, r"--from lies after the end: the recording is [\d.]+ m?s long")
                self.assertFalse((self.folder / words[-1]).exists())

    def test_a_file_that_is_there_keeps_its_mode_and_a_link_its_place(self):
        trace = self.record_ok(WORKLOADS / "endings", "sleep", "20").directory
        for words, name in ((("pprof", "sleep"), "t.pb.gz"), (("timeline",), "t.svg")):
            with self.subTest(name):
                real = self.folder / f"real-{name}"
                real.write_text("old")
                real.chmod(0o600)
                (self.folder / name).symlink_to(real.name)
                result = self.ctrace(*words, trace, "-o", name)
                self.assertEqual(result.status, 0, result)
                self.assertTrue((self.folder / name).is_symlink())
                self.assertNotEqual(real.read_bytes(), b"old")
                self.assertEqual(real.stat().st_mode & 0o777, 0o600)

    def test_threads_can_be_named_as_in_the_other_commands(self):
        trace = self.record_ok(EXAMPLES / "convoy").directory
        report = json.loads(self.ctrace("report", "--format=json", trace).out)
        tids = [str(thread["tid"]) for thread in report["threads"]][:2]
        pictures = []
        for number, words in enumerate(
            (
                [f"--threads={','.join(tids)}"],
                [f"--thread={tid}" for tid in tids],
                [f"--threads={tids[0]}x,{tids[0]}", f"--thread={tids[1]}"],
            )
        ):
            path = self.folder / f"{number}.svg"
            result = self.ctrace("timeline", trace, "-o", path, *words)
            self.assertEqual(result.status, 0, result)
            pictures.append(path.read_text())
        self.assertEqual(pictures[1:], pictures[:1] * 2)
        self.assertEqual(set(re.findall(r"<title>[^<(]*\((\d+)\)", pictures[0])), set(tids))

    def test_all_threads_of_a_name_are_shown_unless_there_is_a_limit(self):
        trace = self.record_ok(WORKLOADS / "endings", "threads", "100").directory
        path = self.folder / "t.pdf"
        for words, is_limited in (((), True), (("--thread=*",), False), (("--thread=*", "--threads=5"), True)):
            with self.subTest(words):
                result = self.ctrace("timeline", trace, "-o", path, *words)
                self.assertEqual(result.status, 0, result)
                self.assertEqual("less busy" in run("pdftotext", path, "-").out, is_limited)

    def test_the_other_commands_say_what_they_call_its_threads(self):
        trace = self.record_ok(WORKLOADS / "endings", "sleep", "20").directory
        for words in (["report"], ["pprof", "sleep"]):
            with self.subTest(words[0]):
                result = self.ctrace(*words, trace, "--threads=worker")
                self.assert_refused(result, "timeline.*--thread=NAME")

    def test_windows_and_widths(self):
        trace = self.record_ok(EXAMPLES / "convoy").directory
        path = self.folder / "t.png"
        result = self.ctrace(
            "timeline", trace, "-o", path, "--from=100ms", "--to=200ms", "--width=640"
        )
        self.assertEqual(result.status, 0, result)
        self.assertEqual(int.from_bytes(path.read_bytes()[16:20], "big"), 640)
        for wrong in ("--from=later", "--width=0", "--width=-5", "--width=1e99"):
            with self.subTest(wrong):
                self.assert_refused(self.ctrace("timeline", trace, "-o", path, wrong))


class Babeltrace(TraceTest):
    def test_the_documented_events_and_fields_are_there(self):
        trace = self.record_ok(EXAMPLES / "convoy").directory
        events = read_events(trace)
        wait = next(event for event in events if event.fields.get("op") == "pthread_mutex_lock")
        self.assertEqual(wait.name, "ctrace:lock_wait")
        for name in ("duration_ns", "object", "stack", "owner", "result", "op", "class", "vtid"):
            self.assertIn(name, wait.fields)
        times = [event.time_ns for event in events]
        self.assertEqual(times, sorted(times))


if __name__ == "__main__":
    main()
