"""What reading costs: the first answer and the next ones, of all of a recording and of a part."""

import json
import os
import re
import time

from measure import BUILD, CTRACE, FOLDER, RUNS, WORKLOADS, quietly, record, samples, table, wall_ms


def reading_ms(reader, trace):
    """Opening, decoding and merging, by one of the two readers of traces."""
    return float(quietly(BUILD / "bin" / "time_reader", reader, trace).split()[1]) / 1e6


def first_ms(trace, *command):
    """As long as nothing is kept of an earlier reading."""
    for kept in "index", "symbols":
        (trace / kept).unlink(missing_ok=True)
    return wall_ms(*command)


def row_analysis():
    record(WORKLOADS / "endings", "flood", "300000", options=["--rate=0", "--kernel=off"])
    trace = FOLDER / "trace"
    counted = quietly("babeltrace2", trace, "--component=sink.utils.counter")
    events = int(re.findall(r"(\d+) Event messages", counted)[-1])
    measures = {
        "babeltrace2 dummy sink": lambda: wall_ms("babeltrace2", "-o", "dummy", trace),
        "reading alone, babeltrace2": lambda: reading_ms("babeltrace2", trace),
        "reading alone, direct": lambda: reading_ms("direct", trace),
        "ctrace report, the first time": lambda: first_ms(trace, CTRACE, "report", trace),
        "ctrace report, again": lambda: wall_ms(CTRACE, "report", trace),
        "ctrace pprof": lambda: wall_ms(CTRACE, "pprof", "syscall", trace, "-o", FOLDER / "p"),
        "ctrace timeline": lambda: wall_ms(CTRACE, "timeline", trace, "-o", FOLDER / "t.png"),
    }
    rates = {
        name: [events / ms / 1e3 for ms in found] for name, found in samples(measures).items()
    }
    table(f"events analysed, of {events}", "M/s", rates, "babeltrace2 dummy sink", best=max)

    capture = json.loads(quietly(CTRACE, "report", "--format=json", trace))["capture"]
    waits = capture["waits_recorded"] - capture["waits_lost"]
    kept = (trace / "index").stat().st_size
    size = sum(path.stat().st_size for path in (trace / "ust").rglob("*") if path.is_file())
    print(f"\nbytes for each of {waits} waits on disk: {size / waits:.1f}, "
          f"and {kept / waits:.1f} of what was read")


# Each is four waits: two threads hand a byte to each other.
HAND_OFFS = 2_500_000
FIRST = "ctrace report, the first time"


def asked(*command):
    """Milliseconds on the clock, and the most memory that any of its processes had, in MB."""
    words = [str(word) for word in command]
    with open(os.devnull, "r+") as nowhere:
        begin = time.monotonic()
        streams = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), stream) for stream in range(3)]
        child = os.posix_spawnp(words[0], words, os.environ, file_actions=streams)
        _, status, usage = os.wait4(child, 0)
    if status != 0:
        raise RuntimeError(f"{' '.join(words)}: {status}")
    return (time.monotonic() - begin) * 1e3, usage.ru_maxrss / 1024


def row_window():
    """A millisecond of ten million waits, and the memory that it takes to read and to ask."""
    record(WORKLOADS / "endings", "flood", str(HAND_OFFS), options=["--rate=0", "--kernel=off"])
    trace = FOLDER / "trace"
    told = json.loads(quietly(CTRACE, "report", "--format=json", trace))
    waits = told["capture"]["waits_recorded"] - told["capture"]["waits_lost"]
    window = ["--from=1s", "--to=1.001s"]
    thread = f"--thread={told['threads'][0]['tid']}"
    commands = {
        "babeltrace2 dummy sink": ["babeltrace2", "-o", "dummy", trace],
        FIRST: [CTRACE, "report", trace],
        "ctrace report, again": [CTRACE, "report", trace],
        "one thread of two": [CTRACE, "report", thread, trace],
        "ctrace report, 1 ms": [CTRACE, "report", *window, trace],
        "ctrace report, 1 ms, one thread": [CTRACE, "report", *window, thread, trace],
        "ctrace pprof, 1 ms": [CTRACE, "pprof", "syscall", *window, trace, "-o", FOLDER / "p"],
        "ctrace timeline, 1 ms": [CTRACE, "timeline", *window, trace, "-o", FOLDER / "t.png"],
    }
    (trace / "index").unlink()
    found = {
        name: [asked(*command) for _ in range(1 if name == FIRST else RUNS)]
        for name, command in commands.items()
    }
    kept = (trace / "index").stat().st_size
    for title, unit, column in ((f"{waits} waits", "ms", 0), ("memory at most", "MB", 1)):
        values = {name: [each[column] for each in runs] for name, runs in found.items()}
        table(title, unit, values, "babeltrace2 dummy sink")
    print(f"\n{kept / waits:.1f} bytes a wait kept of what was read")
