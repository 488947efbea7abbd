#!/bin/bash
# Runs one command as a test wants it:
#
#   sandbox.sh root COMMAND...    as root, or exits with 77 (skipped) for who is not root
#   sandbox.sh user COMMAND...    as an ordinary user: the caller, or "nobody" if the caller is root
#
# Started by root, the command gets namespaces of its own where the kernel allows: no session daemon
# of the machine is in sight, and nothing that it leaves running outlives it. Its home and its
# temporary files are in $CTRACE_TEST_TMP, which is removed afterwards. If root can mount it, there
# is also a small file system, $CTRACE_TEST_SMALL_FS, to be filled up, and a tracefs,
# $CTRACE_TEST_TRACEFS, for tests that compare with ftrace.
set -eu

readonly skipped=77
readonly small_fs_size=4m

die()
{
    echo "sandbox.sh: $*" >&2
    exit 1
}

# Inside the namespaces: be the init process, which reaps what others leave.
if [ "${1:-}" = --inside ]; then
    who=$2
    shift 2
    if [ -n "${CTRACE_TEST_NAMESPACES:-}" ]; then
        mount -t tmpfs -o mode=755 tmpfs /run
        mkdir -p /run/lock
        mount -t tmpfs -o mode=1777 tmpfs /dev/shm
        if mount -t tracefs tracefs "$CTRACE_TEST_TMP/tracing" 2>/dev/null; then
            export CTRACE_TEST_TRACEFS=$CTRACE_TEST_TMP/tracing
        fi
    fi
    if mount -t tmpfs -o "size=$small_fs_size,mode=1777" tmpfs "$CTRACE_TEST_TMP/small" 2>/dev/null
    then
        export CTRACE_TEST_SMALL_FS=$CTRACE_TEST_TMP/small
    fi
    status=0
    if [ "$who" = user ]; then
        setpriv --reuid=nobody --regid=nogroup --clear-groups "$@" || status=$?
    else
        "$@" || status=$?
    fi
    [ -z "${CTRACE_TEST_SMALL_FS:-}" ] || umount -l "$CTRACE_TEST_SMALL_FS"
    exit "$status"
fi

who=${1:-}
shift || true
[ $# -gt 0 ] || die "usage: sandbox.sh root|user COMMAND..."
case $who in
root)
    if [ "$(id -u)" -ne 0 ]; then
        echo "skipped: this test runs as root only"
        exit $skipped
    fi
    ;;
user) ;;
*) die "'$who' is neither root nor user" ;;
esac

CTRACE_TEST_TMP=$(mktemp -d /tmp/ctrace-test.XXXXXX)
export CTRACE_TEST_TMP
trap 'rm -rf "$CTRACE_TEST_TMP"' EXIT
mkdir "$CTRACE_TEST_TMP/home" "$CTRACE_TEST_TMP/small" "$CTRACE_TEST_TMP/tracing"
export HOME=$CTRACE_TEST_TMP/home TMPDIR=$CTRACE_TEST_TMP
unset LTTNG_HOME LTTNG_RUNDIR XDG_RUNTIME_DIR

status=0
if [ "$(id -u)" -ne 0 ]; then
    "$@" || status=$?
    exit "$status"
fi

[ "$who" = root ] || chown -R nobody:nogroup "$CTRACE_TEST_TMP"
# What root has on its PATH may be closed to others.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if unshare --mount --pid --fork --mount-proc true 2>/dev/null; then
    CTRACE_TEST_NAMESPACES=1 unshare --mount --pid --fork --mount-proc --kill-child \
        "$0" --inside "$who" "$@" || status=$?
else
    "$0" --inside "$who" "$@" || status=$?
fi
exit "$status"
