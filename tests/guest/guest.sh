#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# guest.sh - boots Debian's kernel in QEMU once and runs cases.sh in it: a real tty layer, usbfs,
# i2c-dev and gpiochip between unmodified programs and the virtual boards
#
# The kernel is not installed: scripts/deps --ci unpacks it into the user's cache. By hand:
# STMOTA_BUILD=build tests/guest/guest.sh
kernels=${STMOTA_GUEST_KERNEL:-${XDG_CACHE_HOME:-$HOME/.cache}/stmota/guest-kernel}
[ "$(uname -m)" = x86_64 ] || {
	echo 'SKIP: the guest is for x86-64'
	exit 77
}
cli=$(cd "$(dirname "$0")/../cli" && pwd)
guest=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/cli/lib.sh
. "$cli/lib.sh"

for program in qemu-system-x86_64 busybox cpio modprobe depmod dfu-util stm32flash; do
	command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin:/sbin
	command -v "$program" >/dev/null || skip "$program is not installed"
done
vmlinuz=
for f in "$kernels"/boot/vmlinuz-*; do
	[ ! -e "$f" ] || vmlinuz=$f
done
[ -n "$vmlinuz" ] || skip "no kernel in $kernels; scripts/deps --ci fetches it"
release=${vmlinuz##*/vmlinuz-}

# ---- what the guest has: programs, the libraries that they link, modules, firmware
mkdir -p fs/bin fs/modules fs/proc fs/sys fs/dev fs/tmp fs/firmware fs/etc
# A static one where there is one; the libraries of the other come along.
cp "$(command -v busybox)" fs/bin/busybox
for tool in sh cat cmp cp echo grep head insmod ls mount od poweroff rm sed sleep tail tr wc; do
	ln -s busybox "fs/bin/$tool"
done

# with_libraries FILE: copies it, and what it links, to the same places
with_libraries() {
	cp -L "$1" "fs/bin/${1##*/}"
	ldd "$1" | sed -n 's/^.*[ \t]\(\/[^ ]*\) (0x.*/\1/p' | while read -r lib; do
		mkdir -p "fs${lib%/*}"
		[ -e "fs$lib" ] || cp -L "$lib" "fs$lib"
	done
}
with_libraries "$(command -v dfu-util)"
with_libraries "$(command -v stm32flash)"
with_libraries "$STMOTA_BUILD/src/cmd/stmota"
with_libraries "$STMOTA_BUILD/tests/guest/guest_bench"
case $(ldd fs/bin/busybox 2>&1) in
*'=>'*) with_libraries "$(command -v busybox)" ;;
esac

[ -e "$kernels/lib/modules/$release/modules.dep" ] || depmod -b "$kernels" "$release"
for module in vhci-hcd i2c-dev i2c-tiny-usb cp210x; do
	modprobe -d "$kernels" -S "$release" --show-depends "$module" || echo "missing $module"
done | while read -r verb path rest; do
	[ "$verb" = insmod ] || [ "$verb" = builtin ] || fail "module: $verb $path $rest"
	[ "$verb" = insmod ] || continue
	[ -e "fs/modules/${path##*/}" ] || {
		cp "$path" fs/modules/
		echo "${path##*/}" >>fs/modules/order
	}
done

head -c 40000 /dev/urandom >fs/firmware/image
for f in hoverboard mlrs-rx pybv11 skr-mini-v12; do
	[ ! -e "$corpus/$f/new.bin" ] || cp "$corpus/$f/new.bin" "fs/firmware/$f"
done
program fs/firmware/program 20000 1
# stmota looks at what it is given: it must be a program.
[ -e fs/firmware/mlrs-rx ] || cp fs/firmware/program fs/firmware/mlrs-rx
expect 0 stmota convert --to dfu --address 0x08000000 --out fs/firmware/image.dfu fs/firmware/image
cp "$guest/cases.sh" fs/init
chmod 755 fs/init
(cd fs && find . | cpio --quiet -o -H newc) | gzip -1 >initrd.gz

# ---- one boot; without KVM, which a container or a virtual machine may offer and not keep
status=0
timeout 800 qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu qemu64 -m 1024 \
	-kernel "$vmlinuz" -initrd initrd.gz -append 'console=ttyS0 quiet panic=-1' -nodefaults \
	-nographic -no-reboot -serial stdio </dev/null >console 2>qemu.err || status=$?
tr -d '\r' <console | grep -v '^\[' || :
[ "$status" -eq 0 ] || fail "QEMU: status $status: $(cat qemu.err)"
tr -d '\r' <console >log
passed=$(sed -n 's/^guest: \([0-9]*\) cases passed$/\1/p' log)
[ "${passed:-0}" -gt 0 ] || fail 'not all cases passed in the guest'
