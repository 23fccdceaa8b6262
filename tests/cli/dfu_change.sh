#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dfu_change.sh - over USB a device is away for a while after each change of its option bytes: option
# bytes, protections, banks, backups and proofs there, with lines and without
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

stmota-sim exec --chip 0x413 --dfu -- true 2>err || {
	grep -q 'built without umockdev' err && skip 'built without umockdev'
	cat err
	fail 'exec does not work'
}

program old.bin 5000 1
program new.bin 6000 2
program mute.bin 7000 3
printf 'stmota-sim says: ready' >>new.bin
lines='boot0=gpio:gpiochip0/BOOT0&nrst=gpio:gpiochip0/NRST'
ready='uart:/dev/ttyUSB0 expect "ready" within 60s' silence='uart:/dev/ttyUSB0 expect "ready" within 1s'

# on -- COMMAND...: $chip with USB, and what $more says; the board keeps its memory
more=
on() {
	shift
	# shellcheck disable=SC2086 # several options
	timeout 60 stmota-sim exec --chip "$chip" --state board.state --stats stats.json --seed 1 --dfu $more -- "$@"
}

# a board as from the factory
fresh() {
	rm -rf board.state state
}

# flash OPTION... FILE
flash() {
	on -- stmota flash --device "$device" --chip "$chip" --address 0x08000000 --yes "$@"
}

# holds ADDRESS FILE: without lines, by dfu-util where there is one
holds() {
	expect 0 on -- stmota read --device "$device" --chip "$chip" --range "$1:$(wc -c <"$2")" --out back.bin
	same "$2" back.bin
}

# ---- write protection and option bytes of each kind: sectors and option memory, pages with
# complements, a bank of registers, erased 0x00
for row in 0x413:WRP0:4094 0x448:nWRP0:254 0x482:SWAP_BANK:1 0x447:WRPOT0:1; do
	chip=${row%%:*} value=${row##*:}
	name=${row#*:} name=${name%:*}
	fresh
	expect 0 on -- sh -c "stmota option set --device dfu: --chip $chip --yes $name=$value >set.txt &&
		stmota option get --device dfu: --chip $chip --json $name"
	in_file yes set.txt 'written and read back'
	json "int(r['$name'], 0) == $value"
done

# ---- write protection, put on, in the way, lifted for one update and put back, taken off
chip=0x413 device=dfu:
fresh
expect 0 flash --entry-by-hand --after none old.bin
expect 0 on -- sh -c 'stmota protect wrp-on --device dfu: --chip 0x413 --range 0x08000000:16384 --yes &&
	stmota protect status --device dfu: --chip 0x413'
prints '0x08000000..0x08003FFF'
expect 5 flash --entry-by-hand new.bin
[ "$(stat erases)" -eq 0 ] || fail 'erased in spite of the protection'
expect 0 flash --entry-by-hand --after none --lift-wrp new.bin
holds 0x08000000 new.bin
expect 0 on -- stmota protect status --device dfu: --chip 0x413
prints '0x08000000..0x08003FFF'
expect 0 on -- sh -c 'stmota protect wrp-off --device dfu: --chip 0x413 --all --yes >off.txt &&
	stmota protect status --device dfu: --chip 0x413'
prints_not '0x08000000..0x08003FFF'

# ---- read-out protection: an option byte sets it, one command lifts it and takes everything along
for chip in 0x450 0x413; do
	fresh
	device=dfu:
	expect 0 flash --entry-by-hand --after none old.bin
	expect 0 on -- sh -c "stmota protect rdp-set 1 --device dfu: --chip $chip --yes &&
		stmota protect status --device dfu: --chip $chip"
	prints 'seen on the device'
	prints 'level 1  '
	expect 5 flash --entry-by-hand new.bin
	says 'read-out protection'
	[ "$(stat erases)" -eq 0 ] || fail 'erased in spite of the protection'
	expect 5 on -- stmota read --device dfu: --chip "$chip" --range 0x08000000:64 --out closed.bin
	expect 2 on -- stmota protect rdp-set 0 --device dfu: --chip "$chip" --yes
	expect 0 on -- sh -c "stmota protect rdp-set 0 --device dfu: --chip $chip --yes --erase-everything &&
		stmota protect status --device dfu: --chip $chip &&
		stmota flash --device dfu: --chip $chip --address 0x08000000 --yes --entry-by-hand --after none new.bin"
	prints 'level 0: off'
	holds 0x08000000 new.bin
done
# dfu-util agrees that it was closed and is open.
if command -v dfu-util >/dev/null; then
	expect 0 on -- stmota protect rdp-set 1 --device dfu: --chip 0x413 --yes
	rm -f back.bin
	on -- dfu-util -a 0 -s 0x08000000:64 -U back.bin >out 2>err || :
	[ ! -s back.bin ] || fail 'protected flash was read'
	expect 2 on -- stmota protect rdp-set 2 --device dfu: --yes
fi

# ---- with lines: banks, proofs on a serial port, backups
more='--uart --gpio' chip=0x482 device="dfu:?$lines"
fresh
expect 0 flash old.bin
expect 9 flash --bank inactive --confirm "$silence" mute.bin
says 'bank 1 runs again'
holds 0x08000000 old.bin
expect 0 flash --bank inactive --confirm "$ready" --json new.bin
json 'r["confirmed"] and r["bank"] == 2 and r["seen"] == "ready"'
holds 0x08000000 new.bin
holds 0x08100000 old.bin

chip=0x413
fresh
expect 0 flash old.bin
expect 9 flash --backup backup.hex --confirm "$silence" mute.bin
says 'restored from backup.hex'
holds 0x08000000 old.bin
expect 0 flash --backup backup2.hex --confirm "$ready" new.bin
prints 'ready'

# ---- without: the bootloader starts the program, and it is heard
more=--uart device=dfu:
fresh
expect 0 flash --entry-by-hand --confirm "$ready" new.bin
prints 'ready'
