#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# A serial port as libserialport sees it, with parity and modem lines: BOOT0 on RTS, NRST on DTR.
. "$(dirname "$0")/lib.sh"

support=$STMOTA_BUILD/tests/support
[ -x "$support/umock_board" ] || skip "built without umockdev"
if [ -n "${CLI_SANITIZED-}" ]; then
	echo "(the sanitizer wants to be loaded first, and so does umockdev: not looked at)"
	exit 0
fi
UMOCK_PRELOAD=$support/libpty_parity.so:libumockdev-preload.so.0
export UMOCK_PRELOAD
port=uart:/dev/ttyUSB7

# The board runs its application; the lines bring it into the ROM, and are idle at the end.
expect 0 "$support/umock_board" 0x413 log stmota probe --device $port --before dtr-rts
prints "0x413"
prints "by BOOT0 and NRST lines"
grep -q '^boot0=1 nrst=0$' log || fail "no reset with BOOT0 high: $(cat log)"
grep -q '^lines at the end: boot0=0 nrst=1$' log || fail "lines are not idle: $(cat log)"
expect 0 "$support/umock_board" 0x413 log stmota probe --device "$port?boot0=rts&nrst=dtr"

# flash starts the application by a reset.
printf '\000\100\000\040' >app.bin
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
	printf '\001\001\000\010' >>app.bin
done
head -c 4032 /dev/urandom >>app.bin
expect 0 "$support/umock_board" 0x413 log stmota flash --device $port --before dtr-rts \
	--address 0x08000000 app.bin
grep -q '^application runs: yes$' log || fail "the application does not run: $(cat log)"
grep -q '^lines at the end: boot0=0 nrst=1$' log || fail "lines are not idle: $(cat log)"

# Ctrl-C in mid-work: lines idle all the same.
expect 130 "$support/umock_board" 0x413 log timeout --preserve-status -s INT 1 \
	stmota read --device $port --before dtr-rts --all --out x
grep -q '^lines at the end: boot0=0 nrst=1$' log || fail "lines are not idle: $(cat log)"

# timeout(1) may signal twice within a moment (the child, then its group): still one wish to stop.
cat >two <<'EOF'
"$@" &
sleep 1
kill -INT $!
sleep 0.01
kill -INT $!
wait $!
EOF
expect 130 "$support/umock_board" 0x413 log bash -m two \
	stmota read --device $port --before dtr-rts --all --out x
grep -q '^lines at the end: boot0=0 nrst=1$' log || fail "lines are not idle: $(cat log)"

# An adapter that drops parity silently.
PTY_PARITY=none
export PTY_PARITY
expect 3 "$support/umock_board" 0x413 log stmota probe --device $port --before dtr-rts
says "cannot do 8E1"
