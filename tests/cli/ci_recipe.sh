#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The recipe in examples/ci does what it says.
. "$(dirname "$0")/lib.sh"

expect 0 stmota keygen --type p256 --out key.pem --public pub.pem
expect 0 sh "$root/examples/ci/release.sh" "$root/examples/blinky/blinky-1.0.0.elf" \
	example.com/blinky 1.0.0 STM32F103C8 key.pem blinky.sota
expect 0 stmota verify blinky.sota --trust pub.pem
