#!/bin/bash
# Runs the fuzz targets: what is committed first, then inputs that libFuzzer makes up.
#
#   tests/fuzz/run.sh [SECONDS [TARGET...]]    so much time of a CPU for each (60), as many at once as
#                                              there are CPUs, and never four times as long; all
#                                              targets unless some are named
#   tests/fuzz/run.sh keep TARGET...           has what was learnt by then replace the committed
#                                              corpus, as few and small inputs as reach the same
#
# What is learnt is kept in the build tree ($CTRACE_FUZZ_BUILD, or build-fuzz in the source tree),
# and the next run begins with it. $CTRACE_FUZZ_SEED is where its chances begin: another place each
# time unless set. It ends with status 0 if no target found a fault.
set -eu

source=$(cd "$(dirname "$0")/../.." && pwd)
here=$source/tests/fuzz
build=${CTRACE_FUZZ_BUILD:-$source/build-fuzz}

# Of an input, at most so many bytes and seconds, and so many MB of memory.
limits="-len_control=0 -max_len=4096 -timeout=60 -rss_limit_mb=2048"

build_targets()
{
    mkdir -p "$build"
    cmake -S "$source" -B "$build" -G Ninja -DCMAKE_C_COMPILER="${CTRACE_FUZZ_CC:-clang}" \
        -DCTRACE_FUZZ=ON -DCTRACE_SANITIZE=address,undefined >"$build/build.log" 2>&1 &&
        cmake --build "$build" --target fuzz >>"$build/build.log" 2>&1 && return
    cat "$build/build.log"
    return 1
}

# The folders of inputs that there are for the target, most telling first.
committed()
{
    local folder
    for folder in "$here/found/$1" "$here/corpus/$1"; do
        [ ! -d "$folder" ] || echo "$folder"
    done
}

# Says how the run of a target ended.
tell()
{
    local target=$1 log=$2 found=$3 cover speed
    cover=$(sed -n 's/.*\(INITED\|NEW\|REDUCE\|DONE\|pulse\) *cov: \([0-9]*\).*/\2/p' "$log" | tail -n 1)
    speed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    if [ -z "$found" ]; then
        echo "$target: ${speed:-no} executions, ${cover:-no} edges covered, no fault"
        return
    fi
    sed -n '/ERROR:\|runtime error:\|does not hold:\|ASSERT/,$p' "$log" | head -n 60
    echo "$target: FAULT with the input $found"
    echo "  again: $build/bin/fuzz_$target $found"
    echo "  once mended, keep the input: mv it to $here/found/$target/"
}

# Ends a target once it has had so many seconds of a CPU, it or its children: what else the machine
# does takes none of them away.
end_after()
{
    local seconds=$1 pid=$2 had per_s
    per_s=$(getconf CLK_TCK)
    while had=$(awk -v per_s="$per_s" '{ print int(($14 + $15 + $16 + $17) / per_s) }' "/proc/$pid/stat" 2>/dev/null) &&
        [ -n "$had" ] && kill -0 "$pid" 2>/dev/null; do
        [ "$had" -lt "$seconds" ] || kill -TERM "$pid" 2>/dev/null || true
        sleep 1
    done
}

run_target()
{
    local seconds=$1 target=$2 log found='' status=0 folder before pid learnt=$build/corpus/$2
    local artifacts=$build/faults/$target scratch
    log=$build/$target.log
    mkdir -p "$learnt" "$artifacts"
    scratch=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/ctrace-fuzz-run-XXXXXX")
    before=$scratch/before
    touch "$before"
    mapfile -t folders < <(committed "$target")
    # Those inputs that are there come first.
    # shellcheck disable=SC2086 # the limits are words
    TMPDIR=$scratch "$build/bin/fuzz_$target" $limits -max_total_time=$((4 * seconds)) \
        -artifact_prefix="$artifacts/" -print_final_stats=1 -seed="${CTRACE_FUZZ_SEED:-0}" \
        "$learnt" ${folders[@]+"${folders[@]}"} >"$log" 2>&1 &
    pid=$!
    end_after "$seconds" $pid
    wait $pid || status=$?
    [ $status -ne 72 ] || status=0 # as libFuzzer says that it was ended
    if [ $status -ne 0 ]; then
        found=$(find "$artifacts" -type f -newer "$before" | head -n 1)
        found=${found:-"(none was written: see $log)"}
    fi
    rm -rf "$scratch"
    tell "$target" "$log" "$found"
    return $status
}

keep()
{
    local target=$1 fewer status=0
    fewer=$(mktemp -d)
    # shellcheck disable=SC2086 # the limits are words
    "$build/bin/fuzz_$target" $limits -set_cover_merge=1 "$fewer" "$here/corpus/$target" \
        "$build/corpus/$target" >"$build/$target.log" 2>&1 || status=$?
    if [ $status -eq 0 ]; then
        rm -rf "${here:?}/corpus/$target"
        mv "$fewer" "$here/corpus/$target"
        chmod -R u=rwX,go=rX "$here/corpus/$target"
    fi
    return $status
}

all_targets()
{
    local file
    for file in "$here"/fuzz_*.c; do
        basename "$file" .c | sed 's/^fuzz_//'
    done
}

build_targets
if [ "${1:-}" = keep ]; then
    shift
    for target in "$@"; do
        mkdir -p "$here/corpus/$target"
        keep "$target"
    done
    exit
fi

seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || mapfile -t names < <(all_targets)
[ $# -eq 0 ] || names=("$@")

rm -f "$build/failed"
for name in "${names[@]}"; do
    while [ "$(jobs -r | wc -l)" -ge "$(nproc)" ]; do
        wait -n || true
    done
    { run_target "$seconds" "$name" || echo "$name" >>"$build/failed"; } &
done
wait
[ ! -s "$build/failed" ]
