#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What stmota takes from an ELF file is what GNU objcopy takes, byte by byte: from a program of our
# own that is linked in every way the linker offers, and from real firmware.
. "$(dirname "$0")/lib.sh"
need arm-none-eabi-gcc arm-none-eabi-objcopy

# compare ELF: our reading of it, of objcopy's hex, and objcopy's binary are the same.
compare() {
	arm-none-eabi-objcopy -O binary "$1" objcopy.bin
	arm-none-eabi-objcopy -O ihex "$1" objcopy.hex
	"$dump" binary "$1" elf.bin
	"$dump" binary objcopy.hex hex.bin
	same objcopy.bin elf.bin "$1 differs from objcopy -O binary"
	same objcopy.bin hex.bin "$1 as Intel HEX differs from objcopy -O binary"
	count=$((count + 1))
}
count=0

cat >program.c <<'EOF'
extern char stack_top;
int value = 0x12345678, more[3] = {1, 2, 3}, cleared[40];
const char text[] __attribute__((section(".rodata"))) = "odd length.";
__attribute__((section(".far"))) const int far = 0x0badcafe;
int reset(void) { return value + more[cleared[0]] + text[3]; }
__attribute__((section(".vectors"), used)) void *const table[] = {&stack_top, (void *)reset};
EOF
# script PHDRS FLASH IN_TEXT FOR_TEXT FOR_DATA FOR_FAR: .data behind .text, .far 48 KiB further on.
script() {
	cat <<EOF
ENTRY(reset)
$1
MEMORY { FLASH (rx) : ORIGIN = $2, LENGTH = 1M
	 RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 64K }
SECTIONS {
	stack_top = ORIGIN(RAM) + LENGTH(RAM);
	.text : { $3 KEEP(*(.vectors)) *(.text*) *(.rodata*) } >FLASH $4
	.data : { *(.data*) } >RAM AT>FLASH $5
	.bss : { *(.bss*) } >RAM $5
	.far ORIGIN(FLASH) + 0xC000 : { KEEP(*(.far)) } >FLASH $6
	/DISCARD/ : { *(.ARM*) *(.comment) *(.note*) }
}
EOF
}
id=none
build() {
	arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -O1 -nostdlib -nostartfiles -ffreestanding \
		-Wl,--build-id="$id" -T script.ld program.c -o program.elf 2>gcc.log ||
		{ cat gcc.log; fail "the test program does not build"; }
}
script '' 0x08000000 '' '' '' '' >script.ld
build
compare program.elf
"$dump" ranges program.elf ranges
[ "$(wc -l <ranges)" -ge 2 ] || fail "the hole before .far is gone"
grep -q '^0800C000 0800C004$' ranges || fail ".far is not a segment of its own"

# The linker puts the ELF headers into the first segment: they are not part of the program.
script 'PHDRS { code PT_LOAD FILEHDR PHDRS; data PT_LOAD; far PT_LOAD; }' 0x08004000 \
	'. += 0;' :code :data :far |
	sed 's/\.text :/.text ORIGIN(FLASH) + SIZEOF_HEADERS :/' >script.ld
build
arm-none-eabi-readelf -lW program.elf | grep -q 'LOAD *0x000000' || fail "no headers in the segment"
compare program.elf

# Without section headers only the program headers are left to go by.
script '' 0x08000000 '' '' '' '' >script.ld
build
"$dump" ranges program.elf before
arm-none-eabi-objcopy --strip-all program.elf stripped.elf
"$dump" ranges stripped.elf after
same before after "stripping symbols changes the segments"

# The build id that the linker gave it.
id=sha1
script '' 0x08000000 '' '' '' '' | sed 's/ \*(\.note\*)//; s/\.far ORI/.note.gnu.build-id : { *(.note.gnu.build-id) } >FLASH\n\t&/' >script.ld
build
"$dump" build-id program.elf ours
arm-none-eabi-readelf -n program.elf | sed -n 's/.*Build ID: //p' >theirs
[ -s theirs ] || fail "the linker gave the program no build id"
same theirs ours "the build id differs from what readelf prints"
compare program.elf

if [ -d "$corpus/files" ]; then
	for elf in "$corpus"/files/*.elf; do
		compare "$elf"
	done
	"$dump" binary "$corpus/files/hoverboard.elf" whole.bin
	same "$corpus/hoverboard/new.bin" whole.bin "hoverboard: ELF and .bin differ"
else
	echo "no corpus of real firmware beside the source tree: own programs only"
fi
echo "$count ELF files are read as objcopy reads them"
