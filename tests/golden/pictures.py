"""pictures.py WRITE_TRACE PROGRAMS: pictures of recordings, as ctrace timeline writes them."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

WRITER, PROGRAMS = sys.argv[1], pathlib.Path(sys.argv[2])
HERE = pathlib.Path(__file__).resolve().parent
SVG = "{http://www.w3.org/2000/svg}"
MOST_BYTES = 2_000_000
THREADS = 1200


def large_trace():
    """Many threads, each with its own waits, so that no two columns of the picture are alike."""
    yield ("1.000s 9 9 process_start schema_version=2 process_start_ns=1s rate_ns=0 ppid=1 exe=/bin/large "
           "args=large cwd=/")
    for tid in range(10, 10 + THREADS):
        yield f"1.001s 9 {tid} thread_start creator_tid=9"
        yield f"1.001s 9 {tid} thread_name name={'worker' if tid % 2 else 'a-thread-with-a-long-name'}-{tid}"
    for turn in range(16):
        for tid in range(10, 10 + THREADS):
            end_us = 1_010_000 + turn * 60_000 + tid * 7919 % 50_000
            yield (f"{end_us}us 9 {tid} wait duration_ns={5 + tid * 31 % 45}us object={tid % 50} op=recv "
                   f"class={('net', 'sync', 'syscall')[(tid + turn) % 3]}")
    yield "2.000s 9 9 process_exit status=0"
    yield "trace closing/ust"
    yield ("2.1s 1 1 capture schema_version=2 ctrace_version=0.1.0 command=large layers=preload begin_ns=1s end_ns=2s "
           "rate_ns=0 process_count=1")


class Pictures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, description):
        trace = self.folder / "trace"
        subprocess.run([WRITER, description, trace], check=True)
        return trace

    def draw(self, trace, *options, suffix="svg"):
        picture = self.folder / f"picture.{suffix}"
        environment = dict(os.environ, LC_ALL="C.UTF-8", XDG_CACHE_HOME=str(self.folder / "cache"))
        subprocess.run([PROGRAMS / "ctrace-timeline", "-o", picture, *options, trace], check=True, env=environment,
                       timeout=300, stderr=subprocess.DEVNULL)
        return picture.read_bytes()

    def words(self, svg):
        """All texts, from the top."""
        texts = xml.etree.ElementTree.fromstring(svg).iter(SVG + "text")
        return [text.text for text in sorted(texts, key=lambda text: float(text.get("y")))]

    def test_no_svg_is_too_large_whatever_was_recorded(self):
        description = self.folder / "large.txt"
        description.write_text("\n".join(large_trace()) + "\n")
        trace = self.write(description)
        for options in (("--threads=all",), ("--threads=all", "--width=3000", "--patterns")):
            with self.subTest(options):
                svg = self.draw(trace, *options)
                self.assertLessEqual(len(svg), MOST_BYTES)
                words = self.words(svg)
                self.assertTrue(any(f"{THREADS + 1:,} threads" in word for word in words), words[:5])
                self.assertTrue(any("to keep the file small" in word for word in words), words[-5:])

    def test_options_say_how_it_is_drawn(self):
        trace = self.write(HERE / "traces/pool.txt")
        words = self.words(self.draw(trace))
        self.assertIn("2 threads waited throughout: worker-* (2)", words)
        self.assertIn("by state", words)
        self.assertNotIn("worker-1", words)
        self.assertLess(words.index("pool"), words.index("worker-2"))
        self.assertNotIn("by state", self.words(self.draw(trace, "--no-overview")))
        names = [word for word in self.words(self.draw(trace, "--sort=activity")) if word in ("10", "12")]
        self.assertEqual(names, ["12", "10"])
        for options in (("--threads=all",), ("--thread=worker-*",)):
            words = self.words(self.draw(trace, *options))
            self.assertTrue({"worker-1", "worker-2", "worker-3"} <= set(words), (options, words))

    def test_themes_and_patterns_are_other_colours_on_the_same_places(self):
        trace = self.write(HERE / "traces/pool.txt")
        pictures = {options: self.draw(trace, *options) for options in
                    ((), ("--theme=light",), ("--theme=dark",), ("--patterns",), ("--theme=dark", "--patterns"))}
        self.assertEqual(pictures[()], pictures[("--theme=light",)])
        self.assertEqual(len(set(pictures.values())), 4)
        for svg in pictures.values():
            self.assertEqual(self.words(svg), self.words(pictures[()]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
