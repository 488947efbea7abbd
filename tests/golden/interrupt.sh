#!/bin/bash
# interrupt.sh WRITE_TRACE PROGRAM: reads a damaged trace, of which the readable part is copied, and
# ends the program meanwhile. It leaves nothing in the folder for temporary files, and dies of the
# signal.
set -eu

writer=$1 program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

{
    echo "1s 5 5 process_start schema_version=2 process_start_ns=1s exe=/bin/x args=x"
    awk 'BEGIN { for (i = 0; i < 200000; i++)
        printf "%dus 5 5 wait duration_ns=500 op=nanosleep class=sleep\n", 2000000 + i }'
} >text
"$writer" text trace
truncate -s -1000 trace/ust/waits_0

for signal in INT TERM; do
    mkdir -p temporary
    # Background jobs of a script ignore SIGINT, unless they are told not to.
    TMPDIR=$work/temporary env --default-signal=INT "$program" trace >output 2>messages &
    pid=$!
    while kill -0 "$pid" 2>/dev/null && [ -z "$(ls temporary)" ]; do
        sleep 0.005
    done
    kill -s "$signal" "$pid" 2>/dev/null || true
    status=0
    wait "$pid" || status=$?
    # It may have come to its end before the signal came.
    if [ "$status" -ne 0 ] && [ "$status" -ne $((128 + $(kill -l "$signal"))) ]; then
        echo "exit status $status after SIG$signal"
        cat messages
        exit 1
    fi
    if [ -n "$(ls temporary)" ]; then
        echo "left after SIG$signal:"
        ls -R temporary
        exit 1
    fi
    echo "SIG$signal: exit status $status"
done
