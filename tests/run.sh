#!/bin/bash
# The test command: installs what it takes, builds, and runs every test there is. It ends with
# status 0 only if all of them passed.
#
#   tests/run.sh              everything
#   tests/run.sh STEP...      only these of: style tidy sanitize fuzz build
#   tests/run.sh quick        while working: unit and golden tests, and one recording
#
# $CTRACE_TEST_BUILD is where it builds: build-test, in the source tree, unless set.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
build=${CTRACE_TEST_BUILD:-$source/build-test}
cd "$source"

say()
{
    printf '\n=== %s\n' "$*"
}

ours()
{
    find tracer analyzer render tests examples -name node_modules -prune -o -type f "$@" -print | sort
}

# The C files of ours that the build tree compiles: clang-tidy knows how. Large ones first: they may
# take minutes.
compiled()
{
    /usr/bin/python3 -c '
import json, os, sys
source, build = (os.path.realpath(place) for place in sys.argv[1:])
commands = json.load(open(f"{build}/compile_commands.json"))
files = {os.path.realpath(os.path.join(c["directory"], c["file"])) for c in commands}
for path in sorted(files, key=lambda path: (-os.path.getsize(path), path)):
    if path.endswith(".c") and path.startswith(source + "/") and not path.startswith(build + "/"):
        print(path)
' "$source" "$build"
}

configure()
{
    local tree=$1
    shift
    cmake -S "$source" -B "$tree" -G Ninja -DCTRACE_WERROR=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@"
}

# Objects of sources that are gone would count as sources.
build_ours()
{
    configure "$build" >"$build.log" && cmake --build "$build" -- -t cleandead >>"$build.log" &&
        cmake --build "$build" >>"$build.log" && return
    cat "$build.log"
    return 1
}

step_style()
{
    say "Formatting of C, scripts and Python"
    ours -name '*.[ch]' | xargs -r clang-format --dry-run -Werror || return 1
    { ours -name '*.sh'; echo .ci/run; } | xargs shellcheck || return 1
    ours -name '*.py' | xargs -r /usr/bin/python3 -c '
import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path).read(), path)
' || return 1
    say "Types and style of the page of ctrace view"
    tests/view/run.sh style || [ $? -eq 77 ] || return 1
    say "No file or function is too long"
    tests/sizes.py || return 1
    say "No two files or folders need each other"
    build_ours && tests/circles.py "$build"
}

step_tidy()
{
    say "clang-tidy"
    build_ours || return 1 # generated headers
    compiled | xargs -r -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build" 2>/dev/null
}

step_sanitize()
{
    say "Unit and golden tests under AddressSanitizer and UndefinedBehaviorSanitizer"
    configure "$build-sanitize" -DCMAKE_BUILD_TYPE=Debug -DCTRACE_SANITIZE=address,undefined \
        >/dev/null || return 1
    cmake --build "$build-sanitize" || return 1
    ctest --test-dir "$build-sanitize" -j"$(nproc)" --output-on-failure --no-tests=error
}

step_fuzz()
{
    say "Fuzz targets, half a minute each"
    # Whether a change passes is not to be luck: the same chances each time.
    CTRACE_FUZZ_SEED=1 CTRACE_FUZZ_BUILD="$build-fuzz" tests/fuzz/run.sh 30
}

# End-to-end tests spend four fifths of their time waiting: more run at once than there are CPUs.
step_build()
{
    say "All tests"
    build_ours || return 1
    local status=0 run=(ctest --test-dir "$build" --output-on-failure --no-tests=error)
    "${run[@]}" -LE e2e -j"$(nproc)" || status=1
    # What fails once may be what else runs on the machine, a real fault fails three times.
    "${run[@]}" -L e2e -LE timing -j"$((2 * $(nproc)))" --repeat until-pass:3 || status=1
    say "Tests that compare with clocks and other tools, one at a time: best on a quiet machine"
    "${run[@]}" -L timing --repeat until-pass:3 || status=1
    return $status
}

step_quick()
{
    say "Unit and golden tests, and one recording"
    build_ours || return 1
    ctest --test-dir "$build" --output-on-failure --no-tests=error -j2 -R '^(unit|golden)\.|^e2e\.(root|user)\.blame$'
}

tests/install-packages.sh build package test

[ $# -gt 0 ] || set -- style tidy sanitize fuzz build
failed=
for step in "$@"; do
    case $step in
    style | tidy | sanitize | fuzz | build | quick) "step_$step" || failed="$failed $step" ;;
    *)
        echo "run.sh: there is no step '$step'" >&2
        exit 2
        ;;
    esac
done

if [ -n "$failed" ]; then
    echo "run.sh: FAILED:$failed" >&2
    exit 1
fi
