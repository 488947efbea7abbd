"""How long it takes to name 200,000 addresses of a program with hundreds of megabytes of debug information, and how
much memory.

    symbols.py BUILD [FUNCTIONS UNITS]

Makes the program of one unit's object file, copied with other names, and a recording whose stacks are
at addresses all over it."""

import os
import pathlib
import random
import re
import resource
import subprocess
import sys
import tempfile
import time

ADDRESSES = 200_000
FRAMES = 100
BASE = 0x400000


def write_unit(path, functions):
    with open(path, "w") as out:
        out.write("struct state { long total; long values[8]; struct state *next; };\n")
        out.write(
            "static inline __attribute__((always_inline)) long step(struct state *s, long x)\n"
            "{ long y = x * 3; s->total += y; if (y & 1) s->total ^= x; return s->total; }\n"
        )
        for number in range(functions):
            out.write(
                f"__attribute__((noinline)) long function_number_{number}(struct state *s, long a, long b)\n"
                f"{{ long c = step(s, a + {number}); long d = step(s, b - {number});\n"
                "  for (long i = 0; i < (c & 3); i++) d += step(s, i) + s->values[i]; return c + d; }\n"
            )


def build_program(folder, functions, units):
    write_unit(folder / "unit.c", functions)
    (folder / "main.c").write_text("int main(void) { return 0; }\n")
    run = lambda *words: subprocess.run(words, cwd=folder, check=True)
    run("gcc", "-g3", "-O1", "-c", "unit.c", "-o", "unit.o")
    for unit in range(units):
        run("objcopy", f"--prefix-symbols=u{unit}_", "unit.o", f"copy{unit}.o")
    objects = [f"copy{unit}.o" for unit in range(units)]
    run("gcc", "-g", "main.c", *objects, "-no-pie", "-Wl,--build-id", "-o", "program")
    return folder / "program"


def code_of(program):
    """Where its functions are, and its build id."""
    names = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    starts = sorted(int(found, 16) for found in re.findall(r"^(\w+) T u\d+_function", names, re.MULTILINE))
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True).stdout
    return starts, re.search(r"Build ID: (\w+)", notes)[1]


def write_recording(path, program):
    starts, build_id = code_of(program)
    if len(starts) < ADDRESSES // 20:
        sys.exit(f"{len(starts)} functions are too few for {ADDRESSES} addresses")
    chance = random.Random(1)
    addresses = set()
    while len(addresses) < ADDRESSES:
        addresses.add(chance.choice(starts) + chance.randrange(1, 60))
    addresses = list(addresses)
    end = starts[-1] + 0x1000
    about = "pid=100 process_start_ns=1s"
    lines = [
        f"1.0s 100 100 process_start schema_version=2 process_start_ns=1s rate_ns=0 exe={program} args=program cwd=/",
        *(
            f"{1.1 + number / 1e5:.6f}s 100 100 wait duration_ns=1us stack={number + 1} op=read class=syscall object=3"
            for number in range(ADDRESSES // FRAMES)
        ),
        "trace closing/ust",
        f"1.9s 1 1 module {about} path={program} build_id={build_id} begin={BASE:#x} end={end:#x} bias=0",
        *(
            f"1.9s 1 1 stack {about} id={number + 1} addresses="
            + ",".join(hex(address) for address in addresses[number * FRAMES : (number + 1) * FRAMES])
            for number in range(ADDRESSES // FRAMES)
        ),
        "1.9s 1 1 capture schema_version=2 ctrace_version=0.1.0 command=program layers=preload "
        "begin_ns=1s end_ns=1.9s process_count=1",
    ]
    path.write_text("\n".join(lines) + "\n")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    functions, units = (int(word) for word in (sys.argv[2:4] if len(sys.argv) == 4 else (2000, 112)))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        program = build_program(folder, functions, units)
        write_recording(folder / "trace.txt", program)
        subprocess.run(
            [build / "bin/write_trace", folder / "trace.txt", folder / "trace"], check=True
        )
        begin = time.monotonic()
        result = subprocess.run(
            [build / "bin/ctrace", "symbolize", folder / "trace"], capture_output=True, text=True,
            env=dict(os.environ, XDG_CACHE_HOME=str(folder / "cache")),
        )
        seconds = time.monotonic() - begin
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(result.stdout.splitlines()[0] if result.stdout else result.stderr)
        print(
            f"program of {program.stat().st_size / 1e6:.0f} MB: {seconds:.1f} s, of which "
            f"{usage.ru_utime + usage.ru_stime:.1f} s of CPU with making it, at most {usage.ru_maxrss / 1024:.0f} MB"
        )
        return result.returncode


if __name__ == "__main__":
    sys.exit(main())
