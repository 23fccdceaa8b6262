#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Intel HEX as srec_cat writes it, in all three address forms and several line lengths, is read as
# it was meant; and what srec_cat makes of real hex files is what stmota reads from them.
. "$(dirname "$0")/lib.sh"
need srec_cat

# 40 KiB of bytes that differ, placed so that 64 KiB borders lie inside, with a hole.
awk 'BEGIN { srand(7); for (i = 0; i < 40960; i++) printf "%c", 1 + int(rand() * 126) }' >plain.bin

count=0
# round ADDRESS_LENGTH LINE_LENGTH OFFSET
round() {
	srec_cat plain.bin -binary -offset "$3" -exclude $(($3 + 5000)) $(($3 + 5077)) \
		-o made.hex -intel "-address-length=$1" "-line-length=$2"
	srec_cat made.hex -intel -offset "-$3" -fill 0 0 40960 -o srecord.bin -binary
	"$dump" binary made.hex ours.bin
	same srecord.bin ours.bin "form $1, lines of $2, at $3"
	"$dump" ranges made.hex ranges
	[ "$(wc -l <ranges)" -eq 2 ] || fail "form $1, lines of $2: the hole is gone"
	count=$((count + 1))
}
round 2 44 0
round 2 80 8192
round 3 44 61440
round 3 76 655360
round 4 44 $((0x0800F000))
round 4 120 $((0x08020000))
round 4 521 $((0x9000F123))
grep -q '^:02000002' made.hex && fail "made.hex has no linear addresses"
srec_cat plain.bin -binary -offset 61440 -o made.hex -intel -address-length=3
grep -q '^:02000002' made.hex || fail "no segment records were tried"

if [ -d "$corpus/files" ]; then
	for hex in "$corpus"/files/*.hex; do
		"$dump" ranges "$hex" ranges
		start=$((0x$(head -n 1 ranges | cut -d' ' -f1)))
		end=$((0x$(tail -n 1 ranges | cut -d' ' -f2)))
		srec_cat "$hex" -intel -offset "-$start" -fill 0 0 $((end - start)) -o srecord.bin -binary
		"$dump" binary "$hex" ours.bin
		same srecord.bin ours.bin "$hex"
		count=$((count + 1))
	done
else
	echo "no corpus of real firmware beside the source tree: own files only"
fi
echo "$count hex files are read as srec_cat reads them"
