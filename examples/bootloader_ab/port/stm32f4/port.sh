# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # for the script that reads this
#
# STM32F405 to F429: see board.c for the map. Variant a.
cpu=cortex-m4
loader=0x08000000 loader_size=0x8000
slot_1=0x08020000 slot_2=0x08060000 slot_size=0x40000
run=0 own=0
ram=0x20000000 ram_size=0x20000
