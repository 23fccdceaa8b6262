#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# slot.sh - slots of the configuration: made by layout, judged by check, written by flash
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

dev=uart:$tmp/board
flash() { stmota flash --config slots.conf --device "$dev" "$@"; }
check() { stmota check --config slots.conf "$@"; }
whole() { expect 0 stmota read --device "$dev" --range 0x08000000:0x10000 --out "$1"; }

# What layout prints, the configuration takes.
expect 0 stmota layout --chip 0x410 --flash-size 64K --app 20K --bootloader 4K --format conf
cp out slots.conf
prints '[slot slot1]'
prints 'address = 0x08001000'
prints '[slot slot2]'
prints 'address = 0x08008800'
prints 'size = 0x7800'
prints_not 'bootloader'
cat >>slots.conf <<'EOF'
[slot settings]
address = 0x08000C00
size = 0x400
purpose = data
chip = 0x410
[slot other]
address = 0x08001000
size = 0x1000
chip = 0x413
[slot crooked]
address = 0x0800F900
size = 0x100
chip = 0x447
EOF
program one.bin 9000 1 0x08001000
program two.bin 9000 2 0x08008800
expect 0 check --slot slot1 one.bin
prints 'slot'
expect 0 check --slot slot2 --json two.bin
json 'r["runs"] and r["slot"] == "slot2" and r["address"] == "0x08008800"'
expect 6 check --slot slot1 two.bin
expect 2 check --slot slot1 --at 0x08001000 one.bin
expect 2 check --slot settings one.bin
says 'data'
expect 2 check --slot slot3 one.bin
says 'slot1, slot2'
program large.bin 31000 3 0x08001000
expect 6 check --slot slot1 large.bin
prints 'outside slot slot1'

# Each goes where it belongs, and nothing else changes.
board --chip 0x410 --flash-size 64
expect 0 flash --slot slot1 one.bin
expect 0 flash --slot slot2 --json two.bin
json 'r["slot"] == "slot2" and r["verified"]'
printf 'settings of this very board' >settings
expect 0 flash --slot settings settings
whole before.bin
expect 0 cmp -n 9000 -i 4096:0 before.bin one.bin
expect 0 cmp -n 9000 -i 34816:0 before.bin two.bin
expect 0 cmp -n 27 -i 3072:0 before.bin settings

# Refused, without a byte changed: linked elsewhere, too large, unknown, of another chip, not whole.
program changed.bin 9000 4 0x08001000
expect 6 flash --slot slot2 changed.bin
says '0x08008800'
expect 6 flash --slot slot1 large.bin
says 'outside slot slot1'
expect 6 flash --slot slot2 --address 0x08001000 changed.bin
expect 2 flash --slot nowhere changed.bin
expect 4 flash --slot other changed.bin
sed -i 's/^chip = 0x447/chip = 0x410/' slots.conf
expect 2 flash --slot crooked --data settings
says 'whole erase units'
sed 's/^size = 0x7800/size = 0x7C00/' slots.conf >overlap.conf
expect 2 stmota flash --config overlap.conf --device "$dev" --slot slot1 changed.bin
says 'overlaps slot slot2'
printf '[slot half]\naddress = 0x08001000\n' >half.conf
expect 2 stmota flash --config half.conf --device "$dev" --slot half changed.bin
says 'needs an address and a size'
printf '[slot]\naddress = 0x08001000\n' >nameless.conf
expect 2 stmota flash --config nameless.conf --device "$dev" --slot half changed.bin
says '[slot NAME]'
printf '[slot half]\naddress = 0x08001000\nsize = 4K\npurpose = fun\n' >half.conf
expect 2 stmota flash --config half.conf --device "$dev" --slot half changed.bin
says 'application, staging or data'
whole after.bin
same before.bin after.bin

# A staged program runs elsewhere: it is linked for there and written here, and is not started.
cat >staging.conf <<'EOF'
[slot next]
address = 0x08008800
size = 0x7800
purpose = staging
link = 0x08001000
EOF
expect 0 stmota flash --config staging.conf --device "$dev" --slot next --json changed.bin
json 'r["started"] == "no"'
whole after.bin
expect 0 cmp -n 9000 -i 4096:0 after.bin one.bin
expect 0 cmp -n 9000 -i 34816:0 after.bin changed.bin
