#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Passphrases, signing where the key is not, rotation and revocation in a trust folder.
. "$(dirname "$0")/lib.sh"
blinky=$root/examples/blinky/blinky-1.0.0.elf
stmota -q pack "$blinky" --product example.com/blinky --out plain.sota

# ---- passphrases ----
echo 'correct horse' >pass
echo 'battery' >wrong
: >empty
for type in ed25519 p256; do
	expect 0 stmota keygen --type "$type" --out "$type.pem" --public "$type.pub" --passphrase-file pass
	[ "$(command stat -c %a "$type.pem")" = 600 ] || fail 'mode'
	grep -q 'BEGIN ENCRYPTED PRIVATE KEY' "$type.pem" || fail 'not encrypted'
	openssl asn1parse -in "$type.pem" | grep -q scrypt || fail 'not under scrypt'
	openssl pkey -in "$type.pem" -passin file:pass -pubout -out again.pub || fail "openssl cannot read $type.pem"
	same again.pub "$type.pub"
	expect 0 stmota sign plain.sota --key "$type.pem" --passphrase-file pass --out "$type.sota"
	expect 0 stmota verify "$type.sota" --trust "$type.pub"
	expect 7 stmota sign plain.sota --key "$type.pem" --passphrase-file wrong --out no.sota
	says 'the passphrase of'
	expect 7 stmota sign plain.sota --key "$type.pem" --out no.sota
	says 'nobody can be asked'
	expect 1 stmota sign plain.sota --key "$type.pem" --passphrase-file empty --out no.sota
	expect 1 stmota sign plain.sota --key "$type.pem" --passphrase-file missing --out no.sota
done
# Files that openssl made, by its own scheme and by an older one.
openssl genpkey -algorithm ed25519 -out open.pem
openssl pkey -in open.pem -aes128 -passout file:wrong -out pbkdf2.pem
openssl pkcs8 -topk8 -in open.pem -v1 PBE-SHA1-3DES -passout file:wrong -out v1.pem
for f in pbkdf2 v1; do
	expect 0 stmota sign plain.sota --key "$f.pem" --passphrase-file wrong --out "$f.sota"
done
# One passphrase for each key.
expect 0 stmota sign plain.sota --key ed25519.pem --key pbkdf2.pem \
	--passphrase-file pass --passphrase-file wrong --out two.sota
prints 'signatures       2'
expect 2 stmota sign plain.sota --key ed25519.pem --passphrase-file pass --passphrase-file wrong --out no.sota
expect 0 env STMOTA_KEY_PASSPHRASE_FILE=pass stmota sign plain.sota --key p256.pem --out env.sota
[ ! -e no.sota ] || fail 'a file in spite of the failure'

# A person types it; nothing is seen of it.
if command -v script >/dev/null; then
	{ sleep 1; echo 'correct horse'; sleep 1; } |
		script -qec "stmota sign plain.sota --key ed25519.pem --out typed.sota" typescript >/dev/null
	same typed.sota ed25519.sota
	! grep -q horse typescript || fail 'the passphrase was echoed'
fi

# ---- a key that never meets the network ----
expect 0 stmota sign plain.sota --digest-out message
[ "$(wc -c <message)" -eq 50 ] || fail 'length of the message'
openssl pkeyutl -sign -rawin -inkey ed25519.pem -passin file:pass -in message -out ed.sig
openssl dgst -sha256 -sign p256.pem -passin file:pass -out ec.sig message
expect 0 stmota sign plain.sota --attach ed.sig --public ed25519.pub --out one.sota
same one.sota ed25519.sota
expect 0 stmota sign one.sota --attach ec.sig --public p256.pub
expect 0 stmota verify one.sota --trust p256.pub
attach() {
	rm -f no.sota
	expect "$1" stmota sign plain.sota --attach "$2" --public "$3" --out no.sota
	says "$4"
	[ ! -e no.sota ] || fail 'a file in spite of the failure'
}
attach 7 ed.sig p256.pub 'no signature of this key'
attach 7 ec.sig ed25519.pub 'no signature of type ed25519'
head -c 63 ed.sig >short
attach 7 short ed25519.pub 'no signature of type'
{ cat ec.sig; printf x; } >long
attach 7 long p256.pub 'no signature of type'
head -c 64 /dev/zero >zero
attach 7 zero p256.pub 'no signature of this key'
attach 7 zero ed25519.pub 'no signature of this key'
attach 7 empty p256.pub 'no signature of type'
program app.bin 2048 1
stmota -q pack app.bin --address 0x08000000 --chip 0x410 --product example.com/other --version 1.0.0 --out other.sota
expect 7 stmota sign other.sota --attach ed.sig --public ed25519.pub
expect 2 stmota sign one.sota --attach ed.sig --public ed25519.pub
says 'already'
expect 2 stmota sign plain.sota --attach ed.sig
expect 2 stmota sign plain.sota --attach ed.sig --public ed25519.pub --key open.pem

# ---- rotation ----
mkdir trust
cp ed25519.pub trust/release-2026.pem
expect 0 stmota key rotate release-2026 release-2027 --trust trust --out 2027.pem --days 30 --json
json "r['old_counts_until'] == '$(date -u -d '+30 days' +%F)' and r['new_key'] == 'release-2027'"
grep -q "not-after = $(date -u -d '+30 days' +%F)" trust/release-2026.conf || fail 'the old key has no end'
stmota -q sign plain.sota --key 2027.pem --out new.sota
expect 0 stmota verify new.sota --trust trust
expect 0 stmota verify ed25519.sota --trust trust
expect 2 stmota key rotate release-2026 release-2027 --trust trust --out x.pem
says 'exists already'
expect 2 stmota key rotate release-2026 ../up --trust trust --out x.pem
expect 1 stmota key rotate nobody release-2028 --trust trust --out x.pem
[ ! -e x.pem ] || fail 'half a rotation'
# Role, group and threshold go on; an end that was sooner stays.
printf 'role = plan\ngroup = line-b\nnot-after = 2020-02-29\n' >trust/release-2026.conf
expect 0 stmota key rotate release-2026 release-2028 --trust trust --public p256.pub
prints '2020-02-29'
for line in 'role = plan' 'group = line-b'; do
	grep -q "$line" trust/release-2028.conf || fail "settings: $(cat trust/release-2028.conf)"
done
expect 2 stmota key rotate release-2028 again --trust trust --public p256.pub
says 'is the old key'

# ---- revocation ----
expect 0 stmota key revoke trust/release-2027.pem --trust trust --reason 'laptop stolen'
expect 7 stmota verify new.sota --trust trust
says "key 'release-2027' is revoked: laptop stolen"
# Another good signature still counts.
rm trust/release-2026.conf
expect 0 stmota sign new.sota --key ed25519.pem --passphrase-file pass --out both.sota
expect 0 stmota verify both.sota --trust trust --json
json "{s['key']: s['counts'] for s in r['signed_by']} == {'release-2026': True, 'release-2027': False}"
# By id alone, and a list that nobody can read is not passed over.
id=$(openssl pkey -pubin -in ed25519.pub -outform DER | sha256sum | cut -c1-16)
expect 0 stmota key revoke "$id" --trust trust
expect 7 stmota verify both.sota --trust trust
says 'is revoked'
printf '# comment\n\n%s x\nnonsense\n' "$id" >trust/revoked.list
expect 2 stmota verify both.sota --trust trust
says 'revoked.list:4'
expect 1 stmota key revoke 1234 --trust trust
expect 2 stmota key revoke "$id" --trust trust
says 'revoked.list:4'
