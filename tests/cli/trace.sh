#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# --trace: the bytes that went over the wire, all of them, in their order.
. "$(dirname "$0")/lib.sh"

board --chip 0x410
expect 0 stmota probe --device uart:board --trace trace
grep -q '^# stmota trace 1, 20' trace || fail "no head: $(head -n 3 trace)"
grep -qE '^ +[0-9]+\.[0-9]{6} board > 7F$' trace || fail "no sync byte: $(head -n 5 trace)"
sed -n 's/^ *[0-9.]* board \([*<>.]\) /\1 /p' trace >lines
# AN3155: sync, ACK, then Get.
grep '^[<>]' lines | head -n 3 | tr '\n' '/' >first
grep -q '^> 7F/< 79/> 00 FF/' first || fail "not the conversation: $(cat first)"
# As many bytes as the board has seen, both ways.
board_off
to=$(sed -n 's/^> //p' lines | wc -w)
from=$(grep '^[<.]' lines | cut -c3- | wc -w)
[ "$to" = "$(stat bytes_to_device)" ] || fail "$to to the board, $(stat bytes_to_device) arrived"
[ "$from" = "$(stat bytes_from_device)" ] || fail "$from came, $(stat bytes_from_device) were sent"

# A second one goes on in the same file; long packets are broken into lines of 32 bytes.
board --chip 0x410
before=$(wc -l <trace)
head -c 1024 /dev/urandom >data.bin
expect 0 stmota flash --device uart:board --address 0x08000000 --data --after none data.bin \
	--trace trace
[ "$(wc -l <trace)" -gt "$before" ] || fail "nothing was appended"
[ "$(grep -c '^# stmota trace' trace)" = 2 ] || fail "not two heads"
[ "$(awk '{ print NF }' trace | sort -n | tail -n 1)" = 35 ] || fail "lines of another length"

# What cannot be written is said before the device is touched; a full disk at the end.
expect 1 stmota probe --device uart:board --trace no/such/folder
says "cannot write the trace no/such/folder"
if [ -c /dev/full ]; then
	expect 1 stmota probe --device uart:board --trace /dev/full
	says "cannot write the trace /dev/full"
fi
