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

# check NAME OLD NEW ADDRESS OPTION...
check() {
	name=$1 old=$2 new=$3 address=$4
	shift 4
	"$stmota" -q diff "$old" "$new" --address "$address" "$@" --out t.sota >/dev/null 2>&1
	python3 "$root/tests/conformance/patch_reference" "$old" t.sota made || fail "$name, $*"
	same made "$new" "$name, $*: another image"
}

# decode NAME OLD NEW ADDRESS
decode() {
	for kib in 4 8 16; do
		check "$@" --ram $kib
	done
}

# in_place NAME OLD NEW ADDRESS: one way in many small groups, the other in few
in_place() {
	check "$@" --in-place --erase-unit 1024 --journal 20K --ram 4
	check "$1, back" "$3" "$2" "$4" --in-place --erase-unit 4096
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
in_place blinky blinky-1.0.0.bin blinky-1.1.0.bin 0x08000000
for pair in hoverboard:0x08000000 multistepper:0x08000000 uvk5-a:0 cleanflight-cc3d:0x08003000 \
	mlrs-rx:0x08000000 shell:0x80000; do
	name=${pair%%:*}
	[ -e "$corpus/$name/old.bin" ] || { echo "skipped: $name, no firmware corpus"; continue; }
	[ "$name" != hoverboard ] || expand "$name" "$corpus/$name/new.bin" 16
	decode "$name" "$corpus/$name/old.bin" "$corpus/$name/new.bin" "${pair##*:}"
	case $name in
	hoverboard | multistepper)
		in_place "$name" "$corpus/$name/old.bin" "$corpus/$name/new.bin" "${pair##*:}"
		;;
	esac
done
