#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A second decoder of deltas and compressed images, written from SPEC.md alone, makes the same.
. "$(dirname "$0")/lib.sh"
need python3 arm-none-eabi-objcopy

# expand NAME IMAGE KIB
expand() {
	"$stmota" -q pack "$2" --kind data --name x --product a.com/x --version 1.0.0 --compress --ram "$3" \
		--out t.sota >/dev/null 2>&1
	python3 "$root/tests/conformance/patch_reference" - t.sota made || fail "$1, packed, $3 KiB"
	same made "$2" "$1, packed, $3 KiB: another image"
}

# decode NAME OLD NEW ADDRESS
decode() {
	for kib in 4 8 16; do
		"$stmota" -q diff "$2" "$3" --address "$4" --ram $kib --out t.sota >/dev/null 2>&1
		python3 "$root/tests/conformance/patch_reference" "$2" t.sota made || fail "$1, $kib KiB"
		same made "$3" "$1, $kib KiB: another image"
	done
}

for v in 1.0.0 1.1.0; do
	arm-none-eabi-objcopy -O binary "$root/examples/blinky/blinky-$v.elf" "blinky-$v.bin"
done
for kib in 4 8 16; do
	expand blinky blinky-1.1.0.bin $kib
done
printf 'one odd byte more than a few words, a few words, a few words, a few words, a few words' >words
expand words words 4
decode blinky blinky-1.0.0.bin blinky-1.1.0.bin 0x08000000
for pair in hoverboard:0x08000000 multistepper:0x08000000 uvk5-a:0 cleanflight-cc3d:0x08003000 \
	mlrs-rx:0x08000000 shell:0x80000; do
	name=${pair%%:*}
	[ -e "$corpus/$name/old.bin" ] || { echo "skipped: $name, no firmware corpus"; continue; }
	[ "$name" != hoverboard ] || expand "$name" "$corpus/$name/new.bin" 16
	decode "$name" "$corpus/$name/old.bin" "$corpus/$name/new.bin" "${pair##*:}"
done
