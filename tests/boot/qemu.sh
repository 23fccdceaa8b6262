#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The example boot loader as Arm code in QEMU, each variant: packed, signed and encrypted here, sent by
# `stmota ymodem send`, checked, started and confirmed there; refusals, trials that fail, power cuts.
#
# usage: qemu.sh [VARIANT [CUTS]]
#   CUTS: power cuts at so many operations, spread evenly; and as many kills at random moments
. "$(dirname "$0")/lib.sh"
need python3

variants=${1:-a b c d} arg=
cuts=${2:-5}
keys
slot_1=0x21010000 slot_2=0x21020000 run=0x21030000

# Flash file of a device that has been in a factory: the image lies at an offset.
factory() {
	python3 - "$1" "$2" "$3" <<'PY'
import os, sys
name, image, at = sys.argv[1], open(sys.argv[2], 'rb').read(), int(sys.argv[3], 0) - 0x21000000
flash = bytearray(b'\xff' * 0x40000)
flash[at:at + len(image)] = image
open(name, 'wb').write(flash)
os.truncate(name, 16 << 20)
PY
}

# device STEP...: with $flash and $loader
device() {
	python3 "$root/tests/boot/device.py" --log "$v/log" --cwd "$v" ${arg:+--arg "$arg"} "$flash" "$loader" "$@" ||
		fail "variant $v: $*"
}

app() {
	name=$1 slot=$2
	shift 2
	"$blinky/build" "$v" qemu "$v" "$name" "$slot" -DBOOT_PRODUCT_KEY='"product_key.h"' "$@" >/dev/null ||
		fail "app_blinky $name does not build"
}

# take STEP...: the program that runs is asked for an update, which does not depend on how fast we are
take() { device wait='app: keys' key=u wait='ready for YMODEM' "$@"; }

for v in $variants; do
	mkdir "$v"
	core=cortex-m4
	[ "$v" != b ] || core=cortex-m0plus
	device_crypto "$core"
	export BOOT_CRYPTO="$cache/libcrypto-$core.a"
	one=$slot_1 two=$slot_2 number=2
	case $v in
	[bc]) one=$run two=$run number=1 ;;
	esac
	# Variant a has everything, b what fits a small part.
	case $v in
	a) BOOT_FEATURES='' ;;
	*) BOOT_FEATURES='-DIMF_NO_PATCH -DIMF_NO_UNWRAP' ;;
	esac
	export BOOT_FEATURES
	"$ab/build" "$v" qemu "$v" -DBOOT_PRODUCT_KEY='"product_key.h"' -DBOOT_WINDOW_MS=50u -DBOOT_STACK_PAINT=0xC5C5C5C5u || fail "variant $v does not build"
	loader=$v/loader.elf
	if [ "$v" = c ]; then
		loader=$v/alias.elf
		arm-none-eabi-gcc -nostdlib -mcpu=cortex-m0plus -Wl,-Ttext=0x40 -Wl,--section-start=.vectors=0 \
			-Wl,-e,reset_handler -Wl,--defsym=__run=$run "$ab/port/qemu/alias.S" -o "$loader"
	fi
	app old 1
	app new 2 -DVERSION_MINOR=1 -DCOUNTER=6
	flash=$v/flash
	factory "$flash" "$v/old.bin" "$one"
	# Its first boot makes the records.
	device wait='boot: starting slot 1, 1.0.0+0' wait='app: app_blinky 1.0.0+0' wait='app: keys'
	cp "$flash" "$v/fresh"
	case $v in
	a) pack "$v/new.sota" 1.1.0 6 release.pem "$v/new.bin@$two@$number" -- --chain 1024 --compress \
		--encrypt-key product.key ;;
	*) pack "$v/new.sota" 1.1.0 6 release.pem "$v/new.bin@$two@$number" -- --chain 4096 \
		--encrypt-key product.key ;;
	esac

	# The whole way.
	began=$(date +%s%3N)
	if [ "$v" = d ]; then
		cp "$v/new.sota" "$v/update.sota"
		device wait='update complete, 1.1.0+0' wait='trial 1 of 3' wait='app: self-test good, confirmed'
		device wait='slot 2 at 0x21020000: 1.1.0+0, good' wait='app: keys'
	else
		take send="$v/new.sota" wait='update complete, 1.1.0+0 in slot 2' wait='trial 1 of 3' \
			wait='app: app_blinky 1.1.0+0' wait='app: self-test good, confirmed'
	fi
	lasts=$(($(date +%s%3N) - began))
	device wait='boot: starting slot 2, 1.1.0+0' wait='app: confirmed before'
	# Likewise by its playbook, from the menu to the proof of health.
	if [ "$v" != d ]; then
		cp "$v/fresh" "$flash"
		device wait='app: keys' run="\"$stmota\" flash --trust release.pub --device \
			\"tcp:127.0.0.1:\$PORT?playbook=stmota\" $v/new.sota >$v/playbook.log" \
			wait='app: self-test good, confirmed'
		sed "s/^/# $v: /" "$v/playbook.log"
	fi

	grep -ao 'boot: stack.*bytes' "$v/log" | sort -u | sed "s/^/# $v: /"

	# update STEP...: after the steps, an update in which the power may fail
	update() {
		case $v in
		d) device "$@" cut='confirmed' ;;
		*) device "$@" cut='app: keys' key=u cut='ready for YMODEM' \
			run="\"$stmota\" -q ymodem send --device tcp:127.0.0.1:\$PORT $v/new.sota || :" \
			cut='app: self-test good' ;;
		esac
	}
	# The old or the new program runs, and the next update is taken.
	lives() {
		arg=
		what=$*
		case $v in
		d) set -- wait='to the loader' wait='boot: keys u update' ;; # from its file, or by YMODEM
		*) set -- wait='ready for YMODEM' ;;
		esac
		device wait='boot: starting slot' wait='app: app_blinky 1.' wait='confirmed' key=u "$@"
		echo "# $v: $what"
	}

	# The power fails in a flash operation, and anywhere at all.
	operations=$(($(wc -c <"$v/new.bin") / 64 + 8))
	case $v in
	[bc]) operations=$((operations * 3)) ;;
	esac
	n=0
	while [ $n -lt "$cuts" ]; do
		at=$((1 + n * operations / cuts + (n * 7) % 5))
		moment=$((n * lasts / cuts + (n * 7919) % (lasts / cuts + 1)))
		n=$((n + 1))
		cp "$v/fresh" "$flash"
		arg="cut=$at"
		update
		lives "power cut at operation $at"
		cp "$v/fresh" "$flash"
		arg=
		update doom=$moment
		lives "killed after $moment of $lasts ms"
	done
done

# The rest with two slots; that the others decide alike is for cuts.sh.
case $variants in
*a*) v=a ;;
*) exit 0 ;;
esac
flash=a/flash loader=a/loader.elf arg=
cp a/fresh a/flash
bad() { # OUT: as new.sota, but
	out=$1
	shift
	pack "a/$out.sota" "$@" "a/new.bin@$slot_2@2"
}
"$blinky/build" a qemu a low 2 -DVERSION_MINOR=1 -DCOUNTER=4 >/dev/null
bad key 1.1.0 6 other.pem
# Without the record, which says whose it is.
sed 's/imfinfo/xxxxxxx/' a/new.bin >a/toaster.bin
PRODUCT=acme.com/toaster pack a/product.sota 1.1.0 6 release.pem "a/toaster.bin@$slot_2@2"
pack a/counter.sota 1.1.0 4 release.pem "a/low.bin@$slot_2@2"
bad tampered 1.1.0 6 release.pem
# From slot to slot; and one whose base is another program than the one that runs.
pack a/old.sota 1.0.0 5 release.pem "a/old.bin@$slot_1@1"
"$stmota" -q diff a/old.sota a/tampered.sota --key release.pem --out a/delta.sota || fail 'diff'
"$stmota" -q diff a/counter.sota a/tampered.sota --key release.pem --out a/base.sota || fail 'diff, other base'
head -c -500 a/tampered.sota >a/truncated.sota
python3 -c "
b = bytearray(open('a/tampered.sota', 'rb').read())
b[-700] ^= 1
open('a/tampered.sota', 'wb').write(b)"
next="wait=app: keys"
device "$next" key=u wait='ready for YMODEM' refuse=a/key.sota wait='refused: signature (-19)' \
	"$next" key=u wait='ready for YMODEM' refuse=a/product.sota wait='refused: product (-11)' \
	"$next" key=u wait='ready for YMODEM' refuse=a/counter.sota wait='refused: counter (-14)' \
	"$next" key=u wait='ready for YMODEM' refuse=a/base.sota wait='refused: base (-25)'
cmp -n 196608 -i 65536 a/flash a/fresh || fail 'a refusal touched a slot'
# A byte in the length of a transfer is not missed before its end; the sender sees nothing of that.
device "$next" key=u wait='ready for YMODEM' refuse=a/tampered.sota wait='refused: digest (-20)' \
	"$next" key=u wait='ready for YMODEM' send=a/truncated.sota wait='refused: truncated (-1)' \
	"$next" key=u wait='ready for YMODEM' kill=2
cmp -n 65536 -i 65536 a/flash a/fresh || fail 'a refusal touched what runs'
cp a/fresh a/flash
take send=a/delta.sota wait='update complete, 1.1.0+0 in slot 2' wait='app: app_blinky 1.1.0+0' \
	wait='app: self-test good, confirmed'
echo "# a: $(wc -c <a/new.bin) bytes from a delta of $(wc -c <a/delta.sota)"
cp a/fresh a/flash
# At every boot there is a way in: the key is there before the window opens.
device key=u wait='ready for YMODEM' key=a wait='transfer failed: aborted' wait='app: confirmed before'

# The street light: three updates in a row that hang, or live and never confirm, or clear all RAM at
# their start. Each time the old program comes back with no host, and a good update still goes in.
app hangs 2 -DVERSION_MINOR=1 -DCOUNTER=6 -DAPP_HANGS
app silent 2 -DVERSION_MINOR=2 -DCOUNTER=7 -DAPP_SILENT -DBOOT_TRIAL_MS=100 -DAPP_CLEARS_RAM=0x20000000
app lamp 2 -DVERSION_MINOR=3 -DCOUNTER=8 -DAPP_HANGS -DAPP_CLEARS_RAM=0x20000000
app good 2 -DVERSION_MINOR=4 -DCOUNTER=9 -DAPP_CLEARS_RAM=0x20000000
pack a/hangs.sota 1.1.0 6 release.pem "a/hangs.bin@$slot_2@2"
pack a/silent.sota 1.2.0 7 release.pem "a/silent.bin@$slot_2@2"
pack a/lamp.sota 1.3.0 8 release.pem "a/lamp.bin@$slot_2@2"
pack a/good.sota 1.4.0 9 release.pem "a/good.bin@$slot_2@2"
arg=dog=100
set --
for name in hangs silent lamp; do
	set -- "$@" "$next" key=u wait='ready for YMODEM' send=a/$name.sota wait='update complete' \
		wait='trial 1 of 3' wait='trial 3 of 3' wait='slot 2 failed its trial, back to slot 1' \
		wait='app: app_blinky 1.0.0+0' wait='app: confirmed before'
done
device "$@"
arg=
take send=a/good.sota wait='app: app_blinky 1.4.0+0' wait='app: self-test good, confirmed'
echo 'ok: refusals; three failed updates'
