#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The example boot loader on the host: refusals, trials, and power cuts at flash operations of an update.
#
# usage: cuts.sh [all]     all: every operation in every way; else the first, the last, and 60 samples
. "$(dirname "$0")/lib.sh"

keys
# image FILE ADDRESS SEED SIZE: vectors, then bytes that nothing else has
image() {
	python3 - "$@" <<'PY'
import random, struct, sys
name, base, seed, size = sys.argv[1], int(sys.argv[2], 0), int(sys.argv[3]), int(sys.argv[4])
# The boot code of variant c stays the same.
own = random.Random(1).randbytes(0x2000 - 64) if len(sys.argv) > 5 else b''
body = random.Random(seed).randbytes(64) * ((size - 64 - len(own)) // 128) + random.Random(seed + 99).randbytes(size)
head = struct.pack('<16I', 0x20001000, *[base + 0x101] * 15)
image = (head + own + body)[:size]
if seed == 1: # version 1.0.0, counter 5, of which its first boot hears
    words = [0x666D69A5, 0x6F666E69, 0x40, 5, 1, 0, 0xE739C04C, 0xCA5AFCA9, 0xB2A5CC99, 0xBB43F3FB, 0x40001, 0, 0, 0, 0]
    words.append(~sum(w * (2 * i + 1) for i, w in enumerate(words)) & 0xFFFFFFFF)
    image = image[:-128] + struct.pack('<16I', *words) + image[-64:]
open(name, 'wb').write(image)
PY
}

# delta OUT OLD OPTION...
delta() {
	out=$1 old=$2
	shift 2
	"$stmota" -q diff "$old" whole.sota --key release.pem "$@" --out "$out" || fail "diff $out"
}

device_crypto host
sources=$(find "$ab/core" -name '*.c' ! -name crypto_none.c)
# shellcheck disable=SC2046,SC2086 # words on purpose
$(compiler host) -std=gnu11 -Os -g -Wall -Wextra -Wconversion -Wshadow -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -DBOOT_HOST -DBOOT_PRODUCT_KEY='"product_key.h"' -DIMF_NO_STRERROR \
	-DIMF_NO_SEGMENTS -I"$ab/core" -I"$root/image_format/include" -isystem "$bear/inc" -isystem . \
	"$root/tests/boot/campaign.c" $sources "$root"/image_format/*.c "$cache/libcrypto-host.a" \
	-o campaign || fail 'the loader does not compile for the host'

for v in a b c d; do
	mkdir $v
	one=0x21010000 two=0x21020000 own=
	case $v in
	b) one=0x21030000 two=$one ;;
	c) one=0x21030000 two=$one own=own ;;
	esac
	image $v/old.bin $one 1 9000 $own
	image $v/new-1.bin $one 2 12000 $own
	image $v/new-2.bin $two 2 12000 $own
	image $v/next-1.bin $one 3 10100 $own
	image $v/next-2.bin $two 3 10100 $own
	new=$v/new-2.bin@$two@2 next="$v/next-1.bin@$one@1 $v/next-2.bin@$two@2"
	case $v in
	[bc]) new=$v/new-2.bin@$two@1 next=$v/next-1.bin@$one@1 ;;
	esac
	# The next one goes wherever there is room: both places are in it.
	case $v in
	a) pack $v/new.sota 1.1.0 6 release.pem "$new" -- --chain 1024 --encrypt-key product.key --compress ;;
	*) pack $v/new.sota 1.1.0 6 release.pem "$new" -- --chain 4096 ;;
	esac
	# shellcheck disable=SC2086 # words on purpose
	pack $v/next.sota 1.2.0 7 release.pem $next
	# Deltas from what runs; the library refuses one that overwrites its own base.
	pack old.sota 1.0.0 5 release.pem "$v/old.bin@$one@1"
	pack whole.sota 1.1.0 6 release.pem "$new"
	delta $v/delta.sota old.sota --ram 4
	delta $v/bad-ram.sota old.sota --ram 16
	cp $v/delta.sota $v/bad-delta.sota
	pack other.sota 1.0.0 5 release.pem "$v/next-1.bin@$one@1"
	delta $v/bad-base.sota other.sota
	case $v in
	[bc]) pack place.sota 1.0.0 5 release.pem "$v/next-1.bin@$two@1" ;;
	*) pack place.sota 1.0.0 5 release.pem "$v/next-2.bin@$two@2" ;;
	esac
	delta $v/bad-in-place.sota place.sota --in-place --erase-unit 1024
	pack $v/bad-key.sota 1.1.0 6 other.pem "$new"
	PRODUCT=acme.com/toaster pack $v/bad-product.sota 1.1.0 6 release.pem "$new"
	HW=4..9 pack $v/bad-hardware.sota 1.1.0 6 release.pem "$new"
	pack $v/bad-counter.sota 1.1.0 4 release.pem "$new"
	pack $v/bad-version.sota 0.9.0 6 release.pem "$new"
	pack $v/bad-address.sota 1.1.0 6 release.pem "$v/new-2.bin@$two@7"
	pack $v/bad-byte.sota 1.1.0 6 release.pem "$new"
	head -c -700 $v/bad-byte.sota >$v/bad-end.sota
	python3 - $v <<'PY'
import sys
v = sys.argv[1] + '/'
b = bytearray(open(v + 'bad-byte.sota', 'rb').read())
b[-5000] ^= 1
open(v + 'bad-byte.sota', 'wb').write(b)
d = bytearray(open(v + 'bad-delta.sota', 'rb').read())
d[-50] ^= 1
open(v + 'bad-delta.sota', 'wb').write(d)
c = bytearray(open(v + 'bad-end.sota', 'rb').read())
c[26] ^= 1 # the version, so nothing else is wrong with it
open(v + 'bad-manifest.sota', 'wb').write(c)
PY
done
for v in a b c d; do
	case ${1:-} in
	all) ./campaign $v $v 1 ;;
	*) ./campaign $v $v 20261121 60 ;;
	esac || fail "variant $v"
done
