# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # for the script that reads this
#
# STM32G474, two banks by BFB2 (DBANK = 1). Variant a; both slots are linked for the same address.
cpu=cortex-m4
loader=0x08000000 loader_size=0x8000
slot_1=0x08008000 slot_2=0x08008000 slot_size=0x37800
run=0 own=0
ram=0x20000000 ram_size=0x18000
