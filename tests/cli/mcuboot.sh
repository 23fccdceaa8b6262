#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# mcuboot.sh - MCUboot images made, checked against keys, decrypted, packed, flashed; stored images
# of every variant, which MCUboot's own tool has judged, so that nothing depends on its being there
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

vectors=$root/tests/vectors/mcuboot
cp "$vectors"/*.pem "$vectors"/*.img "$vectors/program.bin" .
expect 0 stmota keygen --type ed25519 --out other.pem --public other.pub.pem
make_image() { # OUT [OPTION...]
	made=$1
	shift
	stmota convert program.bin --to mcuboot --version 1.2.3+4 --header-size 128 --pad-header \
		--slot-size 4096 --max-sectors 4 --align 8 "$@" --out "$made"
}

# Every variant: what is stored comes out again, byte by byte where no random number is in it.
grep -v '^#' "$vectors/list" >rows
count=0
while IFS='|' read -r name kind key device ours _; do
	[ "$key" = - ] || ours="$ours --key $key.pem"
	decrypt=
	[ "$device" = - ] || decrypt="--decrypt-key $device.pem"
	# shellcheck disable=SC2086 # words
	if [ "$kind" = same ]; then
		make_image made.img $ours >out 2>err || fail "$name: $(cat err)"
		same "$name.img" made.img
	fi
	# shellcheck disable=SC2086
	if [ "$key" != - ]; then
		stmota verify "$name.img" --trust "$key.pub.pem" $decrypt >out 2>err ||
			fail "verify $name: $(cat err)"
		status=0
		stmota verify "$name.img" --trust other.pub.pem $decrypt >out 2>err || status=$?
		[ "$status" -eq 7 ] || fail "verify $name by a stranger: $status, $(cat err)"
	fi
	# shellcheck disable=SC2086
	stmota convert "$name.img" --payload --to bin --out back.bin $decrypt >out 2>err ||
		fail "convert $name: $(cat err)"
	cmp -n 1000 back.bin program.bin || fail "$name: another program"
	stmota info "$name.img" >out 2>err || fail "info $name: $(cat err)"
	count=$((count + 1))
done <rows
[ "$count" -ge 40 ] || fail "only $count rows"

# Random ones are made and read by ourselves.
expect 0 make_image mine.img --key p256.pem --encrypt x25519.pub.pem --json
json 'r["signed_with"] == "p256" and r["encrypted"] and r["body_size"] == 1000 + 8 - 1000 % 8'
expect 7 stmota verify mine.img --trust p256.pub.pem
says 'the image is encrypted: without a key nothing of its program can be checked'
expect 7 stmota verify mine.img --trust p256.pub.pem --decrypt-key p256.pem
says 'encrypted for a key of type X25519'
openssl genpkey -algorithm X25519 -out stranger.pem
expect 7 stmota verify mine.img --trust p256.pub.pem --decrypt-key stranger.pem
says 'the key does not open the image'
expect 0 stmota verify mine.img --trust p256.pub.pem --decrypt-key x25519.pem --json
json 'r["encrypted"] and r["signed_by"][0]["counts"]'
# No two are encrypted alike.
expect 0 make_image mine2.img --key ed25519.pem --encrypt x25519.pub.pem
cmp -s mine.img mine2.img && fail "the same key stream twice"
# The whole file with a plain body is what the primary slot takes.
expect 0 stmota convert mine.img --to bin --decrypt-key x25519.pem --out clear-again.img
expect 0 stmota verify clear-again.img --trust p256.pub.pem

# A key with a passphrase.
openssl pkcs8 -topk8 -in ed25519.pem -out locked.pem -passout pass:secret
echo secret >pass
expect 0 make_image locked.img --key locked.pem --passphrase-file pass
same ed25519.img locked.img

# Roles, expiry and revocation count as for packages.
mkdir trust
cp ed25519.pub.pem trust/release.pem
expect 0 stmota verify ed25519.img --trust trust
echo 'role = plan' >trust/release.conf
expect 7 stmota verify ed25519.img --trust trust
says "is trusted for role plan"
echo 'not-after = 2020-01-01' >trust/release.conf
expect 7 stmota verify ed25519.img --trust trust
says 'has expired'
rm trust/release.conf
expect 0 stmota verify ed25519.img --trust trust --json
id=$(python3 -c 'import json; print(json.load(open("out"))["signed_by"][0]["key_id"])')
echo "$id stolen" >trust/revoked.list
expect 7 stmota verify ed25519.img --trust trust
says 'is revoked: stolen'
expect 7 stmota verify plain.img --trust ed25519.pub.pem
says 'plain.img: not signed'

# What was changed: header, body, counter, hash, signature, key, and an entry put beside them.
python3 - <<'PY'
import struct
def tlvs(b):
    at = 128 + 1000 + struct.unpack_from("<H", b, 10)[0]
    end, p = at + struct.unpack_from("<H", b, at + 2)[0], at + 4
    while p < end:
        t, n = struct.unpack_from("<HH", b, p)
        yield t, p + 4, n
        p += 4 + n
good = open("counter.img", "rb").read()
where = {t: p for t, p, n in tlvs(good)}
for name, at in {"version": 20, "flags": 16, "body": 500, "counter": 128 + 1000 + 8,
                 "hash": where[0x10] + 5, "keyhash": where[1] + 5, "signature": where[0x24] + 40}.items():
    b = bytearray(good)
    b[at] ^= 0x10
    open("bad-%s.img" % name, "wb").write(b)
info = 128 + 1000 + struct.unpack_from("<H", good, 10)[0]
extra = struct.pack("<HHI", 0x50, 4, 99)
b = bytearray(good + extra)
struct.pack_into("<H", b, info + 2, struct.unpack_from("<H", good, info + 2)[0] + len(extra))
open("bad-beside.img", "wb").write(b)
for n in range(0, len(good), 97):
    open("cut-%d.img" % n, "wb").write(good[:n])
PY
for what in version flags body counter hash keyhash signature beside; do
	expect 7 stmota verify "bad-$what.img" --trust ed25519.pub.pem
done
says 'SEC_CNT stands outside of what is signed'
for file in cut-*.img; do
	status=0
	stmota verify "$file" --trust ed25519.pub.pem >out 2>err || status=$?
	[ "$status" -eq 7 ] || fail "$file: status $status, $(cat err)"
done

# Wishes that contradict each other, or that no loader would grant.
expect 2 stmota convert program.bin --to mcuboot --out x.img
says 'which version is it?'
expect 2 stmota convert program.bin --to mcuboot --version 1 --out x.img
says 'how large is the header?'
expect 1 stmota convert program.bin --to mcuboot --version 1 --header-size 128 --out x.img
says 'does not begin with 128 free bytes for the header'
expect 2 make_image x.img --pure
expect 2 make_image x.img --key p256.pem --pure
expect 2 make_image x.img --key p256.pem --sha 512
expect 2 make_image x.img --clear
expect 2 make_image x.img --confirm --overwrite-only
says 'there is no way back'
expect 2 make_image x.img --load-addr 0x20000000 --rom-fixed 0x08000000
expect 2 make_image x.img --align 3
expect 2 make_image x.img --dependencies '(1, x)'
expect 2 make_image x.img --dependencies '1, 1.0.0'
expect 2 make_image x.img --product 'Acme.com/lamp'
expect 2 make_image x.img --boot-record abcdefghijklm
expect 2 make_image x.img --encrypt p256.pub.pem --hmac-sha 512
expect 7 make_image x.img --encrypt ed25519.pub.pem
expect 7 make_image x.img --key ed25519.pub.pem
says 'cannot sign'
expect 7 make_image x.img --key p384.pem
expect 1 make_image x.img --encrypt rsa2048.pub.pem
says 'images are not encrypted for RSA keys'
expect 6 stmota convert program.bin --to mcuboot --version 1 --header-size 128 --pad-header \
	--slot-size 4096 --out x.img
says "the slot has 4096"
expect 2 stmota convert program.bin --address 0x08000000 --to hex --key p256.pem --out x.hex
says '--key is for --to mcuboot'
expect 2 stmota convert plain.img --to mcuboot --version 1 --header-size 128 --out x.img
says 'is an MCUboot image already'
expect 2 stmota convert program.bin --to bin --payload --out x.bin
[ ! -e x.img ] || fail "a refused image was written"

# A program that cannot start is refused where its address is known.
program lamp.bin 2000 1 0x08010200
expect 0 stmota convert lamp.bin --address 0x08010200 --to hex --out app.hex
expect 0 stmota convert app.hex --to mcuboot --version 2.0.1 --header-size 0x200 --pad-header \
	--chip 0x410 --out app.img
expect 0 stmota convert lamp.bin --address 0x08020000 --to hex --out wrong.hex
expect 6 stmota convert wrong.hex --to mcuboot --version 2 --header-size 512 --pad-header --out x.img
says 'vector table at 0x08020000'
program near.bin 3000 1 0x08010080
expect 0 stmota convert near.bin --address 0x08010080 --to hex --out near.hex
expect 6 stmota convert near.hex --to mcuboot --version 2 --header-size 128 --pad-header \
	--chip 0x410 --out x.img
says 'must begin at a multiple of 0x100'
# Linked with room for its header, as imgtool without --pad-header wants it.
head -c 512 /dev/zero | cat - lamp.bin >room.bin
expect 0 stmota convert room.bin --address 0x08010000 --to mcuboot --version 2.0.1 \
	--header-size 0x200 --chip 0x410 --out room.img
expect 0 stmota convert room.img --payload --to bin --out back.bin
same lamp.bin back.bin

# Signed again: the program of one in another.
expect 0 stmota convert app.img --payload --to mcuboot --version 2.0.2 --header-size 512 \
	--pad-header --key ed25519.pem --security-counter 4 --out next.img --json
json 'r["version"] == "2.0.2" and r["signed_with"] == "ed25519"'
expect 0 stmota verify next.img --trust ed25519.pub.pem

# Out again: the whole file at its slot, or the program where it is linked.
expect 0 stmota convert next.img --to hex --address 0x08010000 --out whole.hex --json
json 'r["address"] == "0x08010000"'
expect 0 stmota convert whole.hex --to bin --out whole.bin
same next.img whole.bin
expect 0 stmota convert next.img --to hex --payload --out program.hex --json
json 'r["address"] == "0x08010200" and r["image_size"] == 2000'
expect 2 stmota convert next.img --to hex --out x.hex
says 'its program looks linked for a slot at 0x08010000: --address 0x08010000'
expect 2 stmota convert rom-fixed.img --to hex --address 0x08000000 --out x.hex
says 'made for a slot at 0x08010000'
expect 0 stmota convert rom-fixed.img --to hex --out fixed.hex --json
json 'r["address"] == "0x08010000"'

# Judged behind its header.
expect 0 stmota check next.img --chip 0x410 --json
json 'r["address"] == "0x08010200" and r["runs"]'
expect 0 stmota check next.img --chip 0x410 --at 0x08010000
expect 6 stmota check next.img --chip 0x410 --at 0x08012000
expect 1 stmota check mine.img --chip 0x410 --at 0x08010000
says 'is encrypted or compressed'

# In a package, with its own version and counter.
expect 0 stmota pack next.img --address 0x08010000 --product acme.com/lamp --chip 0x410 \
	--key ed25519.pem --out next.sota
expect 0 stmota info next.sota --json
json 'r["version"] == "2.0.2" and r["counter"] == 4'
expect 2 stmota pack next.img --address 0x08010000 --product acme.com/lamp --version 3 --out x.sota
says 'the header of the MCUboot image says version 2.0.2'
expect 2 stmota pack next.img --address 0x08010000 --product acme.com/lamp --counter 5 --out x.sota
says 'says security counter 4'
expect 7 stmota pack bad-body.img --address 0x08010000 --product acme.com/lamp --out x.sota
expect 0 stmota pack mine.img --address 0x08010000 --product acme.com/lamp --out secret.sota

# Into its slot: not a byte is erased for one that is damaged or that nobody trusted has signed.
board --chip 0x410 --flash-size 128
dev=uart:$tmp/board
expect 7 stmota flash --device "$dev" --address 0x08010000 bad-body.img
says 'does not match the hash'
expect 7 stmota flash --device "$dev" --address 0x08010000 next.img --trust other.pub.pem
expect 2 stmota flash --device "$dev" next.img
says '--address 0x08010000'
expect 0 stmota flash --device "$dev" --address 0x08010000 next.img --trust ed25519.pub.pem
expect 0 stmota read --device "$dev" --range 0x08010000:4096 --out back.bin
cmp -n "$(wc -c <next.img)" next.img back.bin || fail "not what was flashed"
expect 0 stmota flash --device "$dev" --address 0x08018000 mine.img
says 'only its device can tell'
expect 0 stmota flash --device "$dev" next.sota --trust ed25519.pub.pem

# A cut in the middle: the header's magic, by which the loader knows an image, comes last. Without a
# line to reset by, nobody jumps into the slot: its loader starts it.
expect 0 stmota convert app.img --payload --to mcuboot --version 2.0.3 --header-size 512 \
	--pad-header --key ed25519.pem --security-counter 4 --out newer.img
printf '\075\270\363\226' >magic
for fault in cut@op:30 cut@op:200; do
	board_off
	rm -rf board.state state
	board --chip 0x410 --flash-size 128
	expect 0 stmota flash --device "$dev" --address 0x08010000 next.img --trust ed25519.pub.pem
	board --chip 0x410 --flash-size 128 --fault "$fault"
	expect 10 stmota flash --device "$dev" --address 0x08010000 newer.img
	board --chip 0x410 --flash-size 128
	expect 0 stmota read --device "$dev" --range 0x08010000:4 --out found
	cmp -s found magic && fail "$fault: half an image has its magic"
	expect 0 stmota flash --device "$dev" --address 0x08010000 newer.img
	says_not 'started'
	expect 0 stmota read --device "$dev" --range "0x08010000:$(wc -c <newer.img)" --out found
	same newer.img found
done
