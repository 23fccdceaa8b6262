#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A signed package onto a blank board, the same again, then a version with one function changed:
# what is there is what objcopy says, and equal erase units are left alone.
. "$(dirname "$0")/lib.sh"

blinky 1.0.0
blinky 1.1.0
size=$(wc -c <blinky-1.0.0.bin)

flash() {
	expect 0 stmota flash --device uart:board "$@" --trust pub.pem
}

# The board must hold the bytes of FILE.
holds() {
	expect 0 stmota read --device uart:board --range "0x08000000:$size" --out found.bin
	same "$1" found.bin
}

board
flash blinky-1.0.0.sota
holds blinky-1.0.0.bin

board
flash blinky-1.0.0.sota
board_off
[ "$(stat erases)" -eq 0 ] || fail "the same image again erased $(stat erases) units"
[ "$(stat programs)" -eq 0 ] || fail "the same image again programmed"

board
expect 0 stmota flash --device uart:board blinky-1.1.0.sota --trust pub.pem --dry-run
board_off
[ "$(stat erases)" -eq 0 ] || fail "--dry-run erased"
[ "$(stat programs)" -eq 0 ] || fail "--dry-run programmed"

# Page 0 holds vectors and version, page 1 the code; the eight pages of the table are equal.
board
flash blinky-1.1.0.sota
board_off
# A unit may be named twice in one erase packet (rom_erase.c says why), so programs are counted.
[ "$(stat programs)" -eq 512 ] || fail "$(stat programs) words programmed, wanted 512"
board
holds blinky-1.1.0.bin
expect 0 stmota flash --device uart:board blinky-1.1.0.sota --trust pub.pem --verify-only
expect 9 stmota flash --device uart:board blinky-1.0.0.sota --trust pub.pem --verify-only
