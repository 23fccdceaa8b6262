#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# DFU suffixes as dfu-suffix writes them are recognised, and what it rejects is rejected here.
. "$(dirname "$0")/lib.sh"
need dfu-suffix

awk 'BEGIN { srand(7); for (i = 0; i < 5000; i++) printf "%c", 1 + int(rand() * 126) }' >plain.bin
cp plain.bin made.dfu
dfu-suffix -v 0483 -p df11 -d 0102 -a made.dfu >log || fail "dfu-suffix refuses: $(cat log)"
"$stmota" info made.dfu --address 0x08004000 >out || fail "stmota does not read it"
for line in 'format      dfu' 'vendor       0x0483' 'product      0xDF11' 'device       0x0102' \
	'0x08004000  0x08005387'; do
	grep -q "$line" out || fail "info does not say '$line': $(cat out)"
done

# One bit in the file: neither takes it for a DFU file.
{ printf X; tail -c +2 made.dfu; } >damaged.dfu
dfu-suffix -c damaged.dfu >log 2>&1 && fail "dfu-suffix takes a damaged file"
"$stmota" info damaged.dfu --address 0x08004000 >out 2>&1 || true
! grep -q 'format      dfu' out || fail "stmota takes a damaged file for DFU"

if [ -d "$corpus/files" ]; then
	for file in "$corpus"/files/*.dfu; do
		dfu-suffix -c "$file" >log 2>&1 || fail "dfu-suffix rejects $file"
		"$stmota" info "$file" >out || fail "stmota rejects $file"
		vendor=$(sed -n 's/^idVendor:[[:space:]]*0x//p' log)
		grep -qi "vendor *0x$vendor" out || fail "$file: other vendor than dfu-suffix says"
	done
else
	echo "no corpus of real firmware beside the source tree: own files only"
fi
