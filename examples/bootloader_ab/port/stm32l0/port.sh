# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # for the script that reads this
#
# STM32L072 and relatives with 192 KiB: see board.c for the map. Variant b with -DBOOT_NO_UPDATE: the
# application receives (-DAPP_UPDATER).
cpu=cortex-m0plus
loader=0x08000000 loader_size=0x1000
slot_1=0x08011000 slot_2=0x08020800 slot_size=0xF800
run=0x08001800 own=0
ram=0x20000000 ram_size=0x5000
