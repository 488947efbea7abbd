"""The benchmarks behind run.sh. Each row is run several times in turn with its rivals; one table has
the medians and the fastest runs, both as ratios to the bare program: where neighbours on the same
hardware slow some runs down by half, the fastest ones are what was measured."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

from analysis import row_analysis, row_window
from measure import (
    CTRACE,
    FOLDER,
    HERE,
    RUNS,
    number,
    quietly,
    record,
    samples,
    settled_wall_ms,
    table,
    wall_ms,
)
from rate import row_rate
from view import row_view

GETS = 300_000


@contextlib.contextmanager
def session_daemon():
    daemon = subprocess.Popen(
        ["lttng-sessiond", "--no-kernel"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(1)
        yield
    finally:
        daemon.terminate()
        daemon.wait(20)


def lttng_wrapper(program):
    """LTTng's own wrapper of the pthread functions, in a session of its own."""
    library = "liblttng-ust-pthread-wrapper.so"
    with session_daemon():
        quietly("lttng", "create", "bench", "-o", FOLDER / "lttng")
        try:
            quietly("lttng", "enable-event", "-u", "lttng_ust_pthread:*")
            quietly("lttng", "start")
            return number(quietly(program, env=dict(os.environ, LD_PRELOAD=library)))
        finally:
            quietly("lttng", "destroy", "bench")
            shutil.rmtree(FOLDER / "lttng", ignore_errors=True)


# Time off the CPU by stack, as bcc's offcputime has it. By name: ids are those of the machine, and
# the sandbox has others.
OFF_CPU = """
tracepoint:sched:sched_switch
{
    if (comm == "PROGRAM") { @since[tid] = nsecs; @stack[tid] = ustack; }
    $since = @since[args->next_pid];
    if ($since) { @off[@stack[args->next_pid]] = sum(nsecs - $since); delete(@since[args->next_pid]); }
}
END { clear(@since); clear(@stack); }
"""


def scheduler_peers(program):
    """With and without the kernel layer, and others with the same tracepoint; as root only."""
    data = FOLDER / "perf.data"
    perf = ["perf", "record", "-q", "-a", "-e", "sched:sched_switch", "-o", data]
    measures = {"ctrace record --kernel=off": lambda: number(record(program, options=["--kernel=off"]))}
    if shutil.which("perf"):
        measures["perf record sched_switch"] = lambda: number(quietly(*perf, "--", program))
        measures["the same with -g"] = lambda: number(quietly(*perf, "-g", "--", program))
    if shutil.which("bpftrace"):
        words = ["bpftrace", "-e", OFF_CPU.replace("PROGRAM", program.name), "-c", program]
        measures["bpftrace, off-CPU time by stack"] = lambda: number(quietly(*words))
    return measures


def peers(program, probe):
    """Other tools that can watch the same program: name -> measure, or None where not installed."""
    tools = {
        "uftrace record": ["uftrace", "record", "--force", "-d", FOLDER / "uftrace", program],
        "ltrace": ["ltrace", "-f", "-o", "/dev/null", program],
        "strace -f": ["strace", "-f", "-o", "/dev/null", program],
        "perf trace": ["perf", "trace", "-o", "/dev/null", program],
        "bpftrace, a counter": ["bpftrace", "-e", f'{probe} /comm == "{program.name}"/ {{ @ = count(); }}', "-c", program],
    }
    found = {
        name: (lambda words=words: number(quietly(*words))) if shutil.which(words[0]) else None
        for name, words in tools.items()
    }
    has_wrapper = shutil.which("lttng")
    found["LTTng pthread wrapper"] = (lambda: lttng_wrapper(program)) if has_wrapper else None
    return found


def compiled(name, *options):
    program = FOLDER / name
    source = HERE / f"{name}.c"
    quietly("gcc", "-O2", "-g", "-D_GNU_SOURCE", "-pthread", "-o", program, source, *options)
    return program


# Title, and where bpftrace can count the same.
MICRO = {
    "mutex": ("uncontended mutex lock and unlock", "uprobe:libc:pthread_mutex_lock"),
    "read": ("read() of one byte", "tracepoint:syscalls:sys_enter_read"),
    "handoff": ("hand-off to another thread and back", "tracepoint:syscalls:sys_enter_futex"),
}

# What each tool came to in each of them, in ns.
micro_results = {}


def micro(name):
    program = compiled(name)
    title, probe = MICRO[name]
    measures = {
        "bare": lambda: number(quietly(program)),
        "ctrace record": lambda: number(record(program)),
        "ctrace record --rate=0": lambda: number(record(program, options=["--rate=0"])),
    }
    if name != "mutex":
        measures["ctrace record --kernel=syscalls"] = lambda: number(
            record(program, options=["--kernel=syscalls"])
        )
    if name == "handoff":
        measures.update(scheduler_peers(program))
    tools = peers(program, probe)
    measures.update({tool: measure for tool, measure in tools.items() if measure})
    found = samples(measures)
    table(title, "ns", found)
    micro_results[name] = {
        tool: statistics.median(found[tool]) if tool in found else None
        for tool in ["bare", *measures, *tools]
    }


def ratios():
    """The microbenchmarks side by side, each as a multiple of the bare program."""
    tools = list(next(iter(micro_results.values())))
    print("\nthe same as multiples of the bare program")
    print(" " * 34 + "".join(f"{name:>16}" for name in micro_results))
    for tool in tools:
        is_there = shutil.which(tool.split()[0].rstrip(",").lower())
        cells = [
            f"{found[tool] / found['bare']:.2f} x" if found[tool] else "failed" if is_there else "not installed"
            for found in micro_results.values()
        ]
        print(f"  {tool:<32}" + "".join(f"{cell:>16}" for cell in cells))


def row_kernel():
    """The kernel layer alone, of programs that no preload gets into, by each of its sources; as root only."""
    for name in ("read", "handoff"):
        program = compiled(name, "-static")
        options = ["--kernel=syscalls"]
        measures = {"bare": lambda program=program: number(quietly(program))}
        for source in ("perf", "bpf"):
            words = [*options, f"--kernel-source={source}"]
            measures[f"ctrace record, {source}"] = lambda program=program, words=words: number(
                record(program, options=words)
            )
        table(f"{MICRO[name][0]}, kernel alone", "ns", samples(measures))


def row_stack():
    """What a hook pays for a stack: the code of the preload, in a program of its own."""
    core = ("clock", "memory", "object", "raw", "symbol", "tables", "work_stack")
    preload = HERE.parents[1] / "tracer" / "preload"
    sources = [preload / "core" / f"{name}.c" for name in core] + sorted((preload / "stack").glob("*.c"))
    includes = [f"-I{HERE.parents[1] / 'tracer'}"]
    library = FOLDER / "libstack.so"
    # Calls are direct, as they are in the preload, where everything is hidden.
    flags = ["-O2", "-g", "-fPIC", "-fexceptions", "-fno-stack-protector", "-Wl,-Bsymbolic-functions"]
    quietly("gcc", "-D_GNU_SOURCE", *flags, "-shared", "-o", library, *sources, *includes)
    program = compiled("stack", *includes, "-fomit-frame-pointer", "-rdynamic", library, f"-Wl,-rpath,{FOLDER}")
    runs = [[float(word) for word in quietly(program).split()] for _ in range(RUNS)]
    in_turn, again = zip(*runs)
    table("taking a stack of 16 frames, without frame pointers", "ns",
          {"one of 64, in turn (budget 200)": in_turn, "the same again (budget 60)": again})  # fmt: skip


SCRIPT = """
i=0
while [ $i -lt 100 ]; do
    name=$(basename /some/where/file$i.c .c)
    echo "$name" | tr a-z A-Z >/dev/null
    i=$((i + 1))
done
"""

MAKEFILE = """
all: $(addsuffix .o,$(addprefix f,$(shell seq 24)))
f%.o: f%.c
\t@gcc -O1 -c -o $@ $<
"""


def small_tree():
    """What make has to do: files that take a compiler some ten milliseconds each."""
    tree = FOLDER / "tree"
    tree.mkdir(exist_ok=True)
    (tree / "Makefile").write_text(MAKEFILE)
    for i in range(1, 25):
        (tree / f"f{i}.c").write_text(f"int f{i}(int x) {{ return x * {i}; }}\n")
    for built in tree.glob("*.o"):
        built.unlink()
    return tree


def small_repository():
    tree = FOLDER / "repository"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    commit = "git -c user.name=b -c user.email=b@b commit -q --allow-empty -m"
    script = f"git init -q . && for i in 1 2 3 4 5 6 7 8; do echo $i >f$i; git add f$i; {commit} $i; done; git gc -q"
    (tree / "work.sh").write_text(script)
    return tree


def empty_library():
    library = FOLDER / "libempty.so"
    quietly("gcc", "-shared", "-nostdlib", "-o", library, "-x", "c", "/dev/null")
    return library


def row_processes():
    """What a process costs: bare and recorded in turn. The ratios of one turn are of one moment."""
    program = compiled("processes")
    preloading = dict(os.environ, LD_PRELOAD=str(empty_library()))
    for title, words in {"fork": ["fork"], "fork and exec": ["exec"]}.items():
        measures = {
            "bare": lambda words=words: number(quietly(program, *words)),
            "an empty library, preloaded": lambda words=words: number(
                quietly(program, *words, env=preloading)
            ),
            "ctrace record": lambda words=words: number(record(program, *words)),
            "ctrace record --kernel=off": lambda words=words: number(
                record(program, *words, options=["--kernel=off"])
            ),
        }
        table(f"{title}, to the end of the child", "us", samples(measures, 2 * RUNS))
    workloads = {"a shell script of 300 processes": lambda: ["sh", "-c", SCRIPT]}
    if shutil.which("make") and shutil.which("gcc"):
        workloads["make -j2 of 24 files"] = lambda: ["make", "-s", "-j2", "-C", small_tree()]
    if shutil.which("git"):
        workloads["git, a repository of 8 commits"] = lambda: [
            "sh", "-c", f"cd {small_repository()} && sh work.sh"
        ]  # fmt: skip
    for title, prepare in workloads.items():
        measures = {
            "bare": lambda prepare=prepare: wall_ms(*prepare()),
            "ctrace record, without its start": lambda prepare=prepare: recorded_ms(prepare()),
        }
        table(title, "ms", samples(measures))


def recorded_ms(words):
    """How long the program ran, as the recorder says: what it takes before and after is row startup."""
    result = subprocess.run(
        [str(word) for word in [CTRACE, "record", "--kernel=off", "-o", FOLDER / "trace", "--", *words]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    value, unit = re.search(r" in (\d+(?:\.\d+)?) (s|ms)$", result.stderr, re.MULTILINE).groups()
    return float(value) * {"s": 1e3, "ms": 1}[unit]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def redis_cpu_us(prefix):
    """CPU time of the server for one GET under load, in microseconds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [*prefix, "redis-server", "--port", port, "--save", "", "--appendonly", "no"]
    words += ["--dir", FOLDER]
    server = subprocess.Popen(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            info = subprocess.run(
                ["redis-cli", "-p", str(port), "info", "server"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            pid = re.search(r"process_id:(\d+)", info.stdout)
            if pid:
                break
            if time.monotonic() > deadline:
                raise RuntimeError("redis did not start")
            time.sleep(0.05)
        before = cpu_seconds(pid[1])
        quietly("redis-benchmark", "-p", port, "-t", "get", "-n", GETS, "-q")
        used = cpu_seconds(pid[1]) - before
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    return used / GETS * 1e6


def row_redis():
    trace = FOLDER / "trace"
    measures = {
        "bare": lambda: redis_cpu_us([]),
        "ctrace record": lambda: redis_cpu_us([CTRACE, "record", "-o", trace, "--"]),
        "ctrace record --kernel=off": lambda: redis_cpu_us(
            [CTRACE, "record", "-o", trace, "--kernel=off", "--"]
        ),
        "ctrace record --rate=0": lambda: redis_cpu_us(
            [CTRACE, "record", "-o", trace, "--rate=0", "--"]
        ),
    }
    table(f"redis-server, CPU for one of {GETS} GETs", "us", samples(measures))


def row_startup():
    measures = {
        "bare": lambda: wall_ms("true"),
        "ctrace record": lambda: record("true", runner=settled_wall_ms),
        "ctrace record --kernel=off": lambda: record(
            "true", options=["--kernel=off"], runner=settled_wall_ms
        ),
    }
    found = samples(measures, 9)
    table("start-up and finish of `true`, the session daemon to be started", "ms", found)
    with session_daemon():
        record("true")
        found = samples(measures, 9)
    table("the same, with a session daemon running", "ms", found)


def row_cpu():
    """What sampling costs a program that only runs: for a fixed amount of work, its wall time."""
    program = compiled("burn")
    perf = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "99", "-o", FOLDER / "perf.data"]
    measures = {
        "bare": lambda: number(quietly(program)),
        "ctrace record": lambda: number(record(program)),
        "ctrace record --cpu=99": lambda: number(record(program, options=["--cpu=99"])),
        "ctrace record --cpu=999": lambda: number(record(program, options=["--cpu=999"])),
    }
    if shutil.which("perf"):
        measures["perf record -F 99 dwarf"] = lambda: number(
            quietly(*perf, "--call-graph=dwarf", "--", program)
        )
    table("a program that only runs, CPU time of its own", "ms", samples(measures))


ROWS = {
    "mutex": lambda: micro("mutex"),
    "read": lambda: micro("read"),
    "handoff": lambda: micro("handoff"),
    "kernel": row_kernel,
    "stack": row_stack,
    "processes": row_processes,
    "redis": row_redis,
    "cpu": row_cpu,
    "startup": row_startup,
    "rate": row_rate,
    "analysis": row_analysis,
    "window": row_window,
}

# These take long, and gigabytes: one names them.
NAMED = {
    "view": lambda: row_view(6, 7),
    "view8": lambda: row_view(6, 7, 8),
}


def main():
    names = sys.argv[2:] or list(ROWS)
    try:
        for name in names:
            (ROWS | NAMED)[name]()
        if micro_results:
            ratios()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


main()
