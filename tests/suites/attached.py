"""How true a recording of running programs is, which nobody has prepared for it.

    sudo tests/suites/attached.py [BUILD [PROGRAM...]]

Attaches to each of the programs below under load, and says

- what share of its waits have a stack that reaches the beginning of their thread;
- of the threads that gdb found waiting at random moments, how many have exactly the same callers,
  address by address, in a stack of the recording;
- how far the times on a CPU and in line for one are from the kernel's own accounts of the same threads in
  the same time (/proc/PID/task/TID/schedstat).

For root; it takes some minutes, and is no test: it prints a table.
"""

import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
WAITERS = HERE / "waiters"
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
SECONDS = 4
GDB_MOMENTS = 8
CLASSES = ("net", "sync", "syscall", "sleep", "other")

# Where threads begin; by name, as the programs' own functions are not known to a reader of this.
BEGINNINGS = re.compile(
    r"^(_start|_start_c|_{0,2}clone3?|start|runtime\.(rt0_go|mstart\S*|goexit\S*|asmcgocall\S*)|"
    r"_rt0_amd64_linux|main\.main|\[(interrupt|kernel)\])(\.abi0)?$"
)


class Program:
    """One that runs, and what loads it."""

    def __init__(self, folder, stack):
        self.folder = folder
        self.stack = stack

    def start(self, *words, **options):
        process = subprocess.Popen(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **options,
        )

        def end():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()

        self.stack.callback(end)
        return process

    def repeat(self, act):
        """In a thread of ours, until the end."""
        is_over = threading.Event()

        def go_on():
            while not is_over.is_set():
                with contextlib.suppress(OSError):
                    act()

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        self.stack.callback(thread.join)
        self.stack.callback(is_over.set)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nobody listens at port {port}")


def redis(program):
    port = free_port()
    server = program.start("redis-server", "--port", port, "--save", "", "--dir", program.folder,
                           "--appendonly", "yes", "--io-threads", 2)  # fmt: skip
    wait_for(port)
    program.start("redis-benchmark", "-p", port, "-t", "get,set", "-n", 10**8, "-c", 20, "-q")
    return [server.pid]


def nginx(program):
    port, settings = free_port(), program.folder / "nginx.conf"
    (program.folder / "page").write_bytes(b"x" * 50_000)
    temporary = " ".join(
        f"{kind}_temp_path {program.folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings.write_text(f"""
        daemon off; worker_processes 2; pid {program.folder}/pid; user root;
        events {{ worker_connections 256; }}
        http {{ access_log off; sendfile on; aio threads; {temporary}
            server {{ listen 127.0.0.1:{port}; root {program.folder}; }} }}""")
    server = program.start("nginx", "-c", settings, "-e", program.folder / "errors")
    wait_for(port)
    for _ in range(4):
        program.repeat(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/page").read())
    return [server.pid]


def postgres(program):
    port, data = free_port(), program.folder / "data"
    data.mkdir()
    shutil.chown(data, "postgres")
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    for words in ([POSTGRES / "initdb", "-D", data, "-A", "trust", "-N"],):
        subprocess.run([*as_user, *words], check=True, capture_output=True, cwd="/")
    server = program.start(*as_user, POSTGRES / "postgres", "-D", data, "-p", port, "-k", data, cwd="/")
    wait_for(port)
    connect = ["-h", "127.0.0.1", "-p", port, "-U", "postgres"]
    words = [str(word) for word in ("pgbench", *connect, "-i", "-s", 1, "postgres")]
    subprocess.run(words, check=True, capture_output=True)
    program.start("pgbench", *connect, "-c", 4, "-T", 600, "postgres")
    return [server.pid]


def built(*words):
    """Of sources in our folder; the last word is what it makes."""

    def start(program):
        output = program.folder / "waiter"
        subprocess.run([*words, "-o", output], check=True, capture_output=True, cwd=WAITERS)
        return [program.start(output).pid]

    return start


def run_by(*words):
    def start(program):
        return [program.start(*words, cwd=WAITERS).pid]

    return start


# Name, what it takes, how it is started, and which share of stacks is to be whole.
PROGRAMS = {
    "redis-server": ("redis-benchmark", redis, 0.99),
    "nginx": ("nginx", nginx, 0.99),
    "PostgreSQL": (POSTGRES / "postgres", postgres, 0.99),
    "C, static, glibc": ("cc", built("cc", "-O2", "-static", "-pthread", "waiter.c"), 0.99),
    "C, static, musl": ("musl-gcc", built("musl-gcc", "-O2", "-static", "waiter.c"), 0.99),
    "Rust, static": ("rustc", built("rustc", "-O", "-C", "target-feature=+crt-static", "waiter.rs"), 0.95),
    "python3": ("/usr/bin/python3", run_by("/usr/bin/python3", "waiter.py"), 0.95),
    "node": ("node", run_by("node", "waiter.js"), 0.95),
    "java": ("java", run_by("java", "Waiter.java"), 0.95),
}


# ---- The recording ----


def record(ctrace, pids, directory):
    subprocess.run(
        [ctrace, "record", "-o", directory, "-p", ",".join(map(str, pids)), f"--duration={SECONDS}s"],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


class Stacks:
    """What the recording's profiles say: stacks by their addresses, which are return addresses."""

    def __init__(self, ctrace, directory):
        self.waits = self.whole = 0
        self.addresses = set()
        self.broken = {}
        for kind in CLASSES:
            path = directory / f"{kind}.pb.gz"
            subprocess.run([ctrace, "pprof", kind, directory, "-o", path], check=True, capture_output=True)
            self.read(subprocess.run(["go", "tool", "pprof", "-raw", path], check=True,
                                     capture_output=True, text=True).stdout)  # fmt: skip

    def read(self, text):
        samples, locations, section, name_of = [], {}, None, None
        for line in text.splitlines():
            if line in ("Samples:", "Locations", "Mappings"):
                section = line
            elif section == "Samples:" and (match := re.match(r"\s+(\d+)\s+(\d+): ?([\d ]*)$", line)):
                samples.append((int(match[1]), [int(word) for word in match[3].split()]))
            elif section == "Locations":
                if match := re.match(r"\s+(\d+): (0x[0-9a-f]+) (?:M=\d+ )?(.*)$", line):
                    name_of = int(match[1])
                    locations[name_of] = [int(match[2], 16), match[3].split(" ")[0]]
                elif name_of is not None and line.strip():
                    locations[name_of][1] = line.split()[0]  # inlined: its caller comes last
        for count, stack in samples:
            frames = [locations[number] for number in stack if locations[number][0]]
            if not frames:
                continue  # the reason of nothing that is known
            outermost = frames[-1][1]
            self.waits += count
            if BEGINNINGS.match(outermost):
                self.whole += count
            else:
                self.broken[outermost] = self.broken.get(outermost, 0) + count
            self.addresses.add(tuple(address + 1 for address, _ in frames))

    def has(self, addresses):
        """These callers, the innermost ones left out. What a signal interrupted is where it is, and
        not where it goes on after a call."""
        return any(
            len(stack) >= len(addresses)
            and all(abs(ours - its) <= 1 for ours, its in zip(stack[-len(addresses) :], addresses))
            for stack in self.addresses
        )


# ---- gdb ----


def look_by_gdb(pid):
    """Of each thread in a system call that gdb can follow to its beginning: the addresses at which its
    callers go on, and all functions' names."""
    result = subprocess.run(
        ["gdb", "-p", str(pid), "-batch", "-nx", "-iex", "set auto-load no", "-ex",
         "set backtrace past-main on", "-ex", "set backtrace past-entry on",
         "-x", HERE / "gdb_stacks.py"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, errors="replace",
        env={"DEBUGINFOD_URLS": "", "PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )  # fmt: skip
    stacks = []
    for line in result.stdout.splitlines():
        if line.startswith('{"addresses"'):
            told = json.loads(line)
            if BEGINNINGS.match(told["names"][-1]):
                stacks.append((tuple(told["addresses"][1:]), told["names"]))
    return stacks


def processes(pids):
    """With their children."""
    found = list(pids)
    for pid in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                text = pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text()
                found += [int(child) for child in text.split() if int(child) not in found]
    return found


def compare_with_gdb(pids, stacks):
    same, seen, others = 0, 0, {}
    for _ in range(GDB_MOMENTS):
        time.sleep(random.uniform(0.05, 0.3))
        for addresses, names in look_by_gdb(random.choice(processes(pids))):
            seen += 1
            same += stacks.has(addresses)
            if not stacks.has(addresses):
                others[" < ".join(names[:8])] = addresses
    return same, seen, others


# ---- The kernel's own accounts ----


class Accounts:
    """What /proc says of threads' times, looked at again and again."""

    INTERVAL_S = 0.02

    def __init__(self, pids):
        self.pids = pids
        self.samples = []  # (time, {tid: (on a CPU, runnable)})

    def look(self):
        times = {}
        for pid in processes(self.pids):
            with contextlib.suppress(OSError):
                for task in os.listdir(f"/proc/{pid}/task"):
                    text = pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text()
                    times[int(task)] = tuple(int(word) for word in text.split()[:2])
        self.samples.append((time.monotonic_ns(), times))

    def at(self, tid, moment_ns):
        """Between two looks, in proportion. None: it was not there."""
        for before, after in zip(self.samples, self.samples[1:]):
            if before[0] <= moment_ns <= after[0]:
                if tid not in before[1] or tid not in after[1]:
                    return None
                share = (moment_ns - before[0]) / (after[0] - before[0])
                return [a + share * (b - a) for a, b in zip(before[1][tid], after[1][tid])]
        return None

    @contextlib.contextmanager
    def kept(self):
        is_over = threading.Event()

        def go_on():
            while not is_over.wait(self.INTERVAL_S):
                self.look()

        thread = threading.Thread(target=go_on)
        thread.start()
        yield
        is_over.set()
        thread.join()


def compare_times(accounts, report):
    """Of threads that were there all the time: (ours, the kernel's) on a CPU, and runnable."""
    begin_ns, end_ns = report["capture"]["begin_ns"], report["capture"]["end_ns"]
    sums = [[0, 0], [0, 0]]
    for thread in report["threads"]:
        before, after = (accounts.at(thread["tid"], moment) for moment in (begin_ns, end_ns))
        if before is None or after is None:
            continue
        for i, name in enumerate(("running_ns", "runnable_ns")):
            sums[i][0] += thread["scheduler"][name]
            sums[i][1] += after[i] - before[i]
    return sums


# ---- The table ----


def measure(ctrace, name):
    needed, start, goal = PROGRAMS[name]
    if not shutil.which(str(needed)):
        return f"| {name} | skipped: no {needed} here |"
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory(prefix="ctrace-attached.") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        program = Program(folder, stack)
        pids = start(program)
        time.sleep(2)
        directory, accounts = folder / "trace", Accounts(pids)
        with accounts.kept():
            record(ctrace, pids, directory)
        report = json.loads(subprocess.run([ctrace, "report", directory, "--format=json"],
                                           check=True, capture_output=True, text=True).stdout)  # fmt: skip
        stacks = Stacks(ctrace, directory)
        same, seen, others = compare_with_gdb(pids, stacks)
    times = compare_times(accounts, report)
    verified = report["capture"]["switches_missed"]
    share = stacks.whole / max(stacks.waits, 1)
    for outermost, count in sorted(stacks.broken.items(), key=lambda item: -item[1])[:3]:
        print(f"{name}: {count} stacks end in {outermost}", file=sys.stderr)
    for chain in list(others)[:3]:
        print(f"{name}: only gdb has {chain}", file=sys.stderr)
    columns = [
        f"{stacks.waits:,}",
        f"{100 * share:.2f} %{'' if share >= goal else ' (short of %d %%)' % (100 * goal)}",
        f"{same} of {seen}",
        *(f"{ours / 1e6:.1f} / {theirs / 1e6:.1f} ms" for ours, theirs in times),
        str(verified),
    ]
    return f"| {name} | {' | '.join(columns)} |"


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "../../build-test").resolve()
    ctrace = build / "bin/ctrace"
    if os.geteuid() != 0:
        sys.exit("attached.py: for root only")
    print("| program | waits | whole stacks | as gdb's | running, ctrace / kernel | runnable | switches missed |")
    print("|---|---|---|---|---|---|---|")
    for name in sys.argv[2:] or PROGRAMS:
        print(measure(ctrace, name), flush=True)


if __name__ == "__main__":
    main()
