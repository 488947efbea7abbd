#!/bin/bash
# Benchmarks, to be run by hand on a quiet machine:
#
#   tests/bench/run.sh [BUILD [ROW...]]     BUILD is a build tree: "build" unless named
#
# The rows "view" and "view8", of a recording of up to 10^7 and 10^8 waits in a browser, are run if
# they are named: they take chromium, node, and after one run of tests/view/run.sh its modules.
#
# Everything is compared side by side in one run, so it is the ratios that count. Peers (LTTng's
# pthread wrapper, uftrace, ltrace, strace, perf trace, bpftrace) are measured where they are
# installed; tests/install-packages.sh peers installs them.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build}" && pwd)
shift || true

who=user
[ "$(id -u)" -ne 0 ] || who=root
exec "$here/../e2e/sandbox.sh" "$who" /usr/bin/python3 "$here/bench.py" "$build" "$@"
