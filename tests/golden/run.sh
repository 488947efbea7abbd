#!/bin/sh
# run.sh WRITE_TRACE PROGRAM CASE EXPECTED [OPTION...]: writes the trace that traces/CASE.txt
# describes, damages it as that file says, and compares the program's report with
# expected/EXPECTED, messages and exit status included. The report's format is what EXPECTED ends in.
# With UPDATE=1 in the environment the expected text is replaced instead.
#
# A line "#! COMMAND" in the description is run by the shell, in the trace's directory.
set -eu

writer=$1 program=$2 case=$3 name=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$writer" "$here/traces/$case.txt" trace
sed -n 's/^#! //p' "$here/traces/$case.txt" >damage.sh
(cd trace && sh -eu ../damage.sh)

status=0
LC_ALL=C.UTF-8 TZ=UTC "$program" --format="${name##*.}" "$@" trace >actual 2>messages || status=$?
{
    cat actual
    sed 's/^/stderr: /' messages
    echo "exit status $status"
} | sed "s|$work/||g" >result

expected=$here/expected/$name
if [ "${UPDATE:-}" = 1 ]; then
    cp result "$expected"
else
    diff -u "$expected" result
fi
