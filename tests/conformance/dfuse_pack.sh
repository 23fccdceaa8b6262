#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# DfuSe files: dfuse-pack of dfu-util takes ours apart, and we read what it puts together.
. "$(dirname "$0")/lib.sh"
need dfuse-pack dfu-suffix python3

awk 'BEGIN { srand(7); for (i = 0; i < 9000; i++) printf "%c", 1 + int(rand() * 126) }' >a.bin
head -c 1234 a.bin >b.bin

# theirs, two elements
dfuse-pack -b 0x08000000:a.bin -b 0x08010000:b.bin theirs.dfu >log 2>&1 ||
	fail "dfuse-pack: $(cat log)"
"$dump" ranges theirs.dfu ranges
printf '08000000 08002328\n08010000 080104D2\n' >wanted
same wanted ranges "the segments of a file of dfuse-pack"
"$stmota" convert theirs.dfu --to srec --out theirs.srec >log || fail "$(cat log)"

# ours, from the same bytes
"$stmota" convert theirs.srec --to dfu --out ours.dfu >log || fail "$(cat log)"
dfu-suffix -c ours.dfu >log 2>&1 || fail "dfu-suffix: $(cat log)"
grep -q 'Vendor ID:.*0x0483' log || fail "no vendor in: $(cat log)"
grep -q 'BCD DFU:.*0x011A' log || fail "not DfuSe: $(cat log)"
dfuse-pack -d ours.dfu >log 2>&1 || fail "dfuse-pack -d: $(cat log)"
grep -qi 'error\|corrupt\|mismatch\|CRC' log && fail "dfuse-pack -d: $(cat log)"
same a.bin ours.dfu.target0.image0.bin "the first element"
same b.bin ours.dfu.target0.image1.bin "the second element"
grep -q '0x08010000' log || fail "the address of the second element: $(cat log)"

if [ -d "$corpus/files" ]; then
	for file in "$corpus"/files/*.dfu; do
		cp "$file" real.dfu
		dfuse-pack -d real.dfu >log 2>&1 || fail "dfuse-pack -d $file: $(cat log)"
		"$dump" binary "$file" ours.bin
		same real.dfu.target0.image0.bin ours.bin "$file"
	done
else
	echo "no corpus of real firmware beside the source tree: own files only"
fi
