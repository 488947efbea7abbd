"""What it takes to look at many waits: to read them, to serve them, to walk through them, to keep them in a file."""

import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import time

from measure import CTRACE, FOLDER, HERE, WORKLOADS, quietly

THREADS = 8

# What is aimed at, beside each figure.
AIMS = {"first_paint_ms": 1000, "tile_p99_ms": 8, "frame_p95_ms": 16.7, "page_mb": 256, "server_mb": 256}

WORDS = {
    "store_mb": "the index, in MB",
    "store_s": "reading it first, in s",
    "first_paint_ms": "until the whole run is drawn, in ms",
    "tiles": "tiles that were asked for",
    "tile_p99_ms": "p99 of their answers, in ms",
    "frames": "frames in ten seconds of zooming",
    "frame_p95_ms": "p95 of a frame, in ms",
    "page_mb": "memory of the page, in MB",
    "server_mb": "memory of the server, at most, in MB",
    "html_mb": "as one file, in MB",
    "html_s": "writing that, in s",
    "file_paint_ms": "until the file's whole run is drawn, in ms",
}


def browse(address):
    return json.loads(quietly("node", HERE / "view.mjs", address))


def peak_mb(pid):
    """Of a process and of all that it started."""
    with contextlib.suppress(OSError):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        own = re.search(r"VmHWM:\s*(\d+)", status)  # one that has ended has none
        return (int(own[1]) / 1024 if own else 0) + sum(peak_mb(int(child)) for child in children)
    return 0


def serve(trace):
    server = subprocess.Popen([CTRACE, "view", "--no-browser", trace], stdout=subprocess.PIPE, text=True)
    try:
        found = browse(server.stdout.readline().strip())
        return {**found, "server_mb": peak_mb(server.pid)}
    finally:
        server.terminate()
        server.wait()


def timed_s(*command):
    begin = time.monotonic()
    quietly(*command)
    return time.monotonic() - begin


def measure(waits):
    trace, page = FOLDER / "many", FOLDER / "many.html"
    count = waits // THREADS
    quietly(CTRACE, "record", "-o", trace, "--rate=0", "--kernel=off", "--lossless", "--",
            WORKLOADS / "flood", THREADS, count)  # fmt: skip
    found = {"store_s": timed_s(CTRACE, "query", "SELECT count(*) FROM threads", trace)}
    found["store_mb"] = (trace / "index").stat().st_size / 1e6
    found.update(serve(trace))
    found["html_s"] = timed_s(CTRACE, "timeline", trace, "-o", page)
    found["html_mb"] = page.stat().st_size / 1e6
    found["file_paint_ms"] = browse(page.as_uri())["first_paint_ms"]
    shutil.rmtree(trace)
    return found


def row_view(*powers):
    """A row for each of 10^power waits."""
    found = {power: measure(10**power) for power in powers}
    print(f"\n{'waits that one walks through':<46}" + "".join(f"{f'10^{power}':>12}" for power in powers) + f"{'aim':>10}")
    for name, words in WORDS.items():
        cells = "".join(f"{found[power].get(name) or 0:12.1f}" for power in powers)
        print(f"  {words:<44}{cells}{AIMS.get(name, ''):>10}")
