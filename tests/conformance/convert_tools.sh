#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What `stmota convert` writes as Intel HEX, S-record and raw binary, srec_cat and GNU objcopy read
# as the same bytes at the same addresses.
. "$(dirname "$0")/lib.sh"
need srec_cat arm-none-eabi-objcopy

convert() {
	"$stmota" convert "$@" >log 2>&1 || fail "convert $*: $(cat log)"
}

# An image with odd borders, a hole, and an entry, in the hand of srec_cat.
awk 'BEGIN { srand(7); for (i = 0; i < 81920; i++) printf "%c", 1 + int(rand() * 126) }' >plain.bin
count=0
# both FILE: the two texts that we make of it, by both programs
both() {
	convert "$1" --to hex --out ours.hex
	convert "$1" --to srec --out ours.srec
	convert "$1" --to bin --out ours.bin
	srec_cat ours.hex -intel -o from_hex -motorola -address-length=4 || fail "srec_cat on $1 as hex"
	srec_cat ours.srec -motorola -o from_srec -motorola -address-length=4 ||
		fail "srec_cat on $1 as srec"
	# Its own header for a file that has none.
	sed -i 1d from_hex
	sed -i 1d from_srec
	same from_hex from_srec "$1: srec_cat reads hex and srec differently"
	arm-none-eabi-objcopy -I ihex -O binary --gap-fill 0xff ours.hex from_hex.bin
	arm-none-eabi-objcopy -I srec -O binary --gap-fill 0xff ours.srec from_srec.bin
	same from_hex.bin ours.bin "$1: objcopy reads the hex file differently"
	same from_srec.bin ours.bin "$1: objcopy reads the srec file differently"
	count=$((count + 1))
}
for offset in 0 $((0xF123)) $((0x00FF0001)) $((0x08000000)) $((0x9000FFFF)); do
	srec_cat plain.bin -binary -offset "$offset" -exclude $((offset + 5000)) $((offset + 5077)) \
		-execution-start-address $((offset + 1)) -o made.srec -motorola -address-length=4
	both made.srec
	# Addresses, hole and entry: srec_cat writes its own file again from ours.
	srec_cat ours.srec -motorola -o again.srec -motorola -address-length=4
	sed 1d made.srec >made
	sed 1d again.srec >again
	same made again "at $offset: something moved"
done

if [ -d "$corpus/files" ]; then
	for file in "$corpus"/files/*.elf "$corpus"/files/*.hex; do
		both "$file"
	done
else
	echo "no corpus of real firmware beside the source tree: own files only"
fi
echo "$count images are read by srec_cat and objcopy as they were written"
