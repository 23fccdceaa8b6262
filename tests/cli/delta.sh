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

# ---- encrypted and in chunks, in both modes: with the product key, and for one device ----
expect 0 stmota keygen --type aes128 --out lamp.key
expect 0 stmota keygen --type aes128 --out other.key
expect 0 stmota keygen --type p256-device --out one.pem --public one.pub.pem
for how in '--encrypt-key lamp.key' '--encrypt-to one.pub.pem --cipher aes256' \
	'--encrypt-key lamp.key --chain 1024 --in-place --chip 0x460'; do
	# shellcheck disable=SC2086 # its words
	expect 0 stmota diff old.sota new.sota --key key.pem $how --out sealed.sota --json
	prints '"encrypted": true'
	secret=lamp.key
	[ "${how#*--encrypt-to}" = "$how" ] || secret=one.pem
	expect 0 stmota verify sealed.sota --trust key.pub --decrypt-key $secret
	rm -f made.bin
	expect 0 stmota patch old.sota sealed.sota --trust key.pub --decrypt-key $secret --out made.bin
	same made.bin wanted.bin
	expect 7 stmota patch old.sota sealed.sota --decrypt-key other.key --out none.bin
	expect 7 stmota patch old.sota sealed.sota --out none.bin
	says 'decrypt-key'
done
expect 0 stmota info sealed.sota --json
json 'r["components"][0]["chain"]["chunk_size"] == 1024 and "encryption" in r["components"][0]'
expect 0 stmota diff old.sota new.sota --chain 2048 --key key.pem --out chained.sota
expect 0 stmota patch old.sota chained.sota --out made.bin
same made.bin wanted.bin
expect 2 stmota diff old.sota new.sota --cipher aes256 --out none.bin
# What was encrypted for the device is no base, and no new image either: the host cannot read it.
expect 0 stmota -q pack "$new" --product example.com/blinky --key key.pem --encrypt-key lamp.key --out hidden.sota
expect 7 stmota diff old.sota hidden.sota --out none.bin

# ---- refused ----
expect 0 stmota -q pack "$new" --component data=configuration:key.pub@0x08010000 --product example.com/blinky --key key.pem --out two.sota
expect 1 stmota diff old.sota two.sota --out none.bin
says 'several components'
says 'stmota unpack'
python3 -c 'open("holes.hex", "w").write(":0400000001020304F2\n:0401000001020304F1\n:00000001FF\n")'
expect 1 stmota diff holes.hex holes.hex --out none.bin
says 'has holes'
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
