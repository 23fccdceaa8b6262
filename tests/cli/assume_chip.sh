#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# assume_chip.sh - a product ID that no table knows: refused, or taken for the chip that is named
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

program app.bin 5000 1
unknown() { board --chip "$1" --fault quirk:unknown-pid; }
flash() { stmota flash --device uart:board --address 0x08000000 --entry-by-hand --after none "$@"; }

# Nothing is guessed, and nothing is touched.
unknown 0x413
expect 4 stmota probe --device uart:board
says '0x7FD is not in the chip table'
says '--assume-chip'
expect 4 flash --json app.bin
expect 4 flash --chip 0x413 app.bin

# Its facts are those of the chip that is named; that it is an assumption is said each time.
expect 0 stmota probe --device uart:board --assume-chip STM32F407 --json
says 'product ID 0x7FD is not in the chip table: taken for STM32F40'
json 'r["chip"] == "0x7FD" and r["chip_assumed"] == "0x413" and r["flash"]["erase_units"] == 12'
expect 0 stmota probe --device uart:board --assume-chip 0x413
prints 'chip assumed'
expect 0 flash --assume-chip 0x413 app.bin
says 'taken for STM32F40'
expect 0 flash --assume-chip 0x413 --verify-only app.bin
expect 0 stmota read --device uart:board --assume-chip 0x413 --range 0x08000000:5000 --out back.bin
same app.bin back.bin
expect 0 stmota option list --device uart:board --assume-chip 0x413 --json
json 'r["chip_assumed"] == "0x413"'

# The flash size register contradicts: F103 has at most 128 KiB, and this says 1024.
expect 1 stmota erase --device uart:board --assume-chip 0x410 --range 0x08000000:1024 --yes
says_not 'erased'
expect 0 flash --assume-chip 0x413 --verify-only app.bin

# A section that says what it must have agrees, or does not.
cat >lamp.conf <<EOF
[device lamp]
url = uart:$tmp/board
chip = 0x413
EOF
expect 0 stmota probe --config lamp.conf --device lamp --assume-chip 0x413
expect 4 stmota probe --config lamp.conf --device lamp --assume-chip 0x419
expect 4 stmota probe --config lamp.conf --device lamp

# An interruption: what comes back must say the same product ID.
board --chip 0x413 --fault quirk:unknown-pid --fault cut@op:60
program app2.bin 5000 2
expect 10 flash --assume-chip 0x413 app2.bin
unknown 0x413
expect 0 flash --assume-chip 0x413 app2.bin
expect 0 flash --assume-chip 0x413 --verify-only app2.bin

# What is known is not talked away.
board_off
rm -f board.state
board --chip 0x410
expect 4 flash --assume-chip 0x413 app.bin
says 'which is known'
expect 0 stmota probe --device uart:board --assume-chip 0x410 --json
json 'r["chip"] == "0x410" and "chip_assumed" not in r'
expect 2 stmota probe --device uart:board --assume-chip 0x410 --chip 0x410
expect 2 stmota probe --device uart:board --assume-chip 0x999
expect 1 stmota probe --device uart:board --assume-chip 0x028
says 'not supported yet'
expect 2 stmota probe --device dfu: --assume-chip 0x413
says 'not for USB'
