#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# flash.sh - stmota flash against a virtual board: what is written, skipped, kept, refused
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

dev=uart:$tmp/board
flash() { stmota flash --device "$dev" "$@"; }
read_back() { expect 0 stmota read --device "$dev" --range "$1" --out back.bin; }

program one.bin 9000 1
program two.bin 9000 2
cp one.bin patched.bin
printf 'changed!' | dd of=patched.bin bs=1 seek=5000 conv=notrunc 2>/dev/null

board --chip 0x410

# A raw binary wants an address, and the refusal knows it.
expect 2 flash one.bin
says '--address 0x08000000'

# A blank chip.
expect 0 flash --address 0x08000000 one.bin
read_back 0x08000000:9000
same one.bin back.bin

# The same again: nothing is erased.
expect 0 flash --address 0x08000000 --json one.bin
prints '"event":"plan"'
prints '"bytes_erased":0'
tail -n 1 out >last
grep -q '"event":"result"' last || fail "the last line is no result: $(cat last)"

# Eight bytes changed: the unit that holds them and the one with the vector table, no more.
expect 0 flash --address 0x08000000 --dry-run --json patched.bin
prints '"units_rewritten":2'
read_back 0x08000000:9000
same one.bin back.bin
expect 0 flash --address 0x08000000 patched.bin
read_back 0x08000000:9000
same patched.bin back.bin

# Compare only.
expect 0 flash --address 0x08000000 --verify-only patched.bin
expect 9 flash --address 0x08000000 --verify-only two.bin
read_back 0x08000000:9000
same patched.bin back.bin

# What lies behind the image in its last unit survives; --lose gives it up, after consent.
printf 'settings of this very board' >settings
expect 0 flash --address 0x08002340 --data settings
expect 0 flash --address 0x08000000 two.bin
read_back 0x08002340:27
same settings back.bin
expect 2 flash --address 0x08000000 --lose 0x08002340:27 one.bin
says '--yes'
read_back 0x08000000:9000
same two.bin back.bin
expect 0 flash --address 0x08000000 --lose 0x08002340:27 --yes one.bin
read_back 0x08002340:27
printf '\377%.0s' $(seq 27) >blank
same blank back.bin

# Refusals, and nothing erased by any of them.
program far.bin 9000 3 0x08008000
expect 6 flash --address 0x08000000 far.bin
says '0x08008000'
expect 6 flash --address 0x0801FF00 --data two.bin
expect 2 flash two.bin
expect 1 flash nothing.bin
says 'nothing.bin'
printf 'hello' >text
expect 1 flash --address 0x08000000 text
expect 4 flash --address 0x08000000 --chip 0x413 two.bin
read_back 0x08000000:9000
same one.bin back.bin

# A bootloader that offers a checksum is asked for it instead of for all bytes.
program odd.bin 9001 4
cp odd.bin odd-patched.bin
printf 'changed!' | dd of=odd-patched.bin bs=1 seek=7001 conv=notrunc 2>/dev/null
board_off
rm -f board.state
board --chip 0x448 --fault quirk:checksum
expect 0 flash --address 0x08000000 odd.bin
board --chip 0x448 --fault quirk:checksum
expect 0 flash --address 0x08000000 odd.bin
board_off
[ "$(stat bytes_from_device)" -lt 2000 ] || fail "all of it was read: $(cat stats.json)"
board --chip 0x448 --fault quirk:checksum
expect 0 flash --address 0x08000000 --dry-run --json odd-patched.bin
prints '"units_rewritten":2'
expect 0 flash --address 0x08000000 odd-patched.bin
read_back 0x08000000:9001
same odd-patched.bin back.bin

# No board, no port, no such option.
board_off
expect 3 flash --address 0x08000000 one.bin
expect 2 flash --adress 0x08000000 one.bin
says '--address'
