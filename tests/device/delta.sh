#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Deltas on the host and as Thumb code with alignment traps, from slot to slot and in place, the power
# cut in flash operations. DELTA_ALL=yes, for scripts/campaign: in every operation, hundreds of made-up
# pairs, 2 MiB, and the firmware corpus in place.
. "$(dirname "$0")/lib.sh"
need python3

vectors=$root/image_format/vectors
array product_128 "$vectors/product-128.key" >keys.h
sed -i '1i #include <stdint.h>' keys.h
mkdir set

# vector NAME STEP
vector() {
	for kind in sota base 0; do
		cp "$vectors/$1.$kind" "set/$1.$kind"
	done
	echo "$1 $2" >>set/list.txt
}

# delta NAME OLD NEW ADDRESS STEP OPTION...
delta() {
	name=$1 address=$4 step=$5
	cp "$2" "set/$name.base"
	cp "$3" "set/$name.0"
	shift 5
	"$stmota" -q diff "set/$name.base" "set/$name.0" --address "$address" "$@" \
		--out "set/$name.sota" >diff.log 2>&1 || fail "diff $name: $(cat diff.log)"
	echo "$name $step" >>set/list.txt
}

# Chained and encrypted ones in place, of several chunks: the vectors' own code makes them of our payload.
sealed() {
	python3 - "$vectors" "$stmota" "$1" <<-PYTHON
		import re, struct, subprocess, sys
		sys.path.insert(0, sys.argv[1])
		sys.dont_write_bytecode = True
		import make_vectors as mv
		old = mv.noise(9000, 60)
		new = old[5000:] + mv.noise(4100, 61) + old[:3000]
		for name, root in (('chained', None), ('sealed', mv.PRODUCT_KEY[16])):
		    open('set/%s.base' % name, 'wb').write(old)
		    open('set/%s.0' % name, 'wb').write(new)
		    subprocess.run([sys.argv[2], '-q', 'diff', 'set/%s.base' % name, 'set/%s.0' % name, '--address',
		        '0x08000000', '--product', mv.PRODUCT, '--version', '1.3.0', '--ram', '4', '--in-place',
		        '--erase-unit', '1024', '--journal', '12K', '--out', 'made.sota'], check=True,
		        capture_output=True)
		    made = open('made.sota', 'rb').read()
		    payload = made[-struct.unpack_from('<I', made, 16)[0]:]
		    assert len(payload) > 4096, len(payload)
		    at = re.search(rb'\x06\x80(.)\0\0\0\0\0', made, re.S)
		    groups = made[at.start() + 4:][:at[1][0]]
		    part = mv.Sealed(data=new, content=payload, root=root, chunk=1024, encoding=1)
		    part.tlvs[0x8006] = mv.tlv(0x8006, groups)
		    open('set/%s.sota' % name, 'wb').write(mv.sealed([part], tlvs=mv.NAME + mv.delta_base(ram=4096,
		        size=len(old), old=old), ram=4096, base=mv.sha(old)[:16]))
		    open('set/list.txt', 'a').write('%s %s\n' % (name, sys.argv[3]))
	PYTHON
}

for v in 1.0.0 1.1.0; do
	arm-none-eabi-objcopy -O binary "$root/examples/blinky/blinky-$v.elf" "$v.bin"
done
step=997 pairs=16
[ -z "${DELTA_ALL:-}" ] || step=1 pairs=400 limit=7200
for name in good-delta good-in-place good-in-place-sealed; do
	vector $name $((step / 10 + 1))
done
delta up 1.0.0.bin 1.1.0.bin 0x08000000 "$step" --in-place --erase-unit 1024 --ram 4 --journal 14K
delta down 1.1.0.bin 1.0.0.bin 0x08000000 "$step" --in-place --erase-unit 2048 --ram 8
delta slots 1.0.0.bin 1.1.0.bin 0x08000000 "$step" --ram 8
sealed "$step"
"$root/tests/device/delta_pairs" "$stmota" set "$pairs"

# The M3 runs the code for M0+.
for core in host cortex-m0plus cortex-m4; do
	build "$core" delta delta.c device.c dev_crypto.c
	run "$core" "delta-$core.elf" set
done
[ -n "${DELTA_ALL:-}" ] || exit 0

rm -r set
mkdir set
"$root/tests/device/delta_pairs" "$stmota" set 6 --large
sed -n 's/^| \([^ ]*\) |[^|]*|[^|]*| \(0x[0-9A-F]*\) |.*/\1 \2/p' "$corpus/README.md" >pairs
while read -r pair address; do
	for kib in 4 16; do
		delta "$pair-$kib" "$corpus/$pair/old.bin" "$corpus/$pair/new.bin" "$address" 0 \
			--in-place --erase-unit 1024 --ram $kib
	done
	delta "$pair-back" "$corpus/$pair/new.bin" "$corpus/$pair/old.bin" "$address" 0 \
		--in-place --erase-unit 1024 --ram 8
done <pairs
# The board's 16 MiB of PSRAM.
defines=-DAREA=2400000u ram=0x21000000 ram_size=0x1000000 limit=3000
for core in host cortex-m0plus cortex-m4; do
	build "$core" delta delta.c device.c dev_crypto.c
	run "$core" "delta-$core.elf" set
done
