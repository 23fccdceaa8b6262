#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sim_exec.sh - unmodified programs find a virtual board where they look for a real one
#
# stm32flash of Debian over I2C and over a serial port with parity and modem lines, gpioset and
# gpioget: each is a judge of the board that is not our own opinion.
# shellcheck source=tests/cli/lib.sh disable=SC2016
. "$(dirname "$0")/lib.sh"

stmota-sim exec --chip 0x435 --i2c -- true 2>err || {
	grep -q 'built without umockdev' err && skip 'built without umockdev'
	cat err
	fail 'exec does not work'
}
command -v stm32flash >/dev/null || skip 'stm32flash is not installed'
command -v gpioset >/dev/null || skip 'gpiod is not installed'

# ./no COMMAND: succeeds if that does not; sh -e does not look at what stands behind !
printf '#!/bin/sh\nif "$@"; then echo "succeeds: $*" >&2; exit 1; fi\n' >no
chmod +x no

# exec_on CHIP OPTION... -- COMMAND: must succeed
exec_on() {
	chip=$1
	shift
	expect 0 stmota-sim exec --chip "$chip" --state board.state --stats stats.json --seed 1 "$@"
}

# i2c_there_and_back CHIP ADDRESS FILE: writes and verifies, reads back with the next exec
i2c_there_and_back() {
	rm -f board.state back
	exec_on "$1" --i2c --fault quirk:adapter-patient -- stm32flash -a "$2" -w "$3" -v /dev/i2c-1
	exec_on "$1" --i2c -- stm32flash -a "$2" -r back -S "0x08000000:$(wc -c <"$3")" /dev/i2c-1
	same "$3" back
	echo "ok: $1: $(wc -c <"$3") bytes over I2C, $(stat i2c_messages) messages to read them"
}

# ---- I2C: sectors, pages, 128-byte pages without mass erase, dual bank; protocol 1.0, 1.1, 1.2
head -c 12288 /dev/urandom >image
i2c_there_and_back 0x413 0x3a image
i2c_there_and_back 0x431 0x39 image
i2c_there_and_back 0x435 0x48 image
i2c_there_and_back 0x447 0x42 image
i2c_there_and_back 0x460 0x51 image
i2c_there_and_back 0x450 0x4e image
real() {
	if [ -e "$corpus/$3" ]; then
		i2c_there_and_back "$1" "$2" "$corpus/$3"
	else
		echo "not looked at: $3 is not there"
	fi
}
real 0x413 0x3a mlrs-rx/new.bin
real 0x435 0x48 hoverboard/new.bin
real 0x446 0x40 multistepper/new.bin

# A sector of 128 KiB takes longer to erase than most adapters let a device hold the clock.
head -c 140000 /dev/zero >large
expect 1 stmota-sim exec --chip 0x413 --i2c -- stm32flash -a 0x3a -w large /dev/i2c-1
says 'Extended erase failed'

# ---- the same board by serial port: parity is kept, the lines bring it into the ROM
program app.bin 6000 1
rm -f board.state
exec_on 0x413 --uart --i2c -- sh -ec '
	stm32flash -b 115200 -w app.bin -v /dev/ttyUSB0
	# The ROM has chosen the serial port: nobody is on the bus until the next reset.
	./no stm32flash -a 0x3a /dev/i2c-1
'
# RTS asserted is BOOT0 low. It runs the application, goes into the ROM by lines, and back.
exec_on 0x413 --boot0 low --uart -- sh -ec '
	./no stm32flash /dev/ttyUSB0
	stm32flash -i "-rts&dtr,-dtr:rts&dtr,-dtr" -r back -S 0x08000000:6000 /dev/ttyUSB0
	./no stm32flash /dev/ttyUSB0
'
same app.bin back
STMOTA_SIM_PARITY=none exec_on 0x413 --uart -- ./no stm32flash /dev/ttyUSB0

# ---- one board for all: lines from the GPIO chip, bytes over I2C
exec_on 0x413 --boot0 low --gpio --i2c -- sh -ec '
	gpiodetect | grep -q "^gpiochip0 .stmota-sim. (4 lines)$"
	[ "$(gpiofind BOOT0) $(gpiofind NRST)" = "gpiochip0 0 gpiochip0 1" ]
	[ "$(gpioget gpiochip0 0 1)" = "0 1" ]
	./no stm32flash -a 0x3a /dev/i2c-1
	gpioset gpiochip0 0=1
	./no stm32flash -a 0x3a /dev/i2c-1
	gpioset gpiochip0 1=0
	gpioset gpiochip0 1=1
	sleep 0.2
	stm32flash -a 0x3a -r back -S 0x08000000:6000 /dev/i2c-1
	gpioset --active-low gpiochip0 0=1 1=1
	[ "$(gpioget gpiochip0 0 1)" = "0 0" ]
	./no stm32flash -a 0x3a /dev/i2c-1
	# A line that somebody holds is busy, and is free when he ends.
	gpioset --mode=signal gpiochip0 1=1 &
	until gpioinfo gpiochip0 | grep -q "NRST.*gpioset.*output.*used"; do sleep 0.05; done
	./no gpioget gpiochip0 1
	kill $!
	wait $! || :
	[ "$(gpioget gpiochip0 1)" = 1 ]
'
same app.bin back

# ---- exit status and signals go through
expect 7 stmota-sim exec --chip 0x435 --i2c -- sh -c 'exit 7'
expect 137 stmota-sim exec --chip 0x435 --i2c -- sh -c 'kill -9 $$'
stmota-sim exec --chip 0x435 --i2c -- sh -c 'echo >started; exec sleep 60' &
pid=$!
until [ -e started ]; do sleep 0.05; done
kill $pid
expect 143 wait $pid
expect 1 stmota-sim exec --chip 0x435 --i2c -- ./no-such-program
says 'cannot start ./no-such-program'

# ---- refusals
expect 2 stmota-sim exec --chip 0x435 --i2c
says 'no command'
expect 2 stmota-sim exec --chip 0x435 -- true
says 'no device'
expect 2 stmota-sim exec --i2c -- true
says '--chip is missing'
expect 1 stmota-sim exec --chip 0x410 --i2c -- true
says 'no I2C'
expect 1 stmota-sim exec --chip 0x413 --rom-version 3.1 --i2c -- true
says 'no I2C'
expect 2 stmota-sim exec --chip 0x413 --i2c --wire 9600 -- true

# ---- faults: a dead adapter, one that can do SMBus only, a bus that hangs, a cut
expect 1 stmota-sim exec --chip 0x435 --i2c --fault vanish@addr:3 -- \
	stm32flash -a 0x48 -w image /dev/i2c-1
expect 1 stmota-sim exec --chip 0x435 --i2c --fault quirk:adapter-smbus -- \
	stm32flash -a 0x48 -w image /dev/i2c-1
expect 1 stmota-sim exec --chip 0x435 --i2c --fault stuck@addr:20 -- \
	stm32flash -a 0x48 -w image /dev/i2c-1
rm -f board.state
expect 1 stmota-sim exec --chip 0x435 --i2c --state board.state --fault cut@op:700 -- \
	stm32flash -a 0x48 -w image -v /dev/i2c-1
exec_on 0x435 --i2c -- stm32flash -a 0x48 -w image -v /dev/i2c-1
# On an adapter with 32-byte messages stm32flash fails unless it is told; 24 bytes of data in 26 are
# whole flash words of 8.
expect 1 stmota-sim exec --chip 0x435 --i2c --fault quirk:adapter-32 -- \
	stm32flash -a 0x48 -w image -v /dev/i2c-1
exec_on 0x435 --i2c --fault quirk:adapter-32 -- \
	stm32flash -F 32:26 -a 0x48 -w app.bin -v /dev/i2c-1

# ---- the recipe for other people's CI
expect 0 sh "$root/examples/ci/virtual-device.sh" STM32L431 i2c image \
	stm32flash -a 0x48 -w image -v /dev/i2c-1
prints 'virtual device: written again after a power failure'
# A command that does nothing, and one that does not look at what it did, are found out.
expect 1 sh "$root/examples/ci/virtual-device.sh" STM32L431 i2c image true
expect 1 sh "$root/examples/ci/virtual-device.sh" 0x413 uart image \
	sh -c 'stm32flash -w image /dev/ttyUSB0; exit 0'
says 'has not noticed'

# ---- i2c-tools, message by message, each from a process of its own
if command -v i2ctransfer >/dev/null; then
	# shellcheck disable=SC2016
	exec_on 0x435 --i2c -- sh -ec '
		i2cdetect -F 1 | grep -q "^I2C  *yes"
		i2ctransfer -y 1 w2@0x48 0x00 0xff
		[ "$(i2ctransfer -y 1 r1@0x48)" = 0x79 ]
		[ "$(i2ctransfer -y 1 r20@0x48 | cut -c 1-14)" = "0x12 0x12 0x00" ]
		[ "$(i2ctransfer -y 1 r1@0x48)" = 0x79 ]
		./no i2ctransfer -y 1 r1@0x49
		# a repeated START: the ROM does not survive it
		[ "$(i2ctransfer -y 1 w2@0x48 0x01 0xfe r1@0x48)" = 0xff ]
		i2cdetect -y 1 | grep -q "^40:.* 48 "
	'
fi
