#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sfb.sh - images for ST's SBSFU: the stored ones, which a script without our code made, and our own,
# which openssl checks
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

cp "$root"/tests/vectors/sfb/* .
expect 0 stmota keygen --type p256 --out other.pem --public other.pub.pem
head -c 16 /dev/zero >other.key

# What others made.
expect 0 stmota info ecdsa.sfb --json
json 'r["scheme"] == "ecdsa" and r["version"] == 3 and r["image"] == 1 and r["state"] == "new"'
json 'r["header_size"] == 512 and r["program_size"] == 1024 and r["tag_check"] == "matches"'
expect 0 stmota info ecdsa-valid.sfb
prints 'state            valid'
expect 0 stmota info ecdsa-aes-cbc.sfb --json
json 'r["scheme"] == "ecdsa-aes-cbc" and r["version"] == 700 and r["image"] == 2'
json 'r["iv"] == bytes(range(16)).hex() and r["header_size"] == 1024'
expect 0 stmota info aes-gcm.sfb --json
json 'r["scheme"] == "aes-gcm" and r["version"] == 65535 and r["nonce"] == bytes(range(0x60, 0x6c)).hex()'
expect 0 stmota info partial.sfb --json
json 'r["partial_offset"] == "0x00000100" and r["partial_size"] == 256 and "not confirmed" in r["tag_check"]'

expect 0 stmota verify ecdsa.sfb --trust p256.pub.pem
expect 0 stmota verify ecdsa-aes-cbc.sfb --trust p256.pub.pem --decrypt-key aes.key --json
json 'r["signed_by"][0]["counts"]'
expect 0 stmota verify aes-gcm.sfb --decrypt-key aes.key
prints 'made with this AES key, by whoever has it'
expect 7 stmota verify ecdsa.sfb --trust other.pub.pem
expect 7 stmota verify ecdsa-aes-cbc.sfb --trust other.pub.pem --decrypt-key aes.key
expect 7 stmota verify ecdsa-aes-cbc.sfb --trust p256.pub.pem
says 'without the key nothing of its program can be checked'
expect 7 stmota verify ecdsa-aes-cbc.sfb --trust p256.pub.pem --decrypt-key other.key
says 'does not match its tag'
expect 7 stmota verify aes-gcm.sfb
expect 7 stmota verify aes-gcm.sfb --decrypt-key other.key
says 'was not made with this key'
expect 7 stmota verify aes-gcm.sfb --decrypt-key p256.pem
says 'an AES key of SBSFU has 16'
expect 1 stmota verify partial.sfb --trust p256.pub.pem
says 'not confirmed'
for name in ecdsa ecdsa-aes-cbc aes-gcm; do
	[ $name = ecdsa ] && decrypt='' || decrypt='--decrypt-key aes.key'
	# shellcheck disable=SC2086 # two words
	expect 0 stmota convert $name.sfb --payload --to bin --out back.bin $decrypt
	same program.bin back.bin
done
expect 7 stmota convert aes-gcm.sfb --payload --to bin --out x.bin
expect 2 stmota convert ecdsa.sfb --payload --to hex --out x.hex
says 'does not say where its program belongs'
expect 0 stmota convert ecdsa.sfb --payload --to hex --address 0x08010200 --out x.hex
expect 1 stmota convert ecdsa.sfb --to bin --out x.bin --address 0
says 'reading an image from the format ST SBSFU is not built'

# What we make: the same layout, and openssl believes it. (raw r and s become DER for it)
cat >checks.py <<'PY'
import sys
d = open(sys.argv[1], "rb").read()
def integer(b):
    b = b.lstrip(b"\0")
    b = b"\0" + b if b[0] > 127 else b
    return bytes([2, len(b)]) + b
s = integer(d[128:160]) + integer(d[160:192])
open("sig.der", "wb").write(bytes([0x30, len(s)]) + s)
open("signed", "wb").write(d[:128])
open("body", "wb").write(d[int(sys.argv[2]):])
open("iv", "w").write(d[84:100].hex())
assert d[192:288] == b"\xff" * 96 and d[288:320] == bytes(32)
assert d[320:int(sys.argv[2])] == b"\xff" * (int(sys.argv[2]) - 320)
PY
expect 0 stmota convert program.bin --to sfb --scheme ecdsa --version 9 --header-size 2048 --image 3 \
	--key p256.pem --out mine.sfb --json
json 'r["scheme"] == "ecdsa" and r["image"] == 3 and r["size"] == 2048 + 1024 and not r["encrypted"]'
python3 checks.py mine.sfb 2048
expect 0 openssl dgst -sha256 -verify p256.pub.pem -signature sig.der signed
same body program.bin
expect 0 stmota verify mine.sfb --trust p256.pub.pem

head -c 1001 program.bin >odd.bin
expect 0 stmota convert odd.bin --to sfb --scheme ecdsa-aes-cbc --version 0x10 --header-size 512 \
	--key p256.pem --aes-key aes.key --out mine.sfb --json
json 'r["version"] == 16 and r["encrypted"] and r["body_size"] == 1008'
python3 checks.py mine.sfb 512
expect 0 openssl dgst -sha256 -verify p256.pub.pem -signature sig.der signed
openssl enc -d -aes-128-cbc -nopad -K "$(od -An -tx1 aes.key | tr -d ' \n')" -iv "$(cat iv)" \
	-in body -out plain
cmp -n 1001 odd.bin plain || fail "openssl decrypts another program"
expect 0 stmota verify mine.sfb --trust p256.pub.pem --decrypt-key aes.key

expect 0 stmota convert odd.bin --to sfb --scheme aes-gcm --version 1 --header-size 4096 \
	--aes-key aes.key --out mine.sfb
expect 0 stmota verify mine.sfb --decrypt-key aes.key
expect 0 stmota convert mine.sfb --payload --decrypt-key aes.key --to bin --out back.bin
same odd.bin back.bin
# No nonce twice.
expect 0 stmota convert odd.bin --to sfb --scheme aes-gcm --version 1 --header-size 4096 \
	--aes-key aes.key --out mine2.sfb
cmp -s mine.sfb mine2.sfb && fail "the same nonce twice"

# Every byte that counts, changed in turn; cut at every place.
python3 - <<'PY'
for name, places in (("ecdsa", range(4, 128)), ("ecdsa-aes-cbc", range(4, 192)), ("aes-gcm", range(4, 192))):
    d = open(name + ".sfb", "rb").read()
    for at in [*places[::5], 150, 321, len(d) - 1]:
        b = bytearray(d)
        b[at] ^= 4
        open("bent-%s-%d" % (name, at), "wb").write(b)
    for n in (0, 3, 19, 200, 320, 321, 600, len(d) - 1):
        open("bent-%s-cut%d" % (name, n), "wb").write(d[:n])
    open("bent-%s-long" % name, "wb").write(d + b"\0")
PY
count=0
for file in bent-*; do
	case $file in
	bent-ecdsa-aes-cbc-*) set -- --decrypt-key aes.key ;;
	bent-aes-gcm-*) set -- --decrypt-key aes.key ;;
	*) set -- ;;
	esac
	status=0
	stmota verify "$file" --trust p256.pub.pem "$@" >out 2>err || status=$?
	# Cut before its magic it is no file of any kind that takes a key.
	case $status in
	1 | 2 | 7) ;;
	*) fail "$file: status $status: $(cat out err)" ;;
	esac
	count=$((count + 1))
done
[ "$count" -gt 100 ] || fail "only $count files"

# Wishes that contradict each other.
expect 2 stmota convert program.bin --to sfb --version 1 --header-size 512 --key p256.pem --out x.sfb
says '--to sfb needs --scheme'
sfb() {
	stmota convert program.bin --to sfb --version 1 --header-size 512 "$@" --out x.sfb
}
expect 2 sfb --scheme ecdsa
expect 2 sfb --scheme ecdsa --key p256.pem --aes-key aes.key
expect 2 sfb --scheme ecdsa-aes-cbc --key p256.pem
expect 2 sfb --scheme aes-gcm --key p256.pem --aes-key aes.key
expect 2 sfb --scheme ecdsa --key p256.pem --image 4
expect 7 sfb --scheme aes-gcm --aes-key p256.pem
expect 2 sfb --scheme ecdsa --key p256.pem --pad
says '--pad is for --to mcuboot'
expect 2 stmota convert program.bin --to sfb --scheme ecdsa --version 65536 --header-size 512 \
	--key p256.pem --out x.sfb
expect 2 stmota convert program.bin --to sfb --scheme ecdsa --version 1 --header-size 768 \
	--key p256.pem --out x.sfb
expect 0 stmota keygen --type ed25519 --out ed.pem --public ed.pub.pem
expect 2 sfb --scheme ecdsa --key ed.pem
[ ! -e x.sfb ] || fail "a refused image was written"
