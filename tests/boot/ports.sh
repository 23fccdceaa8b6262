#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The STM32 ports of the example boot loader compile and fit where they are to lie; nothing of them runs
# here. The loader of STM32L0 has 4 KiB. Each image says where it begins.
. "$(dirname "$0")/lib.sh"

keys
device_crypto cortex-m4
device_crypto cortex-m0plus
# port VARIANT PORT CORE [OPTION...]
port() {
	v=$1 port=$2
	export BOOT_CRYPTO="$cache/libcrypto-$3.a"
	shift 3
	mkdir "$port"
	"$ab/build" "$v" "$port" "$port" "$@" || fail "$port: the loader does not build"
	application=''
	[ $# -eq 0 ] || application=-DAPP_UPDATER
	for slot in 1 2; do
		# shellcheck disable=SC2086 # a word, or none
		at=$("$blinky/build" "$v" "$port" "$port" app$slot $slot $application) ||
			fail "$port: the application does not build"
		"$stmota" check "$port/app$slot.bin" --at "$at" --chip "$chip" >/dev/null 2>check.err ||
			fail "$port: slot $slot: $(cat check.err)"
	done
	"$stmota" check "$port/loader.bin" --at 0x08000000 --chip "$chip" >/dev/null 2>check.err ||
		fail "$port: the loader: $(cat check.err)"
	echo "# $port: loader $(wc -c <"$port/loader.bin"), application $(wc -c <"$port/app1.bin") bytes"
}
chip=0x419
port a stm32f4 cortex-m4
chip=0x447
port b stm32l0 cortex-m0plus -DBOOT_NO_UPDATE
[ "$(wc -c <stm32l0/loader.bin)" -le 4096 ] || fail 'the loader of STM32L0 is larger than 4 KiB'
chip=0x415
port a stm32l4 cortex-m4
chip=0x469
port a stm32g4 cortex-m4
echo 'ok: ports compile and fit; not run on hardware'
