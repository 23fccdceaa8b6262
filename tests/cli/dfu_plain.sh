#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dfu_plain.sh - devices of plain DFU 1.1, which take a file: judged by unmodified dfu-util
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

stmota-sim exec --chip 0x431 --dfu --dfu-as plain -- true 2>err || {
	grep -q 'built without umockdev' err && skip 'built without umockdev'
	cat err
	fail 'exec does not work'
}
command -v dfu-util >/dev/null || skip 'dfu-util is not installed'
device=dfu:1209:0001

# on KIND [OPTION]... -- COMMAND: the board keeps its memory
on() {
	kind=$1
	shift
	timeout 60 stmota-sim exec --chip 0x431 --dfu --dfu-as "$kind" --state board.state --stats stats.json --seed 1 "$@"
}

# holds FILE: what dfu-util reads back begins with it
holds() {
	rm -f back
	expect 0 on plain-tolerant -- dfu-util -U back
	head -c "$(wc -c <"$1")" back >got
	same "$1" got
}

# suffix FILE VID PID RELEASE OUT
suffix() {
	cp "$1" "$5"
	dfu-suffix -v "$2" -p "$3" -d "$4" -a "$5" >/dev/null
}

program one.bin 9001 1 0x08004000
program two.bin 20000 2 0x08004000

# ---- dfu-util first: what it writes is there, and stmota reads the same
expect 0 on plain-tolerant -- dfu-util -D one.bin
holds one.bin
expect 0 on plain-tolerant -- stmota read --device $device --all --out whole
same back whole
expect 0 on plain-tolerant -- stmota flash --device $device --verify-only one.bin
expect 9 on plain-tolerant -- stmota flash --device $device --verify-only two.bin
# It calls the device that is gone after the reset a failure.
on plain -- dfu-util -D two.bin >out 2>err || :
holds two.bin

# ---- identity
expect 0 on plain-tolerant -- stmota probe --json --device $device
json 'r["usb_id"] == "1209:0001" and r["takes_files"] and r["can_be_read"] and not r["restarts"]'

# ---- a device that stays: everything is read back
expect 0 on plain-tolerant -- stmota flash --json --device $device one.bin
json 'r["event"] == "result" and r["verified"] and r["proof"] == "read back" and r["size"] == 9001'
holds one.bin
expect 0 on plain-tolerant -- stmota flash --dry-run --device $device two.bin
[ "$(stat usb_dnload)" -eq 0 ] || fail '--dry-run sent something'

# ---- one that restarts; one that does so by itself, and whose program answers; a mute one
expect 0 on plain -- stmota flash --json --device $device two.bin
json 'r["verified"] is False and r["proof"] == "accepted by the device, not read back"'
prints 'that it runs is not proven'
holds two.bin
expect 0 on plain-leaves -- stmota flash --json --device $device one.bin
json 'not r["verified"] and r["device_said"] == "a program runs and answers on USB"'
holds one.bin
expect 0 on plain-mute -- stmota flash --json --device $device two.bin
json 'not r["verified"] and "not read back" in r["proof"]'
holds two.bin
expect 1 on plain-mute -- stmota read --device $device --all --out no
says 'gives nothing back'

# ---- an application asked for its bootloader, that is a plain one
program boot.bin 4096 3
expect 0 on rom -- stmota flash --device dfu: --chip 0x431 --address 0x08000000 --after none --yes boot.bin
expect 0 on plain-leaves --boot0 low -- stmota flash --device dfu:0483:5740 one.bin
prints 'a program runs'
holds one.bin

# ---- several places: nothing is guessed
expect 2 on plain-places -- stmota flash --device $device two.bin
says 'alt=0 Application, alt=1 Next application'
expect 9 on plain-places -- stmota flash --device "$device?alt=0" two.bin
says 'there is no such memory'
expect 2 on plain-places -- stmota flash --device "$device?alt=7" two.bin
expect 0 on plain-places -- stmota flash --device "$device?alt=1" two.bin
holds two.bin

# ---- what a file is for: DFU suffix, package, formats with addresses
if command -v dfu-suffix >/dev/null; then
	suffix one.bin 1209 0001 0200 right.dfu
	suffix one.bin 1209 0002 FFFF wrong.dfu
	suffix one.bin 1209 0001 0300 newer.dfu
	for file in wrong newer; do
		expect 4 on plain-tolerant -- stmota flash --device $device $file.dfu
		[ "$(stat usb_dnload)" -eq 0 ] || fail "$file.dfu: something was sent"
	done
	expect 0 on plain-tolerant -- stmota flash --device $device right.dfu
	holds one.bin
	expect 0 on plain-tolerant -- stmota flash --device $device two.bin
else
	echo 'not looked at: dfu-suffix is not there'
fi
expect 0 stmota convert --to hex --address 0x08004000 --out one.hex one.bin
expect 0 on plain-tolerant -- stmota flash --device $device one.hex
holds one.bin
expect 0 stmota keygen --type ed25519 --out key.pem --public pub.pem
expect 0 stmota pack two.bin --address 0x08004000 --product acme.com/lamp --version 1.2.3 --chip 0x431 --key key.pem --out two.sota
expect 7 on plain-tolerant -- stmota flash --device $device --trust pub.pem one.bin
expect 4 on plain-tolerant -- stmota flash --device $device --trust pub.pem --chip 0x413 two.sota
[ "$(stat usb_dnload)" -eq 0 ] || fail 'sent to another chip'
expect 0 on plain-tolerant -- stmota flash --json --device $device --trust pub.pem --chip 0x431 two.sota
json 'r["version"] == "1.2.3" and r["verified"]'
holds two.bin
printf '[device lamp]\nurl = %s\nproduct = acme.com/lamp\nversion = 2.0.0\n[flash]\nrequire_known = no\n' $device >conf
expect 8 on plain-tolerant -- stmota --config conf flash --device lamp --trust pub.pem two.sota

# ---- what the device refuses, and what makes no sense
tail -c 3000 two.bin >nothing.bin
expect 9 on plain-tolerant -- stmota flash --device $device nothing.bin
says 'firmware on the device is damaged'
expect 2 on plain-tolerant -- stmota flash --device $device --address 0x08004000 one.bin
says 'takes a file'
expect 1 on plain-tolerant -- stmota erase --device $device --all --yes
says 'takes a file'
expect 1 on plain-tolerant -- stmota read --device $device --range 0x08004000:16 --out no
: >empty.bin
expect 1 on plain-tolerant -- stmota flash --device $device empty.bin

# ---- interrupted: cured in the run, or by the same command (all places: tests/unit/test_dfu_plain.c)
expect 0 on plain-tolerant --fault stall@usb:14 -- stmota flash --device $device one.bin
holds one.bin
on plain-tolerant --fault vanish@usb:12 -- stmota flash --device $device two.bin >out 2>err || :
expect 0 on plain-tolerant -- stmota flash --device $device two.bin
holds two.bin
