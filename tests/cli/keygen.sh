#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# keygen and key show: both types, modes, never over a file, wrong keys, C arrays that compile.
. "$(dirname "$0")/lib.sh"

for type in ed25519 p256; do
	expect 0 stmota keygen --type "$type" --out "$type.pem" --public "$type.pub"
	prints "$type"
	[ "$(command stat -c %a "$type.pem")" = 600 ] || fail "mode of $type.pem"
	openssl pkey -in "$type.pem" -pubout -out again.pub 2>/dev/null || fail "openssl cannot read $type.pem"
	same again.pub "$type.pub"
	expect 0 stmota key show "$type.pub"
	prints "$(openssl pkey -pubin -in "$type.pub" -outform DER | sha256sum | cut -d' ' -f1)"
	# The private file tells the same public key, and nothing else.
	mv out public.out
	expect 0 stmota key show "$type.pem"
	prints 'yes'
	secret=$(openssl pkey -in "$type.pem" -outform DER | tail -c 32 | od -An -tx1 | tr -d ' \n')
	[ "$type" = p256 ] || prints_not "$secret"
	expect 0 stmota key show "$type.pub" --json
	prints "\"type\": \"$type\""
	expect 0 stmota key show "$type.pub" --c-array
	{ echo '#include <stdint.h>'; cat out; echo 'int main(void) { return '"$type"'[0] + '"$type"'_id[0]; }'; } >key.c
	cc -Wall -Wextra -Werror -o key key.c || fail 'the C array does not compile'
done

expect 0 stmota key show p256.pub --c-array --name release_key
prints 'release_key_id[8]'
prints 'release_key[64]'
expect 2 stmota key show p256.pub --c-array --name '1x'

# Nothing is overwritten, and no half pair is left.
cp ed25519.pem before
expect 2 stmota keygen --out ed25519.pem --public new.pub
says 'never overwritten'
same ed25519.pem before
[ ! -e new.pub ] || fail 'half a pair'
expect 2 stmota keygen --out new.pem --public ed25519.pub
[ ! -e new.pem ] || fail 'half a pair'
expect 1 stmota keygen --out new.pem --public nowhere/new.pub
[ ! -e new.pem ] || fail 'half a pair'
expect 2 stmota keygen
says '--out KEY.pem'
expect 2 stmota keygen --type rsa --out x.pem
expect 1 stmota keygen --out nowhere/x.pem

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
expect 7 stmota key show rsa.pem
says 'RSA'
openssl pkey -in ed25519.pem -aes128 -passout pass:secret -out locked.pem
expect 7 stmota key show locked.pem
says 'passphrase'
expect 1 stmota key show missing.pem
echo nonsense >nonsense.pem
expect 7 stmota key show nonsense.pem
