#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The decoder of deltas as a Cortex-M runs it: compiled for Thumb, in QEMU, with traps for unaligned
# accesses (the compiler must know: -mno-unaligned-access), byte by byte as input.
. "$(dirname "$0")/lib.sh"
need qemu-system-arm arm-none-eabi-gcc
arm-none-eabi-gcc --specs=picolibc.specs -mcpu=cortex-m3 -mthumb -E -x c - </dev/null >/dev/null 2>&1 ||
	skip 'picolibc is not installed'
build=$root/tests/conformance/patch_thumb_build

# run NAME KIB CPU
run() {
	status=0
	timeout 300 qemu-system-arm -M mps2-an385 -kernel t.elf -display none -monitor none -serial none \
		-semihosting-config enable=on,target=native,arg=ok || status=$?
	[ $status = 64 ] || fail "$1, $2 KiB, $3: status $status"
	echo "ok: $1, $2 KiB, $3: package of $(wc -c <t.sota) bytes"
}

# decode NAME OLD NEW ADDRESS KIB CPU
decode() {
	"$stmota" -q diff "$2" "$3" --address "$4" --ram "$5" --out t.sota >/dev/null 2>&1
	"$build" t.sota "$2" "$3" "$4" "$5" "$6" t.elf
	run "$1" "$5" "$6"
}

# expand NAME IMAGE KIB CPU
expand() {
	"$stmota" -q pack "$2" --kind data --name x --product a.com/x --version 1.0.0 --compress \
		--ram "$3" --out t.sota >/dev/null 2>&1
	"$build" t.sota - "$2" 0 "$3" "$4" t.elf
	run "$1, compressed" "$3" "$4"
}

# Two programs of our own, as raw binaries.
for v in 1.0.0 1.1.0; do
	arm-none-eabi-objcopy -O binary "$root/examples/blinky/blinky-$v.elf" "blinky-$v.bin"
done
for kib in 4 8 16; do
	decode blinky blinky-1.0.0.bin blinky-1.1.0.bin 0x08000000 $kib cortex-m3
	expand blinky blinky-1.1.0.bin $kib cortex-m3
done
# Armv6-M code, and its compiler's division: the M3 runs it and does trap.
decode blinky blinky-1.1.0.bin blinky-1.0.0.bin 0x08000000 8 cortex-m0plus
expand blinky blinky-1.0.0.bin 8 cortex-m0plus

# Everything there is, both ways, for scripts/campaign.
all() {
	sed -n 's/^| \([^ ]*\) |[^|]*|[^|]*| \(0x[0-9A-F]*\) |.*/\1 \2/p' "$corpus/README.md" >pairs
	while read -r name address; do
		pair=$corpus/$name
		for kib in 4 8 16; do
			decode "$name" "$pair/old.bin" "$pair/new.bin" "$address" $kib cortex-m3
			decode "$name back" "$pair/new.bin" "$pair/old.bin" "$address" $kib cortex-m3
			expand "$name" "$pair/new.bin" $kib cortex-m3
		done
	done <pairs
}

if [ -n "${PATCH_THUMB_ALL:-}" ]; then
	all
	exit 0
fi
for name in hoverboard multistepper cleanflight-cc3d; do
	pair=$corpus/$name
	[ -e "$pair/old.bin" ] || { echo "skipped: $name, no firmware corpus"; continue; }
	address=0x08000000
	[ $name = cleanflight-cc3d ] && address=0x08003000
	decode $name "$pair/old.bin" "$pair/new.bin" $address 8 cortex-m3
done
[ ! -e "$corpus/hoverboard/new.bin" ] || expand hoverboard "$corpus/hoverboard/new.bin" 8 cortex-m3
