# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib.sh - for tests of examples/bootloader_ab. Gives what tests/device/lib.sh gives and:
#
#   keys                        release.pem with release_key.h, other.pem, product.key with product_key.h
#   pack OUT VERSION COUNTER KEY [FILE@ADDRESS@SLOT]... [-- OPTION...]   a package
# shellcheck source=tests/device/lib.sh
. "$(dirname "$0")/../device/lib.sh"
# shellcheck disable=SC2034 # for the tests
ab=$root/examples/bootloader_ab
# shellcheck disable=SC2034
blinky=$root/examples/app_blinky
export STMOTA="$stmota" STMOTA_DEVICE_CRYPTO="$crypto" BOOT_KEYS="$tmp" STMOTA_STATE_DIR="$tmp/state"

keys() {
	"$stmota" -q keygen --type p256 --out release.pem --public release.pub
	"$stmota" -q keygen --type p256 --out other.pem --public other.pub
	{
		echo '#include <stdint.h>'
		"$stmota" key show release.pub --c-array --name release_key
	} >release_key.h
	printf '00112233445566778899aabbccddeeff' >product.key
	echo 'static const uint8_t product_key[] = {0x00,0x11,0x22,0x33,0x44,0x55,0x66,0x77,0x88,0x99,0xaa,' \
		'0xbb,0xcc,0xdd,0xee,0xff};' >product_key.h
}

pack() {
	out=$1 version=$2 counter=$3 key=$4
	shift 4
	{
		echo '[package]'
		echo "product = ${PRODUCT:-acme.com/streetlight}"
		echo "version = $version"
		echo "counter = $counter"
		echo "hw = ${HW:-1..4}"
		n=0
		while [ $# -gt 0 ] && [ "$1" != -- ]; do
			n=$((n + 1))
			echo "[component image$n]"
			echo 'kind = application'
			echo "file = $(pwd)/${1%%@*}"
			rest=${1#*@}
			echo "address = ${rest%@*}"
			echo "slot = ${rest#*@}"
			shift
		done
	} >pack.ini
	[ $# -eq 0 ] || shift
	"$stmota" -q pack --from pack.ini --key "$key" --out "$out" "$@" || fail "packing $out"
}
