#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bank_links.sh - --bank, --confirm and --backup where the device is on I2C or USB
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

stmota-sim exec --chip 0x482 --i2c -- true 2>err || {
	grep -q 'built without umockdev' err && skip 'built without umockdev'
	cat err
	fail 'exec does not work'
}

program old.bin 5000 1
program new.bin 6000 2
program mute.bin 6000 3
printf 'stmota-sim says: ready' >>new.bin
lines='boot0=gpio:gpiochip0/BOOT0&nrst=gpio:gpiochip0/NRST'
ready='uart:/dev/ttyUSB0 expect "ready" within 2s'

# on LINK -- COMMAND: the board with that link, its serial port and its lines
on() {
	link=$1
	shift
	stmota-sim exec --chip "$chip" --state board.state --seed 1 --uart --gpio "--$link" "$@"
}

# flash FILE OPTION...
flash() {
	on "$link" -- stmota flash --device "$device" --address 0x08000000 --wait 10 --yes "$@"
}

# holds ADDRESS FILE
holds() {
	expect 0 on "$link" -- stmota read --device "$device" --range "$1:$(wc -c <"$2")" --out back.bin
	same "$2" back.bin
}

# ---- I2C: lines, a serial port beside it
link=i2c chip=0x482 device="i2c:/dev/i2c-1@0x5a?$lines"
expect 0 flash old.bin

# Silence: the bank that ran runs again. Where nothing can be heard, that is said beforehand.
expect 9 flash --bank inactive --confirm "$ready" mute.bin
says 'bank 1 runs again'
holds 0x08000000 old.bin
expect 2 flash --bank inactive --confirm 'uart: expect "ready" within 2s' new.bin
says 'on no serial port'
expect 2 flash --confirm 'uart: expect "ready" within 2s' new.bin
says 'on no serial port'
holds 0x08000000 old.bin

# It says it, on the port that was named.
expect 0 flash --bank inactive --confirm "$ready" --json new.bin
json 'r["confirmed"] and r["bank"] == 2 and r["seen"] == "ready"'
holds 0x08000000 new.bin
holds 0x08100000 old.bin

# ---- USB, where the banks are swapped now: an erase names an address, and may mean the bank
expect 0 on dfu -- stmota erase --device dfu: --range 0x08100000:0x2000 --yes
says 'the banks are swapped'
link=i2c
holds 0x08000000 new.bin
head -c 5000 /dev/zero | tr '\0' '\377' >blank.bin
holds 0x08100000 blank.bin

# ---- USB: refused while nothing is touched
rm -f board.state
link=dfu device=dfu:
expect 0 flash --after none --chip 0x482 --entry-by-hand old.bin
expect 2 flash --bank inactive --confirm 'uart: expect "ready" within 2s' --chip 0x482 new.bin
says 'on no serial port'

# ---- a backup comes back; a command is a proof too, over USB as well
rm -f board.state
link=i2c chip=0x460 device="i2c:/dev/i2c-1@0x51?$lines"
expect 0 flash old.bin
expect 9 flash --backup backup.hex --confirm "$ready" mute.bin
says 'restored from backup.hex'
holds 0x08000000 old.bin
expect 0 flash --confirm 'command: test -e old.bin' new.bin
holds 0x08000000 new.bin
rm -f board.state
link=dfu chip=0x413 device=dfu:
expect 0 flash --chip 0x413 --entry-by-hand --json --confirm 'command: test -e old.bin' new.bin
json 'r["confirmed"] and r["started"] == "yes"'
expect 9 flash --chip 0x413 --entry-by-hand --confirm 'command: false' old.bin
