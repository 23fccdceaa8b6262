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
	offers 'completion' stmota compl
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
	offers 'flash' stmota fla
	offers 'key keygen' stmota ke
	offers 'revoke rotate show' stmota key ''
	offers '--c-array' stmota key show --c-
	offers '--verify-only' stmota flash --verif
	offers '--dry-run' stmota --device bench flash --dry
	offers 'auto' stmota flash --after a
	offers 'reset' stmota flash --after = r
	offers 'aes128 aes256 ed25519 p256 p256-device' stmota keygen --type ''
	offers 'image.bin image.hex' stmota flash -n ima
	offers 'image.bin image.hex' stmota flash --trust ima
	offers 'uart:' stmota flash --device u
	offers 'image.bin image.hex' stmota flash -d uart : im
	offers '' stmota flash --address ''
fi
if command -v fish >/dev/null; then
	touch image.hex
	# shellcheck disable=SC2016 # for fish
	fish_offers() {
		got=$(fish --no-config -c 'source completion.fish; complete -C "$argv[1]"' "$2" |
			cut -f 1 | sort | tr '\n' ' ')
		[ "$got" = "$1 " ] || fail "fish offers '$got', not '$1 ': $2"
		echo "ok: fish: '$2' offers '$1'"
	}
	fish_offers 'flash' 'stmota fla'
	fish_offers '--verify-only' 'stmota flash --verif'
	fish_offers 'aes128 aes256 ed25519 p256 p256-device' 'stmota keygen --type '
	fish_offers 'revoke rotate show' 'stmota key '
	fish_offers '--c-array' 'stmota key show --c-'
	fish_offers 'fish' 'stmota completion fi'
	fish_offers 'image.hex' 'stmota info image.h'
fi
if command -v zsh >/dev/null; then
	# shellcheck disable=SC2016 # for zsh
	zsh -fc 'autoload -U compinit; compinit -u -D; source ./completion.zsh
		[[ $_comps[stmota] == _stmota ]] && (( $+functions[_stmota] ))' ||
		fail "zsh does not take its completion"
	echo "ok: zsh: loaded"
fi
[ -z "$missing" ] || skip "not installed:$missing"
