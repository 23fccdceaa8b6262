#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a person at a terminal sees: a bar, a question before something is destroyed; and what a
# log or a script gets instead.
. "$(dirname "$0")/lib.sh"

command -v script >/dev/null || skip "script(1) is not installed"

# at_terminal STATUS INPUT COMMAND: the screen in ./out, INPUT as if it were typed.
at_terminal() {
	want=$1 input=$2
	shift 2
	got=0
	printf '%b' "$input" | TERM=xterm script -qec "$*" /dev/null >out 2>err || got=$?
	[ "$got" -eq "$want" ] || fail "status $got, wanted $want: $* ($(cat -v out err))"
	echo "ok: at a terminal: status $got: $*"
}

esc=$(printf '\033')
board
expect 2 stmota erase --device uart:board --range 0x08000000:1K
says 'stmota: refused without consent: '
says 'hint: --yes gives consent'

at_terminal 130 'n\n' stmota erase --device uart:board --range 0x08000000:1K
prints 'Go on? [y/N]'
prints 'stmota: not confirmed, nothing was changed'
at_terminal 130 '\n' stmota erase --device uart:board --range 0x08000000:1K
at_terminal 0 'y\n' stmota erase --device uart:board --range 0x08000000:1K
prints_not 'not confirmed'
at_terminal 0 '' stmota erase --device uart:board --range 0x08000000:1K --yes
prints_not 'Go on?'

# A bar that is redrawn in place, without colours where NO_COLOR is set; a log has none of it.
at_terminal 0 '' stmota read --device uart:board --all --out content
prints "$(printf '\rread ')"
prints "${esc}[K"
prints_not "${esc}[36m"
at_terminal 0 '' env LC_ALL=C.UTF-8 NO_COLOR= stmota read --device uart:board --all --out content
prints "${esc}[36m"
prints '─'
expect 0 stmota read --device uart:board --all --out content
says 'read      128 KiB in'
says_not "$esc"
at_terminal 0 '' env TERM=dumb stmota read --device uart:board --all --out content
prints_not "$esc"

# Verbose tells what is there, twice: each command of the bootloader.
expect 0 stmota -v probe --device uart:board
says 'uart:board: 0x410'
says_not 'command 0x02'
expect 0 stmota probe -vv --device uart:board
says 'command 0x02: get id'

# Quiet is quiet, also where the result is JSON.
expect 0 stmota -q read --device uart:board --all --out content
[ -z "$(cat out err)" ] || fail "-q says: $(cat out err)"
expect 0 stmota probe --quiet --json --device uart:board
json 'r["schema"] == 1 and r["chip"] == "0x410"'
[ ! -s err ] || fail "-q says: $(cat err)"
board_off

# The device is named in what concerns it; JSON carries the same.
expect 3 stmota probe --device uart:missing --json
says 'missing'
json 'r["schema"] == 1 and r["error"]["exit_status"] == 3 and r["error"]["message"]'
expect 2 stmota probe --device uart:board --json --no-such-option
json 'r["error"]["code"] == "usage" and r["error"]["exit_status"] == 2'
expect 2 stmota info --json
json 'r["error"]["code"] == "usage"'
