#!/bin/bash
# Tests the page of ctrace view: its types, its style, and itself, in chromium.
#
#   run.sh style      types and style alone
#   run.sh browser    itself; CTRACE_PROGRAM, CTRACE_EXAMPLES and CTRACE_WORKLOADS are what is tested
#   run.sh pictures   draws the README's pictures of it anew, by CTRACE_PROGRAM and CTRACE_EXAMPLES
#
# What only tests need comes from npm, into node_modules beside this file.
set -eu

readonly skipped=77
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"

for program in node npm chromium; do
    command -v "$program" >/dev/null || { echo "skipped: there is no $program"; exit $skipped; }
done

# Two tests that begin at once install one after the other.
exec 9>"$here/.npm.lock"
flock 9
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --silent --no-progress || { echo "run.sh: npm ci failed; it needs the npm registry" >&2; exit 1; }
fi
exec 9>&-

case ${1:-} in
style)
    node_modules/.bin/tsc -p .
    node_modules/.bin/biome check --error-on-warnings ../../render/view/page ../bench/*.mjs ./*.mjs ./*.json
    ;;
browser)
    who=user
    [ "$(id -u)" -ne 0 ] || who=root
    export CTRACE_PAGE=$here/../../render/view/page
    exec ../e2e/sandbox.sh "$who" "$(command -v node)" --test "$here/parts_test.mjs" "$here/names_test.mjs" "$here/shape_test.mjs" "$here/page_test.mjs" "$here/file_test.mjs"
    ;;
pictures)
    exec node pictures.mjs ../../examples
    ;;
*)
    echo "usage: run.sh style|browser|pictures" >&2
    exit 2
    ;;
esac
