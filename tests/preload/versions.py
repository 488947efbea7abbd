#!/usr/bin/env python3
"""versions.py LIBRARY: what the preloaded library does about libc's functions of several versions.

A hook without a version takes all calls of its name to one function of libc: right only where all
versions of that name are the same code.
"""

import re
import subprocess
import sys
from collections import defaultdict

# What sanitizers, not programs, look for; and what libctrace-heap.so does.
NOT_OF_LIBC = re.compile(r"__(asan|lsan)_default_|ct_heap_")


def dynamic_functions(path):
    """{name: {version or "": address}} of what a library defines."""
    functions = defaultdict(dict)
    listing = subprocess.run(
        ["readelf", "--dyn-syms", "--wide", path], capture_output=True, text=True, check=True
    ).stdout
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[3] in ("FUNC", "IFUNC") and fields[6] != "UND":
            name, _, version = fields[7].partition("@")
            functions[name][version.lstrip("@")] = fields[1]
    return functions


def path_of_libc():
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return re.search(r"/\S*/libc\.so\.6", maps.read()).group()


def faults(hooks, libc):
    for name, hooked in sorted(hooks.items()):
        versions = libc.get(name)
        if versions is None:
            if not NOT_OF_LIBC.match(name):
                yield f"{name} is exported, and libc has no such function"
            continue
        if len(set(versions.values())) == 1:
            continue
        if "" in hooked:
            yield f"{name} has one hook for {versions}, which are not the same"
            continue
        for version in sorted(set(versions) ^ set(hooked)):
            yield f"{name}@{version} is not both hooked and a function of libc"
        if len(set(hooked.values())) < len(set(versions.values())):
            yield f"{name} has {hooked} for {versions}"


def main():
    hooks = dynamic_functions(sys.argv[1])
    libc = dynamic_functions(path_of_libc())
    found = list(faults(hooks, libc))
    for fault in found:
        print(fault)
    several = sum(len(set(libc[name].values())) > 1 for name in hooks if name in libc)
    print(f"{len(hooks)} functions are hooked, {several} of several versions")
    return 1 if found or len(hooks) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
