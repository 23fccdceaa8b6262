# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib.sh - for tests against other programs. Gives an empty folder as working folder, $dump, $stmota,
# $root, $corpus, and:
#
#   need PROGRAM...        skips the test, by name, where one is missing
#   same FILE FILE TEXT    fails with TEXT where they differ
#   fail TEXT, skip REASON
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck disable=SC2034 # for the tests
corpus=$root/../shared/corpus
: "${DUMP:?name the dump program}"
dump=$(cd "$(dirname "$DUMP")" && pwd)/$(basename "$DUMP")
: "${STMOTA:?name the program}"
# shellcheck disable=SC2034 # for the tests
stmota=$(cd "$(dirname "$STMOTA")" && pwd)/$(basename "$STMOTA")
tmp=$(mktemp -d "${TMPDIR:-/tmp}/stmota-conformance.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cd "$tmp"
export LC_ALL=C

fail() {
	echo "FAILED: $*"
	exit 1
}

skip() {
	echo "SKIP: $*"
	exit 77
}

need() {
	for program; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

same() {
	cmp "$1" "$2" || fail "$3"
}
