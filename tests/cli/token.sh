#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Keys in a PKCS#11 token: made on a SoftHSM, used without leaving it, and a token that refuses.
. "$(dirname "$0")/lib.sh"

command -v softhsm2-util >/dev/null || skip "softhsm2 is not installed"
command -v pkcs11-tool >/dev/null || skip "opensc is not installed"
module=/usr/lib/softhsm/libsofthsm2.so
[ -e "$module" ] || skip "no $module"

mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$tmp" >softhsm2.conf
export SOFTHSM2_CONF="$tmp/softhsm2.conf"
softhsm2-util --init-token --free --label release --pin 123456 --so-pin 87654321 >/dev/null
softhsm2-util --init-token --free --label other --pin 123456 --so-pin 87654321 >/dev/null
tool() { pkcs11-tool --module "$module" --token-label release --login --pin 123456 "$@" >/dev/null 2>tool.err ||
	fail "pkcs11-tool $*: $(cat tool.err)"; }
tool --keypairgen --key-type EC:prime256v1 --label lamp-ec --id 01
tool --keypairgen --key-type EC:edwards25519 --label lamp-ed --id 02
tool --keypairgen --key-type EC:secp384r1 --label lamp-384 --id 03
echo 123456 >pin
echo 999999 >wrong
ec='pkcs11:token=release;object=lamp-ec'
ed='pkcs11:token=release;object=lamp-ed'

blinky=$root/examples/blinky/blinky-1.0.0.elf
stmota -q pack "$blinky" --product example.com/blinky --out plain.sota

# The public half comes out, the private one cannot.
expect 0 stmota key show "$ec" --passphrase-file pin --public ec.pub --json
json "r['type'] == 'p256' and r['in_token'] and r['private']"
expect 0 stmota key show "$ed" --passphrase-file pin --public ed.pub
prints 'ed25519'
openssl pkey -pubin -in ec.pub -noout || fail 'openssl does not read ec.pub'

# Signed on the token, by either algorithm; openssl and our own check agree.
expect 0 stmota sign plain.sota --key "$ec" --passphrase-file pin --out ec.sota
expect 0 stmota verify ec.sota --trust ec.pub
# SoftHSM's own leak, and no other; by slow stacks, which see through a module without frame pointers.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}fast_unwind_on_malloc=0" \
	LSAN_OPTIONS="suppressions=$root/tests/support/softhsm.lsan:print_suppressions=0"
expect 0 stmota sign plain.sota --key "$ed" --passphrase-file pin --out ed.sota
expect 0 stmota verify ed.sota --trust ed.pub
expect 0 stmota sign plain.sota --digest-out message
size() { od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '; }
m=$(size ed.sota 12)
tail -c +$((m + 8 + 12 + 1)) ed.sota | head -c 64 >sig
openssl pkeyutl -verify -pubin -inkey ed.pub -rawin -in message -sigfile sig >/dev/null ||
	fail 'openssl refuses the Ed25519 signature of the token'
# Ed25519 gives the same bytes each time, also on a token.
expect 0 stmota sign plain.sota --key "$ed" --passphrase-file pin --out again.sota
same again.sota ed.sota
# Several deltas, one login: the PIN comes through a pipe that holds it once.
mkdir releases
for v in 1.0.0 1.0.1 1.0.2; do
	head -c 3000 /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$(printf %032x 1)" \
		-iv "$(printf %032x 0)" >data
	printf '%s' "$v" >>data
	expect 0 stmota pack data --address 0x08000000 --kind configuration \
		--product example.com/blinky --version $v --out releases/$v.sota
done
mkfifo once
cat pin >once &
expect 0 stmota diff --from releases releases/1.0.2.sota --key "$ed" --passphrase-file once \
	--out-dir deltas
wait $!
expect 0 stmota verify deltas/blinky-1.0.0-to-1.0.2.sota --trust ed.pub
expect 0 stmota verify deltas/blinky-1.0.1-to-1.0.2.sota --trust ed.pub
# pack and the other ways to name module and PIN.
expect 0 stmota pack "$blinky" --product example.com/blinky --out packed.sota \
	--key "$ed?pin-source=$tmp/pin&module-path=$module"
same packed.sota ed.sota
expect 0 stmota pack "$blinky" --product example.com/blinky --out packed2.sota \
	--key "$ed?pin-source=file:$tmp/pin" --key 'pkcs11:token=release;id=%01' --passphrase-file pin
expect 0 stmota verify packed2.sota --trust ec.pub --trust ed.pub
expect 0 stmota sign plain.sota --key "$ed?pin-value=123456" --out again.sota
says 'seen by everybody'
printf '[key]\npassphrase_file = %s/pin\n' "$tmp" >key.conf
expect 0 stmota sign plain.sota --config key.conf --key "$ec" --out again.sota

# What is wrong is said, and nothing is written.
refused() {
	rm -f no.sota
	expect "$1" stmota sign plain.sota --out no.sota --key "$2" --passphrase-file "${4:-pin}"
	says "$3"
	[ ! -e no.sota ] || fail 'a file in spite of the failure'
}
refused 7 "$ec" 'the PIN is wrong' wrong
says 'tried once'
refused 7 'pkcs11:token=nowhere;object=lamp-ec' 'there is no such token'
says 'release'
refused 7 'pkcs11:token=release;object=nothing' 'no private key'
refused 7 'pkcs11:token=release' 'more than one private key'
refused 7 'pkcs11:object=lamp-ec' 'tokens match'
refused 7 'pkcs11:token=release;object=lamp-384' 'no key of type ed25519 or p256'
refused 2 'pkcs11:token=release;nonsense' 'not a good PKCS#11 URI'
refused 7 "$ec?module-path=/nowhere.so" 'cannot load the PKCS#11 module'
expect 7 stmota sign plain.sota --out no.sota --key "$ec"
says 'nobody can be asked'
# The public key of another pair beside it.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkey -pubout -outform DER -out other.der
tool --delete-object --type pubkey --id 01
tool --write-object other.der --type pubkey --id 01 --label lamp-ec
refused 7 "$ec" 'does not fit the public key'
tool --delete-object --type pubkey --id 01
rm -f no.sota
status=0
stmota sign plain.sota --key "$ec" --passphrase-file pin --out no.sota 2>err || status=$?
# Some tokens tell the point with the private key too; else there is nothing to check against.
case $status in
0) expect 0 stmota verify no.sota --trust ec.pub ;;
7) says 'does not tell the public key' ;;
*) fail "status $status" ;;
esac

# Tokens that lock themselves: no login is wasted.
mock="pkcs11:token=mock;object=x?module-path=$(find "$STMOTA_BUILD/tests/support" -name 'libp11_mock.so' | head -n 1)"
export STMOTA_P11_LOGINS="$tmp/logins"
# mood MOOD LOGINS TEXT
mood() {
	: >logins
	export STMOTA_P11_MOCK="$1"
	refused 7 "$mock" "$3"
	[ "$(wc -l <logins)" -eq "$2" ] || fail "$1: $(wc -l <logins) logins"
}
mood locked 0 'the PIN is locked'
mood final 0 'one more wrong PIN would lock'
mood locked-unsaid 1 'the PIN is locked'
mood expired 1 'has expired'
mood wrong 1 'the PIN is wrong'
