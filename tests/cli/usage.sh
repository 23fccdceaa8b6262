#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the program says to wrong and to right usage, whatever the command.
. "$(dirname "$0")/lib.sh"

one_line() {
	[ "$(grep -vc '^hint: ' err)" -eq 1 ] || fail "not one line: $(cat err)"
	[ ! -s out ] || fail "something on standard output: $(cat out)"
}

expect 0 stmota --version
prints '0.1.0'
expect 0 stmota --help
prints 'Usage: stmota COMMAND'
expect 0 stmota -h
expect 0 stmota help
prints 'Usage: stmota COMMAND'

# Without a command the overview comes, but a script notices.
expect 2 stmota
says 'Usage: stmota COMMAND'
[ ! -s out ] || fail "the overview of a mistake is no result"

expect 2 stmota nonsense
says "stmota: unknown command 'nonsense'"
one_line
expect 2 stmota hlep
says "hint: did you mean 'stmota help'?"
one_line
expect 2 stmota help --no-such-option
says 'stmota: unknown option --no-such-option'
one_line
expect 2 stmota help --quite
says 'hint: did you mean --quiet?'
expect 2 stmota --quite help
says 'hint: did you mean --quiet?'
expect 2 stmota help one two three
says "one argument too many: 'three'"
expect 2 stmota completion
says 'completion needs bash|zsh|fish'
says 'hint: usage: stmota completion [options] bash|zsh|fish'
one_line

# Options may stand before the command, and its help does not need what the command needs.
expect 0 stmota -q --config /dev/null completion bash
expect 0 stmota completion --help
prints 'Usage: stmota completion [options] bash|zsh|fish'
expect 0 stmota help completion
prints 'Usage: stmota completion [options] bash|zsh|fish'
expect 2 stmota help completin
says "hint: did you mean 'completion'?"

# Every command of the overview has a help text that fits a terminal.
stmota --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' >commands
[ "$(wc -l <commands)" -ge 2 ] || fail "no commands in the overview"
stmota --help >all
while read -r command; do
	# shellcheck disable=SC2086 # a command may have two words
	expect 0 stmota $command --help
	prints "Usage: stmota $command [options]"
	cat out >>all
done <commands
[ -z "$(awk 'length > 80' all)" ] || fail "wider than 80 columns: $(awk 'length > 80' all)"

# Settings: the file and the line of a mistake are named, whichever command it is.
printf '[flash]\nrequire_signature = yes\nrequire_knwon = no\n' >my.conf
expect 2 stmota help --config my.conf
says "stmota: my.conf:3: unknown key 'require_knwon' in section [flash]"
says "hint: did you mean 'require_known'?"
one_line
expect 2 stmota help --config missing.conf
says 'cannot open missing.conf: No such file or directory'
mkdir -p config/stmota
printf 'baud = 9600\n' >config/stmota/stmota.conf
expect 2 stmota help
says 'config/stmota/stmota.conf:1: a setting stands before the first [section]'
rm config/stmota/stmota.conf
expect 2 env STMOTA_DEFAULTS_BAUD=fast stmota help
says "environment variable STMOTA_DEFAULTS_BAUD: baud: 'fast' is not a number"

# A result that cannot be written is a failure.
if [ -w /dev/full ]; then
	for command in 'completion bash' --help --version help; do
		status=0
		# shellcheck disable=SC2086 # two words
		stmota $command >/dev/full 2>err || status=$?
		[ "$status" -eq 1 ] || fail "full disk: status $status: $command"
		says 'No space left on device'
	done
fi
