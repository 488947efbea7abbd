#!/usr/bin/python3
"""circles.py BUILD: do two of our C files, or two folders, need each other in a circle?

A file needs another where its object uses a symbol that the other's defines. Prints a circle with
the symbols that tie it, of files and of folders, and ends with status 1 where there is one. Objects
of files that are gone count too: `ninja -t cleandead` removes them.
"""

import collections
import graphlib
import os
import re
import subprocess
import sys

FOLDERS = ("tracer/", "analyzer/", "render/")


def objects(build):
    """Pairs of an object file and the source that it was made of, relative to the source tree."""
    for folder, _, names in os.walk(build):
        for name in names:
            path = os.path.join(folder, name)
            made_of = re.match(r"(.*/)CMakeFiles/[^/]+\.dir/(.*\.c)\.o$", os.path.relpath(path, build))
            if made_of is None:
                continue
            source = os.path.normpath(made_of[1] + made_of[2].replace("__", ".."))
            if source.startswith(FOLDERS):
                yield path, source


def symbols(path):
    """The names that an object needs, and those that it defines for others."""
    lines = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout.splitlines()
    kinds = [(line.split()[-2], line.split()[-1]) for line in lines]
    return {name for kind, name in kinds if kind == "U"}, {name for kind, name in kinds if kind in "TDBRVWCG"}


def ties(build):
    """{file: {file that it needs: names}}"""
    needs = collections.defaultdict(set)
    homes = collections.defaultdict(set)
    for path, source in objects(build):
        needed, defined = symbols(path)
        needs[source] |= needed
        for name in defined:
            homes[name].add(source)
    graph = {}
    for source, names in needs.items():
        graph[source] = collections.defaultdict(set)
        for name in names:
            # What several programs define, such as main, ties nobody.
            if len(homes[name]) == 1 and source not in homes[name]:
                graph[source][next(iter(homes[name]))].add(name)
    return graph


def by_folder(graph):
    folders = collections.defaultdict(lambda: collections.defaultdict(set))
    for source, others in graph.items():
        for other, names in others.items():
            if os.path.dirname(source) != os.path.dirname(other):
                folders[os.path.dirname(source)][os.path.dirname(other)] |= names
    return folders


def circle(graph):
    """Its members, each of which needs the next, the last the first one's name again; or None."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return None


def main():
    graph = ties(sys.argv[1])
    if not graph:
        sys.exit(f"circles.py: no objects of ours below {sys.argv[1]}")
    status = 0
    for kind, ties_of_kind in (("folders", by_folder(graph)), ("files", graph)):
        members = circle(ties_of_kind)
        if members is None:
            continue
        status = 1
        print(f"circle of {kind}:")
        for member, needed in zip(members, members[1:]):
            names = sorted(ties_of_kind[member][needed])
            print(f"    {member} -> {needed}: {' '.join(names[:6])}")
    if status == 0:
        print(f"{len(graph)} files, no circle")
    sys.exit(status)


main()
