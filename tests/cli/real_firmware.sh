#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Real firmware of other projects goes the whole way: described, packed, signed, verified, flashed
# as a package onto a virtual board of its chip, read back.
. "$(dirname "$0")/lib.sh"
[ -d "$corpus" ] || skip "no corpus of real firmware beside the source tree"

stmota keygen --type ed25519 --out key.pem --public pub.pem >/dev/null

# whole_way CHIP FILE [--address ADDR]
whole_way() {
	chip=$1 file=$corpus/$2
	shift 2
	expect 0 stmota info "$file" --chip "$chip" "$@"
	prints_not 'verdict        bad'
	expect 0 stmota pack "$file" "$@" --product example.com/real --version 1.0.0 --chip "$chip" \
		--key key.pem --out app.sota
	expect 0 stmota verify app.sota --trust pub.pem
	rm -f board.state
	board --chip "$chip"
	expect 0 stmota flash app.sota --device "uart:$PWD/board" --trust pub.pem --json
	expect 0 stmota info app.sota --json
	python3 -c '
import json
for c in json.load(open("out"))["components"]:
    for s in c["segments"]:
        print(s["address"], s["size"], s["sha256"])
' >segments
	while read -r address size sha256; do
		expect 0 stmota read --device "uart:$PWD/board" --range "$address:$size" --out back.bin
		echo "$sha256  back.bin" | sha256sum -c --quiet || fail "$file at $address"
	done <segments
	board_off
	count=$((count + 1))
}
count=0

whole_way 0x414 hoverboard/new.bin --address 0x08000000
whole_way 0x414 files/hoverboard.elf
whole_way 0x410 cleanflight-cc3d/new.bin --address 0x08003000
whole_way 0x414 files/baseflight.hex
whole_way 0x410 files/mlrs-tx-f103.elf
whole_way 0x446 multistepper/new.bin --address 0x08000000
whole_way 0x448 duckypad-a/new.bin --address 0x08000000
whole_way 0x448 files/duckypad-2.1.0.dfu
whole_way 0x448 files/duckypad-2.3.2.dfu
whole_way 0x468 files/blink-g431.elf
whole_way 0x468 files/mlrs-rx-g431.hex
whole_way 0x450 portenta-boot/new.bin --address 0x08000000
whole_way 0x413 files/pybv11-v1.10.elf

# Built for another part: refused before anything is erased.
expect 6 stmota pack "$corpus/multistepper/new.bin" --address 0x08000000 --chip 0x422 \
	--product example.com/real --version 1.0.0 --out wrong.sota
says 'is in no RAM of'
expect 6 stmota pack "$corpus/btt-tft35-a/new.bin" --address 0x08000000 \
	--product example.com/real --version 1.0.0 --out wrong.sota
says 'linked for 0x08008000'
echo "$count files of real firmware went the whole way"
