#!/bin/sh
# From a fresh Debian 12 to blocking profiles and a timeline, in one command:
#
#   examples/quickstart.sh [FOLDER]
#
# Installs what is missing, builds ctrace into build/, records examples/convoy.c, and leaves its
# trace, profiles and pictures in FOLDER (quickstart-out, here, unless named). It installs packages
# and nothing else outside of build/ and FOLDER.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-quickstart-out}
build=$source/build
log=$build/quickstart.log

say()
{
    printf '\n== %s\n' "$*"
}

# Quiet while all is well; the whole story if not.
logged()
{
    "$@" >>"$log" 2>&1 || {
        cat "$log" >&2
        echo "quickstart.sh: failed: $*" >&2
        exit 1
    }
}

say "Installing the packages that are missing"
"$source/tests/install-packages.sh" build

say "Building ctrace in $build"
mkdir -p "$build"
: >"$log"
if [ ! -e "$build/CMakeCache.txt" ]; then
    logged cmake -S "$source" -B "$build" -G Ninja -DBUILD_TESTING=OFF
fi
logged cmake --build "$build"
PATH=$build/bin:$PATH

mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$out"

say "Recording a program with a lock convoy, and the same program cured"
ctrace record -o convoy.data -- "$build/examples/convoy"
ctrace record -o convoy_cured.data -- "$build/examples/convoy_cured"

say "Writing profiles and pictures"
for kind in net sync syscall sleep; do
    ctrace pprof "$kind" convoy.data -o "$kind.pb.gz"
done
ctrace pprof sync convoy_cured.data -o sync_cured.pb.gz
ctrace timeline convoy.data -o timeline.svg
ctrace timeline convoy.data -o timeline.png

say "What the convoy waited for (ctrace report)"
ctrace report convoy.data

say "Everything is in $out"
cat <<END
  convoy.data               the recording: plain CTF, babeltrace2 and Trace Compass open it too
  sync.pb.gz and others     blocking profiles
  timeline.svg, .png        the same as a picture

Next, from that folder:
  go tool pprof -top sync.pb.gz
  go tool pprof -http=localhost:8080 sync.pb.gz
  go tool pprof -top -base sync.pb.gz sync_cured.pb.gz     what the cure saved
  $build/bin/ctrace diff --per=run convoy.data convoy_cured.data
  $build/bin/ctrace record YOUR-PROGRAM
END
command -v go >/dev/null || echo "(go tool pprof comes with the package golang-go.)"
