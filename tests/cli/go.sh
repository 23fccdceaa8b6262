#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# Blank flash is no program.
board --chip 0x413
expect 6 stmota go --device uart:board
says "no program at 0x08000000"
expect 2 stmota go --device uart:board --address 0x08000002

# A stack pointer and a reset handler are one.
printf '\000\100\000\040\011\000\000\010' >vectors.bin
head -c 248 /dev/zero >>vectors.bin
command -v stm32flash >/dev/null || skip "stm32flash is not installed"
expect 0 stm32flash -m 8n1 -w vectors.bin board
expect 0 stmota go --device uart:board --json
prints '"started": "0x08000000"'
