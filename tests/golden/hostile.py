"""hostile.py WRITE_TRACE PROGRAMS: traces that are made to abort, to hold up or to fill what reads
them. Every command ends with one line that names the file, writes nothing and leaves nothing."""
import os, pathlib, struct, subprocess, sys, tempfile

WRITER, PROGRAMS = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
TEXT = """1s 5 5 process_start schema_version=2 process_start_ns=1s exe=/bin/x args=x
2s 5 5 wait duration_ns=50000000 op=nanosleep class=sleep
"""
# Offsets in a packet's header, as LTTng writes it.
END_NS, CONTENT_BITS, PACKET_BITS = 40, 48, 56
# Generous: a busy machine counts less CPU time in a second.
SECONDS = 300


def metadata(trace):
    return trace / "ust" / "metadata"


def change_metadata(trace, change):
    path = metadata(trace)
    before = path.read_text()
    after = change(before)
    assert after != before, "nothing was changed"
    path.write_text(after)


def not_of_lttng(trace):
    """So that packets are not checked before."""
    change_metadata(trace, lambda text: text.replace("lttng-ust", "somebody"))


def change_header(trace, offset, value):
    for stream in (trace / "ust").glob("*_0"):
        data = bytearray(stream.read_bytes())
        data[offset:offset + 8] = struct.pack("=Q", value)
        stream.write_bytes(data)


def two_fields_of_one_name(trace):
    change_metadata(trace, lambda text: text.replace("_stack;", "_object;"))


def packet_without_end(trace):
    not_of_lttng(trace)
    change_header(trace, END_NS, 2**64 - 1)


def packet_of_no_size(trace):
    not_of_lttng(trace)
    change_header(trace, CONTENT_BITS, 0)
    change_header(trace, PACKET_BITS, 0)


def nested(trace):
    deep = "struct { " * 300 + "string a; " + "} b; " * 299 + "}"
    change_metadata(trace, lambda text: text + f"typealias {deep} := deep;\n")


def doubled(trace):
    lines = ["typealias struct { string a; string b; } := t0;"]
    lines += [f"typealias struct {{ t{i} a; t{i} b; }} := t{i + 1};" for i in range(40)]
    change_metadata(trace, lambda text: text + "\n".join(lines) + "\n")


def long_comment(trace):
    change_metadata(trace, lambda text: text + "/*" + "x" * 50_000_000 + "*/\n")


def many_traces(trace):
    for i in range(3000):
        folder = trace / "ust" / "uid" / str(i)
        folder.mkdir(parents=True)
        (folder / "metadata").write_text("/* CTF 1.8 */\n")
    metadata(trace).unlink()


CASES = [two_fields_of_one_name, packet_without_end, packet_of_no_size, nested, doubled,
         long_comment, many_traces]
COMMANDS = {
    "report": [],
    "verify": [],
    "pprof": ["sleep"],
    "export": ["-o", "out.json"],
    "symbolize": [],
    "timeline": ["-o", "out.svg"],
    "whatif": ["thread:*", "-50%"],
    "query": ["SELECT * FROM intervals"],
}


def run(command, arguments, folder):
    environment = dict(os.environ, TMPDIR=str(folder / "temporary"))
    program = PROGRAMS / f"ctrace-{command}"
    return subprocess.run([program, *arguments, "trace"], cwd=folder, env=environment, text=True,
                          capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
                          check=False)


def complaint(result, folder):
    lines = result.stderr.splitlines()
    if result.returncode != 1:
        return f"exit status {result.returncode}"
    if result.stdout or any((folder / name).exists() for name in ("out.svg", "out.json")):
        return "something was written"
    if len(lines) != 1 or not lines[0].startswith("ctrace ") or "trace" not in lines[0][8:]:
        return "it does not say what it could not read, in one line"
    if os.listdir(folder / "temporary"):
        return "something was left for temporary files"
    return None


def check(case, commands):
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "text").write_text(TEXT)
        (folder / "temporary").mkdir()
        subprocess.run([WRITER, folder / "text", folder / "trace"], check=True)
        case(folder / "trace")
        for command in commands:
            result = run(command, COMMANDS[command], folder)
            wrong = complaint(result, folder)
            print(f"{case.__name__}, {command}: {wrong or 'ok'}\n  {result.stderr[:400].strip()}",
                  flush=True)
            failures += wrong is not None
    return failures


# All commands read in the same way: for one case all of them are tried.
FAILED = sum(check(case, COMMANDS if case is CASES[0] else ["report"]) for case in CASES)
sys.exit(FAILED > 0)
