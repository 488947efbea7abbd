"""What the end-to-end tests share: running ctrace, and reading what it wrote with other tools.

CTRACE_PROGRAM is the ctrace to test, CTRACE_WORKLOADS and CTRACE_EXAMPLES are the folders of the
programs that it records. sandbox.sh gives each run a home and a place for temporary files.
"""

import collections
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

CTRACE = os.environ["CTRACE_PROGRAM"]
WORKLOADS = pathlib.Path(os.environ["CTRACE_WORKLOADS"])
EXAMPLES = pathlib.Path(os.environ["CTRACE_EXAMPLES"])
SMALL_FS = os.environ.get("CTRACE_TEST_SMALL_FS")

# Waits that ended; one that had not when the trace was cut is "ctrace:inflight".
WAIT_EVENTS = {"ctrace:wait", "ctrace:lock_wait", "ctrace:long_wait"}
CLASSES = ("net", "sync", "syscall", "sleep")
TIMEOUT_S = 40

# What a machine may take from a wait between the program's clock readings and ours; and what it
# may add, where whoever was woken has to wait for the end of others' time slices.
NOISE_NS_PER_WAIT = 2_000_000
LATE_NS_PER_WAIT = 5_000_000


@dataclasses.dataclass
class Result:
    """How a command ended; `directory` is the trace it wrote."""

    status: int
    out: str
    err: str
    directory: pathlib.Path = None

    def __str__(self):
        return f"status {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def run(*command, timeout=TIMEOUT_S, **options):
    """Runs a command to its end. A signal's death reads as a shell says it: 128 + signal."""
    words = [str(word) for word in command]
    process = subprocess.Popen(
        words,
        stdin=options.pop("stdin", subprocess.DEVNULL),
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        start_new_session=True,
        **options,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"{words} still runs after {timeout} s; it said: {err!r}") from None
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return Result(status, (out or b"").decode(errors="replace"), err.decode(errors="replace"))


Event = collections.namedtuple("Event", "time_ns name fields")

# What a trace has where a string is empty.
EMPTY_STRING = "(none)"

_EVENT_LINE = re.compile(r"\[(\d+)\.(\d{9})\] .*?(\w+:\w+): (.*)")
_FIELD = re.compile(
    r"""(\w+)\ =\ (?: \(\ "(?P<label>(?:[^"\\]|\\.)*)"\ :\ container\ =\ -?\d+\ \)
                    | "(?P<string>(?:[^"\\]|\\.)*)"
                    | \[(?P<array>(?:[^\[\]]|\[\d+\])*)\]
                    | (?P<number>-?\w+) )""",
    re.VERBOSE,
)


def parse_event(line):
    match = _EVENT_LINE.match(line)
    if not match:
        return None
    fields = {}
    for field in _FIELD.finditer(match[4]):
        if field["label"] is not None:
            value = field["label"]
        elif field["string"] is not None:
            value = field["string"] if field["string"] != EMPTY_STRING else ""
        elif field["array"] is not None:
            value = field["array"]
        else:
            value = int(field["number"], 0)
        fields[field[1]] = value
    return Event(int(match[1]) * 1_000_000_000 + int(match[2]), match[3], fields)


# The columns of "ctrace:waits", and what they are called in a wait of its own.
_COLUMNS = {
    "vpids": "vpid",
    "vtids": "vtid",
    "durations_ns": "duration_ns",
    "lags_ns": "lag_ns",
    "objects": "object",
    "stacks": "stack",
    "results": "result",
    "ops": "op",
    "classes": "class",
}
_ELEMENT = re.compile(r"\[\d+\] = (-?\w+)")


@functools.cache
def labels_of(directory, name):
    """What the numbers of that enumeration mean, as the trace's metadata has it."""
    text = run("babeltrace2", "-o", "ctf-metadata", next(directory.glob("ust/uid/*/*-bit"))).out
    enumeration = re.search(r"event \{\s*name = \"ctrace:wait\";.*?\{([^{}]*)\} _%s;" % name, text, re.DOTALL)
    labels = re.findall(r'"(\w+)" = (?:\d+ \.\.\. )?(\d+)', enumeration[1])
    return {int(number): label for label, number in labels}


def each_wait(directory, event):
    """An event of many waits as that many events of one."""
    columns = {
        one: [int(value, 0) for value in _ELEMENT.findall(event.fields[many])]
        for many, one in _COLUMNS.items()
    }
    for name in ("op", "class"):
        labels = labels_of(directory, name)
        columns[name] = [labels[number] for number in columns[name]]
    for values in zip(*columns.values()):
        yield Event(event.time_ns, "ctrace:wait", dict(zip(columns, values)))


def read_events(directory):
    """All events, as babeltrace2 reads them; waits one by one."""
    result = run("babeltrace2", "--clock-seconds", "--no-delta", directory)
    if result.status != 0:
        raise AssertionError(f"babeltrace2 cannot read {directory}: {result}")
    events = [parse_event(line) for line in result.out.splitlines()]
    return [
        one
        for event in events
        if event
        for one in (each_wait(directory, event) if event.name == "ctrace:waits" else [event])
    ]


@dataclasses.dataclass
class Sample:
    count: int
    delay_ns: int
    stack: list  # function names, leaf first, inlined ones too
    labels: dict


# Two of them in a line: "op:[recv] peer:[[::1]:80]".
_LABEL = re.compile(r"(\w[\w ]*):\[(.*?)\](?=\s+\w[\w ]*:\[|\s*$)")


class Profile:
    """A profile, as `go tool pprof -raw` reads it."""

    def __init__(self, text):
        self.text = text
        self.samples = []
        self.comments = re.findall(r"^Comment: (.*)$", text, re.MULTILINE)
        self.value_types = []
        section, locations, stacks, last_location = None, {}, [], None
        for line in text.splitlines():
            if line in ("Samples:", "Locations", "Mappings"):
                section = line
            elif section == "Samples:":
                match = re.match(r"\s+(\d+)\s+(\d+): ?([\d ]*)$", line)
                if match:
                    self.samples.append(Sample(int(match[1]), int(match[2]), [], {}))
                    stacks.append([int(word) for word in match[3].split()])
                elif not self.samples:
                    self.value_types = line.split()
                else:
                    for name, value in _LABEL.findall(line):
                        self.samples[-1].labels[name] = value
            elif section == "Locations":
                match = re.match(r"\s+(\d+): 0x[0-9a-f]+ (?:M=\d+ )?(.*)$", line)
                if match:
                    last_location = locations.setdefault(int(match[1]), [])
                    line = match[2]
                name = re.match(r"\s*(.*?) \S*:\d+(?::\d+)? s=\d+", line)
                if name and last_location is not None:
                    last_location.append(name[1])
        for sample, stack in zip(self.samples, stacks):
            sample.stack = [name for location in stack for name in locations.get(location, ["?"])]

    @property
    def delay_ns(self):
        return sum(sample.delay_ns for sample in self.samples)

    def delay_of(self, **labels):
        return sum(
            sample.delay_ns
            for sample in self.samples
            if all(sample.labels.get(name) == str(value) for name, value in labels.items())
        )


def go_pprof(*arguments):
    return run("go", "tool", "pprof", *arguments)


def read_profile(path):
    result = go_pprof("-raw", path)
    if result.status != 0:
        raise AssertionError(f"go tool pprof cannot read {path}: {result}")
    return Profile(result.out)


def process_ids(name):
    result = run("pgrep", "-u", str(os.getuid()), "-x", name)
    return {int(pid) for pid in result.out.split()}


def children_of(pid):
    """Their ids, by name."""
    children = {}
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children[pathlib.Path(f"/proc/{child}/comm").read_text().strip()] = int(child)
    return children


def recorder_of(job):
    """The process that records: what was started is the job that a shell sees, its parent."""
    return children_of(job.pid)["ctrace-record"]


def session_daemons():
    return process_ids("lttng-sessiond")


def has_ended(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def wait_until(is_true, what, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"it took too long until {what}")
        time.sleep(0.02)


def end_process(pid):
    """Kills it, and waits until the kernel has closed what it had open."""
    with contextlib.suppress(ProcessLookupError):
        process = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(process, signal.SIGKILL)
            select.select([process], [], [], 20)
        finally:
            os.close(process)


def end_daemons():
    """A test that failed may leave a daemon in a bad state: the next one gets a fresh one."""
    if os.environ.get("CTRACE_TEST_NAMESPACES"):  # these can only be ours
        for pid in session_daemons() | process_ids("lttng-consumerd"):
            end_process(pid)


def source_options(command=None):
    """By which of the kernel's ways tests record that do not say so: the best that there is, unless set."""
    source = os.environ.get("CTRACE_TEST_KERNEL_SOURCE")
    return [f"--kernel-source={source}"] if source and command == "record" else []


def record_options(options):
    """Without the kernel layer unless it is asked for: with it, a wait is only what a thread was
    blocked for, and programs measure more than that. Its own tests are in test_kernel.py."""
    words = [str(option) for option in options]
    return words if any(word.startswith("--kernel=") for word in words) else ["--kernel=off", *words]


class TraceTest(unittest.TestCase):
    """A test with a folder of its own, self.folder, where ctrace runs."""

    maxDiff = 4000

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.id().rsplit('.', 1)[-1]}."))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(end_daemons)

    # ---- running ----

    def ctrace(self, *arguments, **options):
        options.setdefault("cwd", self.folder)
        return run(CTRACE, *arguments[:1], *source_options(*arguments[:1]), *arguments[1:], **options)

    def needs_option(self, command, option):
        if option not in self.ctrace(command, "--help").out:
            self.skipTest(f"ctrace {command} has no {option} yet")

    def record(self, *command, options=(), output="trace", **run_options):
        directory = self.folder / output
        result = self.ctrace(
            "record", "-o", directory, *record_options(options), "--", *command, **run_options
        )
        result.directory = directory
        return result

    def record_ok(self, *command, **options):
        result = self.record(*command, **options)
        self.assertEqual(result.status, 0, result)
        return result

    def start_record(self, *command, options=(), output="trace", **popen_options):
        """Starts a recording and leaves it running; it is killed if the test does not end it."""
        process = subprocess.Popen(
            [CTRACE, "record", *source_options("record"), "-o", str(self.folder / output)]
            + [*record_options(options), "--"]
            + [str(word) for word in command],
            cwd=self.folder,
            stdin=popen_options.pop("stdin", subprocess.DEVNULL),
            stdout=popen_options.pop("stdout", subprocess.PIPE),
            stderr=popen_options.pop("stderr", subprocess.PIPE),
            text=True,
            **popen_options,
        )

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()  # what it started may still write

        self.addCleanup(end)
        return process

    def start_daemon(self):
        """A session daemon that ctrace finds running."""
        before = session_daemons()
        daemon = subprocess.Popen(
            ["lttng-sessiond", "--no-kernel"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def end():
            daemon.terminate()
            daemon.wait(20)

        self.addCleanup(end)
        wait_until(lambda: session_daemons() - before, "the session daemon ran")
        wait_until(
            lambda: run("lttng", "--no-sessiond", "list").status == 0,
            "the session daemon answered",
        )
        return daemon

    # ---- reading ----

    def profile(self, kind, directory, *options):
        path = self.folder / f"{kind}.pb.gz"
        result = self.ctrace("pprof", kind, directory, "-o", path, *options)
        self.assertEqual(result.status, 0, result)
        return read_profile(path)

    def report_text(self, directory, *options):
        result = self.ctrace("report", *options, directory)
        self.assertEqual(result.status, 0, result)
        return result.out

    def waits(self, directory, **fields):
        """Events of all waits, ended or not, whose fields have these values."""
        names = WAIT_EVENTS | {"ctrace:inflight"}
        return [
            event
            for event in read_events(directory)
            if event.name in names
            and all(event.fields.get(name) == value for name, value in fields.items())
        ]

    # ---- judging ----

    def assert_about(self, actual_ns, expected_ns, waits, what):
        """Within 2% and the scheduler's noise."""
        noise_ns = LATE_NS_PER_WAIT if actual_ns > expected_ns else NOISE_NS_PER_WAIT
        self.assertLessEqual(
            abs(actual_ns - expected_ns),
            expected_ns * 0.02 + waits * noise_ns,
            f"{what}: {actual_ns / 1e6:.2f} ms, not {expected_ns / 1e6:.2f} ms",
        )

    def assert_refused(self, result, *words, status=None):
        """A clear failure: no crash, the status nonzero, and stderr names these words."""
        if status is None:
            self.assertNotEqual(result.status, 0, result)
        else:
            self.assertEqual(result.status, status, result)
        self.assertLess(result.status, 128, f"died of a signal: {result}")
        for word in words:
            self.assertRegex(result.err, f"(?i){word}", result)

    def assert_opens_everywhere(self, directory):
        """ctrace's own programs and babeltrace2 can all read the trace."""
        self.assertTrue(read_events(directory))
        self.report_text(directory)
        for kind in CLASSES:
            self.profile(kind, directory)
        result = self.ctrace("timeline", directory, "-o", self.folder / "all.svg")
        self.assertEqual(result.status, 0, result)


def workload_answer(result):
    """The JSON that a workload printed."""
    return json.loads(result.out)


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    unittest.main(verbosity=2)
