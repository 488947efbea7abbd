#!/bin/sh
# golden.sh WRITE_TRACE COMPARE_READERS TRACES: what both readers make of all golden traces, as they
# are and with changes in them.
set -eu

writer=$1 compare=$2 traces=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for text in "$traces"/*.txt; do
    name=$(basename "$text" .txt)
    "$writer" "$text" "$work/trace"
    sed -n 's/^#! //p' "$text" >"$work/damage.sh"
    (cd "$work/trace" && sh -eu ../damage.sh)
    if [ -e "$work/trace" ]; then mv "$work/trace" "$work/$name"; fi
done
cd "$work"
rm damage.sh
"$compare" ./*
"$compare" --seeds=100 convoy hostile_names reloaded
