#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A release from end to end: three components, signed by a key that never leaves its token (SoftHSM 2),
# encrypted for one device and with a product key, built twice, unpacked by the host and received by the
# freestanding library as Thumb code.
. "$(dirname "$0")/lib.sh"
need openssl softhsm2-util pkcs11-tool
module=/usr/lib/softhsm/libsofthsm2.so
[ -e "$module" ] || skip "no $module"

mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$tmp" >softhsm2.conf
export SOFTHSM2_CONF="$tmp/softhsm2.conf"
softhsm2-util --init-token --free --label release --pin 123456 --so-pin 87654321 >/dev/null
pkcs11-tool --module "$module" --token-label release --login --pin 123456 --keypairgen \
	--key-type EC:edwards25519 --label lamp --id 01 >/dev/null 2>&1 || fail 'no key in the token'
echo 123456 >pin
"$stmota" -q key show 'pkcs11:token=release;object=lamp' --passphrase-file pin --public token.pub >/dev/null
"$stmota" -q keygen --type p256-device --out lamp-17.pem --public lamp-17.pub
"$stmota" -q keygen --type aes128 --out lamps.key
"$stmota" -q keygen --type aes256 --out other.key

# A program with a record of another product in it, settings, and data for another chip.
arm-none-eabi-objcopy -O binary "$root/examples/blinky/blinky-1.0.0.elf" app.bin
sed -i 's/imfinfo/xxxxxxx/' app.bin
head -c 1000 /dev/zero | tr '\0' s >settings.bin
head -c 3333 app.bin >radio.bin
cat >release.ini <<'INI'
[package]
product = acme.com/streetlight
version = 1.3.0
counter = 5
title = Street light

[component app]
kind = application
file = app.bin
address = 0x08000000

[component settings]
kind = configuration
file = settings.bin
address = 0x08010000

[component radio]
kind = data
file = radio.bin
INI

# release OUT OPTION...
# SoftHSM loses the name of the curve with each Edwards key that signs: that leak, and no other.
release() {
	out=$1
	shift
	ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}fast_unwind_on_malloc=0" \
		LSAN_OPTIONS="suppressions=$root/tests/support/softhsm.lsan:print_suppressions=0" \
		SOURCE_DATE_EPOCH=1700000000 "$stmota" -q pack --from release.ini --chain 1024 \
		--key 'pkcs11:token=release;object=lamp' --passphrase-file pin --out "$out" "$@"
}

mkdir set
for n in 1 2; do
	release "set/product-$n.sota" --encrypt-key lamps.key
	release "set/device-$n.sota" --encrypt-to lamp-17.pub
done
same set/product-1.sota set/product-2.sota 'with a product key the same release is another file'
if cmp -s set/device-1.sota set/device-2.sota; then
	fail 'the key of the content is not drawn anew'
fi
for name in product-1 product-2 device-1 device-2; do
	key=lamps.key
	[ "${name%-*}" = product ] || key=lamp-17.pem
	"$stmota" -q unpack "set/$name.sota" --trust token.pub --decrypt-key $key --out "$name"
	for file in app settings radio; do
		same "$name/$file.bin" $file.bin "$name: $file.bin is not what was packed"
	done
	# The plain bytes do not stand in the file.
	if grep -qF ssssssssssssssss "set/$name.sota"; then
		fail "$name: settings can be read"
	fi
	cp app.bin "set/$name.0"
	cp settings.bin "set/$name.1"
	cp radio.bin "set/$name.2"
	echo "$name ok" >>set/list.txt
done

# For somebody else's device, with another product key, and by another signer: refused in time.
"$stmota" -q keygen --type p256-device --out lamp-18.pem --public lamp-18.pub
release set/lamp-18.sota --encrypt-to lamp-18.pub
release set/other.sota --encrypt-key other.key
"$stmota" -q keygen --out stranger.pem
SOURCE_DATE_EPOCH=1700000000 "$stmota" -q pack --from release.ini --key stranger.pem --out set/stranger.sota
printf 'lamp-18 key\nother key\nstranger signature\n' >>set/list.txt

{
	# The places of the second and third trusted key, and of the second product key, are not used here.
	keys_h ed=token.pub ec="$root/image_format/vectors/p256.pem" own=token.pub lamp=lamp-17.pub
	hex_array product_128 lamps.key
	hex_array product_256 lamps.key
	private_array lamp_private lamp-17.pem
} >keys.h
for core in host cortex-m0plus cortex-m4; do
	build "$core" receive receive.c device.c dev_crypto.c
	run "$core" "receive-$core.elf" set
done
