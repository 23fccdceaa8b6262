#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What must be refused is refused with its exit status, and before the first flash operation.
. "$(dirname "$0")/lib.sh"

blinky 1.0.0
blinky 1.1.0
size=$(wc -c <blinky-1.1.0.sota)

# flip OFFSET FILE: one bit of one byte
flip() {
	byte=$(od -An -tu1 -j "$1" -N 1 "$2" | tr -d ' ')
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf %o $((byte ^ 1)))" | dd of="$2" bs=1 seek="$1" conv=notrunc 2>/dev/null
}

# refused STATUS FILE [OPTION]...: at the board, with one line that says why
refused() {
	want=$1
	shift
	expect "$want" stmota flash --device uart:board "$@"
	[ "$(grep -c '^stmota: ' err)" -ge 1 ] || fail "no message: $*"
}

board
expect 0 stmota flash --device uart:board blinky-1.1.0.sota --trust pub.pem
board

# One bit anywhere: header, component table, signature, first and last byte of the firmware: status 7.
# What could be a newer format is not supported: format version (8), kind of component (128). In the
# first eight bytes it is no package any more, and a raw binary without an address is a usage error.
for at in 8 16 40 127 128 180 $((size - 10300)) $((size - 10240)) $((size - 1)); do
	cp blinky-1.1.0.sota t.sota
	flip "$at" t.sota
	status=0
	stmota flash --device uart:board t.sota --trust pub.pem >out 2>err || status=$?
	case $at:$status in
	8:1 | 128:1 | *:7) ;;
	*) fail "bit changed at byte $at: status $status: $(cat err)" ;;
	esac
done
cp blinky-1.1.0.sota t.sota
flip $((size - 1)) t.sota
refused 7 t.sota --trust pub.pem
head -c $((size - 1)) blinky-1.1.0.sota >t.sota
refused 7 t.sota --trust pub.pem
head -c 100 blinky-1.1.0.sota >t.sota
refused 7 t.sota --trust pub.pem

# Keys.
expect 0 stmota keygen --type p256 --out other.pem --public other.pub.pem
refused 7 blinky-1.1.0.sota --trust other.pub.pem
refused 7 blinky-1.1.0.sota
expect 0 stmota pack "$root/examples/blinky/blinky-1.1.0.elf" --product example.com/blinky \
	--version 1.1.0 --chip 0x410 --out unsigned.sota
printf '[flash]\nrequire_signature = yes\n' >strict.conf
refused 7 unsigned.sota --config strict.conf
refused 7 "$root/examples/blinky/blinky-1.1.0.elf" --config strict.conf

# Older than what runs; another product.
refused 8 blinky-1.0.0.sota --trust pub.pem
expect 4 stmota pack blinky-1.1.0.bin --address 0x08000000 --product example.com/other \
	--version 2.0.0 --chip 0x410 --key key.pem --out other.sota
says '0xfbba0b27' # the words for the record of that product
{
	head -c 64 blinky-1.1.0.bin
	head -c 64 /dev/zero
	tail -c +129 blinky-1.1.0.bin
} >other.bin
expect 0 stmota pack other.bin --address 0x08000000 --product example.com/other \
	--version 2.0.0 --chip 0x410 --key key.pem --out other.sota
refused 4 other.sota --trust pub.pem

# Another chip, too large, a wrong address, no address.
{
	cat blinky-1.1.0.bin
	head -c 131072 /dev/zero
} >large.bin
refused 6 large.bin --address 0x08000000
refused 6 blinky-1.1.0.bin --address 0x20000000
refused 6 blinky-1.1.0.bin --address 0x08002000
refused 2 blinky-1.1.0.bin
says '0x08000000'

# Nothing of all this reached the flash.
board_off
[ "$(stat erases)" -eq 0 ] || fail "$(stat erases) units erased"
[ "$(stat programs)" -eq 0 ] || fail "$(stat programs) programs"

rm -f board.state
board --chip 0x413
refused 4 blinky-1.1.0.sota --trust pub.pem
board_off
[ "$(stat erases)" -eq 0 ] || fail "another chip was erased"

# No such port; nothing that answers.
expect 3 stmota flash --device uart:board blinky-1.1.0.sota --trust pub.pem
expect 2 stmota flash --device nonsense:board blinky-1.1.0.sota --trust pub.pem
