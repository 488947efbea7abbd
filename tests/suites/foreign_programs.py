"""Programs whose output says whether all went well."""

import random

from compare import HERE, Failed

FILES, COMMITS = 2000, 1500


def git(runner):
    """A repository of some size, made in one go: cloned, packed, checked, read."""
    origin, clone = runner.folder / "origin.git", runner.folder / "clone"
    runner.run("git", "init", "-q", "--bare", "-b", "main", origin, check=True)
    stream = runner.folder / "stream"
    write_history(stream)
    with stream.open("rb") as history:
        runner.run("git", "-C", origin, "fast-import", "--quiet", stdin=history, check=True)
    commands = {
        "clone": ["clone", "-q", "--no-local", origin, clone],
        "log": ["-C", clone, "log", "--format=%H %s", "--stat"],
        "gc": ["-C", clone, "gc", "-q", "--aggressive", "--prune=now"],
        "fsck": ["-C", clone, "fsck", "--full", "--strict"],
        "grep": ["-C", clone, "grep", "-c", "0", "HEAD~10"],
        "repack": ["-C", clone, "repack", "-adfq", "--threads=2"],
        "bundle": ["-C", clone, "rev-list", "--count", "--objects", "--all"],
        "status": ["-C", clone, "status", "--porcelain"],
    }
    verdicts = {}
    for name, words in commands.items():
        result = runner.run("git", *words)
        verdicts[name] = (result.returncode, hash_of(result.stdout), hash_of(result.stderr))
    return verdicts


def hash_of(text):
    return f"{len(text)} bytes, {sum(map(ord, text)) % 65521}"


def write_history(path):
    """The same for every run."""
    chance = random.Random(1)
    with path.open("w", encoding="ascii") as out:
        for number in range(COMMITS):
            message = f"change {number}\n"
            out.write(f"commit refs/heads/main\ncommitter A <a@example.com> {1_600_000_000 + number} +0000\n")
            out.write(f"data {len(message)}\n{message}")
            for _ in range(4):
                name = f"d{chance.randrange(40)}/f{chance.randrange(FILES)}"
                content = "".join(f"{chance.randrange(10**6)}\n" for _ in range(chance.randrange(1, 400)))
                out.write(f"M 100644 inline {name}\ndata {len(content)}\n{content}\n")


def java(runner):
    """Monitors, queues, parallel streams, timers, and sockets between threads."""
    source = HERE / "Threads.java"
    result = runner.run("java", source, timeout=300)
    return {"status": result.returncode, "answer": result.stdout}


def node(runner):
    """Its own idea of threads: workers that wait by Atomics, and a pool for files."""
    result = runner.run("node", HERE / "files.js", timeout=300)
    return {"status": result.returncode, "answer": result.stdout}


def compiler(runner):
    """make -j with the programs that it runs: pipes as semaphores, and thousands of processes."""
    names = [f"part{i}" for i in range(60)]
    for name in names:
        (runner.folder / f"{name}.c").write_text(f"int {name}(void) {{ return {len(name)}; }}\n")
    calls = " + ".join(f"{name}()" for name in names)
    uses = "".join(f"int {name}(void); " for name in names)
    (runner.folder / "main.c").write_text(f"{uses}int main(void) {{ return ({calls}) % 128; }}\n")
    objects = " ".join(f"{name}.o" for name in [*names, "main"])
    (runner.folder / "Makefile").write_text(f"program: {objects}\n\t$(CC) -o $@ $^\n")
    made = runner.run("make", "-s", "-j4")
    if made.returncode != 0:
        raise Failed(made.stderr[-400:])
    return {"make": made.returncode, "program": runner.run(runner.folder / "program").returncode}


SUITES = {name: (suite, False) for name, suite in
          {"git": git, "java": java, "node": node, "make": compiler}.items()}  # fmt: skip
