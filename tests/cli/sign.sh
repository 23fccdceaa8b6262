#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sign and verify: signatures add up, openssl agrees about them in both directions, and whatever
# was changed is refused with status 7.
. "$(dirname "$0")/lib.sh"
blinky=$root/examples/blinky/blinky-1.0.0.elf

stmota keygen --out ed.pem --public ed.pub >/dev/null
stmota keygen --type p256 --out ec.pem --public ec.pub >/dev/null
stmota keygen --out stranger.pem --public stranger.pub >/dev/null
stmota -q pack "$blinky" --product example.com/blinky --out plain.sota >/dev/null
cp plain.sota one.sota

# ---- signatures add up ----
expect 7 stmota verify plain.sota --trust ed.pub
says 'not signed'
expect 0 stmota sign one.sota --key ed.pem
prints 'signatures       1'
expect 2 stmota sign one.sota --key ed.pem
says 'already'
expect 0 stmota sign one.sota --key ec.pem --out two.sota
prints 'signatures       2'
expect 0 stmota verify one.sota --trust ed.pub
expect 7 stmota verify one.sota --trust ec.pub
says 'unknown keys'
expect 0 stmota verify two.sota --trust ec.pub
prints 'ec'
expect 0 stmota verify two.sota --trust ed.pub --trust ec.pub --json
prints '"signatures": 2'
expect 0 stmota verify - --trust ed.pub <two.sota
# Signed in the other order, by one command: the same keys count.
cp plain.sota other.sota
expect 0 stmota sign other.sota --key ec.pem --key ed.pem
expect 0 stmota verify other.sota --trust ed.pub

# Ed25519 gives the same bytes each time.
expect 0 stmota sign plain.sota --key ed.pem --out again.sota
same again.sota one.sota

# ---- a folder with a threshold ----
mkdir trust
cp ed.pub trust/ed.pem
cp ec.pub trust/ec.pem
printf 'threshold = 2\n' | tee trust/ed.conf >trust/ec.conf
expect 7 stmota verify one.sota --trust trust
says '2 are needed'
expect 0 stmota verify two.sota --trust trust
printf 'threshold = 2\nrole = plan\n' | tee trust/ed.conf >trust/ec.conf
expect 7 stmota verify two.sota --trust trust
says 'role plan'
printf 'not-after = 2020-01-01\n' | tee trust/ed.conf >trust/ec.conf
expect 7 stmota verify two.sota --trust trust
says 'expired'
printf 'colour = red\n' >trust/ec.conf
expect 2 stmota verify two.sota --trust trust
says 'ec.conf:1'

# The user's own folder is what counts without --trust.
expect 7 stmota verify one.sota
mkdir -p "$XDG_CONFIG_HOME/stmota/trust.d"
cp ed.pub "$XDG_CONFIG_HOME/stmota/trust.d/release.pem"
expect 0 stmota verify one.sota
prints 'release'

# ---- openssl has the last word ----
size() { od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '; }
m=$(size one.sota 12)
head -c "$m" one.sota >manifest
{ printf 'stmota-package-v1\0'; openssl dgst -sha256 -binary manifest; } >message
[ "$(wc -c <message)" -eq 50 ] || fail 'length of the message'
tail -c +$((m + 8 + 12 + 1)) one.sota | head -c 64 >sig
openssl pkeyutl -verify -pubin -inkey ed.pub -rawin -in message -sigfile sig >/dev/null ||
	fail 'openssl refuses our Ed25519 signature'

# r || s to DER and back: integers without leading zeros, a zero before a set top bit.
integer() {
	hex=$(printf %s "$1" | sed 's/^\(00\)*//')
	case $hex in [89a-f]*) hex=00$hex ;; esac
	printf '02%02x%s' $((${#hex} / 2)) "$hex"
}
bytes() {
	# shellcheck disable=SC2059 # the octal escapes are the format
	printf "$(printf %s "$1" | sed 's/../\n&/g' | while read -r b; do
		[ -z "$b" ] || printf '\\%03o' "0x$b"
	done; [ -z "$1" ] || printf '\\%03o' "0x$(printf %s "$1" | tail -c 2)")"
}
raw=$(tail -c +$((m + 8 + 76 + 12 + 1)) two.sota | head -c 64 | od -An -tx1 | tr -d ' \n')
body=$(integer "$(printf %s "$raw" | cut -c1-64)")$(integer "$(printf %s "$raw" | cut -c65-128)")
bytes "30$(printf %02x $((${#body} / 2)))$body" >sig.der
openssl pkeyutl -verify -pubin -inkey ec.pub -rawin -digest sha256 -in message -sigfile sig.der >/dev/null ||
	fail 'openssl refuses our P-256 signature'

# A signature that openssl made, put in by hand.
openssl pkeyutl -sign -inkey ed.pem -rawin -in message -out foreign
id=$(openssl pkey -pubin -in ed.pub -outform DER | sha256sum | cut -c1-16)
{
	head -c "$m" plain.sota
	printf '\114\0\0\0\0\0\0\0'
	bytes "$id"
	printf '\100\0\0\0'
	cat foreign
	tail -c +$((m + 8 + 1)) plain.sota
} >foreign.sota
expect 0 stmota verify foreign.sota --trust ed.pub
same foreign.sota one.sota

# ---- changed files ----
total=$(wc -c <one.sota)
change() {
	cp one.sota bad.sota
	old=$(od -An -tu1 -j "$1" -N 1 bad.sota | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $((old ^ $2)))" | dd of=bad.sota bs=1 seek="$1" conv=notrunc 2>/dev/null
}
for at in 0 9 12 20 24 40 64 130 160 240 $((m + 20)) $((m + 8 + 76)) $((total - 1)); do
	change "$at" 1
	expect_bad=0
	stmota verify bad.sota --trust ed.pub >out 2>err || expect_bad=$?
	# 1 where the changed byte asks for something that is not built: format version, encoding.
	case $at:$expect_bad in *:7 | 9:1 | 130:1) ;; *) fail "byte $at: status $expect_bad" ;; esac
	prints_not 'is good'
done
for len in 0 1 127 128 $((m - 1)) "$m" $((m + 8)) $((m + 80)) $((total - 1)); do
	head -c "$len" one.sota >bad.sota
	expect 7 stmota verify bad.sota --trust ed.pub
done
{ cat one.sota; printf x; } >bad.sota
expect 7 stmota verify bad.sota --trust ed.pub
expect 7 stmota verify "$blinky" --trust ed.pub
expect 1 stmota sign "$blinky" --key ed.pem
expect 1 stmota verify missing.sota --trust ed.pub
expect 1 stmota verify one.sota --trust missing.pub
expect 7 stmota verify one.sota --trust ed.pem
says 'private key'
expect 2 stmota sign one.sota
says '--key'
expect 7 stmota sign one.sota --key ed.pub
says 'cannot sign'
