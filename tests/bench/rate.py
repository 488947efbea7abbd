"""What many waits cost: how many arrive, and what each one takes of the recorder and of the disk."""

import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

from measure import CTRACE, FOLDER, RUNS, WORKLOADS, quietly, table


def started_flood(options, *arguments):
    words = [CTRACE, "record", "-o", FOLDER / "trace", "--rate=0", "--kernel=off", *options]
    return subprocess.Popen(
        [str(word) for word in [*words, "--", WORKLOADS / "flood", *arguments]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def waits_arrived():
    """How many there were, and how many of them are in the trace."""
    capture = json.loads(quietly(CTRACE, "report", "--format=json", FOLDER / "trace"))["capture"]
    return capture["waits_recorded"], capture["waits_recorded"] - capture["waits_lost"]


def flood(options, *arguments):
    """Waits a second, the share of them that arrived, and the bytes for each."""
    out, _ = started_flood(options, *arguments).communicate()
    done, ms = (float(line) for line in out.split())
    made, arrived = waits_arrived()
    size = sum(path.stat().st_size for path in (FOLDER / "trace" / "ust").rglob("waits_*"))
    return done / ms / 1e3, 100 * arrived / made, size / arrived


def run_s(pid):
    """CPU time of a process."""
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def drain_us():
    """What a wait costs the recorder: the rings are full, and the program is over, when it begins."""
    job = started_flood([], 16, 27_000, "gated")
    job.stdout.readline()  # that it is ready
    recorder = int(pathlib.Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()[0])
    os.kill(recorder, signal.SIGSTOP)
    job.stdin.write("\n")
    job.stdin.flush()
    job.stdout.readline()  # that it has ended
    before_s = used_s = run_s(recorder)
    os.kill(recorder, signal.SIGCONT)
    while job.poll() is None:
        with contextlib.suppress(OSError):
            used_s = max(used_s, run_s(recorder))
        time.sleep(0.001)
    return (used_s - before_s) / waits_arrived()[1] * 1e6


def row_rate():
    """More waits than a program should make: from 16 threads, with a CPU free and without."""
    print(f"\n{'waits of 16 threads, --rate=0':<34}{'M/s':>10}{'% arrive':>10}{'bytes':>10}")
    for place, arguments in {"on one CPU": ["one_cpu"], "on all CPUs": []}.items():
        for options in [], ["--lossless"]:
            runs = [flood(options, 16, 200_000, *arguments) for _ in range(RUNS)]
            cells = "".join(f"{statistics.median(column):10.2f}" for column in zip(*runs))
            print(f"  {' '.join([place, *options]):<32}{cells}")
            sys.stdout.flush()
    table("what the recorder needs for a wait", "us of CPU time", {"full rings": [drain_us() for _ in range(RUNS)]})
