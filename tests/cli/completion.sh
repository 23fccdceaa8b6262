#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The shells accept what `stmota completion` prints, and bash offers the right words with it.
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
	echo "ok: $shell accepts it"
done
expect 2 stmota completion tcsh
says "no completion for 'tcsh'"

# offers 'WORDS' LINE...: what bash offers for the last word, which may be empty.
offers() {
	want=$1
	shift
	got=$(bash --norc -c '
		source ./completion.bash
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_stmota stmota "${COMP_WORDS[COMP_CWORD]}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort | tr '\n' ' ')
	[ "$got" = "$want " ] || fail "bash offers '$got', not '$want ': $*"
	echo "ok: '$*' offers '$want'"
}

if command -v bash >/dev/null; then
	touch image.hex image.bin
	offers 'completion' stmota comp
	offers 'help' stmota -v he
	offers 'help' stmota --config my.conf he
	offers 'help' stmota --config = my.conf he
	offers '--help' stmota --he
	offers 'bash fish zsh' stmota completion ''
	offers 'fish' stmota completion 'fi'
	offers '--verbose' stmota completion --verb
	offers 'completion' stmota help compl
	offers 'image.bin image.hex' stmota --config image
	offers 'image.bin image.hex' stmota completion --config = image
	offers '' stmota completion bash --nonsense
fi
[ -z "$missing" ] || skip "not installed:$missing"
