#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# image_format/ as one imf.h and one imf.c: without a warning as C99, the header as C++, and it judges
# every vector as the library does, on the host and as Thumb code.
. "$(dirname "$0")/lib.sh"

"$root/image_format/tools/imf_amalgam" pair/imf
strict='-Wall -Wextra -Wconversion -Wshadow -Wpedantic -Wstrict-prototypes -Wmissing-prototypes -Werror'
for cc in gcc clang 'arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb'; do
	command -v "${cc%% *}" >/dev/null || continue
	# shellcheck disable=SC2086 # words on purpose
	$cc -std=c99 -ffreestanding -Os $strict -c pair/imf/imf.c -o imf.o || fail "$cc: imf.c"
	# shellcheck disable=SC2086
	$cc -std=c99 -ffreestanding -Os $strict -DIMF_NO_STRERROR -DIMF_NO_PATCH -DIMF_NO_SEGMENTS \
		-c pair/imf/imf.c -o less.o || fail "$cc: imf.c without some parts"
done

# From C++, linked with what C made of it.
cat >user.cpp <<'CPP'
#include "pair/imf/imf.h"
#include <cstdio>

int main()
{
	imf_header h{};
	const uint8_t nothing[IMF_HEADER_SIZE] = {};
	const int rc = imf_header_parse(nothing, &h);

	std::puts(imf_strerror(rc));
	return rc == IMF_ERR_MAGIC ? 0 : 1;
}
CPP
gcc -std=c99 -Wall -Wextra -Werror -c pair/imf/imf.c -o imf.o
if command -v g++ >/dev/null; then
	g++ -Wall -Wextra -Wpedantic -Werror -o user user.cpp imf.o || fail 'C++: imf.h'
	[ "$(./user)" = 'not a stmota package' ] || fail 'C++: another answer'
fi

vectors=$root/image_format/vectors
keys_h ed="$vectors/ed25519.pem" ec="$vectors/p256.pem" >keys.h
IMF=$(pwd)/pair/imf/imf.c IMF_INCLUDE=$(pwd)/pair
for core in host cortex-m3; do
	build "$core" vectors vectors.c device.c dev_crypto.c
	run "$core" "vectors-$core.elf" "$vectors"
done

# Two files of the library that use one name for two things are seen when the pair is made.
cp -r "$root/image_format" copy
printf 'static int compare(void)\n{\n\treturn 0;\n}\n' >>copy/imf_verify.c
if copy/tools/imf_amalgam bad 2>err; then
	fail 'a collision of names passes'
fi
grep -q 'both have compare' err || fail "$(cat err)"
