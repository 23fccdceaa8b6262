#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# entry list and entry test, and GPIO lines.
. "$(dirname "$0")/lib.sh"

cat >entry.conf <<EOC
[entry pins]
boot0 = gpio:gpiochip0/BOOT0
nrst = gpio:gpiochip9/3
EOC
program app.bin 4096 1

printf '[entry bad]\nsend_parity = mark\n' >bad.conf
expect 0 stmota entry list --config entry.conf --json
json "[x['enters_by'] for x in r['recipes'] if x['recipe'] == 'pins'] == \
['NRST on gpio:gpiochip9/3, BOOT0 on gpio:gpiochip0/BOOT0']"
expect 2 stmota entry list --config bad.conf
says "bad.conf:2: send_parity"
board --chip 0x413
expect 1 stmota entry test --device uart:board
says "has no modem lines"

support=$STMOTA_BUILD/tests/support
[ -x "$support/umock_board" ] || skip "built without umockdev"
if [ -n "${CLI_SANITIZED-}" ]; then
	echo "(the sanitizer wants to be loaded first, and so does umockdev: the rest is not looked at)"
	exit 0
fi
UMOCK_PRELOAD=$support/libpty_parity.so:libumockdev-preload.so.0
export UMOCK_PRELOAD
# The lines of umock_board: NRST on DTR, BOOT0 on RTS, both straight.
expect 0 "$support/umock_board" 0x413 log stmota entry test --device uart:/dev/ttyUSB7
prints "boot0=rts&nrst=dtr"
prints "nrst = dtr"
grep -q '^lines at the end: boot0=0 nrst=1$' log || fail "lines are not idle: $(cat log)"
# A chip that is empty at power-up starts its ROM with BOOT0 low too: nothing is claimed.
expect 1 "$support/umock_board" 0x466 log stmota entry test --device uart:/dev/ttyUSB7
says "NRST is found, BOOT0 is not"
# A recipe of another kind is tried as it is.
printf '[entry idle]\nenter = true\nleave = true\nboot_ms = 1\n' >idle.conf
expect 3 "$support/umock_board" 0x413 log stmota entry test --config idle.conf \
	--device uart:/dev/ttyUSB7 --before idle
says "no combination"
prints "no bootloader answers"

# ---- GPIO lines
stmota-sim --help | grep -q -- --gpio || skip "built without stmota-sim exec"
unset UMOCK_PRELOAD
gpio='uart:/dev/ttyUSB0?boot0=gpio:gpiochip0/BOOT0&nrst=gpio:NRST'
with_gpio() {
	stmota-sim exec --chip 0x413 --uart --gpio --boot0 low --state gpio.state -- "$@"
}
expect 0 with_gpio stmota flash --device "$gpio" --address 0x08000000 app.bin --trace gpio.trace
expect 0 with_gpio stmota flash --device "$gpio" --address 0x08000000 app.bin --verify-only
expect 0 with_gpio stmota probe --device 'uart:/dev/ttyUSB0?boot0=gpio:0/0&nrst=gpio:gpiochip0/1'
prints "by BOOT0 and NRST lines"
# BOOT0 ends low and NRST high, and both are given back, the reset at the end included.
sed -n 's/^ *[0-9.]* gpiochip0\/BOOT0 \* //p' gpio.trace | tail -n 2 | tr '\n' ' ' >ends
grep -q '^low given back ' ends || fail "BOOT0: $(cat gpio.trace)"
expect 3 with_gpio stmota probe --device 'uart:/dev/ttyUSB0?boot0=gpio:gpiochip0/BOOT7&nrst=gpio:NRST'
says "no GPIO line gpiochip0/BOOT7"
expect 0 with_gpio stmota entry test --device \
	'uart:/dev/ttyUSB0?boot0=gpio:gpiochip0/BOOT0&nrst=!gpio:gpiochip0/NRST'
prints "boot0 = gpio:gpiochip0/BOOT0"
prints "nrst = gpio:gpiochip0/NRST"

# The recipe is apart from the link: the same lines for a device on I2C.
expect 0 stmota-sim exec --chip STM32L431 --i2c --gpio --boot0 low -- stmota probe --device \
	'i2c:/dev/i2c-1@0x48?boot0=gpio:BOOT0&nrst=gpio:NRST' --trace i2c.trace
prints "by BOOT0 and NRST lines"
grep -q 'NRST \* low$' i2c.trace || fail "no reset: $(cat i2c.trace)"
grep -q ' /dev/i2c-1@0x48 > 00 FF$' i2c.trace || fail "no Get: $(cat i2c.trace)"

# An application that is asked needs a serial port; a bus is none.
printf '[entry ask]\nsend = x\n' >ask.conf
expect 2 stmota probe --config ask.conf --device i2c:/dev/i2c-1@0x4a --before ask
says "names no port"
