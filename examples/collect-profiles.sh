#!/bin/sh
# Collects profiles of what `ctrace serve` serves into a folder by time, and sums them up:
#
#   examples/collect-profiles.sh ADDRESS [FOLDER [SECONDS]]
#
# ADDRESS is what `ctrace serve` prints. A timer that calls it every hour fills what `ctrace trend FOLDER` reads. Go programs
# that serve net/http/pprof can be collected the same way: http://HOST:PORT/debug/pprof.
set -eu

address=${1:?ADDRESS, as ctrace serve prints it, is missing}
folder=${2:-profiles/production}
seconds=${3:-10}
case $folder in -*) folder=./$folder ;; esac
place=$folder/$(date +%Y%m%d_%H%M%S)

# Of a profile's name at the server, and its file's name: aside first, so that none is half there.
collect()
{
    curl -fsS -o "$place/$2.part" "${address%/}/$1?seconds=$seconds" && mv "$place/$2.part" "$place/$2.pb.gz"
}

# What is there stays, and none goes on behind the back of who called.
failed=
mkdir -p "$place"
collect profile cpu &
cpu=$!
collect block block &
block=$!
collect mutex mutex || failed=1
wait "$cpu" || failed=1
wait "$block" || failed=1
[ -z "$failed" ] || exit 1
for kind in cpu block mutex; do
    echo "== $place/$kind.pb.gz"
    ! command -v go >/dev/null || go tool pprof -top -nodecount=5 "$place/$kind.pb.gz" | sed -n '/^Duration/,$p'
done
