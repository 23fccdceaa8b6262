# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# tools.sh - for `build` here and in app_blinky: $variant and $port become settings, and
#
#   link ELF ADDRESS SIZE SOURCE-OR-OPTION...   compiles and links for that place, makes a .bin too
ab=$(cd "$(dirname "$0")/../bootloader_ab" && pwd)
imf=$ab/../../image_format
crypto=${STMOTA_DEVICE_CRYPTO:-${XDG_CACHE_HOME:-$HOME/.cache}/stmota/device-crypto}
bear=$crypto/bearssl
cpu='' loader='' loader_size='' slot_1='' slot_2='' slot_size='' run='' own='' ram='' ram_size=''
# shellcheck disable=SC1090 # a folder of port/
. "$ab/port/$port/port.sh"

[ -z "${BOOT_CPU:-}" ] || cpu=$BOOT_CPU
case $variant in
a) flags='' ;;
b) flags='-DBOOT_COPY_DOWN -DBOOT_NO_VTOR' ;;
c) flags="-DBOOT_COPY_DOWN -DBOOT_OWN=$own" ;;
d) flags='-DBOOT_SOURCE' ;;
*)
	echo "build: no variant $variant" >&2
	exit 2
	;;
esac
# Deltas and compression double the loader; take the first switch away if there is room for them.
: "${BOOT_FEATURES=-DIMF_NO_PATCH -DIMF_NO_UNWRAP}"
features="-DIMF_NO_INPLACE -DIMF_NO_STRERROR -DIMF_NO_SEGMENTS $BOOT_FEATURES"

# Without link-time optimization a Cortex-M0+ needs 600 bytes more.
link() {
	elf=$1 at=$2 size=$3
	shift 3
	case " $* " in
	*' -DBOOT_NO_UPDATE '*) set -- "$@" "$imf"/imf_bytes.c "$imf"/imf_refuse.c ;;
	*)
		set -- "$@" "$imf"/*.c
		if [ "${BOOT_CRYPTO:-}" ]; then
			set -- "$@" "$BOOT_CRYPTO"
		else
			for source in "$bear"/src/int/i15_*.c "$bear/src/int/i32_div32.c" \
				"$bear/src/ec/ec_p256_m15.c" "$bear/src/ec/ec_prime_i15.c" \
				"$bear/src/ec/ecdsa_i15_vrfy_raw.c" \
				"$bear/src/ec/ecdsa_i15_bits.c" "$bear"/src/ec/ec_secp*.c \
				"$bear/src/hash/sha2small.c" "$bear/src/symcipher/aes_small_enc.c" \
				"$bear/src/symcipher/aes_small_ctr.c" "$bear/src/symcipher/aes_common.c" \
				"$bear/src/codec/ccopy.c" "$bear/src/codec/dec32be.c" \
				"$bear/src/codec/enc32be.c"; do
				set -- "$@" "$source"
			done
		fi
		;;
	esac
	objects=$(mktemp -d)
	archive=
	for word; do
		shift
		case $word in
		*.a) archive=$word ;;
		*) set -- "$@" "$word" ;;
		esac
	done
	cc="arm-none-eabi-gcc -mcpu=$cpu -mthumb -Os"
	# mem.c is what the compiler calls by itself: not to be optimized together with the rest.
	# shellcheck disable=SC2086 # words on purpose
	(
		cd "$objects"
		$cc --specs=picolibc.specs -std=gnu11 -g -ffreestanding -fno-builtin -mno-unaligned-access \
			-ffunction-sections -fdata-sections -Wall -Wextra -Werror \
			-DBOOT_VARIANT="\"$variant\"" $flags $features ${BOOT_LTO--flto=1} -I"$ab/core" \
			-I"$ab/port" -I"$imf/include" -isystem "$bear/inc" -isystem "$bear/src" \
			-isystem "${BOOT_KEYS:-$ab}" -c "$@"
		$cc --specs=picolibc.specs -std=gnu11 -fno-tree-loop-distribute-patterns -fno-builtin \
			-ffunction-sections -c "$ab/port/mem.c"
		$cc -nostdlib -nostartfiles ${BOOT_LTO--flto=1} -Wl,--gc-sections -Wl,--build-id=none \
			-Wl,-T,"$ab/port/image.ld" -Wl,--defsym=__flash="$at" \
			-Wl,--defsym=__flash_size="$size" -Wl,--defsym=__ram="$ram" \
			-Wl,--defsym=__ram_size="$ram_size" -Wl,--defsym=__stack_size="${stack:-0x1400}" \
			./*.o $archive -lgcc -o out.elf
	) || return 1
	mv "$objects/out.elf" "$elf"
	rm -rf "$objects"
	arm-none-eabi-objcopy -O binary "$elf" "${elf%.elf}.bin"
}
