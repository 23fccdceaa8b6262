#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bank.sh - flash --bank inactive: the other bank is written, runs, and gives way again on silence
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

dev=uart:$tmp/board
flash() { stmota flash --device "$dev" --address 0x08000000 --entry-by-hand --wait 5 "$@"; }
option() { expect 0 stmota option get --device "$dev" "$1"; }
lower() { expect 0 stmota read --device "$dev" --range "0x08000000:$2" --out "$1"; }
ready='uart: expect "ready" within 1s'

program old.bin 5000 1
program new.bin 6000 2
program mute.bin 6000 3
printf 'stmota-sim says: ready' >>new.bin

# SWAP_BANK: the program that is seen at the start of flash is the one that runs.
board --chip 0x482
expect 0 flash old.bin
expect 9 flash --bank inactive --confirm "$ready" mute.bin
says 'bank 1 runs again'
lower back.bin 5000
same old.bin back.bin
expect 0 flash --bank inactive --confirm "$ready" --json new.bin
json 'r["confirmed"] and r["bank"] == 2'
lower back.bin "$(wc -c <new.bin)"
same new.bin back.bin
expect 0 stmota read --device "$dev" --range 0x08100000:5000 --out back.bin
same old.bin back.bin
# Once more, from swapped banks: which numbers the units have now is tried out first.
expect 0 flash --bank inactive --dry-run mute.bin
says 'tried out'
lower back.bin "$(wc -c <new.bin)"
same new.bin back.bin
expect 9 flash --bank inactive --confirm "$ready" mute.bin
says 'bank 2 runs again'
says 'the banks are swapped'
lower back.bin "$(wc -c <new.bin)"
same new.bin back.bin
program third.bin 7000 5
printf 'stmota-sim says: ready' >>third.bin
expect 0 flash --bank inactive --confirm "$ready" --json third.bin
json 'r["confirmed"] and r["bank"] == 1'
lower back.bin "$(wc -c <third.bin)"
same third.bin back.bin
expect 0 stmota read --device "$dev" --range 0x08100000:"$(wc -c <new.bin)" --out back.bin
same new.bin back.bin
# The way out of them by hand, and 'erase' in them.
expect 0 flash --bank inactive --json new.bin
json 'r["bank"] == 2'
expect 0 stmota erase --device "$dev" --range 0x08100000:0x2000 --yes
says 'the banks are swapped'
lower back.bin "$(wc -c <new.bin)"
same new.bin back.bin
expect 0 stmota read --device "$dev" --range 0x08100000:4096 --out back.bin
head -c 4096 /dev/zero | tr '\0' '\377' >blank.bin
same blank.bin back.bin

# BFB2: the ROM starts it after a reset, which nobody can give here.
board_off
rm -f board.state
board --chip 0x470
expect 0 flash old.bin
expect 2 flash --bank inactive --confirm "$ready" new.bin
says 'NRST'
expect 0 flash --bank inactive --json new.bin
json 'r["bank"] == 2 and r["started"] == "no"'
lower back.bin 5000
same old.bin back.bin
# Bank 2 runs now: the next one goes to bank 1.
expect 0 flash --bank inactive --json mute.bin
json 'r["bank"] == 1'
lower back.bin 6000
same mute.bin back.bin

# Refused before anything is touched.
expect 2 flash --bank inactive --backup x.hex new.bin
expect 6 stmota flash --device "$dev" --address 0x08100000 --bank inactive new.bin
program far.bin 5000 4 0x08100000
expect 6 stmota flash --device "$dev" --address 0x08100000 --bank inactive far.bin
says 'outside a bank'
board_off
rm -f board.state
board --chip 0x410
expect 1 flash --bank inactive new.bin
says 'one bank'
board_off
rm -f board.state
board --chip 0x436
expect 1 flash --bank inactive new.bin
says 'not confirmed'
