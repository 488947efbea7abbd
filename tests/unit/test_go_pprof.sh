#!/bin/sh
# Real `go tool pprof` on profiles of ours: test_go_pprof.sh WRITE_PPROF
# Skipped (77) only where Go is not installed.
set -eu

write_pprof=$1
command -v go >/dev/null || exit 77

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export HOME="$folder" PPROF_TMPDIR="$folder"
# pprof takes the working directory's name out of the paths of sources.
cd "$folder"

"$write_pprof" "$folder/sick.pb.gz" sync 5
"$write_pprof" "$folder/cured.pb.gz" sync 1
"$write_pprof" "$folder/mutex.pb.gz" mutex 5
"$write_pprof" "$folder/empty.pb.gz" net 5
"$write_pprof" "$folder/cpu.pb.gz" cpu 5
"$write_pprof" "$folder/wall.pb.gz" wall 5

pprof()
{
    go tool pprof "$@" >"$folder/out" 2>"$folder/err" || {
        echo "go tool pprof $* failed:"
        cat "$folder/err"
        exit 1
    }
    # It would look for symbols itself if a profile did not say that it has them.
    if grep -i 'symbolization' "$folder/err"; then
        echo "go tool pprof $* tried to add symbols"
        exit 1
    fi
}

expect()
{
    grep -Eq -- "$1" "$folder/out" || {
        echo "no line matches '$1' in:"
        cat "$folder/out"
        exit 1
    }
}

pprof -top "$folder/sick.pb.gz"
expect '^Type: delay$'
expect '^Time: '
expect '^Duration: 10s'
expect '^command: shop --all$'
expect '7ms +100% .* pthread_mutex_lock'
expect '5ms .* fixture_inlined \(inline\)'
expect '5ms .* fixture_lock_loudly$'
expect 'unknown stack'

pprof -top -sample_index=contentions "$folder/sick.pb.gz"
expect '^Type: contentions$'
expect ' 7 +100% .* pthread_mutex_lock'

pprof -raw "$folder/sick.pb.gz"
expect '^PeriodType: contentions count'
expect 'contentions/count delay/nanoseconds\[dflt\]'
expect 'tid:\[42\]'
expect 'thread:\[worker\]'
expect 'fixture_inlined .*pprof_fixture.c:[0-9]+ s=[0-9]+'

pprof -tags "$folder/sick.pb.gz"
expect 'op: Total 7'
expect 'holder'
expect 'mutex 0x[0-9a-f]+ \(fixture_lock\+0x8\)'

pprof -top -tagfocus=open=yes "$folder/sick.pb.gz"
expect '1ms .* pthread_mutex_lock'

pprof -list=fixture_lock_loudly "$folder/sick.pb.gz"
expect 'return fixture_inlined\(\)'

for option in -base -diff_base; do
    pprof -top "$option=$folder/sick.pb.gz" "$folder/cured.pb.gz"
    expect '-4ms .* pthread_mutex_lock'
done

pprof -top "$folder/mutex.pb.gz"
expect '5ms .* pthread_mutex_unlock'
expect '2ms .* unknown holder'

pprof -top "$folder/empty.pb.gz"
expect '^Type: delay$'

pprof -top "$folder/cpu.pb.gz"
expect '^Type: cpu$'
expect '60ms .* \[kernel\]'
expect '110ms .* fixture_lock_loudly$'
expect '10ms .* unknown callers'

pprof -raw "$folder/cpu.pb.gz"
expect '^PeriodType: cpu nanoseconds'
expect '^Period: 10000000'
expect 'samples/count cpu/nanoseconds\[dflt\]'

# The second thread is one of which nothing was seen.
pprof -top -tagroot=state "$folder/wall.pb.gz"
expect '^Type: wall$'
expect '^Showing nodes .* of 20000ms total'
expect '19000ms +95.* running$'
expect '1000ms +5.* sync$'

pprof -top -tagfocus=state=sync "$folder/wall.pb.gz"
expect '1000ms .* pthread_mutex_lock'

pprof -raw "$folder/wall.pb.gz"
expect 'count/count wall/nanoseconds\[dflt\]'
