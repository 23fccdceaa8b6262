#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dfu_quirks.sh - each way in which a USB bootloader is known to differ, through the real program
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

stmota-sim exec --chip 0x413 --dfu -- true 2>err || {
	grep -q 'built without umockdev' err && skip 'built without umockdev'
	cat err
	fail 'exec does not work'
}

# on QUIRK CHIP [OPTION]... -- COMMAND
on() {
	quirk=$1 chip=$2
	shift 2
	timeout 100 stmota-sim exec --chip "$chip" --dfu --state board.state --stats stats.json --seed "${seed:-1}" \
		--fault "quirk:$quirk" "$@"
}

program tiny.bin 600 1
program next.bin 600 2

# brought QUIRK CHIP [URL]: written, started or not, and there afterwards
brought() {
	rm -rf board.state state
	expect 0 on "$1" "$2" -- sh -c "
		set -e
		stmota flash --device ${3:-dfu:} --chip $2 --address 0x08000000 --after none --yes tiny.bin
		stmota read --device ${3:-dfu:} --chip $2 --range 0x08000000:600 --out back.bin"
	prints 'verified       yes'
	same tiny.bin back.bin
}

# holds FILE CHIP: without the quirk
holds() {
	expect 0 stmota-sim exec --chip "$2" --dfu --state board.state --seed 1 -- \
		stmota read --device dfu: --range "0x08000000:$(wc -c <"$1")" --out back.bin
	same "$1" back.bin
}

# ---- poll times a thousand times too long: it waits, but not for ever. In the background: it takes long.
mkdir slow
(
	cd slow
	cp ../tiny.bin .
	seed=2 # another device
	export STMOTA_STATE_DIR="$tmp/slow/state" # the other one is removed under way
	on dfu-poll-long 0x413 -- stmota flash --device dfu: --chip 0x413 --address 0x08000000 --after none --yes tiny.bin >out 2>err
	echo $? >status
) &
slow=$!

# ---- states and times
for quirk in dfu-set-address-slow dfu-answers-idle dfu-erase-blocks dfu-stuck-busy dfu-first-try-fails \
	dfu-clrstatus-stall dfu-zones-mislabelled; do
	brought "$quirk" 0x413
done
[ "$(stat usb_stalls)" -eq 0 ] || fail 'a request that the ROM refuses'
brought dfu-poll-stall 0x435
brought dfu-write-corrupts 0x435
brought dfu-descriptor-hang 0x413
brought dfu-serial-same 0x413 dfu:@STM32FxSTM32

# ---- it leaves without an answer, or only if the address was set before
for quirk in dfu-leave-silent dfu-leave-needs-address; do
	rm -rf board.state state
	# shellcheck disable=SC2016 # for the inner shell
	expect 0 on "$quirk" 0x413 -- sh -c \
		'stmota flash --device dfu: --chip 0x413 --address 0x08000000 --yes tiny.bin && for n in $(seq 100); do
			stmota devices --json >usb.json
			! grep -q "\"usb\": \[\]" usb.json || break
			sleep 0.1
		done'
	prints 'started        yes'
	says_not 'warning'
	grep -q '"usb": \[\]' usb.json || fail "$quirk: it is in its bootloader yet: $(cat usb.json)"
done

# ---- mass erase: a time that is far too short; one that erases nothing
expect 0 on dfu-poll-short 0x413 -- stmota erase --device dfu: --chip 0x413 --all --yes
expect 0 on dfu-poll-short 0x413 -- stmota read --device dfu: --chip 0x413 --range 0x08000000:16 --out hole
tr -d '\377' <hole | cmp - /dev/null || fail 'not erased'
rm -f board.state
expect 0 on dfu-mass-erase-broken 0x450 --rom-version 13.3 -- stmota flash --device dfu: --chip 0x450 --address 0x08000000 --after none --yes tiny.bin
expect 0 on dfu-mass-erase-broken 0x450 --rom-version 13.3 -- stmota erase --device dfu: --chip 0x450 --all --yes
expect 0 on dfu-mass-erase-broken 0x450 --rom-version 13.3 -- stmota read --device dfu: --chip 0x450 --range 0x08000000:16 --out hole
tr -d '\377' <hole | cmp - /dev/null || fail 'not erased'

# ---- bank 2: what cannot be erased there is refused, and nothing is erased before
program high.bin 600 3 0x08100000
rm -f board.state
expect 1 on dfu-bank2-erase-broken 0x419 --rom-version 9.1 -- \
	stmota flash --device dfu: --chip 0x419 --address 0x08100000 --yes high.bin
[ "$(stat erases)" -eq 0 ] || fail 'something was erased'

# Where it hits another unit: nothing in bank 2 by its address; bank 1 and a mass erase as ever. The
# board is a new one to USB after the write of options: two banks are other units.
rm -rf board.state state
expect 0 on dfu-bank2-erase-shifted 0x451 --rom-version 9.3 -- \
	stmota option set --device dfu: --chip 0x451 --yes nDBANK=0
for command in 'flash --address 0x08100000 high.bin' 'erase --range 0x08100000:0x4000'; do
	# shellcheck disable=SC2086 # its words
	expect 1 on dfu-bank2-erase-shifted 0x451 --rom-version 9.3 -- \
		stmota $command --device dfu: --chip 0x451 --yes
	says 'does not erase bank 2 over USB'
	[ "$(stat erases)" -eq 0 ] || fail 'something was erased'
done
expect 0 on dfu-bank2-erase-shifted 0x451 --rom-version 9.3 -- \
	stmota flash --device dfu: --chip 0x451 --address 0x08000000 --after none --yes tiny.bin
prints 'verified       yes'
expect 0 on dfu-bank2-erase-shifted 0x451 --rom-version 9.3 -- \
	stmota erase --device dfu: --chip 0x451 --all --yes
[ "$(stat erases)" -eq 24 ] || fail 'not all units of two banks'

# ---- under read-out protection a write is taken and dropped: nothing is written
rm -rf board.state state
expect 0 on dfu-rdp-drops 0x482 -- stmota protect rdp-set 1 --device dfu: --chip 0x482 --yes
for command in 'flash --address 0x08000000 tiny.bin' 'erase --all'; do
	# shellcheck disable=SC2086
	expect 5 on dfu-rdp-drops 0x482 -- stmota $command --device dfu: --chip 0x482 --yes
	says 'protect rdp'
	[ "$(stat erases) $(stat programs)" = '0 0' ] || fail 'something was written'
done

# ---- it is on the bus again seconds after its reset: waited for
rm -rf board.state state
expect 0 on dfu-slow-start 0x415 -- stmota option set --device dfu: --chip 0x415 --yes BFB2=1
expect 0 on dfu-slow-start 0x415 -- stmota option get --device dfu: --chip 0x415 BFB2
prints '0x1'

# ---- a memory map of another part
rm -f board.state
expect 0 on dfu-layout-wrong 0x483 --rom-version 9.1 -- \
	stmota flash --device dfu: --chip 0x483 --address 0x08000000 --after none --yes tiny.bin
holds tiny.bin 0x483

# ---- a clone with other ids that never answers the last request
rm -f board.state
expect 0 on dfu-gd32 0x413 -- stmota flash --device dfu:28e9:0189 --chip 0x413 --address 0x08000000 --yes tiny.bin
prints 'verified       yes'

wait "$slow" || :
[ "$(cat slow/status)" -eq 0 ] || fail "poll times too long: $(cat slow/out slow/err)"
grep -q 'verified       yes' slow/out || fail 'poll times too long: not verified'
