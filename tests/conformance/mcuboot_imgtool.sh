#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Images that MCUboot's own imgtool makes, in every scheme that it offers: info says what went in,
# and checks the hash wherever it can be checked.
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
