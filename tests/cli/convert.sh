#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# convert.sh - stmota convert: every format there and back, refusals, and each of them flashed
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

dev=uart:$tmp/board
program app.bin 5003 1

# Without an address, without a format, without a place.
expect 2 stmota convert app.bin --to hex --out app.hex
says 'does not say where it belongs'
expect 2 stmota convert app.bin --out app.hex
says '--to FORMAT is missing'
expect 2 stmota convert app.bin --to hex
says '--out OUT is missing'
expect 2 stmota convert app.bin --to tar --out app.tar
expect 2 stmota convert app.bin --address 0x08000000 --to hex --family STM32F1 --out app.hex
says '--family is for --to uf2'
expect 2 stmota convert app.bin --address 0x08000000 --to hex --out - --json

# There and back.
for format in hex srec dfu; do
	expect 0 stmota convert app.bin --address 0x08000000 --to $format --out "app.$format" --json
	json 'r["address"] == "0x08000000" and r["segments"] == 1 and r["image_size"] == 5003'
	expect 0 stmota convert "app.$format" --to bin --out back.bin
	same app.bin back.bin
	# The same input gives the same bytes, also on standard output.
	expect 0 stmota convert app.bin --address 0x08000000 --to $format --out -
	same "app.$format" out
done

# UF2 is for a family.
expect 2 stmota convert app.hex --to uf2 --out app.uf2
says 'give --chip PID or --family NAME'
expect 0 stmota convert app.hex --to uf2 --chip STM32F103C8 --out app.uf2
expect 0 stmota info app.uf2
prints '0x5EE21072  STM32F1'
expect 0 stmota convert app.uf2 --to bin --out back.bin
same app.bin back.bin
expect 0 stmota convert app.hex --to uf2 --family stm32f407vg --out f407.uf2
expect 0 stmota info f407.uf2
prints '0x8FB060FE  STM32F407VG'
expect 1 stmota convert app.hex --to uf2 --chip 0x443 --out c0.uf2
says 'the UF2 family of STM32C0 is not confirmed'
expect 2 stmota convert app.hex --to uf2 --family STM32X9 --out x.uf2

# Holes: kept, filled with what the chip has erased, refused beyond the limit.
printf 'S30708000000AAAA9C\nS30708000008BBBB72\nS70500000000FA\n' >holes.s37
expect 0 stmota convert holes.s37 --to dfu --out holes.dfu
expect 0 stmota convert holes.dfu --to hex --out holes.hex
expect 0 stmota info holes.hex --json
json '[s["address"] for s in r["segments"]] == ["0x08000000", "0x08000008"]'
expect 0 stmota convert holes.hex --to bin --out holes.bin --json
json 'r["filled"] == 6 and r["size"] == 10'
printf '\252\252\377\377\377\377\377\377\273\273' >wanted
same wanted holes.bin
expect 0 stmota convert holes.hex --to bin --chip STM32L072 --out holes.bin
printf '\252\252\0\0\0\0\0\0\273\273' >wanted
same wanted holes.bin
printf 'S30708000000AAAA9C\nS30790000008BBBBEA\nS70500000000FA\n' >far.s37
rm -f far.bin
expect 6 stmota convert far.s37 --to bin --out far.bin
says 'bytes of filling'
[ ! -e far.bin ] || fail "a refused conversion left a file"

# Nothing to convert.
printf '\075\270\363\226............................' >app.img
expect 1 stmota convert app.img --to bin --out x.bin
says 'app.img: the header says that the body ends at'
head -c 300 app.dfu >cut.dfu
expect 1 stmota convert cut.dfu --to bin --out x.bin
says 'no DFU suffix'

# Each reaches a board by itself, and holds the same program.
board --chip 0x410
for file in app.srec app.dfu app.uf2 app.hex; do
	expect 0 stmota erase --device "$dev" --all --yes
	expect 0 stmota flash --device "$dev" "$file"
	expect 0 stmota read --device "$dev" --range 0x08000000:5003 --out back.bin
	same app.bin back.bin
done
expect 2 stmota flash --device "$dev" --address 0x08000000 app.dfu
says 'the file carries its own'
