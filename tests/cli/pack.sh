#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# pack: what it makes is the same each time; what does not fit together is refused, and no file
# is left behind.
. "$(dirname "$0")/lib.sh"
blinky=$root/examples/blinky/blinky-1.0.0.elf
product=example.com/blinky

stmota keygen --out k.pem --public k.pub >/dev/null

# The record in the firmware gives version, counter, hardware and chip.
expect 0 stmota pack "$blinky" --product "$product" --key k.pem --out a.sota
prints '1.0.0'
says_not 'warning'
expect 0 stmota pack "$blinky" --product "$product" --version 1.0.0 --chip 0x410 --counter 0 \
	--hw 0..65535 --key k.pem --out b.sota
same a.sota b.sota
expect 0 stmota verify a.sota --trust k.pub

# Unsigned is said on standard error.
expect 0 stmota pack "$blinky" --product "$product" --out u.sota
says 'not signed'
expect 0 stmota -q pack "$blinky" --product "$product" --out u.sota
says_not 'not signed'
expect 0 stmota pack "$blinky" --product "$product" --json --out u.sota
prints '"signatures": 0'
expect 0 stmota -q pack "$blinky" --product "$product" --out -
same out u.sota
rm -f u.sota

refuse() {
	status=$1
	text=$2
	shift 2
	rm -f x.sota
	expect "$status" stmota pack "$@" --out x.sota
	says "$text"
	[ ! -e x.sota ] || fail "a package in spite of the refusal: $*"
}

refuse 4 'not of acme.com/lamp' "$blinky" --product acme.com/lamp
says '0x'
refuse 2 'record says version 1.0.0' "$blinky" --product "$product" --version 1.0.1
refuse 2 'record says security counter 0' "$blinky" --product "$product" --counter 1
# Fewer boards than the firmware could run on is no contradiction.
expect 0 stmota pack "$blinky" --product "$product" --hw 1..2 --out x.sota
expect 0 stmota info x.sota --json
prints '"hw_min": 1'
rm x.sota
refuse 2 'record says chip 0x410' "$blinky" --product "$product" --chip 0x414
refuse 2 'upper-case' "$blinky" --product Example.com/blinky
refuse 2 'pre-release' "$blinky" --product "$product" --version 1.0.0-rc1
refuse 2 '256.0.0' "$blinky" --product "$product" --version 256.0.0
refuse 2 'not a version' "$blinky" --product "$product" --version banana
refuse 2 'minimum version is above' "$blinky" --product "$product" --min-version 2.0.0
refuse 2 'which product' "$blinky"
refuse 2 'chip' "$blinky" --product "$product" --chip 0x999
refuse 2 'hw' "$blinky" --product "$product" --hw 5..4
refuse 2 'nonsense' "$blinky" --product "$product" --kind nonsense
refuse 1 'missing.elf' missing.elf --product "$product"
refuse 1 'missing.pem' "$blinky" --product "$product" --key missing.pem
refuse 7 'public key' "$blinky" --product "$product" --key k.pub
refuse 2 'signed the package already' "$blinky" --product "$product" --key k.pem --key k.pem
expect 2 stmota pack "$blinky" --product "$product"
says 'where should the package go'

# A raw binary: address, vector table, version.
dd if=/dev/zero of=zeros.bin bs=1024 count=2 2>/dev/null
head -c 2048 /dev/urandom >noise.bin
# shellcheck disable=SC2059 # the argument is the format: it holds escapes
# shellcheck disable=SC2059 # the bytes are written as escapes
arm() { printf "$1" >>app.bin; }
: >app.bin
arm '\000\020\000\040\101\000\000\010' # stack 0x20001000, reset 0x08000041
i=0
while [ $i -lt 14 ]; do
	arm '\101\000\000\010'
	i=$((i + 1))
done
head -c 200 /dev/zero >>app.bin
refuse 2 '--address' app.bin --product acme.com/lamp --version 1.2.3
expect 0 stmota pack app.bin --address 0x08000000 --product acme.com/lamp --version 1.2.3+4 \
	--out app.sota
prints '1.2.3+4'
expect 0 stmota pack app.bin --address 0x08000000 --product acme.com/lamp --version 1.2.3+4 \
	--min-version 1.2 --counter 9 --hw 3..7 --chip 413 --out app.sota
expect 0 stmota info app.sota --json
prints '9'
refuse 6 '' app.bin --address 0x08100000 --product acme.com/lamp --version 1.2.3
refuse 1 '' zeros.bin --address 0x08000000 --product acme.com/lamp --version 1.2.3
refuse 2 'which version' app.bin --address 0x08000000 --product acme.com/lamp
refuse 2 '' "$blinky" --address 0x08000000 --product "$product"

# Other kinds are not programs: no vector table.
expect 0 stmota pack zeros.bin --address 0x0800F000 --kind configuration --product acme.com/lamp \
	--version 1.2.3 --out c.sota

# Several components; the same file may be data.
expect 0 stmota pack app.bin --address 0x08000000 --product acme.com/lamp --version 1.2.3 \
	--component configuration:zeros.bin@0x0800F000 --component noise=data:noise.bin --key k.pem --out m.sota
prints 'components       3'
expect 0 stmota verify m.sota --trust k.pub
prints 'configuration'
prints "$(sha256sum noise.bin | cut -d' ' -f1)"
refuse 2 'overlap' app.bin --address 0x08000000 --product acme.com/lamp --version 1.2.3 \
	--component configuration:zeros.bin@0x08000080
refuse 2 'KIND:FILE' app.bin --address 0x08000000 --product acme.com/lamp --version 1.2.3 \
	--component zeros.bin
refuse 1 'missing.bin' app.bin --address 0x08000000 --product acme.com/lamp --version 1.2.3 \
	--component x=data:missing.bin

# A package is no image.
refuse 1 '' a.sota --product "$product"

# Real firmware, some of it with holes.
if [ -d "$corpus/files" ]; then
	for file in "$corpus"/files/*.hex "$corpus"/files/*.elf; do
		expect 0 stmota -q pack "$file" --product acme.com/any --version 1.0.0 --key k.pem --out r.sota
		expect 0 stmota verify r.sota --trust k.pub
		expect 0 stmota info r.sota
	done
else
	echo "without real firmware: no $corpus"
fi
