#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# S-records as srec_cat and GNU objcopy write them, in all widths of addresses and several line
# lengths, are read as they were meant.
. "$(dirname "$0")/lib.sh"
need srec_cat arm-none-eabi-objcopy

# 80 KiB of bytes that differ: 64 KiB borders lie inside wherever they go.
awk 'BEGIN { srand(7); for (i = 0; i < 81920; i++) printf "%c", 1 + int(rand() * 126) }' >plain.bin

count=0
# round OFFSET [OPTION...]: through srec_cat, with a hole.
round() {
	offset=$1
	shift
	srec_cat plain.bin -binary -offset "$offset" -exclude $((offset + 5000)) $((offset + 5077)) \
		-o made.srec -motorola "$@" 2>/dev/null
	srec_cat made.srec -motorola -offset "-$offset" -fill 0 0 81920 -o srecord.bin -binary 2>/dev/null
	"$dump" binary made.srec ours.bin
	same srecord.bin ours.bin "srec_cat $* at $offset"
	"$dump" ranges made.srec ranges
	[ "$(wc -l <ranges)" -eq 2 ] || fail "srec_cat $* at $offset: the hole is gone"
	count=$((count + 1))
}
round 0
grep -q '^S1' made.srec || fail "no S1 record was tried"
grep -q '^S2' made.srec || fail "no S2 record was tried beside S1"
round 0 -address-length=4
round $((0x00FF0000))
round $((0x08000000)) -line-length=44
round $((0x0800F000)) -line-length=514
round $((0x08000000)) -execution-start-address $((0x08000101))
round $((0x90001234)) -disable=header -disable=data-count -execution-start-address $((0x90001234))

# objcopy: its own header and terminator, no count.
for address in 0 0x10000 0x08000000; do
	for width in 1 16 250; do
		arm-none-eabi-objcopy -I binary -O srec --change-addresses "$address" \
			"--srec-len=$width" plain.bin made.srec
		"$dump" binary made.srec ours.bin
		same plain.bin ours.bin "objcopy at $address, $width bytes in a line"
		count=$((count + 1))
	done
done
arm-none-eabi-objcopy -I binary -O srec --srec-forceS3 plain.bin made.srec
"$dump" binary made.srec ours.bin
same plain.bin ours.bin "objcopy --srec-forceS3"

if [ -d "$corpus/files" ]; then
	for elf in "$corpus"/files/*.elf; do
		arm-none-eabi-objcopy -O srec "$elf" made.srec
		"$dump" binary "$elf" elf.bin
		"$dump" binary made.srec ours.bin
		same elf.bin ours.bin "$elf as S-records"
		count=$((count + 1))
	done
else
	echo "no corpus of real firmware beside the source tree: own files only"
fi
echo "$count S-record files are read as srec_cat and objcopy meant them"
