"""Compares the suites named as arguments, or all; prints a table. See run.sh."""

import sys

import foreign_programs
import foreign_tests
import servers
from compare import compare

SUITES = {**foreign_programs.SUITES, **servers.SUITES, **foreign_tests.SUITES}


def main():
    names = sys.argv[1:]
    if names == ["--list"]:
        print("\n".join(SUITES))
        return 0
    chosen = [n for n in SUITES if not names or any(n.startswith(name) for name in names)]
    if not chosen:
        print(f"suites: none is called {names}; --list names them", file=sys.stderr)
        return 2
    print(f"{'suite':<32}{'cases':>6}{'good':>6}{'alone':>9}{'recorded':>10}{'waits':>10}  verdicts")
    differ = 0
    for name in chosen:
        suite, can_select = SUITES[name]
        found = compare(name, suite, can_select)
        good = sum(verdict in ("completed", 0, "ok") for verdict in found.bare.values())
        print(
            f"{name:<32}{len(found.bare):>6}{good:>6}{found.seconds[0]:>7.1f} s"
            f"{found.seconds[1]:>8.1f} s{found.waits:>10}  {'same' if found.is_same else 'DIFFER'}"
        )
        for case in found.different:
            print(f"    {case}: {found.bare.get(case)} alone, {found.recorded.get(case)} recorded")
        for case in found.unsteady:
            print(f"    {case}: differed once, the same when run again: {found.bare[case]}")
        if not found.waits:
            print("    nothing was recorded")
        sys.stdout.flush()
        differ += not found.is_same
    print(f"\n{len(chosen) - differ} of {len(chosen)} suites: the same")
    return 1 if differ else 0


sys.exit(main())
