#!/bin/sh
# What a production host builds: the recorder without the analyzer, by another build tool than the
# tests'. Its order of linking is another one too, and constructors run in that order.
#
#   recorder_alone.sh SOURCE
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake -S "$1" -B "$place/build" -G "Unix Makefiles" -DCTRACE_ANALYZER=OFF -DBUILD_TESTING=OFF >/dev/null
cmake --build "$place/build" --parallel "$(nproc)" >/dev/null
"$place/build/bin/ctrace" record -o "$place/data" -- sleep 0.05
babeltrace2 "$place/data" >"$place/events"
for event in process_start thread_start thread_name wait process_exit capture; do
    grep -q "ctrace:$event:" "$place/events" || {
        echo "recorder_alone.sh: the trace has no $event:" >&2
        cat "$place/events" >&2
        exit 1
    }
done
