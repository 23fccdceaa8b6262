#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Ctrl-C and its like end a command between two blocks: status 130, one line, no half result, and
# the next command finds the device again.
. "$(dirname "$0")/lib.sh"

# interrupted SIGNAL: a read of 128 KiB at 9600 baud, which would take minutes
interrupted() {
	stmota read --device uart:board --all --out content --baud 9600 >out 2>err &
	pid=$!
	tries=0
	while [ "$(has_port)" != yes ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || fail "the port is not opened: $(cat err)"
		sleep 0.1
	done
	kill "-$1" "$pid"
	got=0
	wait "$pid" || got=$?
	[ "$got" -eq 130 ] || fail "status $got after SIG$1: $(cat err)"
	says 'interrupted'
	[ "$(grep -c '^stmota: ' err)" -eq 1 ] || fail "more than one line: $(cat err)"
	[ ! -e content ] || fail "a half file was left"
	[ ! -s out ] || fail "a result of nothing: $(cat out)"
	echo "ok: SIG$1"
}

# "yes" as soon as the process holds the port open: before that there is nothing to put back.
has_port() {
	port=$(readlink -f board)
	for fd in /proc/"$pid"/fd/*; do
		if [ "$(readlink "$fd" 2>/dev/null)" = "$port" ]; then
			echo yes
			return
		fi
	done
}

board --wire 9600
for signal in INT TERM HUP; do
	interrupted "$signal"
done
expect 0 stmota read --device uart:board --range 0x08000000:256 --out content --baud 9600
