"""Running a suite alone and recorded, and holding the verdicts of its cases against each other."""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CTRACE = os.environ["CTRACE_PROGRAM"]
HERE = pathlib.Path(__file__).resolve().parent

# A case that differs is run again by itself, alone and recorded: some fail now and then on their own.
RETRIES = 3


class Failed(Exception):
    """A suite could not be run at all."""


@dataclasses.dataclass
class Runner:
    """Runs programs in a folder of their own; `prefix` is what stands before their words."""

    folder: pathlib.Path
    is_recorded: bool
    waits: int = 0

    @property
    def prefix(self):
        if not self.is_recorded:
            return []
        return [CTRACE, "record", "-o", str(self.folder.parent / "trace"), "--"]

    def command(self, *words):
        return self.prefix + [str(word) for word in words]

    def run(self, *words, timeout=600, check=False, **options):
        """Runs it to its end. What a recording says of itself is not in `stderr`."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("cwd", self.folder)
        process = subprocess.Popen(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return subprocess.CompletedProcess(words, "timeout", "", "")
        result = subprocess.CompletedProcess(
            words, process.returncode, out.decode(errors="replace"), self.own_words(err)
        )
        if result.returncode < 0:
            result.returncode = 128 - result.returncode
        if check and result.returncode != 0:
            raise Failed(f"{words}: status {result.returncode}: {result.stderr[-400:]}")
        return result

    def own_words(self, err):
        lines = err.decode(errors="replace").splitlines(keepends=True)
        for line in lines:
            recorded = re.match(r"ctrace: recorded .* and ([\d,]+) waits?", line)
            if recorded:
                self.waits += int(recorded[1].replace(",", ""))
        return "".join(line for line in lines if not line.startswith("ctrace: "))

    @contextlib.contextmanager
    def server(self, *words, is_ready, end=signal.SIGTERM, timeout=30, **options):
        """Runs a server while the block runs, and then asks it to end."""
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )
        try:
            deadline = time.monotonic() + timeout
            while not is_ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    raise Failed(f"{words[0]} did not start: {process.communicate()[0][-400:]}")
                time.sleep(0.05)
            yield process
            process.send_signal(end)
            out, _ = process.communicate(timeout=60)
            self.own_words(out)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def run_once(suite, is_recorded, cases=None):
    """What the suite gives: the verdict of each case; and how many waits were recorded."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="suite."))
    try:
        (place / "work").mkdir()
        runner = Runner(place / "work", is_recorded)
        try:
            verdicts = suite(runner) if cases is None else suite(runner, cases)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            verdicts = {"all": f"cannot be run: {error}"}
        return verdicts, runner.waits
    finally:
        shutil.rmtree(place, ignore_errors=True)


@dataclasses.dataclass
class Comparison:
    name: str
    bare: dict
    recorded: dict
    waits: int
    unsteady: list  # differed once, and not when run again
    seconds: tuple

    @property
    def different(self):
        names = sorted(self.bare.keys() | self.recorded.keys())
        return [n for n in names if self.bare.get(n) != self.recorded.get(n)]

    @property
    def is_same(self):
        return not self.different and self.waits > 0 and bool(self.bare)


def compare(name, suite, can_select=False):
    """Runs a suite both ways; one that `can_select` cases has to repeat only those that differ."""
    begin = time.monotonic()
    bare, _ = run_once(suite, False)
    middle = time.monotonic()
    recorded, waits = run_once(suite, True)
    seconds = (middle - begin, time.monotonic() - middle)
    found = Comparison(name, bare, recorded, waits, [], seconds)
    for _ in range(RETRIES):
        again = found.different
        if not again:
            break
        cases = again if can_select else None
        bare, _ = run_once(suite, False, cases)
        recorded, _ = run_once(suite, True, cases)
        for case in again:
            if bare.get(case) == recorded.get(case):
                found.bare[case] = found.recorded[case] = bare.get(case)
                found.unsteady.append(case)
    return found
