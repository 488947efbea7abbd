#!/bin/sh
# flip.sh WRITE_TRACE FLIP_BYTES PROGRAM ROUNDS: whatever bytes of a trace are wrong, the program
# reports something or says what is wrong. It never crashes, and never runs for ever.
set -eu

writer=$1 flip=$2 program=$3 rounds=$4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for case in convoy open_wait images; do
    "$writer" "$here/traces/$case.txt" "good.$case"
done
round=0
failures=0
while [ "$round" -lt "$rounds" ]; do
    for case in convoy open_wait images; do
        rm -rf bad
        cp -r "good.$case" bad
        "$flip" bad "$round" $((round % 5 + 1))
        # Changed metadata nearly always ends it all: most rounds have it whole.
        if [ $((round % 4)) -ne 0 ]; then
            cp "good.$case/ust/metadata" bad/ust/
            cp "good.$case/closing/ust/metadata" bad/closing/ust/
        fi
        status=0
        TMPDIR=$work timeout 10 "$program" --format=json bad >output 2>messages || status=$?
        if [ "$status" -gt 1 ]; then
            echo "round $round of $case: exit status $status"
            tail -n 20 messages
            failures=$((failures + 1))
        fi
    done
    round=$((round + 1))
done
[ "$failures" -eq 0 ]
