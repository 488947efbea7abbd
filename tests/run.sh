#!/bin/bash
# The test command: installs what it takes, builds, and runs every test there is. It ends with
# status 0 only if all of them passed.
#
#   tests/run.sh              everything
#   tests/run.sh STEP...      only these of: style tidy sanitize fuzz build
#   tests/run.sh quick        while working: unit and golden tests, and one recording
#
# The tests of "build" mostly wait. The steps that compute alone (tidy, sanitize, fuzz) run beside
# them if both are asked for, with the time of the CPUs that is left, each into a log of its own,
# which is shown when all of them are over.
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

# Objects of sources that are gone would count as sources. Once is enough, and another time would
# change the tree while tests run in it.
is_built=
build_ours()
{
    [ -z "$is_built" ] || return 0
    configure "$build" >"$build.log" && cmake --build "$build" -- -t cleandead >>"$build.log" &&
        cmake --build "$build" >>"$build.log" && is_built=yes && return
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
    # Optimised, they take half the time. Compilers' warnings about what a sanitizer put into the
    # code are none about ours, which is built with -Werror elsewhere.
    configure "$build-sanitize" -DCTRACE_WERROR=OFF -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_C_FLAGS_DEBUG="-O1 -g1" -DCTRACE_SANITIZE=address,undefined >/dev/null || return 1
    cmake --build "$build-sanitize" -- --quiet || return 1
    ctest --test-dir "$build-sanitize" -j"$(nproc)" --output-on-failure --no-tests=error
}

step_fuzz()
{
    say "Fuzz targets, half a minute of a CPU each"
    # Whether a change passes is not to be luck: the same chances each time.
    CTRACE_FUZZ_SEED=1 CTRACE_FUZZ_BUILD="$build-fuzz" tests/fuzz/run.sh 30
}

# End-to-end tests spend four fifths of their time waiting: more run at once than there are CPUs.
step_build()
{
    say "All tests"
    build_ours || return 1
    local status=0 run
    run=(ctest --test-dir "$build" --output-on-failure --no-tests=error)
    "${run[@]}" -LE e2e -j"$(nproc)" || status=1
    # What fails once may be what else runs on the machine, a real fault fails three times.
    "${run[@]}" -L e2e -LE timing -j"$((2 * $(nproc)))" --repeat until-pass:3 || status=1
    end_beside
    say "Tests that compare with clocks and other tools: best on a quiet machine"
    "${run[@]}" -L timing -j"$(nproc)" --repeat until-pass:3 || status=1
    return $status
}

step_quick()
{
    say "Unit and golden tests, and one recording"
    build_ours || return 1
    ctest --test-dir "$build" --output-on-failure --no-tests=error -j2 -R '^(unit|golden)\.|^e2e\.(root|user)\.blame$'
}

# What does not say that it passed has failed.
run_step()
{
    local began=$SECONDS
    if "step_$1"; then echo "$1" >>"$build.passed.log"; fi
    echo "$1: $((SECONDS - began)) s"
}

# Begins steps beside what follows, one after the other, with the time of the CPUs that is left.
begin_beside()
{
    beside=("$@")
    set -m # a group of their own: all of it can be ended
    (
        set +m
        chrt --idle --pid 0 $BASHPID 2>/dev/null || renice -n 19 $BASHPID >/dev/null || true
        for step in "$@"; do
            run_step "$step" >"$build.$step.log" 2>&1
        done
    ) </dev/null &
    beside_pid=$!
    set +m
    trap 'kill -- "-$beside_pid" 2>/dev/null || true' EXIT
    trap 'exit 1' INT TERM HUP
}

# Waits for them, and shows what they said.
end_beside()
{
    [ ${#beside[@]} -gt 0 ] || return 0
    wait "$beside_pid" || true
    trap - EXIT INT TERM HUP
    for step in "${beside[@]}"; do
        cat "$build.$step.log" || true
    done
    beside=()
}

tests/install-packages.sh build package test

[ $# -gt 0 ] || set -- style tidy sanitize fuzz build
beside=()
computing=()
others=()
for step in "$@"; do
    case $step in
    tidy | sanitize | fuzz) computing+=("$step") ;;
    style | build | quick) others+=("$step") ;;
    *)
        echo "run.sh: there is no step '$step'" >&2
        exit 2
        ;;
    esac
done

: >"$build.passed.log"
for step in ${others[@]+"${others[@]}"}; do
    if [ "$step" = build ] && [ ${#computing[@]} -gt 0 ] && build_ours; then
        begin_beside "${computing[@]}"
        computing=()
    fi
    run_step "$step"
done
for step in ${computing[@]+"${computing[@]}"}; do
    run_step "$step"
done

failed=
for step in "$@"; do
    grep -qx "$step" "$build.passed.log" || failed="$failed $step"
done
if [ -n "$failed" ]; then
    echo "run.sh: FAILED:$failed" >&2
    exit 1
fi
