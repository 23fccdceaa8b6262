#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# diff and patch: what comes out is the new image or nothing; a delta says what it needs, and
# whoever cannot use it is told so.
. "$(dirname "$0")/lib.sh"
old=$root/examples/blinky/blinky-1.0.0.elf
new=$root/examples/blinky/blinky-1.1.0.elf

stmota keygen --out key.pem --public key.pub >/dev/null
stmota keygen --out other.pem --public other.pub >/dev/null
stmota -q pack "$old" --product example.com/blinky --key key.pem --out old.sota >/dev/null
stmota -q pack "$new" --product example.com/blinky --key key.pem --out new.sota >/dev/null

# ---- packages: the delta is of the same product and version as the new one ----
expect 0 stmota diff old.sota new.sota --key key.pem --out patch.sota
prints 'decoder ram  8192'
expect 0 stmota verify patch.sota --trust key.pub
expect 0 stmota info patch.sota
prints 'version          1.1.0'
prints 'base sha256'
expect 0 stmota patch old.sota patch.sota --trust key.pub --out made.bin
tail -c "$(wc -c <made.bin)" new.sota >wanted.bin
same made.bin wanted.bin
[ "$(wc -c <patch.sota)" -lt "$(wc -c <new.sota)" ] || fail 'the delta is not smaller'

# ---- images: the same delta, whatever the form of the files ----
tail -c "$(wc -c <wanted.bin)" old.sota >old.bin
for ram in 4 8 16; do
	expect 0 stmota diff "$old" "$new" --ram $ram --out image.sota
	says 'no --product'
	expect 0 stmota patch "$old" image.sota --out made.bin
	same made.bin wanted.bin
done
expect 0 stmota patch old.sota image.sota --out made.bin
same made.bin wanted.bin
expect 0 stmota diff "$old" "$new" --stats --json --out image.sota
prints '"spent_on_misses"'
expect 0 stmota diff "$old" "$new" --key key.pem --out - >/dev/null

# ---- in place: for one slot; the same image, made by the device's decoder on a simulated flash ----
expect 0 stmota diff old.sota new.sota --in-place --chip 0x460 --key key.pem --stats --out place.sota
prints 'journal'
prints 'delta with two slots'
expect 0 stmota verify place.sota --trust key.pub
expect 0 stmota info place.sota --json
prints '"in_place": true'
expect 0 stmota patch old.sota place.sota --trust key.pub --out made.bin
same made.bin wanted.bin
for unit in 128 2K 16K 128K; do
	expect 0 stmota diff "$old" "$new" --in-place --erase-unit $unit --ram 4 --out place.sota
	expect 0 stmota patch "$old" place.sota --out made.bin
	same made.bin wanted.bin
done
expect 0 stmota diff old.sota new.sota --in-place --erase-unit 256 --journal 20K --json --out place.sota
expect 9 stmota patch "$new" place.sota --out none.bin
says 'not the image'
# The record in the firmware tells the chip; bytes of any kind do not.
expect 0 stmota diff old.sota new.sota --in-place --out place.sota
printf "no firmware" >raw.bin
expect 2 stmota diff raw.bin raw.bin --address 0x08000000 --in-place --out none.bin
says 'erase units'
expect 2 stmota diff old.sota new.sota --erase-unit 2K --out none.bin
says 'in-place'
expect 2 stmota diff old.sota new.sota --in-place --chip 0x460 --erase-unit 2K --out none.bin
expect 6 stmota diff old.sota new.sota --in-place --erase-unit 2K --journal 10K --out none.bin
says 'too small'

# ---- refused ----
expect 7 stmota patch old.sota patch.sota --trust other.pub --out none.bin
expect 9 stmota patch "$new" patch.sota --out none.bin
says 'not the image'
expect 2 stmota patch old.sota new.sota --out none.bin
says 'no delta'
expect 2 stmota patch old.sota patch.sota
expect 2 stmota diff old.sota new.sota
expect 2 stmota diff old.sota new.sota --ram 5 --out none.bin
expect 1 stmota diff patch.sota new.sota --out none.bin
says 'is a delta'
expect 7 stmota flash patch.sota --device uart:/dev/null --trust other.pub
size=$(wc -c <patch.sota)
head -c $((size - 1)) patch.sota >cut.sota
expect 7 stmota patch old.sota cut.sota --out none.bin
cp patch.sota flipped.sota
printf '\377' | dd of=flipped.sota bs=1 seek=$((size - 2)) conv=notrunc 2>/dev/null
expect 7 stmota patch old.sota flipped.sota --out none.bin
[ ! -e none.bin ] || fail 'a refused command has written its file'
