#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# cases.sh - what runs in the guest, as its first process
#
# Each case is one board, or several, at the USB of this kernel while unmodified programs work on it.
# Every image is read back in a new session and compared.
export PATH=/bin LC_ALL=C HOME=/tmp NO_COLOR=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do
	insmod "/modules/$module"
done </modules/order
cd /tmp || poweroff -f

passed=0 failed=0

# case_of NAME OPTION... -- SCRIPT: the script must succeed, and its output have the text SAYS; FILE,
# SIZE are its image
case_of() {
	name=$1
	shift
	SIZE=$(wc -c <"$FILE")
	export FILE SIZE
	rm -f back
	status=0
	guest_bench "$@" >log 2>&1 || status=$?
	if [ "$status" -eq 0 ] && grep -q "${SAYS:-}" log; then
		passed=$((passed + 1))
		echo "ok: $name: $SIZE bytes"
	else
		failed=$((failed + 1))
		echo "FAILED: $name (status $status)"
		tail -c 3000 log
	fi
	SAYS=
}

# firmware NAME: the real thing where the corpus is there
firmware() {
	FILE=/firmware/$1
	[ -e "$FILE" ] || FILE=/firmware/image
}

# shellcheck disable=SC2016 # expanded by the inner shells
dfu_util='set -e
	dfu-util -l | grep -q "Found DFU: \[0483:df11\].*alt=0, name=\"@Internal Flash"
	dfu-util -a 0 -s 0x08000000 -D "$FILE"
	dfu-util -a 0 -s "0x08000000:$SIZE" -U back
	cmp "$FILE" back'
for row in 0x413:pybv11 0x415:image 0x448:image 0x449:image 0x468:image 0x450:image; do
	firmware "${row#*:}"
	case_of "dfu-util ${row%:*}" --chip "${row%:*}" --dfu -- sh -c "$dfu_util"
done
FILE=/firmware/image
# shellcheck disable=SC2016
case_of 'dfu-util, a DfuSe file' --chip 0x413 --dfu -- sh -c 'set -e
	dfu-util -a 0 -D "$FILE.dfu"
	dfu-util -a 0 -s "0x08000000:$SIZE" -U back
	cmp "$FILE" back'
FILE=/firmware/program SAYS='application runs: yes'
# shellcheck disable=SC2016
case_of 'dfu-util starts the program' --chip 0x431 --dfu --said -- sh -c '
	dfu-util -a 0 -s 0x08000000:leave -D "$FILE"
	sleep 1
	! ls /dev/bus/usb/*/* | grep -v "/001$"'
# shellcheck disable=SC2016
case_of 'dfu-util, four boards' --chip 0x413 --dfu --boards 4 -- sh -c 'set -e
	[ "$(dfu-util -l | grep -c "alt=0")" -eq 4 ]
	serial=$(dfu-util -l | sed -n "s/.*alt=0.*serial=\"\(.*\)\"/\1/p" | tail -n 1)
	dfu-util -a 0 -S "$serial" -s 0x08000000 -D "$FILE"
	dfu-util -a 0 -S "$serial" -s "0x08000000:$SIZE" -U back
	cmp "$FILE" back'

# ---- stmota over usbfs: sectors, pages, registers; away and back after an option write
# shellcheck disable=SC2016
stmota_dfu='set -e
	stmota flash --device dfu: --chip "$CHIP" --address 0x08000000 --after none --entry-by-hand --yes "$FILE"
	stmota read --device dfu: --chip "$CHIP" --range "0x08000000:$SIZE" --out back
	cmp "$FILE" back'
for row in 0x468:mlrs-rx 0x413:program 0x450:program; do
	export CHIP="${row%:*}"
	firmware "${row#*:}"
	case_of "stmota, DFU, $CHIP" --chip "$CHIP" --dfu -- sh -c "$stmota_dfu"
done
FILE=/firmware/program SAYS='application runs: yes'
# shellcheck disable=SC2016
case_of 'stmota, DFU, the other bank' --chip 0x482 --dfu --said -- sh -c 'set -e
	stmota flash --device dfu: --chip 0x482 --address 0x08000000 --after none --entry-by-hand --yes "$FILE"
	stmota flash --device dfu: --chip 0x482 --address 0x08000000 --bank inactive --entry-by-hand --yes "$FILE"'
FILE=/firmware/program
# The device leaves in the middle of the write and comes back with the banks swapped.
# shellcheck disable=SC2016
case_of 'stmota, DFU, an option alone' --chip 0x482 --dfu -- sh -c 'set -e
	stmota option set --device dfu: --chip 0x482 --yes SWAP_BANK=1
	stmota option get --device dfu: --chip 0x482 SWAP_BANK | tee said
	grep -q 1 said
	stmota option set --device dfu: --chip 0x482 --yes SWAP_BANK=0
	stmota option get --device dfu: --chip 0x482 SWAP_BANK | tee said
	! grep -q 1 said'

# ---- I2C: the real i2c-dev and i2c-tiny-usb
# shellcheck disable=SC2016
i2c='set -e
	bus=$(ls -d /dev/i2c-* | tail -n 1)
	stm32flash -a "$ADDR" -w "$FILE" -v "$bus"
	stm32flash -a "$ADDR" -r back -S "0x08000000:$SIZE" "$bus"
	cmp "$FILE" back'
for row in 0x462:0x4a:image 0x419:0x38:image 0x435:0x48:image; do
	rest=${row#*:}
	firmware "${rest#*:}"
	export ADDR="${rest%:*}"
	case_of "stm32flash, I2C, ${row%%:*}" --chip "${row%%:*}" --i2c -- sh -c "$i2c"
done

FILE=/firmware/program ADDR=0x48
# shellcheck disable=SC2016
case_of 'stmota, I2C' --chip 0x435 --i2c -- sh -c 'set -e
	device=i2c:$(ls -d /dev/i2c-* | tail -n 1)@$ADDR
	stmota flash --device "$device" --address 0x08000000 --after none "$FILE"
	stmota read --device "$device" --range "0x08000000:$SIZE" --out back
	cmp "$FILE" back'

# ---- UART: 8E1 on a real tty, modem lines
# shellcheck disable=SC2016
uart='set -e
	stm32flash -b 115200 -w "$FILE" -v /dev/ttyUSB0
	stm32flash -b 115200 -r back -S "0x08000000:$SIZE" /dev/ttyUSB0
	cmp "$FILE" back'
for row in 0x410:hoverboard 0x414:skr-mini-v12; do
	firmware "${row#*:}"
	case_of "stm32flash, UART 8E1, ${row%:*}" --chip "${row%:*}" --uart -- sh -c "$uart"
done
FILE=/firmware/program SAYS='application runs: yes'
# RTS low is BOOT0, DTR is NRST: into the ROM and, at the end, into the program.
# shellcheck disable=SC2016
case_of 'stm32flash, modem lines' --chip 0x410 --lines --said -- sh -c '
	stm32flash -b 115200 -i "-rts,dtr,-dtr:rts,dtr,-dtr" -w "$FILE" -v /dev/ttyUSB0'
# shellcheck disable=SC2016
case_of 'stmota, UART 8E1' --chip 0x410 --uart -- sh -c 'set -e
	stmota flash --device uart:/dev/ttyUSB0 --address 0x08000000 --after none "$FILE"
	stmota read --device uart:/dev/ttyUSB0 --range "0x08000000:$SIZE" --out back
	cmp "$FILE" back'

echo
if [ "$failed" -eq 0 ]; then
	echo "guest: $passed cases passed"
else
	echo "guest: $failed of $((passed + failed)) cases failed"
fi
poweroff -f
