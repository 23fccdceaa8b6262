#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The shells themselves accept what `stmota completion` prints.
. "$(dirname "$0")/lib.sh"

missing=
for shell in bash zsh fish; do
	expect 0 stmota completion "$shell"
	mv out "completion.$shell"
	grep -q 'stmota' "completion.$shell" || fail "completion for $shell does not name stmota"
	if ! command -v "$shell" >/dev/null; then
		missing="$missing $shell"
		continue
	fi
	"$shell" -n "completion.$shell" || fail "$shell does not accept its completion"
done
expect 2 stmota completion tcsh
[ -z "$missing" ] || skip "not installed:$missing"
