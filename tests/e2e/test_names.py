"""Names of programs, threads, files and functions that would harm whoever shows them: each output,
looked at byte by byte."""

import csv
import io
import json
import os
import shutil
import subprocess
import unicodedata
import urllib.parse
import xml.etree.ElementTree

from harness import CTRACE, TIMEOUT_S, WORKLOADS, TraceTest, main
from test_view import Server

# A formula; ESC, CSI in one byte, an override and an isolate, no character, no UTF-8.
THREAD = b"=1\x1b\xe2\x80\xae\xc2\x9b\xef\xbf\xbe\xff"
ARGUMENT = b"@x\n\x1b]0;title\x07 \xe2\x81\xa6\xc0\xaf\xed\xa0\x80<b>&\xe2\x80\x8b,\"'"
FILE = b"-f\xe2\x80\xaeot\x1b[2J\xc2\x9b31m\n'\xffctrace: forged"
FUNCTION = b"f\x1b[31m\xe2\x80\xae\xc2\x9b<i>\xef\xbf\xbf"
PROGRAM = b"+p\x1b[1m\xe2\x80\xae\nctrace: forged \xc2\x9d\xfe"


def is_harmful(character):
    code = ord(character)
    return (
        unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")
        or code & 0xFFFE == 0xFFFE
        or 0xFDD0 <= code <= 0xFDEF
    )


class Names(TraceTest):
    def run_bytes(self, *arguments, status=0, **options):
        """stdout and stderr as they are."""
        process = subprocess.run(
            [CTRACE, *(os.fsencode(argument) for argument in arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            **options,
        )
        if status is not None:
            self.assertEqual(process.returncode, status, process)
        return process.stdout, process.stderr

    def assert_harmless(self, output, allowed="\n"):
        """UTF-8, and nothing in it that is obeyed or not seen."""
        text = output.decode()
        harmful = {ascii(c) for c in text if is_harmful(c)} - {ascii(c) for c in allowed}
        self.assertEqual(harmful, set(), output)
        return text

    def assert_says(self, output, *words):
        """On stderr, in lines that are all ours."""
        text = self.assert_harmless(output)
        for line in text.splitlines():
            self.assertFalse(line.startswith("ctrace: forged"), output)
        for word in words:
            self.assertIn(word, text)

    def make_program(self, source):
        path = os.path.join(os.fsencode(self.folder), PROGRAM)
        shutil.copy(source, path)
        return path

    def rename_function(self, path):
        """Its symbol only: debug information would have another name for it."""
        subprocess.run(
            [b"objcopy", b"--strip-debug", b"--redefine-sym",
             b"wait_in_named_function=" + FUNCTION, path],
            check=True,
        )

    def record_names(self):
        program = self.make_program(WORKLOADS / "named")
        fifo = os.path.join(os.fsencode(self.folder), FILE)
        self.rename_function(program)
        os.mkfifo(fifo)
        directory = os.path.join(os.fsencode(self.folder), b"trace " + FILE)
        out, err = self.run_bytes("record", "-o", directory, "--rate=0", "--kernel=off", program,
                                  fifo, THREAD, ARGUMENT)
        self.assertEqual(out, b"")
        self.assert_says(err, "ctrace: recorded 1 process", "ctrace: wrote ")
        return directory

    def check_text(self, directory):
        for words in (["report", "--depth=9"], ["verify"]):
            with self.subTest(words):
                out, err = self.run_bytes(*words, directory)
                self.assertEqual(err, b"")
                text = self.assert_harmless(out)
                if words[0] == "report":
                    for name in ("=1???", "f?[31m??<i>?", "-f?ot?[2J?31m '", "@x ?]0;title? ?"):
                        self.assertIn(name, text.replace("\n", " "))

    def check_json(self, directory):
        out, _ = self.run_bytes("report", "--format=json", directory)
        self.assert_harmless(out)
        report = json.loads(out)
        names = {thread["name"] for thread in report["threads"]}
        self.assertIn(THREAD.decode(errors="replace"), names)  # what it is, unharmed
        functions = {
            frame.get("function") for site in report["sites"] for frame in site["stack"]
        }
        self.assertIn(FUNCTION.decode(), functions)

    def check_csv(self, directory):
        out, _ = self.run_bytes("report", "--format=csv", directory)
        text = self.assert_harmless(out, allowed="\r\n")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual(len(rows), 2, rows)
        self.assertIn("'=1????\N{REPLACEMENT CHARACTER}", {row["thread"] for row in rows})
        for row in rows:
            for name, cell in row.items():
                if name in ("process", "thread"):
                    self.assertNotIn(cell[0], "=+-@\t\r", row)
                else:
                    self.assertTrue(cell.isdigit(), row)

    def check_pictures(self, directory):
        for name, begin in (("x.svg", b"<?xml"), ("x.png", b"\x89PNG"), ("x.pdf", b"%PDF")):
            with self.subTest(name):
                _, err = self.run_bytes("timeline", directory, "-o", name)
                self.assertEqual(err, b"")
                content = (self.folder / name).read_bytes()
                self.assertEqual(content[: len(begin)], begin)
                if name == "x.svg":
                    self.assert_harmless(content)
                    words = "".join(xml.etree.ElementTree.fromstring(content).itertext())
                    self.assertIn("=1????\N{REPLACEMENT CHARACTER}", words)

    def check_profiles(self, directory):
        for kind in ("syscall", "sync"):
            _, err = self.run_bytes("pprof", kind, directory, "-o", "x.pb.gz")
            self.assert_says(err, "wrote x.pb.gz")
            for view in ("-top", "-traces", "-raw"):
                with self.subTest([kind, view]):
                    shown = subprocess.run(
                        ["go", "tool", "pprof", view, "x.pb.gz"],
                        cwd=self.folder, capture_output=True, timeout=TIMEOUT_S, check=True,
                    )
                    text = self.assert_harmless(shown.stdout, allowed="\n\t")
                    self.assertIn("f?[31m??", text)  # it takes <i> for a template

    def check_pages(self, directory):
        """What a page is told, and what the server's own errors say."""
        server = Server(self, directory)
        out = server.ask("api/overview")[2]
        self.assert_harmless(out)
        overview = json.loads(out)
        self.assertIn(THREAD.decode(errors="replace"), {thread["name"] for thread in overview["threads"]})
        area = server.ask("api/area")[2]
        self.assert_harmless(area)
        functions = [frame.get("function") for frame in json.loads(area)["flame"]["frames"]]
        self.assertIn(FUNCTION.decode(), functions)
        for thread in overview["threads"]:
            at = (thread["from"] + thread["to"]) // 2
            self.assert_harmless(server.ask("api/interval", lane=thread["lane"], at=at)[2])
        for name in ("findings", "query", "nothing\x1b[2J\u202e"):
            self.assert_harmless(server.ask("api/" + urllib.parse.quote(name), sql="\x1b[31m\u202e\x9b")[2])
        status, headers, _ = server.ask("api/download", what="csv")
        self.assertEqual(status, 200)
        self.assertRegex(headers["Content-Disposition"], r'^attachment; filename="[A-Za-z0-9._-]+"$')

    def test_no_output_obeys_or_hides_a_name(self):
        directory = self.record_names()
        self.check_text(directory)
        self.check_json(directory)
        self.check_csv(directory)
        self.check_pictures(directory)
        self.check_profiles(directory)
        self.check_pages(directory)

    def test_the_summary_names_who_was_not_seen(self):
        _, err = self.run_bytes("record", "--kernel=off", "-o", "trace", "/bin/sh", "-c",
                                '"$0"; sleep 0.01', self.make_program(WORKLOADS / "static"))
        self.assert_says(err, "did not load ctrace's library: ", "p?[1m")

    def test_errors_quote_names_harmlessly(self):
        self.run_bytes("record", "--kernel=off", "-o", "trace", "true")
        missing = b"/dev/null/" + FILE
        for words in (
            ["report", missing],
            ["report", b"--format=" + THREAD, "trace"],
            ["report", b"--" + FILE, "trace"],
            ["verify", missing],
            ["pprof", ARGUMENT, "trace"],
            ["pprof", "sync", "trace", "-o", missing],
            ["timeline", missing, "-o", "x.svg"],
            ["timeline", "trace", "-o", FILE],
            ["timeline", "trace", "-o", missing + b".svg"],
            ["recover", missing],
            ["record", missing],
            ["record", "-o", missing, "true"],
            ["record", "-p", FILE],
            ["record", b"--" + FILE, "true"],
            [PROGRAM],
        ):
            with self.subTest(words):
                _, err = self.run_bytes(*words, status=None)
                self.assertNotEqual(err, b"")
                self.assert_says(err)


if __name__ == "__main__":
    main()
