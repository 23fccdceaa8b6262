#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every command and option that a document shows exists. Looks at lines with `stmota COMMAND ...`
# and `stmota-sim run ...` in the Markdown files, the demo and the examples.
. "$(dirname "$0")/lib.sh"

# Lines that end in a backslash are joined; what stands behind a backquote, pipe or comment is text.
for f in "$root"/*.md "$root"/examples/*/*.md "$root"/scripts/demo "$root"/examples/*/*.sh \
	"$root"/image_format/*.md; do
	[ ! -e "$f" ] || sed -e ':a' -e '/\\$/N' -e 's/\\\n//' -e 'ta' "$f"
done | grep -oE 'stmota(-sim)? [a-z]+[^`|#]*' | sort -u >shown

stmota --help >commands
n=0
while read -r program command rest; do
	if [ "$program" = stmota ]; then
		grep -qE "^  $command " commands || continue # prose: "stmota gets firmware"
		case $command in
		entry | fleet | hawkbit | key | option | playbook | protect | ymodem) command="$command ${rest%% *}" ;;
		esac
	else
		[ "$command" = run ] || continue
	fi
	# shellcheck disable=SC2086 # the command may be two words
	"$program" $command --help >"help" 2>/dev/null || fail "$program $command --help fails"
	for word in $rest; do
		case $word in
		--[a-z]*)
			option=$(printf '%s\n' "$word" | sed 's/^\(--[a-z-]*\).*/\1/')
			grep -qE -e "(^|[ ,])$option([ =,]|\$)" "help" ||
				fail "'$program $command' has no $option: $program $command $rest"
			;;
		esac
	done
	n=$((n + 1))
done <shown
[ "$n" -ge 10 ] || fail "only $n lines were checked"
echo "$n lines checked"

# The sample configuration is one.
expect 0 stmota devices --config "$root/examples/boards/stmota.conf"
prints 'bluepill'
