#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# Ports that are missing, busy, gone, or not ports at all; and ports that nobody named.
. "$(dirname "$0")/lib.sh"

expect 3 stmota probe --device uart:/dev/ttyNOWHERE9
says "there is no /dev/ttyNOWHERE9"
says "serial ports here"
expect 3 stmota probe --device uart:/dev/null
says "no serial port"
expect 3 stmota probe --device "uart:$tmp"
says "no serial port"
: >plain
expect 3 stmota probe --device uart:plain
says "no serial port"
expect 3 stmota probe --device i2c:/dev/i2c-77@0x4a
says "I2C buses here"
expect 2 stmota probe --device /dev/ttyUSB0
says "uart:/dev/ttyUSB0"
expect 2 stmota probe
says "no device is named"

# Held by a program that takes the lock: it is named.
board --chip 0x410
if command -v flock >/dev/null; then
	flock --nonblock --no-fork board sleep 30 &
	holder=$!
	sleep 0.3
	expect 3 stmota probe --device uart:board
	says "is held by"
	says "pid"
	kill "$holder" 2>/dev/null || :
	wait "$holder" 2>/dev/null || :
fi

# Nobody answers: it says so, and what to look at.
board --chip 0x410 --fault stuck@rx:1
expect 3 stmota probe --device uart:board
says "no bootloader answers"
says "BOOT0"

# The port disappears in mid-work.
board --chip 0x410 --fault vanish@tx:3000
expect 3 stmota read --device uart:board --all --out x
says "gone"
test ! -e x || fail "a file for nothing"

# A device that comes later.
board_off
rm -f board
(
	sleep 1
	exec stmota-sim run --chip 0x410 --uart board --state board.state >later.log 2>&1
) &
later=$!
expect 0 stmota probe --device uart:board --wait 20
prints "0x410"
kill "$later" 2>/dev/null || :
wait "$later" 2>/dev/null || :

# Ctrl-C ends a wait promptly.
rm -f board
began=$(date +%s)
expect 130 timeout --preserve-status -s INT 1 stmota probe --device uart:board --wait 60
test $(($(date +%s) - began)) -lt 10 || fail "Ctrl-C was not heard"

# Nothing is opened that nobody named. The spy writes down every terminal that is opened.
: >spied
spy() {
	LD_PRELOAD=$STMOTA_BUILD/tests/support/libopen_spy.so OPEN_SPY_LOG=$tmp/spied "$@"
}
if [ -n "${CLI_SANITIZED-}" ]; then
	echo "(not looked at under a sanitizer: what nobody named)"
	exit 0
fi
board --chip 0x410
expect 0 spy stmota devices
expect 2 spy stmota probe
head -c 1024 /dev/urandom >data.bin
expect 2 spy stmota flash data.bin --address 0x08000000 --data
expect 2 spy stmota erase --all --yes
test ! -s spied || fail "opened: $(cat spied)"
expect 0 spy stmota probe --device uart:board
grep -q /dev/pts/ spied || fail "the spy sees nothing"
