"""What programs allocate and what of it is live, against what they count themselves."""

import csv
import io
import json
import os
import pathlib
import re
import signal
import subprocess

from harness import CTRACE, WORKLOADS, TraceTest, go_pprof, main

HEAP = WORKLOADS / "heap"
LEAKS = WORKLOADS / "leaks"
OPERATORS = WORKLOADS / "operators"
MAPS = WORKLOADS / "maps"
STRESS = WORKLOADS / "heap_stress"
ALLOCATORS = ("libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2")
VALUES = ("alloc_objects", "alloc_space", "inuse_objects", "inuse_space")
DEAD = 128 + signal.SIGKILL


def counted_by(out, who="parent"):
    """Of each place, the values as the program counted them."""
    rows = [line.split() for line in out.splitlines() if line.startswith(who + " ")]
    return {place: dict(zip(VALUES, map(int, values))) for _, place, *values in rows}


def error_of(comments, what):
    """One standard error of its bytes, as the profile's comments say."""
    units = {"bytes": 1, "byte": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
    match = re.search(what + r" [^;]*?give or take ([\d.]+) (\w+)", comments)
    return float(match[1]) * units[match[2]]


class Heap(TraceTest):
    def heap_profile(self, directory, *options):
        path = self.folder / "heap.pb.gz"
        result = self.ctrace("pprof", "heap", directory, "-o", path, *options)
        self.assertEqual(result.status, 0, result)
        return path

    def values_of(self, path):
        """Of each function that calls the allocator, what pprof shows for it."""
        places = {}
        for value in VALUES:
            top = go_pprof("-top", "-unit=B", "-nodecount=100", "-nodefraction=0", "-sample_index=" + value, path)
            for line in top.out.splitlines():
                match = re.match(r"\s*(\d+)B? +[\d.]+% +[\d.]+% .* (by_\w+)$", line)
                if match:
                    places.setdefault(match[2], dict.fromkeys(VALUES, 0))[value] = int(match[1])
        return places

    def comments_of(self, path):
        return go_pprof("-comments", path).out

    def assert_counted(self, path, out, who="parent"):
        self.assertEqual(self.values_of(path), counted_by(out, who))

    def test_all_blocks_are_counted_exactly(self):
        result = self.record_ok(HEAP, options=["--heap=0"])
        path = self.heap_profile(result.directory)
        self.assert_counted(path, result.out)
        comments = self.comments_of(path)
        self.assertIn("libc.so.6", comments)
        self.assertNotIn("give or take", comments)
        raw = go_pprof("-raw", path).out
        self.assertIn("PeriodType: space bytes", raw)
        self.assertRegex(raw, r"inuse_space/bytes\s")
        self.assertRegex(raw, r"bytes:\[")
        self.assertNotIn("libctrace-heap.so!", raw)
        self.assertNotRegex(raw, r" (ct_sample|resize) ")

    def test_what_is_left_of_a_killed_program(self):
        result = self.record(HEAP, "kill", options=["--heap=0"])
        self.assertEqual(result.status, DEAD, result)
        self.assert_counted(self.heap_profile(result.directory), result.out)

    def test_samples_are_unbiased(self):
        result = self.record_ok(HEAP, options=["--heap=16KiB"])
        counted = counted_by(result.out)
        path = self.heap_profile(result.directory)
        places = self.values_of(path)
        comments = self.comments_of(path)
        for what, value in (("allocated", "alloc_space"), ("live", "inuse_space")):
            true = sum(place[value] for place in counted.values())
            told = sum(place[value] for place in places.values())
            # The error is an estimate itself, of some dozens of samples that are live.
            self.assertLess(abs(told - true), 8 * error_of(comments, what) + 1, comments)

    def test_a_forked_child_goes_on_with_what_was_live(self):
        result = self.record_ok(HEAP, "fork", options=["--heap=0"])
        parent, child = (counted_by(result.out, who) for who in ("parent", "child"))
        pids = re.findall(r"heap of heap \((\d+)\): all", self.comments_of(
            self.heap_profile(result.directory)))
        self.assertEqual(len(pids), 2)
        by_pid = [self.values_of(self.heap_profile(result.directory, "--process=" + pid))
                  for pid in pids]
        self.assertEqual(by_pid[0], parent)
        for place, values in child.items():
            for value in ("inuse_objects", "inuse_space"):
                self.assertEqual(by_pid[1].get(place, {}).get(value, 0), values[value], place)
        self.assertEqual(by_pid[1]["by_malloc"]["alloc_objects"], 1000)

    def test_a_recording_in_one(self):
        """Whose library then comes after the one that hooks the allocator, too."""
        inner = [CTRACE, "record", "-o", "inner", "--kernel=off", "--", HEAP]
        alone = counted_by(self.record_ok(HEAP, options=["--heap=0"]).out)
        result = self.record_ok(*inner, options=["--heap=0"])
        self.assertEqual(counted_by(result.out), alone)
        self.assertEqual(self.ctrace("pprof", "heap", "inner", "-o", "inner.pb.gz").status, 1)

    def test_exec_ends_a_heap(self):
        result = self.record_ok(HEAP, "exec", options=["--heap=0"])
        one = counted_by(result.out)  # of two images, both the same
        both = {place: {value: 2 * number for value, number in values.items()}
                for place, values in one.items()}
        self.assertEqual(self.values_of(self.heap_profile(result.directory)), both)

    def test_other_allocators_are_found(self):
        for library in ALLOCATORS:
            with self.subTest(library):
                result = self.record_ok(HEAP, "portable", options=["--heap=0"],
                                        env={**os.environ, "LD_PRELOAD": library})
                path = self.heap_profile(result.directory)
                self.assertIn(library, self.comments_of(path))
                self.assert_counted(path, result.out)

    def test_operators_are_counted_once(self):
        """Whether they call malloc, as the C++ library's, or are the allocator's own."""
        for library in ("", *ALLOCATORS):
            with self.subTest(library):
                refused = [] if "mimalloc" in library else ["refuse"]
                result = self.record_ok(OPERATORS, *refused, options=["--heap=0"],
                                        env={**os.environ, "LD_PRELOAD": library})
                path = self.heap_profile(result.directory)
                self.assert_counted(path, result.out)
                self.assertNotIn("libctrace-heap.so", go_pprof("-traces", "-lines", path).out)

    def test_areas_that_a_program_maps_itself(self):
        for library in ("", *ALLOCATORS):
            with self.subTest(library):
                result = self.record_ok(MAPS, options=["--heap=0", "--heap-maps"],
                                        env={**os.environ, "LD_PRELOAD": library})
                self.assert_counted(self.heap_profile(result.directory), result.out)
        alone = counted_by(self.record_ok(MAPS, options=["--heap=0"], output="alone").out)
        self.assertEqual(self.values_of(self.heap_profile(self.folder / "alone")),
                         {"by_malloc": alone["by_malloc"]})
        self.assert_refused(self.record(MAPS, options=["--heap-maps"]), "--heap")

    def test_a_library_with_operators_of_its_own_that_is_loaded_later(self):
        """Without the hooks nobody has an operator new there; with them, it is the same."""
        program = "import ctypes; ctypes.CDLL(None)._Znwm"
        alone = subprocess.run(["/usr/bin/python3", "-c", program], capture_output=True, text=True, check=False)
        result = self.record("/usr/bin/python3", "-c", program, options=["--heap"])
        self.assertEqual((result.status, "undefined symbol" in result.err),
                         (alone.returncode, "undefined symbol" in alone.stderr))

    def test_threads_exceptions_libraries_and_forks_at_once(self):
        for library in ("", *ALLOCATORS):
            with self.subTest(library):
                result = self.record_ok(STRESS, WORKLOADS / "libplugin_first.so", 1, options=["--heap=4KiB"],
                                        env={**os.environ, "LD_PRELOAD": library})
                self.assertEqual(result.out, "done\n")
                heaps = json.loads(self.report(result.directory, "--format=json"))["heaps"]
                self.assertGreater(len(heaps), 1)
                places = json.loads(self.report(result.directory, "--format=json", "--top=1000"))["heap_places"]
                self.assertTrue(all(place["processes"] <= len(heaps) for place in places))
                self.assertTrue(any(heap["samples"] > 100 for heap in heaps), heaps)

    def test_allocs_shows_what_was_allocated(self):
        result = self.record_ok(HEAP, options=["--heap=0"])
        path = self.folder / "allocs.pb.gz"
        self.assertEqual(self.ctrace("pprof", "allocs", result.directory, "-o", path).status, 0)
        self.assertIn("Type: alloc_space", go_pprof("-top", path).out)
        self.assertIn("Type: inuse_space", go_pprof("-top", self.heap_profile(
            result.directory)).out)

    def test_without_the_option_there_is_no_heap(self):
        result = self.record_ok(HEAP)
        refused = self.ctrace("pprof", "heap", result.directory)
        self.assert_refused(refused, "heap was not recorded", "ctrace record --heap")
        self.assert_refused(self.record(HEAP, options=["--heap=often"]), "--heap=often")
        self.assert_refused(self.ctrace("record", "--heap", "-p", str(os.getpid())), "--heap")

    def test_probes_for_other_profilers(self):
        library = pathlib.Path(CTRACE).resolve().parents[1].rglob("libctrace-heap.so")
        notes = subprocess.run(["readelf", "-n", next(library)], capture_output=True, text=True, check=True).stdout
        found = re.findall(r"Provider: (\w+)\s+Name: (\w+)\s+Location: 0x0*[1-9a-f].*\s+Arguments: (.*)", notes)
        self.assertEqual([(provider, name, len(arguments.split())) for provider, name, arguments in found],
                         [("otel_memory", "alloc", 3), ("otel_memory", "free", 1)])

    def report(self, directory, *options):
        result = self.ctrace("report", "heap", directory, *options)
        self.assertEqual(result.status, 0, result)
        return result.out

    def test_a_report_of_leaks(self):
        """What stays and grows, what stays alone, the peak, lives, and who frees it."""
        directory = self.record_ok(LEAKS, options=["--heap=0"]).directory
        document = json.loads(self.report(directory, "--format=json", "--top=100"))
        places = {}
        for place in document["heap_places"]:
            places.setdefault(place["stack"][0]["function"], place)
        suspects = [name for name, place in places.items() if place["is_leak_suspect"]]
        self.assertEqual(suspects, ["leak_session"])
        leak, tables, batch = (places[name] for name in ("leak_session", "make_tables", "begin_batch"))
        self.assertEqual((leak["live_blocks"], leak["live_bytes"], leak["freed_blocks"]), (150, 1200000, 0))
        self.assertEqual((tables["live_blocks"], tables["peak_blocks"]), (64, 64))
        self.assertEqual((batch["live_blocks"], batch["peak_bytes"]), (0, 25600000))
        self.assertEqual(sum(places["use_buffer"]["lives"]), 30000)
        self.assertEqual(places["make_message"]["freed_elsewhere_blocks"], 150)
        self.assertEqual(batch["freed_elsewhere_blocks"], 0)
        heap = document["heaps"][0]
        self.assertGreater(heap["peak_bytes"], 25600000 + tables["live_bytes"])
        self.assertGreater(len(heap["moments"]), 8)
        self.assertEqual(max(moment["live_bytes"] for moment in heap["moments"]), heap["peak_bytes"])

        text = self.report(directory)
        self.assertTrue(text.startswith("Leak suspects (1 of 1)"), text)
        self.assertRegex(text, r"of 150 that it allocated, none were freed")
        self.assertIn("Leak suspects (1 of 1)", self.ctrace("report", directory).out)
        rows = list(csv.DictReader(io.StringIO(self.report(directory, "--format=csv"))))
        self.assertEqual((rows[0]["function"], rows[0]["is_leak_suspect"]), ("leak_session", "1"))
        self.assertEqual(rows[0]["live_bytes"], "1200000")

    def test_processes_that_hardly_allocate_are_one_line(self):
        script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do /bin/true; done"
        directory = self.record_ok("sh", "-c", script, options=["--heap=1GiB"]).directory
        text = self.report(directory)
        self.assertGreater(int(re.search(r"^  (\d+) processes have no sample", text, re.MULTILINE)[1]), 6)
        self.assertNotRegex(text, r"live in 0 blocks|0 of 0")
        self.assertNotIn("Live over the time", text)

    def test_growth_between_two_moments(self):
        directory = self.record_ok(LEAKS, options=["--heap=0"]).directory
        scope = ("--from=30%", "--to=60%")
        document = json.loads(self.report(directory, "--format=json", "--top=100", *scope))
        places = {place["stack"][0]["function"]: place for place in document["heap_places"]}
        self.assertEqual(places["begin_batch"]["live_bytes"], 25600000)
        self.assertEqual(places["make_tables"]["live_bytes"], places["make_tables"]["before_bytes"])
        leak = places["leak_session"]
        self.assertLess(0, leak["before_bytes"])
        self.assertLess(leak["before_bytes"], leak["live_bytes"])
        self.assertLess(leak["live_bytes"], 1200000)
        text = self.report(directory, *scope)
        self.assertIn("Grew the most in that time", text)
        self.assertNotIn("Leak suspects", text)

    def test_a_profile_of_what_was_live_at_a_moment(self):
        directory = self.record_ok(LEAKS, options=["--heap=0"]).directory
        half = self.heap_profile(directory, "--to=50%").rename(self.folder / "half.pb.gz")
        start = self.heap_profile(directory, "--to=20%")
        top = go_pprof("-top", "-unit=B", "-nodecount=20", "-nodefraction=0", half).out
        self.assertRegex(top, r"\b25600000B .* begin_batch")
        grown = go_pprof("-top", "-unit=B", "-nodecount=20", "-nodefraction=0", "-diff_base", start, half).out
        self.assertRegex(grown, r"\b25600000B .* begin_batch")
        self.assertRegex(grown, r"\b\d+B .* leak_session")
        self.assertNotRegex(grown, r"\b[1-9]\d*B +[\d.]+% +[\d.]+% .* make_tables")
        self.assert_refused(self.ctrace("pprof", "heap", directory, "--from=10%"), "--to")
        self.assert_refused(self.ctrace("pprof", "allocs", directory, "--to=10%"), "--process alone")

    def test_a_report_without_a_heap(self):
        directory = self.record_ok(HEAP).directory
        self.assertIn("record it with: ctrace record --heap", self.report(directory))


if __name__ == "__main__":
    main()
