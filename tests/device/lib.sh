# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib.sh - for tests of image_format/ as a device runs it. Gives what tests/conformance/lib.sh gives and:
#
#   cores                      the cores a program is built for, and "host"
#   build CORE NAME SOURCE...  compiles SOURCEs with image_format/ and the device's cryptography to
#                              NAME-CORE.elf; a SOURCE without a slash is of tests/device. IMF: other
#                              files than image_format/*.c; defines, ram, ram_size: for larger ones
#   run CORE ELF [FOLDER]      runs it there with FOLDER as working folder (semihosting); fails unless
#                              it says that all is well
. "$(dirname "$0")/../conformance/lib.sh"
need qemu-system-arm arm-none-eabi-gcc
arm-none-eabi-gcc --specs=picolibc.specs -mcpu=cortex-m3 -mthumb -E -x c - </dev/null >/dev/null 2>&1 ||
	skip 'picolibc is not installed'
crypto=${STMOTA_DEVICE_CRYPTO:-${XDG_CACHE_HOME:-$HOME/.cache}/stmota/device-crypto}
[ -e "$crypto/bearssl/inc/bearssl.h" ] || skip "no device cryptography in $crypto: scripts/device-crypto"
bear=$crypto/bearssl
# shellcheck disable=SC2034 # for the tests
cores='host cortex-m0plus cortex-m3 cortex-m4'
warnings='-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror'

# The compiler must know that unaligned accesses trap.
compiler() {
	case $1 in
	host) echo "${CC:-cc} -DBR_64=0" ;;
	*) echo "arm-none-eabi-gcc --specs=picolibc.specs -mcpu=$1 -mthumb -mno-unaligned-access" \
		"-ffunction-sections -fdata-sections" ;;
	esac
}

# device_crypto CORE: $cache/libcrypto-CORE.a, kept between the tests
cache=${DEVICE_CACHE:-$tmp}
device_crypto() {
	[ ! -e "$cache/libcrypto-$1.a" ] || return 0
	mkdir "crypto-$1"
	# shellcheck disable=SC2046 # words on purpose
	(cd "crypto-$1" && $(compiler "$1") -Os -w -I"$bear/inc" -I"$bear/src" -I"$crypto/signify" -c \
		"$bear"/src/int/i15_*.c "$bear/src/int/i32_div32.c" "$bear/src/ec/ec_p256_m15.c" \
		"$bear/src/ec/ecdsa_i15_vrfy_raw.c" "$bear/src/ec/ecdsa_i15_bits.c" \
		"$bear"/src/ec/ec_secp*.c "$bear"/src/hash/sha2small.c "$bear"/src/hash/sha2big.c \
		"$bear"/src/symcipher/aes_small_enc.c "$bear"/src/symcipher/aes_small_ctr.c \
		"$bear"/src/symcipher/aes_common.c "$bear"/src/codec/*.c \
		"$crypto/signify/mod_ed25519.c" "$crypto/signify/mod_ge25519.c" \
		"$crypto/signify/fe25519.c" "$crypto/signify/sc25519.c")
	ar rcs "crypto-$1.a" "crypto-$1"/*.o
	# In one step: another test may be doing the same.
	mkdir -p "$cache"
	mv "crypto-$1.a" "$cache/.$$.a"
	mv "$cache/.$$.a" "$cache/libcrypto-$1.a"
}

build() {
	core=$1 name=$2
	shift 2
	device_crypto "$core"
	for source; do
		case $source in
		*/*) ;;
		*) source=$root/tests/device/$source ;;
		esac
		set -- "$@" "$source"
		shift
	done
	link="--oslib=semihost --crt0=semihost -Wl,--defsym=__flash=0 -Wl,--defsym=__flash_size=0x400000
		-Wl,--defsym=__ram=${ram:-0x20000000} -Wl,--defsym=__ram_size=${ram_size:-0x100000}
		-Wl,--defsym=__stack_size=0x4000"
	[ "$core" != host ] || link='-fsanitize=address,undefined -fno-sanitize-recover=all'
	# shellcheck disable=SC2086,SC2046 # words on purpose
	$(compiler "$core") -std=c11 -Os -g $warnings ${defines:-} -I"${IMF_INCLUDE:-$root/image_format/include}" \
		-isystem "$bear/inc" -isystem "$crypto/signify" -I"$root/tests/device" -I. \
		-o "$name-$core.elf" "$@" ${IMF:-"$root"/image_format/*.c} "$cache/libcrypto-$core.a" $link ||
		fail "$name does not compile for $core"
}

run() {
	status=0
	elf=$(pwd)/$2
	case $1 in
	host) (cd "${3:-.}" && "$elf") >run.out 2>&1 || status=$? ;;
	*)
		machine=mps2-an385
		[ "$1" != cortex-m4 ] || machine=mps2-an386
		(cd "${3:-.}" && exec timeout "${limit:-100}" qemu-system-arm -M $machine -kernel "$elf" -display none \
			-monitor none -serial none -semihosting-config enable=on,target=native,arg=ok) \
			>run.out 2>&1 || status=$?
		;;
	esac
	[ $status = 64 ] || fail "$2: status $status: $(tail -n 5 run.out)"
	echo "ok: $2: $(tail -n 1 run.out)"
}

# array NAME FILE [SKIP COUNT]: bytes of a file as C
array() {
	echo "static const uint8_t $1[] = {"
	od -An -v -tx1 -j "${3:-0}" ${4:+-N "$4"} "$2" | sed 's/ \(..\)/0x\1,/g'
	echo '};'
}

# hex_array NAME FILE: the first line of a file, hexadecimal digits
hex_array() {
	echo "static const uint8_t $1[] = { $(head -n 1 "$2" | sed 's/../0x&,/g') };"
}

# private_array NAME KEY.pem: the 32 bytes of a private key of P-256
private_array() {
	openssl ec -in "$2" -outform DER -out private.der 2>/dev/null
	# SEC 1: SEQUENCE, version 1, OCTET STRING of 32 bytes.
	array "$1" private.der 7 32
}

# keys_h NAME=PUBLIC_KEY...: keys.h with C arrays
keys_h() {
	echo '#include <stdint.h>'
	for key; do
		"$stmota" key show "${key#*=}" --c-array --name "${key%%=*}_key"
	done
}
