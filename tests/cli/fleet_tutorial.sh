#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# The README's fleet in ten minutes, word for word: its commands, and what it shows of their output.
. "$(dirname "$0")/lib.sh"

lamps_off() {
	for f in street/lamp-*.pid; do
		[ ! -s "$f" ] || kill "$(cat "$f")" 2>/dev/null || :
	done
}
trap 'lamps_off; cli_cleanup' EXIT

# The section, and in it the lines of the fences: commands from ```sh ones, output from the others.
sed -n '/^## A fleet in ten minutes/,/^## Coming/p' "$root/README.md" >section
awk '/^```/ { on = !on; sh = ($0 == "```sh"); next } on && sh' section >commands.sh
awk '/^```/ { on = !on; sh = ($0 == "```sh"); next } on && !sh' section >shown
[ "$(grep -c '^ *stmota ' commands.sh)" -ge 15 ] || fail 'hardly a command was found'
[ -s shown ] || fail 'no output was found'

ln -s "$root/examples" examples
# A person would not go on after a failure either. The lamps are not waited for.
sh -eu commands.sh >out 2>err </dev/null || {
	cat out err
	fail 'a command of the README fails'
}
while IFS= read -r line; do
	prints "$line"
done <shown

# What is told about it.
prints 'canary: 1.0.0 to 1.1.0'
prints 'waits for the canary lamp-1'
prints 'rolled back'
prints 'oh dear me!'
prints 'status 11'
prints 'is halted on this gateway'
[ "$(grep -c 'status 11' out)" = 1 ] || fail 'the second pass was not quiet'
cd street
for i in 1 2 3; do
	python3 - "$i" <<'EOF' || fail "lamp-$i does not run 1.1.0"
import sys
state = open(f"lamp-{sys.argv[1]}.state", "rb").read()
sys.exit(open("1.1.0.bin", "rb").read() not in state or b"oh dear me!" in state)
EOF
done
