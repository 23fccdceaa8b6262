# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # for the script that reads this
#
# QEMU's mps2-an386: a Cortex-M4, where code for a Cortex-M0 runs too. See board.c for the map.
cpu=cortex-m4
[ "$variant" != b ] || cpu=cortex-m0
loader=0x00000000 loader_size=0x10000
slot_1=0x21010000 slot_2=0x21020000 slot_size=0x10000
run=0x21030000
ram=0x20000000 ram_size=0x40000
own=0x2000
