"""What the rows of the benchmarks share: programs are run in turn and timed, and a table says it."""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1])
CTRACE = BUILD / "bin" / "ctrace"
WORKLOADS = BUILD / "tests" / "e2e" / "workloads"
FOLDER = pathlib.Path(tempfile.mkdtemp())
RUNS = int(os.environ.get("CTRACE_BENCH_RUNS", "5"))


def quietly(*command, **options):
    words = [str(word) for word in command]
    options.setdefault("stdout", subprocess.PIPE)
    result = subprocess.run(
        words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, **options
    )
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {result.returncode}: {result.stderr[-400:]}")
    return result.stdout


def wall_ms(*command):
    begin = time.monotonic()
    quietly(*command)
    return (time.monotonic() - begin) * 1e3


# What a session daemon needs after a recording to take down its session: the next one waits for it.
SETTLE_S = 0.6


def settled_wall_ms(*command):
    time.sleep(SETTLE_S)
    return wall_ms(*command)


def samples(measures, runs=RUNS):
    """measures: name -> function. Runs them in turn, so that drift hits all of them alike."""
    values = {name: [] for name in measures}
    for _ in range(runs):
        for name, measure in measures.items():
            if name not in values:
                continue
            try:
                values[name].append(measure())
            except (OSError, RuntimeError, ValueError) as error:
                print(f"{name}: {error}", file=sys.stderr)
                del values[name]
    return {name: found for name, found in values.items() if found}


def against(value, base):
    return f"{value:14.2f}" + ("" if base is None else f"{value / base:8.2f} x {value - base:+12.2f}")


def table(title, unit, found, base="bare", best=min):
    """found: name -> what was measured, run by run."""
    print(f"\n{title + ', in ' + unit:<34}{'median':>14}{'best':>38}")
    for name, values in found.items():
        columns = [
            against(pick(values), pick(found[base]) if base in found and name != base else None)
            for pick in (statistics.median, best)
        ]
        print(f"  {name:<32}{columns[0]:<38}{columns[1]}")
    sys.stdout.flush()


def record(*command, options=(), runner=quietly):
    return runner(CTRACE, "record", "-o", FOLDER / "trace", *options, "--", *command)


def number(text):
    """What the program printed, among what a tool may have."""
    return float(re.findall(r"^(\d+\.\d+)$", text, re.MULTILINE)[-1])
