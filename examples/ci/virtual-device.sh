#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Tests your own flashing script, or any flashing program, without hardware: it runs unmodified and
# finds the bootloader on /dev/i2c-1 or /dev/ttyUSB0 and the lines BOOT0 and NRST on /dev/gpiochip0.
# First everything goes well; then the power fails in the middle, and the same command must repair it.
# No hardware, no root, no kernel module, no network.
#
# usage: virtual-device.sh CHIP TRANSPORT FIRMWARE.bin COMMAND [ARGUMENT]...
#   CHIP       product ID or part name, such as 0x435 or STM32L431
#   TRANSPORT  i2c, uart, or several with commas: i2c,gpio
#   FIRMWARE   what the flash must hold at 0x08000000 when COMMAND has ended
#
# example: virtual-device.sh STM32L431 i2c app.bin stm32flash -a 0x48 -w app.bin -v /dev/i2c-1
set -eu
if [ $# -lt 4 ]; then
	sed -n '4,/^set /{/^#/s/^# \{0,1\}//p;}' "$0" >&2
	exit 2
fi
chip=$1 transports=--$(echo "$2" | sed 's/,/ --/g') firmware=$3
shift 3

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# on_board OPTION... -- COMMAND...: all of them on one and the same chip
on_board() {
	# shellcheck disable=SC2086 # one word for each transport
	stmota-sim exec --chip "$chip" $transports --state "$tmp/chip" --fault quirk:adapter-patient "$@"
}

# holds_firmware: the flash, as another program reads it by serial port
holds_firmware() {
	stmota-sim exec --chip "$chip" --uart --state "$tmp/chip" -- \
		stm32flash -r "$tmp/back" -S "0x08000000:$(wc -c <"$firmware")" /dev/ttyUSB0 >/dev/null
	cmp "$firmware" "$tmp/back"
}

on_board -- "$@"
holds_firmware
echo "virtual device: written"

rm "$tmp/chip"
if on_board --fault cut@op:100 -- "$@"; then
	echo "virtual device: the power failed, and the command has not noticed" >&2
	exit 1
fi
on_board -- "$@"
holds_firmware
echo "virtual device: written again after a power failure"
