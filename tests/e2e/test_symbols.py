"""Names of functions where there is no plain debug information: split, stripped, made at run time."""

import http.server
import os
import pathlib
import random
import re
import threading
import time

from harness import WORKLOADS, TraceTest, main, run

SOURCE = WORKLOADS / "layers.c"
LAYERS = ["wait_at_the_bottom", "go_through_the_middle", "enter_at_the_top", "main"]


class Symbols(TraceTest):
    def build(self, *options):
        program = self.folder / "layers"
        result = run("gcc", *options, SOURCE, "-o", program, cwd=self.folder)
        self.assertEqual(result.status, 0, result)
        return program

    def record_layers(self, program, *arguments, options=()):
        options = ["--kernel=off", "--rate=0", *options]
        return self.record_ok(program, *arguments, options=options).directory

    def stacks(self, trace, kind="sleep"):
        return [sample.stack for sample in self.profile(kind, trace).samples]

    def assert_layers(self, trace):
        for stack in self.stacks(trace):
            self.assertEqual([name for name in stack if name in LAYERS], LAYERS)

    def report(self, trace):
        result = self.ctrace("report", trace)
        self.assertEqual(result.status, 0, result)
        return result

    def test_split_debug_information(self):
        for version in ("4", "5"):
            with self.subTest(dwarf=version):
                trace = self.record_layers(self.build("-g", f"-gdwarf-{version}", "-gsplit-dwarf"))
                self.assert_layers(trace)
                self.assertIn("wait_at_the_bottom (layers.c:", self.report(trace).out)

    def test_split_debug_information_that_is_gone(self):
        trace = self.record_layers(self.build("-g", "-gsplit-dwarf"))
        for path in self.folder.glob("*.dwo"):
            path.unlink()
        self.assert_layers(trace)
        self.assertRegex(self.report(trace).err, r"layers.*\.dwo files.* not here")

    def test_damaged_debug_information_ends_no_command(self):
        program = self.build("-g")
        trace = self.record_layers(program)
        sections = run("readelf", "-SW", program).out
        places = [
            (int(match[1], 16), int(match[2], 16))
            for match in re.finditer(r"\.(?:debug_\w+|eh_frame)\s+PROGBITS\s+\w+ (\w+) (\w+)", sections)
        ]
        self.assertGreater(len(places), 4)
        whole = program.read_bytes()
        chance = random.Random(7)
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(chance.choice((1, 8, 64))):
                begin, size = chance.choice(places)
                damaged[begin + chance.randrange(size)] = chance.randrange(256)
            program.write_bytes(damaged)
            (trace / "symbols").unlink(missing_ok=True)
            self.report(trace)

    def build_stripped(self):
        """With its debug information in a file apart, which nothing leads to but the build id."""
        program = self.build("-g", "-O1")
        (self.folder / "apart").mkdir()
        debug = self.folder / "apart" / "layers.symbols"
        for words in (["objcopy", "--only-keep-debug", program, debug], ["strip", program]):
            self.assertEqual(run(*words).status, 0)
        build_id = re.search(r"Build ID: (\w+)", run("readelf", "-n", program).out)[1]
        return program, debug, build_id

    def test_a_debug_file_beside_the_program(self):
        program, debug, _ = self.build_stripped()
        beside = debug.rename(self.folder / debug.name)
        self.assertEqual(run("objcopy", f"--add-gnu-debuglink={beside}", program).status, 0)
        trace = self.record_layers(program)
        self.assertIn("wait_at_the_bottom (layers.c:", self.report(trace).out)

    def test_a_debug_file_by_build_id(self):
        if os.getuid() != 0:
            self.skipTest("installs a debug file")
        program, debug, build_id = self.build_stripped()
        trace = self.record_layers(program)
        self.assertNotIn("layers.c:", self.report(trace).out)
        installed = pathlib.Path(f"/usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug")
        installed.parent.mkdir(parents=True, exist_ok=True)
        installed.write_bytes(debug.read_bytes())
        self.addCleanup(installed.unlink)
        self.assertIn("wait_at_the_bottom (layers.c:", self.report(trace).out)
        program.unlink()  # then its debug file says all there is
        (trace / "symbols").unlink()
        self.assertIn("wait_at_the_bottom (layers.c:", self.report(trace).out)

    def serve(self, files):
        """A server of debug files, as debuginfod is one. Returns its address and what it was asked for."""
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                path = files.get(self.path)
                self.send_response(200 if path else 404)
                body = path.read_bytes() if path else b""
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}", asked

    def test_a_debug_file_from_a_server(self):
        """Only where the user says so, and only once."""
        program, debug, build_id = self.build_stripped()
        trace = self.record_layers(program)
        url, asked = self.serve({f"/buildid/{build_id}/debuginfo": debug})
        cache = self.folder / "fetched"
        environment = dict(os.environ, DEBUGINFOD_CACHE_PATH=str(cache))
        environment.pop("DEBUGINFOD_URLS", None)
        for servers in (None, ""):
            if servers is not None:
                environment["DEBUGINFOD_URLS"] = servers
            self.assertNotIn("layers.c:", self.ctrace("report", trace, env=environment).out)
        self.assertEqual(asked, [])
        self.assertFalse(cache.exists())
        environment["DEBUGINFOD_URLS"] = url
        for words in (["report"], ["report", "waits"]):
            result = self.ctrace(*words, trace, env=environment)
            self.assertEqual(result.status, 0, result)
            self.assertIn("wait_at_the_bottom (layers.c:", result.out)
        self.assertEqual(asked.count(f"/buildid/{build_id}/debuginfo"), 1, asked)
        self.assertTrue(all(path.endswith("/debuginfo") for path in asked), asked)
        del environment["DEBUGINFOD_URLS"]  # what was found is kept
        self.assertIn("layers.c:", self.ctrace("report", trace, env=environment).out)

    def test_a_server_that_has_nothing_or_is_not_there(self):
        program, _, _ = self.build_stripped()
        trace = self.record_layers(program)
        url, asked = self.serve({})
        environment = dict(os.environ, DEBUGINFOD_CACHE_PATH=str(self.folder / "fetched"))
        for servers in (url, "http://127.0.0.1:1"):
            environment["DEBUGINFOD_URLS"] = servers
            result = self.ctrace("report", trace, env=environment)
            self.assertEqual(result.status, 0, result)
            self.assertNotIn("layers.c:", result.out)
            self.assertIn("nanosleep", result.out)
        self.assertTrue(asked)

    def test_a_program_that_was_replaced_is_not_believed(self):
        program = self.build("-g", "-O1")
        trace = self.record_layers(program)
        (self.folder / "other.c").write_text("int main(void) { return 1; }\n")
        other = self.folder / "other"
        self.assertEqual(run("gcc", "-g", self.folder / "other.c", "-o", other).status, 0)
        other.replace(program)
        result = self.report(trace)
        self.assertRegex(result.err, r"layers changed since the recording; its frames show as addresses")
        self.assertNotIn("layers.c:", result.out)

    def test_a_function_without_a_symbol_is_one_row(self):
        program = self.build("-O1")
        symbols = run("nm", program).out
        begins = {
            name: int(re.search(rf"^(\w+) \w {name}$", symbols, re.MULTILINE)[1], 16)
            for name in LAYERS
        }
        run("strip", program)
        stacks = self.stacks(self.record_layers(program))
        for index, name in enumerate(LAYERS):
            self.assertEqual({s[index + 1] for s in stacks}, {f"layers+{begins[name]:#x}"}, name)

    def test_code_that_the_kernel_provides(self):
        trace = self.record_layers(self.build("-O1"), options=["--cpu=999"])
        names = {name for stack in self.stacks(trace, "cpu") for name in stack}
        if not any("vdso" in name for name in names):
            self.skipTest("this machine asks the kernel for the time")
        self.assertIn("__vdso_clock_gettime", names)

    def record_node(self, pipe):
        """A program whose functions node made, while its pipe is written slowly."""
        os.mkfifo(pipe)

        def write():
            for _ in range(10):
                with open(pipe, "wb") as end:
                    time.sleep(0.02)
                    end.write(b"x")

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        options = ["--perf-basic-prof", "--always-sparkplug"]
        return self.record_ok(
            "node", *options, WORKLOADS / "jit.js", pipe, options=["--kernel=off"]
        ).directory

    def test_code_made_at_run_time(self):
        trace = self.record_node(self.folder / "pipe")
        (kept,) = (trace / "jit").iterdir()
        pathlib.Path("/tmp/perf-" + kept.name).unlink()  # the recording has its own
        names = {name for stack in self.stacks(trace, "syscall") for name in stack}
        self.assertTrue([name for name in names if "readSlowly" in name], names)

    def test_a_map_of_somebody_else_is_not_believed(self):
        if os.getuid() != 0:
            self.skipTest("takes another user")
        program = self.build("-O1")
        script = f"echo 1000 10 forged > /tmp/perf-$$.map; chown 65534 /tmp/perf-$$.map; exec {program}"
        trace = self.record_layers("sh", "-c", script)
        self.assertFalse((trace / "jit").exists())


if __name__ == "__main__":
    main()
