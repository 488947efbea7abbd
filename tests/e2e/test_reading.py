"""What a reader of reports and pictures is told of processes that are alike, and of killed ones."""

import json
import os
import re
import subprocess
import time
import xml.etree.ElementTree

from harness import WORKLOADS, TraceTest, main

TITLES = WORKLOADS / "titles"
SVG = "{http://www.w3.org/2000/svg}"

# The recorder looks once a second at how processes call themselves.
LOOKED_AT_MS = 2500


class Alike(TraceTest):
    def setUp(self):
        super().setUp()
        self.directory = self.record_ok(TITLES, "3", LOOKED_AT_MS).directory

    def report(self, *options):
        result = self.ctrace("report", *options, self.directory)
        self.assertEqual(result.status, 0, result)
        return result.out

    def test_a_process_is_called_what_it_called_itself_last(self):
        processes = json.loads(self.report("--format=json"))["processes"]
        titles = sorted(process["title"] for process in processes if process["title"][0] == "'")
        self.assertEqual(titles, [f"'t: worker {i}'" for i in range(3)])
        for process in processes:
            self.assertIn(f" 3 {LOOKED_AT_MS}", process["args"])
        self.assertRegex(self.report(), r"(?m)^ +3 processes .* 't: worker \*'$")
        self.assertIn("t: worker 2", self.report("--all"))

    def test_places_of_a_programs_processes_are_one(self):
        place = r"nanosleep\n +3 waits.*, in 3\s+processes of "
        self.assertRegex(self.report("waits"), place)
        everything = self.report("--all")
        self.assertNotRegex(everything, place)
        self.assertEqual(len(re.findall(r"\d\. sleep: nanosleep\n +1 wait, in t \(", everything)), 3)
        sites = json.loads(self.report("--format=json"))["sites"]
        slept = [site for site in sites if site["operation"] == "nanosleep"]
        self.assertEqual([(site["processes"], site["count"]) for site in slept], [(3, 3)])

    def test_stacks_in_json_are_objects(self):
        report = json.loads(self.report("--format=json"))
        self.assertIsInstance(report["capture"]["epoch_offset_ns"], str)
        self.assertGreater(int(report["capture"]["epoch_offset_ns"]), 2**53)
        frames = [frame for site in report["sites"] for frame in site["stack"]]
        serve = next(frame for frame in frames if frame["function"] == "serve")
        self.assertTrue(serve["file"].endswith("titles.c"), serve)
        self.assertTrue(serve["module"].endswith("/titles"), serve)
        self.assertGreater(serve["line"], 0)
        self.assertGreater(int(serve["address"], 16), 0)


class Killed(TraceTest):
    def setUp(self):
        super().setUp()
        recorder = self.start_record(TITLES, "0", "0", stdin=subprocess.PIPE)
        time.sleep(1)
        recorder.communicate("\n", timeout=40)
        self.directory = self.folder / "trace"

    def test_its_waits_are_open_and_nobody_let_them_go(self):
        result = self.ctrace("report", "--format=json", self.directory)
        report = json.loads(result.out)
        waits = {wait["operation"]: wait for wait in report["open_waits"]}
        self.assertLessEqual({"pthread_mutex_lock", "pthread_join"}, set(waits), result)
        for wait in waits.values():
            self.assertNotIn("waker", wait)

    def test_its_picture_marks_them_and_tells_who_held_the_lock(self):
        path = self.folder / "all.svg"
        result = self.ctrace("timeline", self.directory, "-o", path)
        self.assertEqual(result.status, 0, result)
        tree = xml.etree.ElementTree.parse(path)
        words = [text.text for text in tree.iter(f"{SVG}text")]
        self.assertIn("still waiting at the end", words)
        tips = [title.text for title in tree.iter(f"{SVG}title")]
        tip = next(tip for tip in tips if "held_lock" in tip)
        self.assertIn("still waiting at the end", tip)
        self.assertRegex(tip, r"\nheld by titles \(\d+\)")
        self.assertNotIn("woken by", tip)


FONTS = """<?xml version="1.0"?>
<fontconfig><dir>/usr/share/fonts</dir><cachedir>{}</cachedir></fontconfig>"""


class Fonts(TraceTest):
    def test_what_is_known_of_fonts_is_kept_without_a_word(self):
        directory = self.record_ok("true").directory
        cache = self.folder / "fonts"
        configuration = self.folder / "fonts.conf"
        configuration.write_text(FONTS.format(cache))
        environment = dict(os.environ, FONTCONFIG_FILE=str(configuration))
        result = self.ctrace("timeline", directory, "-o", self.folder / "a.png", env=environment)
        self.assertEqual((result.status, result.err), (0, ""), result)
        self.assertTrue(any(cache.iterdir()))


if __name__ == "__main__":
    main()
