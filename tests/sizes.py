#!/usr/bin/python3
"""sizes.py: is one of our C files, or a function in one, too long to be read?

Prints each that is, and ends with status 1 then. Functions are found by how clang-format lays them
out: their braces are the only ones that are alone at the beginning of a line.
"""

import pathlib
import sys

FOLDERS = ("tracer", "analyzer", "render")
FILE_LINES = 450
FUNCTION_LINES = 60


def functions(lines):
    """Of each function its first line, and how many it has: with what it returns, and its name."""
    head, opened = 1, None
    for number, line in enumerate(lines, 1):
        if opened is None and (line == "" or line.startswith(("#", "}")) or line.endswith((";", "*/"))):
            head = number + 1
        elif line == "{":
            opened = head
        elif line == "}" and opened is not None:
            yield opened, number + 1 - opened
            head, opened = number + 1, None


def length(name, lines):
    if len(lines) > FILE_LINES:
        yield f"{name}: {len(lines)} lines, of at most {FILE_LINES}"


def findings(root):
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.[ch]")):
        lines = path.read_text().splitlines()
        name = path.relative_to(root)
        yield from length(name, lines)
        for begin, count in functions(lines):
            if count > FUNCTION_LINES:
                yield f"{name}:{begin}: a function of {count} lines, of at most {FUNCTION_LINES}"
    for path in sorted((root / "render").rglob("*.js")):
        yield from length(path.relative_to(root), path.read_text().splitlines())


def main():
    found = list(findings(pathlib.Path(__file__).resolve().parent.parent))
    print("\n".join(found) if found else "no long file or function")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
