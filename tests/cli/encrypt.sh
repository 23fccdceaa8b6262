#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Encrypted and chained packages: made twice they are the same, the openssl program decrypts them,
# only the right key opens them, and a board gets plain bytes.
. "$(dirname "$0")/lib.sh"
blinky=$root/examples/blinky/blinky-1.0.0.elf
product=example.com/blinky

expect 0 stmota keygen --out k.pem --public pub.pem
expect 0 stmota keygen --type aes128 --out lamp.key
expect 0 stmota keygen --type aes256 --out lamp256.key
expect 0 stmota keygen --type p256-device --out one.pem --public one.pub.pem
expect 0 stmota keygen --type p256-device --out two.pem --public two.pub.pem
[ "$(wc -c <lamp.key)" -eq 33 ] || fail "size of the AES-128 key"
[ "$(wc -c <lamp256.key)" -eq 65 ] || fail "size of the AES-256 key"
[ -z "$(find lamp.key -perm /077)" ] || fail "others may read the product key"
expect 2 stmota keygen --type aes128 --out lamp.key
says 'exists already'
expect 2 stmota keygen --type aes128 --out x.key --public x.pub
says 'no pair'

pack() {
	to=$1
	shift
	expect 0 stmota pack "$blinky" --product "$product" --key k.pem --out "$to" "$@"
}

# ---- a product key: the same file again ----

pack plain.sota
pack a.sota --encrypt-key lamp.key --chain 1024
pack b.sota --encrypt-key lamp.key --chain 1024
same a.sota b.sota
expect 0 stmota verify a.sota --trust pub.pem
prints 'encrypted'
expect 0 stmota verify a.sota --trust pub.pem --decrypt-key lamp.key
expect 0 stmota info a.sota --json
json "r['components'][0]['encryption'] == {'cipher': 'aes128-ctr', 'key': 'product'}"
json "r['components'][0]['chain']['chunk_size'] == 1024"
json "'plain_sha256' not in r['components'][0] and 'vectors' not in r['components'][0]"

# What the openssl program makes of it with the key of SPEC.md, section 12.
pack c.sota --encrypt-key lamp256.key
cat >derive.py <<'PY'
import hashlib, subprocess, sys
data = open(sys.argv[1], 'rb').read()
root = open(sys.argv[2]).read().strip()
size = int.from_bytes(data[12:16], 'little')
at = 128 + 96
while int.from_bytes(data[at:at + 2], 'little') != 0x8004:
    at += 4 + (int.from_bytes(data[at + 2:at + 4], 'little') + 3 & ~3)
tlv = data[at + 4:at + 40]
info = b'stmota-encrypt-v1\0' + data[40:56] + data[24:32] + tlv[:4]
out = subprocess.run(['openssl', 'kdf', '-keylen', '64', '-binary', '-kdfopt', 'digest:SHA256', '-kdfopt',
                      'hexkey:' + root, '-kdfopt', 'hexsalt:' + tlv[4:20].hex(), '-kdfopt',
                      'hexinfo:' + info.hex(), 'HKDF'], check=True, capture_output=True).stdout
assert out[32:48] == tlv[20:36], 'key check'
area = int.from_bytes(data[size:size + 4], 'little')
open('payload', 'wb').write(data[size + 8 + area:])
print(out[:len(root) // 2].hex())
PY
key=$(python3 derive.py c.sota lamp256.key) || fail "openssl kdf gives another key"
openssl enc -d -aes-256-ctr -K "$key" -iv 00000000000000000000000000000000 -in payload -out payload.bin
expect 0 stmota unpack plain.sota --out plain
same plain/component-0.bin payload.bin

# ---- keys that open it, and those that do not ----

refuse() {
	status=$1
	text=$2
	shift 2
	expect "$status" "$@"
	says "$text"
}

expect 0 stmota unpack a.sota --decrypt-key lamp.key --out opened
same opened/component-0.bin plain/component-0.bin
says_not 'not make the same manifest'
refuse 7 'encrypted with a product key' stmota unpack a.sota --out x
says 'decrypt-key'
refuse 7 'not the key' stmota unpack a.sota --decrypt-key lamp256.key --out x
expect 0 stmota keygen --type aes128 --out other.key
refuse 7 'not the key' stmota unpack a.sota --decrypt-key other.key --out x
refuse 7 'another kind of key' stmota unpack a.sota --decrypt-key one.pem --out x
refuse 7 'no product key' stmota unpack a.sota --decrypt-key plain.sota --out x
refuse 7 'private' stmota unpack a.sota --decrypt-key one.pub.pem --out x
refuse 2 'nothing is encrypted' stmota verify plain.sota --trust pub.pem --decrypt-key lamp.key
[ ! -e x ] || fail "a folder in spite of the refusal"

# ---- device keys: different files, the same content ----

pack d.sota --encrypt-to one.pub.pem --encrypt-to two.pub.pem --cipher aes256 --chain 4096
pack e.sota --encrypt-to one.pub.pem --encrypt-to two.pub.pem --cipher aes256 --chain 4096
! cmp -s d.sota e.sota || fail "a random key gives the same bytes"
expect 0 stmota unpack d.sota --decrypt-key one.pem --out d
says_not 'not make the same manifest'
expect 0 stmota unpack e.sota --decrypt-key two.pem --out e
diff -r d e || fail "another content"
same d/component-0.bin plain/component-0.bin
expect 0 stmota info d.sota --json
json "len(r['device_keys']) == 2"

# For a third device, by the second, without the signer.
expect 0 stmota keygen --type p256-device --out three.pem --public three.pub.pem
refuse 7 'not encrypted for this device' stmota unpack d.sota --decrypt-key three.pem --out x
expect 0 stmota rewrap d.sota --device-key two.pem --encrypt-to three.pub.pem --trust pub.pem --out f.sota
expect 0 stmota verify f.sota --trust pub.pem --decrypt-key three.pem
refuse 7 'not encrypted for this device' stmota verify f.sota --trust pub.pem --decrypt-key two.pem
# A device key with a passphrase, which --passphrase-file names for packages as for images.
openssl pkcs8 -topk8 -in three.pem -out three-locked.pem -passout pass:secret
echo secret >pass
echo other >wrong
expect 0 stmota verify f.sota --trust pub.pem --decrypt-key three-locked.pem --passphrase-file pass
refuse 7 'passphrase of three-locked.pem is wrong' stmota verify f.sota --trust pub.pem \
	--decrypt-key three-locked.pem --passphrase-file wrong
refuse 7 'passphrase' stmota verify f.sota --trust pub.pem --decrypt-key three-locked.pem
refuse 7 'not encrypted for this device' stmota rewrap f.sota --device-key two.pem \
	--encrypt-to one.pub.pem --out x.sota
refuse 2 'not encrypted for device keys' stmota rewrap plain.sota --device-key two.pem \
	--encrypt-to one.pub.pem --out x.sota
refuse 7 'cannot be a device' stmota rewrap d.sota --device-key two.pem --encrypt-to pub.pem --out x.sota

# ---- what makes no sense ----

refuse 2 'one of them' stmota pack "$blinky" --product "$product" --encrypt-key lamp.key \
	--encrypt-to one.pub.pem --out x.sota
refuse 2 'cipher is for' stmota pack "$blinky" --product "$product" --encrypt-key lamp.key \
	--cipher aes128 --out x.sota
refuse 2 'named twice' stmota pack "$blinky" --product "$product" --encrypt-to one.pub.pem \
	--encrypt-to one.pub.pem --out x.sota
refuse 7 'PEM file' stmota pack "$blinky" --product "$product" --encrypt-key one.pub.pem --out x.sota
[ ! -e x.sota ] || fail "a package in spite of the refusal"

# ---- a description: each component for itself ----

head -c 3000 /dev/zero | tr '\0' 's' >settings.bin
cat >release.ini <<INI
[package]
product = $product
[component app]
file = $blinky
chain = 2048
[component settings]
kind = configuration
file = settings.bin
address = 0x0800F000
encrypt = no
INI
expect 0 stmota pack --from release.ini --encrypt-key lamp.key --out g.sota
expect 0 stmota info g.sota --json
json "'encryption' in r['components'][0] and 'encryption' not in r['components'][1]"
grep -q ssssssss g.sota || fail "settings are not plain"
expect 0 stmota unpack g.sota --decrypt-key lamp.key --out g
says_not 'not make the same manifest'
same g/settings.bin settings.bin
sed -i 's/encrypt = no/encrypt = yes/' release.ini
refuse 2 'there is no key' stmota pack --from release.ini --out x.sota
sed -i 's/encrypt = yes/encrypt = maybe/' release.ini
refuse 2 'neither yes nor no' stmota pack --from release.ini --out x.sota

# ---- a board with a bootloader in ROM gets plain bytes ----

board
refuse 7 'encrypted with a product key' stmota flash --device uart:board a.sota --trust pub.pem
expect 0 stmota flash --device uart:board a.sota --trust pub.pem --decrypt-key lamp.key
expect 0 stmota read --device uart:board --range "0x08000000:$(wc -c <payload.bin)" --out found.bin
same payload.bin found.bin
