#!/bin/sh
# stage.sh BUILD SOURCE STAGE: installs a build tree, and the end-to-end tests beside it, where any
# user can read them.
set -eu
umask 022

build=$1
source=$2
stage=$3

rm -rf "$stage"
mkdir "$stage"
cmake --install "$build" --prefix "$stage/prefix" >/dev/null
cp -R "$build/tests/e2e/workloads" "$stage/workloads"
mkdir "$stage/examples"
find "$build/examples" -maxdepth 1 -type f -perm -u+x -exec cp '{}' "$stage/examples/" ';'
cp "$build/bin/compare_readers" "$stage/"
cp "$source"/*.py "$source"/*.proto "$source"/*.json "$stage/"
chmod -R a+rX "$stage"
