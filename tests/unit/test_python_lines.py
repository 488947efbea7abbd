"""The lines of instructions, by the program that is given, against what the interpreter that runs
this says of all code of some of its modules, and of code that is odd."""

import dis
import importlib
import inspect
import subprocess
import sys

MODULES = ["argparse", "asyncio.base_events", "decimal", "dis", "inspect", "pydoc", "threading"]

ODD = (
    "def far():\n" + "\n" * 1000 + "    return [x\n" + "\n" * 300 + "    for x in y]\n",
    "x = (\n" + "\n" * 200 + "    a +\n" + "\n" * 200 + "    b)\n",
    "def f():\n    try:\n        with a: return b\n    finally:\n        c()\n",
    "x = [" + "1 +\n" * 2000 + "1]\n",
    "f(" + "a, " * 600 + ")\ng()\n",
    "class C:\n    def f(self): yield 1; yield 2\n    async def g(self): await x\n",
)


def codes_of(code):
    yield code
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from codes_of(constant)


def all_codes():
    for name in MODULES:
        module = importlib.import_module(name)
        yield from codes_of(compile(inspect.getsource(module), name, "exec"))
    for source in ODD:
        yield from codes_of(compile(source, "odd", "exec"))


def known_lines(code):
    """Of each instruction, 0 where it has none; and the kind of table, and the table."""
    size = len(code.co_code)
    if sys.version_info >= (3, 11):
        lines = [position[0] or 0 for position in code.co_positions()]
        return lines, 2, code.co_linetable
    if sys.version_info >= (3, 10):
        lines = [0] * (size // 2)
        for begin, end, line in code.co_lines():
            lines[begin // 2 : end // 2] = [line or 0] * ((end - begin) // 2)
        return lines, 1, code.co_linetable
    lines, line = [], code.co_firstlineno
    starts = dict(dis.findlinestarts(code))
    for offset in range(0, size, 2):
        line = starts.get(offset, line)
        lines.append(line)
    return lines, 0, code.co_lnotab


def main():
    codes = list(all_codes())
    given, expected = [], []
    for code in codes:
        lines, kind, table = known_lines(code)
        expected.append(lines)
        given.append(f"{kind} {code.co_firstlineno} {2 * len(lines)} 2 {table.hex()}\n")
    told = subprocess.run(
        [sys.argv[1]], input="".join(given), capture_output=True, text=True, check=True
    ).stdout
    found = [[int(line) for line in lines.split()] for lines in told.splitlines()]
    wrong = [code for code, a, b in zip(codes, expected, found) if a != b]
    assert len(codes) > 200 and len(found) == len(codes), (len(codes), len(found))
    assert not wrong, wrong[:5]
    print(f"{len(codes)} code objects, {sum(map(len, expected))} instructions: all lines right")


main()
