#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dfu.sh - stmota over USB, on the virtual device that unmodified dfu-util uses too
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

stmota-sim exec --chip 0x413 --dfu -- true 2>err || {
	grep -q 'built without umockdev' err && skip 'built without umockdev'
	cat err
	fail 'exec does not work'
}

# on CHIP OPTION... -- COMMAND: the status is that of COMMAND
on() {
	chip=$1
	shift
	timeout 60 stmota-sim exec --chip "$chip" --dfu --state board.state --stats stats.json --seed 1 "$@"
}

# script TEXT: for the inner shell, which stops at the first failure
script() {
	printf 'set -e\n%s\n' "$1"
}

# judged CHIP ADDRESS FILE [OPTION]...: dfu-util reads back what stmota has written
judged() {
	chip=$1 address=$2 file=$3
	shift 3
	rm -rf board.state state back
	expect 0 on "$chip" -- stmota flash --address "$address" --after none --yes "$@" "$file"
	transfers=$(stat usb_transfers)
	command -v dfu-util >/dev/null || return 0
	expect 0 on "$chip" -- dfu-util -a 0 -s "$address:$(wc -c <"$file")" -U back
	same "$file" back
}

# ---- sectors, pages, 1024-byte blocks, 16- and 32-byte words, erased 0x00: no --device, no --chip
program small.bin 5000 1
for chip in 0x413 0x447 0x450 0x482; do
	judged "$chip" 0x08000000 small.bin
done
# Real firmware at the address it was linked for.
if [ -d "$corpus" ]; then
	judged 0x413 0x08000000 "$corpus/vesc60-a/new.bin"
	[ "$transfers" -lt $((6 * 192)) ] || fail "$transfers transfers: dfu-util needs less to write it"
	judged 0x468 0x08000000 "$corpus/mlrs-rx/new.bin"
	judged 0x448 0x08000000 "$corpus/duckypad-a/new.bin"
	judged 0x450 0x08000000 "$corpus/portenta-boot/new.bin" --chip 0x450
else
	echo 'not looked at: real firmware is not there'
fi

# ---- three transfers a block, the pointer once: 64 KiB, write and verification
program big.bin 65536 2
judged 0x413 0x08000000 big.bin --chip 0x413
# 32 blocks and the held back words, 4 sectors; pointers: 4 to read, 5 to write
[ "$(stat usb_upload)" -gt 0 ] || fail 'dfu-util has not read'
[ "$transfers" -lt 212 ] || fail "$transfers transfers: dfu-util writes it with 212"

# 512 pages of 128 bytes: what dfu-util writes with 1736, without verification
judged 0x447 0x08000000 big.bin --chip 0x447
[ "$transfers" -lt 1736 ] || fail "$transfers transfers: dfu-util writes it with 1736"
judged 0x413 0x08000000 big.bin --chip 0x413

# ---- again: nothing is erased; probe, devices, read, go
expect 0 on 0x413 -- stmota flash --json --address 0x08000000 --after none --yes big.bin
json 'r["event"] == "result" and r["bytes_written"] == 0'
[ "$(stat erases)" -eq 0 ] || fail 'an equal image was erased'
expect 0 on 0x413 -- sh -c "$(script '
	stmota devices --json >devices.json
	stmota read --out back.bin --range 0x08000000:65536 >read.txt
	stmota probe --json')"
json 'r["transport"] == "dfu" and r["flash"]["size"] == 1048576'
grep -qF '"url": "dfu:0483:df11#1-1"' devices.json || fail "$(cat devices.json)"
same big.bin back.bin
# shellcheck disable=SC2016 # for the inner shell
expect 0 on 0x413 -- sh -c "$(script '
	stmota go --address 0x08000000 >go.txt
	tries=0
	while stmota devices --json >left.json && grep -q 0483:df11 left.json && [ "$tries" -lt 300 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	cat left.json')"
json 'r["usb"] == []'

# ---- erase, by name and only by name
expect 2 on 0x413 -- stmota erase --device dfu: --all
expect 0 on 0x413 -- stmota erase --device dfu: --range 0x08004000:16384 --yes
expect 0 on 0x413 -- stmota read --out hole --range 0x08003FF0:32
tail -c 16 hole | tr -d '\377' | cmp - /dev/null || fail 'not erased'
expect 0 on 0x413 -- stmota erase --device dfu: --all --yes

# ---- a cut, an unplugged device, a refusal: the same command goes on
for fault in vanish@usb:50 cut@usb:65; do
	rm -f board.state
	expect 10 on 0x413 --fault "$fault" -- stmota flash --address 0x08000000 --after none --yes small.bin
	says 'same command again'
	expect 0 on 0x413 -- stmota flash --address 0x08000000 --after none --yes small.bin
done
rm -f board.state
expect 0 on 0x413 --fault fail@usb:45 --fault stall@usb:60 --fault lose@usb:115 -- \
	stmota flash --address 0x08000000 --after none --yes small.bin
expect 0 on 0x413 -- stmota read --out back.bin --range 0x08000000:5000
same small.bin back.bin

# ---- devices that lie: poll times, transfer size, short answers, pointer, stuck states
for quirk in dfu-poll-zero dfu-transfer-size-lies dfu-pointer-per-block dfu-starts-busy \
	dfu-block-by-length; do
	rm -f board.state
	expect 0 on 0x413 --fault "quirk:$quirk" -- stmota flash --address 0x08000000 --after none --yes small.bin
	expect 0 on 0x413 -- stmota read --out back.bin --range 0x08000000:5000
	same small.bin back.bin
done

# Answers that are always too short: refused, and nothing is erased.
expect 3 on 0x413 --fault quirk:dfu-short-upload -- stmota flash --address 0x08000000 --yes big.bin
[ "$(stat erases)" -eq 0 ] || fail 'erased without having read'

# ---- which chip: wrong, right, protected
expect 4 on 0x413 -- stmota flash --chip 0x450 --address 0x08000000 --yes small.bin
says 'this is not'
blinky 1.0.0
expect 4 on 0x413 -- stmota flash --trust pub.pem --yes blinky-1.0.0.sota
[ "$(stat erases)" -eq 0 ] || fail 'erased for firmware of another chip'

# ---- option bytes by name
rm -rf board.state state
expect 0 on 0x413 -- stmota option get --device dfu: --chip 0x413 WRP0
prints '0xFFF'
expect 2 on 0x413 -- stmota option set --device dfu: --chip 0x413 RDP=0x00 --yes
expect 0 on 0x413 -- stmota flash --chip 0x413 --address 0x08000000 --after none --yes small.bin

# ---- an application with a DFU interface is asked for its bootloader; a watchdog is named
for kind in runtime-leaves runtime; do
	expect 0 on 0x413 --boot0 low --dfu-as $kind -- \
		stmota flash --device dfu:0483:5740 --address 0x08000000 --after none --yes small.bin
done
expect 3 on 0x413 --boot0 low --dfu-as runtime-leaves --fault quirk:dfu-watchdog -- \
	stmota probe --device dfu:0483:5740
says 'watchdog'

# ---- nothing there, one that is not ours, plain DFU
expect 3 on 0x413 --boot0 low -- stmota probe --device dfu:
expect 3 on 0x413 -- stmota probe --device 'dfu:#1-7'
expect 3 on 0x413 -- stmota probe --device dfu:@NOBODY
expect 0 on 0x413 -- stmota probe --device 'dfu:0483:df11#1-1'
rm -f board.state
expect 1 on 0x431 --dfu-as plain-tolerant -- stmota erase --device dfu:1209:0001 --all --yes
says 'without addresses'
