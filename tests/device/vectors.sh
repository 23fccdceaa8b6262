#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every vector of the format as a Cortex-M checks it: compiled for Thumb, in QEMU, with traps for
# unaligned accesses, signatures verified by a device's libraries; and on the host with sanitizers.
# QEMU does not trap on a Cortex-M0; its code runs on the M3, which does.
. "$(dirname "$0")/lib.sh"

vectors=$root/image_format/vectors
keys_h ed="$vectors/ed25519.pem" ec="$vectors/p256.pem" >keys.h
for core in $cores; do
	build "$core" vectors vectors.c device.c dev_crypto.c
	run "$core" "vectors-$core.elf" "$vectors"
done

# The traps are on: an access that must fault does.
build cortex-m3 trap trap.c device.c
status=0
timeout 100 qemu-system-arm -M mps2-an385 -kernel trap-cortex-m3.elf -display none -monitor none \
	-serial none -semihosting-config enable=on,target=native,arg=ok >run.out 2>&1 || status=$?
grep -q 'before the access' run.out || fail "trap.c did not start: $(cat run.out)"
if ! grep -q 'ARM fault' run.out || [ $status = 64 ]; then
	fail 'an unaligned access passes: this test proves nothing'
fi
echo 'ok: unaligned accesses trap'
