#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The decoder of deltas as a Cortex-M runs it: compiled for Thumb, in QEMU, with traps for unaligned
# accesses (the compiler must know: -mno-unaligned-access), byte by byte as input.
. "$(dirname "$0")/lib.sh"
need qemu-system-arm arm-none-eabi-gcc
arm-none-eabi-gcc --specs=picolibc.specs -mcpu=cortex-m3 -mthumb -E -x c - </dev/null >/dev/null 2>&1 ||
	skip 'picolibc is not installed'
imf=$root/image_format

# decode NAME OLD NEW ADDRESS KIB CPU MACHINE; OLD empty: NEW compressed
decode() {
	if [ -n "$2" ]; then
		whole=0
		"$stmota" -q diff "$2" "$3" --address "$4" --ram "$5" --out t.sota >/dev/null 2>&1
		cp "$2" base
	else
		whole=1
		"$stmota" -q pack "$3" --kind data --name x --product a.com/x --version 1.0.0 \
			--compress --ram "$5" --out t.sota >/dev/null 2>&1
		: >base
	fi
	# The payload is the end of the file, bytes 16 to 19 tell its size.
	tail -c "$(od -An -tu4 -j16 -N4 t.sota | tr -d ' ')" t.sota >payload
	cp "$3" want
	cat >blobs.S <<-'BLOBS'
		.section .rodata
		.macro blob name
		.balign 4
		.global \name\()_start, \name\()_end
		\name\()_start: .incbin "\name"
		\name\()_end:
		.endm
		blob base
		blob payload
		blob want
	BLOBS
	arm-none-eabi-gcc --specs=picolibc.specs --oslib=semihost --crt0=semihost -std=c99 -Os \
		"-mcpu=$6" -mthumb -mno-unaligned-access "-DRAM=$5 * 1024" "-DADDRESS=$4u" -DWHOLE=$whole "-I$imf/include" \
		-Wl,--defsym=__flash=0 -Wl,--defsym=__flash_size=0x400000 \
		-Wl,--defsym=__ram=0x20000000 -Wl,--defsym=__ram_size=0x80000 \
		-Wl,--defsym=__stack_size=0x1000 -o t.elf \
		"$root/tests/conformance/patch_thumb.c" blobs.S "$imf"/imf_patch*.c "$imf/imf_bytes.c"
	status=0
	timeout 100 qemu-system-arm -M "$7" -kernel t.elf -display none -monitor none -serial none \
		-semihosting-config enable=on,target=native,arg=ok || status=$?
	[ $status = 64 ] || fail "$1, $5 KiB, $6: status $status"
	echo "ok: $1, $5 KiB, $6: $(wc -c <payload) bytes"
}

# Two programs of our own, as raw binaries.
for v in 1.0.0 1.1.0; do
	arm-none-eabi-objcopy -O binary "$root/examples/blinky/blinky-$v.elf" "blinky-$v.bin"
done
for kib in 4 8 16; do
	decode blinky blinky-1.0.0.bin blinky-1.1.0.bin 0x08000000 $kib cortex-m3 mps2-an385
done
for kib in 4 8 16; do
	decode 'blinky, packed' '' blinky-1.1.0.bin 0 $kib cortex-m3 mps2-an385
done
decode 'blinky, packed' '' blinky-1.1.0.bin 0 8 cortex-m0plus mps2-an385
# Armv6-M code, and its compiler's division: the M3 runs it and does trap.
decode blinky blinky-1.1.0.bin blinky-1.0.0.bin 0x08000000 8 cortex-m0plus mps2-an385
for name in hoverboard mlrs-rx multistepper duckypad-a cleanflight-cc3d; do
	pair=$corpus/$name
	[ -e "$pair/old.bin" ] || { echo "skipped: $name, no firmware corpus"; continue; }
	address=0x08000000
	[ $name = cleanflight-cc3d ] && address=0x08003000
	[ $name != hoverboard ] || decode "$name, packed" '' "$pair/new.bin" 0 8 cortex-m3 mps2-an385
	decode $name "$pair/old.bin" "$pair/new.bin" $address 8 cortex-m3 mps2-an385
done
