#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compressed components: smaller in the package, the same everywhere else; a damaged one makes
# nothing.
. "$(dirname "$0")/lib.sh"
app=$root/examples/blinky/blinky-1.1.0.elf

stmota keygen --out key.pem --public key.pub >/dev/null
stmota -q pack "$app" --product example.com/blinky --key key.pem --out plain.sota >/dev/null
stmota -q pack "$root/examples/blinky/blinky-1.0.0.elf" --product example.com/blinky --compress \
	--key key.pem --out old.sota >/dev/null
for ram in 4 8 16; do
	expect 0 stmota pack "$app" --product example.com/blinky --key key.pem --compress --ram $ram \
		--out packed.sota
	prints 'plain  '
	[ "$(wc -c <packed.sota)" -lt "$(wc -c <plain.sota)" ] || fail 'it is not smaller'
	expect 0 stmota info packed.sota
	prints "decoder ram  $((ram * 1024)) bytes"
	prints 'percent  '
	prints 'version          1.1.0'
	expect 0 stmota verify packed.sota --trust key.pub
	rm -rf folder plain
	expect 0 stmota unpack packed.sota --out folder
	prints 'same manifest    yes'
	grep -q "^compress = $ram\$" folder/release.ini || fail 'the description forgets the compression'
	expect 0 stmota unpack plain.sota --out plain
	same folder/component-0.bin plain/component-0.bin 'unpacked'
done

# ---- a description; what does not become smaller is stored as it is ----
head -c 3000 /dev/urandom >noise.bin
head -c 3000 /dev/zero >zero.bin
cat >release.ini <<-END
	[package]
	product = example.com/blinky
	version = 1.1.0
	[component app]
	file = $app
	compress = yes
	[component noise]
	kind = data
	file = noise.bin
	compress = 4
	[component zero]
	kind = data
	file = zero.bin
	compress = 16
	[component plain]
	kind = data
	file = zero.bin
	compress = no
END
expect 0 stmota pack --from release.ini --out several.sota
expect 0 stmota info several.sota --json
json "[c.get('compressed', {}).get('decoder_ram') for c in r['components']] == [8192, None, 16384, None]"
rm -rf folder
expect 0 stmota unpack several.sota --out folder
same folder/zero.bin zero.bin
same folder/noise.bin noise.bin

# ---- the vector, which another program can check its decoder with ----
rm -rf folder
expect 0 stmota unpack "$root/image_format/vectors/good-compressed.sota" --out folder
grep -q '^9 bottles .* 1 bottles of beer; take one down, pass it around. $' folder/component-0.bin ||
	fail 'the vector makes something else'

# ---- flashed: what a board gets are the plain bytes ----
board --chip 0x410
expect 0 stmota flash packed.sota --device uart:board --trust key.pub
expect 0 stmota flash plain.sota --device uart:board --trust key.pub --verify-only
expect 9 stmota flash old.sota --device uart:board --trust key.pub --verify-only
board_off

# ---- deltas from and to compressed packages ----
expect 0 stmota diff old.sota packed.sota --out patch.sota
expect 0 stmota patch old.sota patch.sota --out made.bin
same made.bin plain/component-0.bin

# ---- refused ----
expect 2 stmota pack "$app" --product example.com/blinky --ram 8 --out none.sota
says 'nothing is'
expect 2 stmota pack "$app" --product example.com/blinky --compress --ram 5 --out none.sota
sed 's/compress = yes/compress = very/' release.ini >bad.ini
expect 2 stmota pack --from bad.ini --out none.sota
says 'bad.ini:6: compress'
size=$(wc -c <packed.sota)
head -c $((size - 1)) packed.sota >cut.sota
expect 7 stmota unpack cut.sota --out none
[ ! -e none.sota ] || fail 'a refused command has written its file'
