#!/bin/bash
# Programs that nobody here wrote, each run alone and recorded: their own tests, or answers under
# load that are checked, must come to the same verdicts. It takes half an hour; run it by hand:
#
#   tests/suites/run.sh [BUILD [SUITE...]]     BUILD is a build tree: "build-test" unless named
#   tests/suites/run.sh BUILD --list           what suites there are
#
# It installs what the suites need, and runs them as an ordinary user. It ends with status 0 only if
# every verdict is the same.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build-test}" && pwd)
shift || true

"$here/../install-packages.sh" build package test suites

stage=$(mktemp -d /tmp/ctrace-suites.XXXXXX)
trap 'rm -rf "$stage"' EXIT
"$here/../e2e/stage.sh" "$build" "$here" "$stage/ctrace"
chmod 755 "$stage"
cp "$here"/programs/* "$stage/ctrace/"
chmod -R a+rX "$stage"

# Their limit as most have it, lower than what they may raise it to.
ulimit -S -n 1024
export CTRACE_PROGRAM=$stage/ctrace/prefix/bin/ctrace PYTHONDONTWRITEBYTECODE=1
"$here/../e2e/sandbox.sh" user /usr/bin/python3 "$stage/ctrace/suites.py" "$@"
