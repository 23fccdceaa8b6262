#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A package of several components over the ROM: one plan, each program's vector words last; what a
# ROM cannot take is refused before the device is looked at, unless something else was asked for.
. "$(dirname "$0")/lib.sh"

program app.bin 4000 1
program second.bin 3000 2 0x08004000
program other.bin 3000 3 0x08004000
head -c 300 /dev/zero | tr '\0' 's' >settings.bin
head -c 100 /dev/zero | tr '\0' 'r' >radio.bin
expect 0 stmota keygen --out key.pem --public pub.pem

# describe NAME SECOND [LINE...]: packs NAME.sota
describe() {
	name=$1 second=$2
	shift 2
	{
		printf '%s\n' '[package]' 'product = acme.com/lamp' 'version = 1.0' 'chip = 0x410' \
			"out = $name.sota" \
			'[component app]' 'file = app.bin' 'address = 0x08000000' \
			'[component loader]' 'kind = second-image' "file = $second" \
			'address = 0x08004000' \
			'[component settings]' 'kind = configuration' 'file = settings.bin' \
			'address = 0x08003E10'
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$name.ini"
	expect 0 stmota pack --from "$name.ini" --key key.pem
}
describe three second.bin
describe changed other.bin
describe radio second.bin '[component radio]' 'kind = data' 'file = radio.bin'
describe ram second.bin '[component values]' 'kind = ram-init' 'file = radio.bin' 'address = 0x20000000'
describe slots second.bin '[component slot-b]' 'kind = second-image' 'file = other.bin' \
	'address = 0x08004000' 'slot = 2' '[component hook]' 'kind = second-image' 'file = other.bin' \
	'address = 0x08004000' 'slot = 3' 'entry = 0x08004201'

# found ADDR FILE: whether the board holds FILE there
found() {
	expect 0 stmota read --device uart:board --range "$1:$(wc -c <"$2")" --out found.bin
	same "$2" found.bin
}

# Refused without a device, and the hint is one that works.
for bad in radio ram; do
	expect 1 stmota flash --device uart:none "$bad.sota" --trust pub.pem
	says 'cannot be written by a bootloader in ROM'
	says '--component app --component loader --component settings'
done
expect 1 stmota flash --device uart:none radio.sota --component radio --trust pub.pem
says "component 'radio' (data) cannot be written"
expect 2 stmota flash --device uart:none radio.sota --component radar --trust pub.pem
says 'there is: app, loader, settings, radio'
expect 2 stmota flash --device uart:none app.bin --address 0x08000000 --component app
says 'is no package'
expect 1 stmota flash --device uart:none slots.sota --trust pub.pem
says "component 'slot-b' goes to slot 2"
expect 2 stmota flash --device uart:none slots.sota --component loader --component slot-b --trust pub.pem
says 'linked for the same place'

# One plan for all; the words 0 and 1 of each program are its last writes.
board
expect 0 stmota flash --device uart:board three.sota --trust pub.pem --dry-run --json
json '[c["name"] for c in r["components"]] == ["app", "loader", "settings"] and all(c["selected"] for c in r["components"])'
json '[s["address"] for s in r["plan"] if s["step"] == "erase"][:2] == ["0x08000000", "0x08004000"]'
json '[s["address"] for s in r["plan"] if s["step"] == "write"] == ["0x08000008", "0x08003E00", "0x08004008", "0x08004004", "0x08004000", "0x08000004", "0x08000000"]'
json '[s["address"] for s in r["plan"] if s["step"] == "verify"] == ["0x08000008", "0x08003E10", "0x08004008", "0x08004000", "0x08000000"]'
expect 0 stmota flash --device uart:board three.sota --trust pub.pem --json
json 'r["verified"] is True'
found 0x08000000 app.bin
found 0x08004000 second.bin
found 0x08003E10 settings.bin
board_off

# Only the second program changed: the page of the first one's vectors is left alone.
board
expect 0 stmota flash --device uart:board changed.sota --trust pub.pem --dry-run --json
json 'all(int(s["address"], 16) >= 0x08004000 for s in r["plan"]) and r["units_same"] == 5'
expect 0 stmota flash --device uart:board changed.sota --trust pub.pem
found 0x08004000 other.bin
found 0x08000000 app.bin

# Only what is named; the version of the device is that of component 0, so it is not touched.
expect 0 stmota flash --device uart:board three.sota --component loader --trust pub.pem --json
json '[c["selected"] for c in r["components"]] == [False, True, False]'
found 0x08004000 second.bin
found 0x08000000 app.bin
expect 9 stmota flash --device uart:board changed.sota --trust pub.pem --verify-only
expect 0 stmota flash --device uart:board changed.sota --component app --component 2 --trust pub.pem --verify-only
expect 0 stmota flash --device uart:board slots.sota --component hook --trust pub.pem
says 'the run-once entry 0x08004201'
found 0x08004000 other.bin
board_off

# The device changes its settings: what is installed is still known, and an older version refused.
board
head -c 300 /dev/zero | tr '\0' 'S' >changed.bin
expect 0 stmota flash --device uart:board three.sota --trust pub.pem
expect 0 stmota flash --device uart:board changed.bin --address 0x08003E10 --data
sed 's/version = 1.0/version = 0.9/' three.ini >older.ini
expect 0 stmota pack --from older.ini --key key.pem --out older.sota
expect 8 stmota flash --device uart:board older.sota --trust pub.pem
# A part without component 0 is not the release.
expect 0 stmota flash --device uart:board older.sota --component settings --trust pub.pem --allow-downgrade
expect 8 stmota flash --device uart:board older.sota --trust pub.pem
board_off

# Cut anywhere: no program has its vector words while its bytes are not all there.
for at in 1000 3000 5000 7800; do
	rm -f board.state
	board --fault "vanish@rx:$at"
	got=0
	stmota flash --device uart:board three.sota --trust pub.pem >out 2>err || got=$?
	[ "$got" -eq 10 ] || fail "status $got after a cut at byte $at, wanted 10"
	board
	for part in "0x08000000 app.bin" "0x08004000 second.bin"; do
		# shellcheck disable=SC2086 # two words
		set -- $part
		expect 0 stmota read --device uart:board --range "$1:$(wc -c <"$2")" --out found.bin
		head -c 8 found.bin >words
		head -c 8 "$2" >wanted
		if cmp -s words wanted; then
			same "$2" found.bin
		fi
	done
	expect 0 stmota flash --device uart:board three.sota --trust pub.pem
	found 0x08000000 app.bin
	found 0x08004000 second.bin
	found 0x08003E10 settings.bin
	board_off
done
