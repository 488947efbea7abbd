#!/bin/sh
# Installs the Debian packages that ctrace needs, and only those that are missing.
#
#   tests/install-packages.sh build         what it takes to build and use ctrace
#   tests/install-packages.sh package       what it takes to make packages of it, beside that
#   tests/install-packages.sh build package test    what it takes to run its tests
#   tests/install-packages.sh suites        the programs that tests/suites/run.sh compares
#   tests/install-packages.sh peers         the tools that tests/bench/run.sh measures beside ctrace
#
# This is the only list of packages: quickstart.sh and the run.sh of the tests use it.
set -eu

build="gcc libc6-dev cmake ninja-build pkg-config
    liblttng-ust-dev liblttng-ctl-dev lttng-tools
    libbabeltrace2-dev babeltrace2
    libglib2.0-dev libjson-glib-dev
    libdw-dev libiberty-dev libseccomp-dev libbpf-dev bpftool clang
    libprotobuf-c-dev protobuf-c-compiler zlib1g-dev libsqlite3-dev
    libcairo2-dev libpango1.0-dev libfontconfig-dev fonts-dejavu-core libsoup-3.0-dev libncurses-dev"

# What makes packages of it takes these, too.
package="dpkg-dev file rpm"

test="libcmocka-dev libfuse3-dev fuse3 e2fsprogs mount faketime python3 g++ musl-tools golang-go rustc make
    redis-server redis-tools sqlite3 curl git procps util-linux
    chromium gdb memcached nginx-light nodejs libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4
    man-db librsvg2-bin poppler-utils strace linux-perf libdebuginfod1
    protobuf-compiler prometheus libdevel-nytprof-perl python3-jsonschema
    zsh fish lintian debootstrap
    libclang-rt-14-dev clang-format clang-tidy shellcheck"

# Not where npm comes with a Node.js that is not Debian's.
command -v npm >/dev/null || test="$test npm"

peers="uftrace ltrace strace linux-perf bpftrace"

suites="libpython3.11-testsuite stress-ng wrk postgresql postgresql-contrib openjdk-17-jdk-headless"

fail()
{
    echo "install-packages.sh: $*" >&2
    exit 1
}

wanted=
for set_name in "$@"; do
    case $set_name in
    build) wanted="$wanted $build" ;;
    package) wanted="$wanted $package" ;;
    test) wanted="$wanted $test" ;;
    suites) wanted="$wanted $suites" ;;
    peers) wanted="$wanted $peers" ;;
    *) fail "no set of packages is called '$set_name'; there are: build, package, test, suites, peers" ;;
    esac
done
[ -n "$wanted" ] || fail "say which packages: build, package, test, suites, peers"

command -v dpkg-query >/dev/null || fail "this is not Debian; install what these provide: $wanted"

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
elif command -v sudo >/dev/null && [ -t 0 ]; then
    as_root=sudo
else
    fail "these packages are missing, and installing them takes root:$missing
Run as root: apt-get install$missing"
fi

echo "Installing:$missing"

# Packages that bring a daemon (redis, lttng-tools) start it where a service manager runs. The
# tests start their own, so ask for none; a policy that the machine already has is kept.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
    trap '$as_root rm -f "$policy"' EXIT
fi

$as_root apt-get update -qq
# shellcheck disable=SC2086 # the list is words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
    </dev/null
