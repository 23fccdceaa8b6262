#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The receiver on the host and as Thumb code: vectors that reach their payload (chained, encrypted with
# a product key and to a device, damaged behind good signatures), and deltas of our own programs.
. "$(dirname "$0")/lib.sh"
need openssl

vectors=$root/image_format/vectors
openssl pkey -in "$vectors/device.pem" -pubout -out device.pub
"$stmota" -q keygen --out own.pem --public own.pub
{
	keys_h ed="$vectors/ed25519.pem" ec="$vectors/p256.pem" lamp=device.pub own=own.pub
	array product_128 "$vectors/product-128.key"
	hex_array product_256 "$vectors/product-256.key"
	private_array lamp_private "$vectors/device.pem"
} >keys.h

# What a device does with each, from what vectors.txt says of the header, then of the payload. Of those
# that never get to a payload a few are enough here; device_vectors has them all.
mkdir set
awk '!/^#/ && ($2 == "ok" || $2 == "digest" || $1 ~ /^(cut-|wraps-|chain-|sig-|other-)/) {
	word = $2
	if (word == "ok" && $3 == "key") word = "key"
	if (word == "ok" && $3 == "plain") word = "digest"
	print $1, word }' "$vectors/vectors.txt" >set/list.txt
while read -r name _; do
	cp "$vectors/$name.sota" set/
done <set/list.txt

# Deltas: the new image comes out; another base is refused before anything is erased.
for v in 1.0.0 1.1.0; do
	arm-none-eabi-objcopy -O binary "$root/examples/blinky/blinky-$v.elf" "$v.bin"
	# What the firmware says of itself is another product's.
	sed 's/imfinfo/xxxxxxx/' "$v.bin" >"blinky-$v.bin"
done
"$stmota" -q pack blinky-1.1.0.bin --address 0x08000000 --product acme.com/streetlight --version 1.3.0 \
	--counter 5 --key own.pem --out set/whole.sota
cp blinky-1.1.0.bin set/whole.0
echo 'whole ok' >>set/list.txt
"$stmota" -q pack blinky-1.1.0.bin --compress --address 0x08000000 --product acme.com/streetlight \
	--version 1.3.0 --counter 5 --key own.pem --out set/compressed.sota
"$stmota" info set/compressed.sota | grep -q 'compressed' || fail 'not compressed'
cp blinky-1.1.0.bin set/compressed.0
echo 'compressed ok' >>set/list.txt
for kib in 4 16; do
	"$stmota" -q diff blinky-1.0.0.bin set/whole.sota --address 0x08000000 --ram $kib --key own.pem \
		--out set/delta-$kib.sota
	cp blinky-1.0.0.bin set/delta-$kib.base
	cp blinky-1.1.0.bin set/delta-$kib.0
	echo "delta-$kib ok" >>set/list.txt
done
cp set/delta-4.sota set/other-base.sota
cp blinky-1.1.0.bin set/other-base.base
echo 'other-base base' >>set/list.txt
# What overwrites its own base needs a journal, which the receiver has not.
"$stmota" -q diff blinky-1.0.0.bin set/whole.sota --address 0x08000000 --in-place --erase-unit 1024 \
	--key own.pem --out set/in-place.sota
cp blinky-1.0.0.bin set/in-place.base
echo 'in-place encoding' >>set/list.txt

# The M3 runs the code for M0+.
for core in host cortex-m0plus cortex-m4; do
	build "$core" receive receive.c device.c dev_crypto.c
	run "$core" "receive-$core.elf" set
done
