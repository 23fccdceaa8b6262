#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# MCUboot's own imgtool in both directions. What it makes, in every scheme that it offers: info says
# what went in, verify believes it with the right key and no other, convert gives the program back.
# What we make: the same bytes wherever no random number is in them, and imgtool verifies the rest.
. "$(dirname "$0")/lib.sh"
need imgtool

awk 'BEGIN { srand(7); for (i = 0; i < 9000; i++) printf "%c", 1 + int(rand() * 126) }' >plain.bin
for type in ed25519 ecdsa-p256 ecdsa-p384 rsa-2048 rsa-3072 x25519; do
	imgtool keygen -k $type.pem -t $type >log 2>&1 || fail "imgtool keygen $type: $(cat log)"
done

count=0
# check HASH TEXT [OPTION...]: what info must say of the image that imgtool makes with the options
check() {
	hash=$1 text=$2
	shift 2
	imgtool sign -v 1.2.3+4 -H 0x200 --pad-header -S 0x10000 --align 8 "$@" plain.bin made.img \
		>log 2>&1 || fail "imgtool sign $*: $(cat log)"
	"$stmota" info made.img >out 2>&1 || fail "info of imgtool $*: $(cat out)"
	for line in '^version  *1\.2\.3+4$' '^header size  *512 bytes' "^hash  *$hash" "$text"; do
		grep -q "$line" out || fail "imgtool $*: no '$line' in: $(cat out)"
	done
	count=$((count + 1))
}
check matches ED25519 -k ed25519.pem
check matches ECDSA_SIG -k ecdsa-p256.pem
check matches SHA384 -k ecdsa-p384.pem
check matches RSA2048_PSS -k rsa-2048.pem
check matches RSA3072_PSS -k rsa-3072.pem
check matches SHA512 --sha 512
check matches SIG_PURE -k ed25519.pem --pure
check matches '^security counter  *7$' -k ed25519.pem -s 7
check matches '1  *2\.3\.4+5$' -k ed25519.pem -d '(1, 2.3.4+5)'
check matches '^trailer  *yes$' -k ed25519.pem --pad --confirm
check matches '^trailer  *yes$' -k ed25519.pem --pad --max-align 32
check matches '^load address  *0x20000000$' -k ed25519.pem --load-addr 0x20000000
check matches 'compressed-lzma2' -k ed25519.pem --compression lzma2
check 'not checked' ENC_X25519 -k ed25519.pem -E x25519.pem

# One bit in the body.
imgtool sign -v 1.2.3 -H 0x200 --pad-header -S 0x10000 -k ed25519.pem plain.bin made.img >log 2>&1
{ head -c 1000 made.img; printf '\200'; tail -c +1002 made.img; } >changed.img
"$stmota" info changed.img >out 2>&1 && fail "a changed image passes"
grep -q 'does not match the hash' out || fail "not said: $(cat out)"
echo "$count images of imgtool are described as they were made"

# ---- every row of the list, both ways ----

export XDG_CONFIG_HOME="$tmp/config"
vectors=$root/tests/vectors/mcuboot
cp "$vectors"/*.pem "$vectors/program.bin" .
openssl genpkey -algorithm ed25519 -out other.pem
openssl pkey -in other.pem -pubout -out other.pub.pem
# believed FILE KEY DEVICE: with the right key, with no other, and the program comes out again
believed() {
	file=$1 key=$2 device=$3
	[ "$device" = - ] && decrypt='' || decrypt="--decrypt-key $device.pem"
	# shellcheck disable=SC2086 # two words
	if [ "$key" != - ]; then
		"$stmota" verify "$file" --trust "$key.pub.pem" $decrypt >out 2>&1 ||
			fail "verify $file: $(cat out)"
		"$stmota" verify "$file" --trust other.pub.pem $decrypt >out 2>&1 &&
			fail "verify $file believes a key that did not sign"
	fi
	# shellcheck disable=SC2086
	"$stmota" convert "$file" --payload --to bin --out back.bin $decrypt >out 2>&1 ||
		fail "convert $file: $(cat out)"
	cmp -n 1000 back.bin program.bin || fail "$file: another program comes out"
}

n_same=0 verified=0 read=0
grep -v '^#' "$vectors/list" >rows
while IFS='|' read -r name kind key device ours theirs; do
	[ "$key" = - ] || theirs="$theirs -k $key.pem" ours="$ours --key $key.pem"
	[ "$device" = - ] || theirs="$theirs -E $device.pub.pem" ours="$ours --encrypt $device.pub.pem"
	# shellcheck disable=SC2086 # words
	imgtool sign -v 1.2.3+4 -H 128 --pad-header -S 4096 -M 4 --align 8 $theirs program.bin \
		theirs.img >log 2>&1 || fail "$name: imgtool sign $theirs: $(cat log)"
	believed theirs.img "$key" "$device"
	read=$((read + 1))
	[ "$kind" != imgtool ] || continue
	# shellcheck disable=SC2086
	"$stmota" convert program.bin --to mcuboot --version 1.2.3+4 --header-size 128 --pad-header \
		--slot-size 4096 --max-sectors 4 --align 8 $ours --out ours.img >log 2>&1 ||
		fail "$name: stmota convert $ours: $(cat log)"
	believed ours.img "$key" "$device"
	if [ "$kind" = same ]; then
		same theirs.img ours.img "$name: not the bytes that imgtool makes"
		n_same=$((n_same + 1))
	fi
	# imgtool has no key to decrypt with: its verify compares the hash with the encrypted body.
	if [ "$key" != - ] && { [ "$device" = - ] || [ "$name" = clear ]; }; then
		imgtool verify -k "$key.pub.pem" ours.img >log 2>&1 ||
			fail "$name: imgtool verify: $(cat log)"
		verified=$((verified + 1))
	else
		imgtool dumpinfo ours.img >log 2>&1 || fail "$name: imgtool dumpinfo: $(cat log)"
	fi
done <rows
echo "$read images of imgtool are believed, $n_same of ours are the same bytes, it verifies $verified"
