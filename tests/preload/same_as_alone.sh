#!/bin/sh
# same_as_alone.sh CTRACE PROGRAM DIRECTORY [OPTION...]: PROGRAM prints the same, and ends the same,
# alone and recorded with each of the options. What each printed is left in DIRECTORY.
set -eu

ctrace=$1
program=$2
directory=$3
shift 3

mkdir -p "$directory"
status=0
"$program" >"$directory/alone" || status=$?
for option in --rate=10us "$@"; do
    recorded=0
    "$ctrace" record "$option" -o "$directory/data" "$program" >"$directory/recorded" || recorded=$?
    if [ "$recorded" != "$status" ]; then
        echo "exit status: alone $status, recorded $recorded" >&2
        exit 1
    fi
    diff "$directory/alone" "$directory/recorded" >&2
done
[ -s "$directory/alone" ]
