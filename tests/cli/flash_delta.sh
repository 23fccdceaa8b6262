#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# flash_delta.sh [CUTS] - flash of delta packages: the old image from the device, from files, from the
# cache; a cut anywhere and the same command again; and what is refused before the first erase.
# CUTS: so many positions of a power cut are tried (default 2; the campaign has more)
. "$(dirname "$0")/lib.sh"
cuts=${1:-2}
export STMOTA_CACHE_SIZE=0

# release NAME VERSION SEED: packs a pseudo-random program; most of it is that of the others, shifted,
# so that a delta is small and every erase unit is written
program shared.bin 12000 99
release() {
	program head.bin 1200 "$3"
	{
		cat head.bin
		tail -c +$((1201 + 20 * $3)) shared.bin
		printf '%s' "release $2"
	} >"$1.bin"
	expect 0 stmota pack "$1.bin" --address 0x08000000 --product example.com/lamp --version "$2" \
		--chip 0x410 --key key.pem --out "$1.sota"
}
expect 0 stmota keygen --out key.pem --public pub.pem
expect 0 stmota keygen --out other.pem --public other.pub
release v0 0.9.0 1
release v1 1.0.0 2
release v2 1.1.0 3
release v3 1.2.0 4
expect 0 stmota diff v1.sota v2.sota --key key.pem --out patch.sota
expect 0 stmota diff v2.sota v3.sota --key key.pem --out patch23.sota
expect 0 stmota diff v2.sota v1.sota --key key.pem --out back.sota
expect 0 stmota diff v1.sota v2.sota --key other.pem --out stranger.sota

flash() {
	stmota flash --device uart:board --trust pub.pem "$@"
}
# holds FILE: the board has these bytes
holds() {
	expect 0 stmota read --device uart:board --range "0x08000000:$(wc -c <"$1")" --out found.bin
	same "$1" found.bin
}
# fresh FILE [OPTION]...: a board that holds this release, and a host that knows nothing
fresh() {
	file=$1
	shift
	board_off
	rm -rf board.state state
	board "$@"
	expect 0 flash "$file"
}
# untouched STATUS COMMAND...: refused, and nothing was erased or written
untouched() {
	board
	expect "$@"
	board_off
	[ "$(stat erases)" -eq 0 ] || fail 'something was erased'
	board
}

# ---- from the device; and again, when it holds the new image already
fresh v1.sota
expect 0 flash --dry-run --json patch.sota
json 'r["base"] == "device" and r["bytes_written"] > 0'
holds v1.bin
[ -z "$(find state -name '*.image')" ] || fail 'a dry run has kept an image'
expect 0 flash --json patch.sota
json 'r["base"] == "device" and r["version"] == "1.1.0"'
holds v2.bin
[ -z "$(find state -name '*.image')" ] || fail 'an image was left in the state folder'
expect 0 flash --json patch.sota
json 'r["base"] == "already-there" and r["bytes_written"] == 0'
expect 0 flash --verify-only --json patch.sota
json 'r["verified"]'

# ---- into a slot: the old image is in it, or runs beside it
cat >slot.conf <<'EOT'
[slot next]
address = 0x08008000
size = 0x8000
purpose = staging
link = 0x08000000
EOT
fresh v1.sota
expect 0 flash --config slot.conf --slot next --json patch.sota
json 'r["base"] == "device"'
expect 0 stmota read --device uart:board --range "0x08008000:$(wc -c <v2.bin)" --out found.bin
same v2.bin found.bin
holds v1.bin
expect 0 flash v3.sota
expect 0 flash --config slot.conf --slot next --json patch23.sota
json 'r["base"] == "device" and r["bytes_written"] > 0'
expect 0 stmota read --device uart:board --range "0x08008000:$(wc -c <v3.bin)" --out found.bin
same v3.bin found.bin

fresh v1.sota
expect 0 flash patch.sota

# ---- nothing but the signed manifest decides, and it decides first
untouched 7 stmota flash --device uart:board --trust pub.pem stranger.sota
untouched 8 flash back.sota
says '1.0.0'
expect 0 flash --allow-downgrade back.sota
holds v1.bin
expect 9 flash --verify-only patch.sota

# ---- another version, or one bit: refused, and said what is needed
fresh v0.sota
untouched 9 flash patch.sota
says 'starts from version 1.0.0'
says 'runs version 0.9.0'
says 'full package'
python3 -c '
b = bytearray(open("v1.bin", "rb").read())
b[7000] ^= 16
open("bit.bin", "wb").write(b)'
fresh v1.sota
expect 0 stmota flash --device uart:board --address 0x08000000 bit.bin
untouched 9 flash patch.sota
says 'starts from version 1.0.0'
holds bit.bin

# ---- from files: a package, an image, a folder where they lie; then the device may hold anything
mkdir -p releases empty
cp v0.sota v1.sota patch.sota pub.pem releases
mkfifo releases/pipe
untouched 9 flash --base v2.sota --base empty patch.sota
untouched 1 flash --base nowhere.sota patch.sota
expect 0 flash --base empty --base releases --json patch.sota
json 'r["base"] == "file"'
holds v2.bin
fresh v0.sota
expect 0 stmota convert --to hex --address 0x08000000 --out v1.hex v1.bin
expect 0 flash --base v1.hex --json patch.sota
json 'r["base"] == "file"'
holds v2.bin

expect 0 stmota pack v1.bin --address 0x08000000 --product example.com/lamp --version 1.0.0 \
	--chip 0x410 --key key.pem --compress --out small1.sota
expect 0 stmota info small1.sota --json
json 'r["components"][0]["stored_size"] < r["components"][0]["plain_size"]'
fresh v0.sota
expect 0 flash --base small1.sota --json patch.sota
json 'r["base"] == "file"'
holds v2.bin
expect 0 stmota diff small1.sota v2.sota --key key.pem --out patch2.sota
same patch.sota patch2.sota

# ---- the cache: what was flashed is remembered; what is not what it is called is thrown away
export STMOTA_CACHE_SIZE=64M
fresh v1.sota
cached=$(sha256sum <v1.bin | cut -d' ' -f1).image
cmp v1.bin "state/cache/$cached" || fail 'not remembered'
expect 0 stmota flash --device uart:board --address 0x08000000 bit.bin
expect 0 flash --json patch.sota
json 'r["base"] == "cache"'
holds v2.bin
fresh v1.sota
cp bit.bin "state/cache/$cached"
expect 0 flash --json patch.sota
json 'r["base"] == "device"'
[ ! -e "state/cache/$cached" ] || fail 'a poisoned image stayed in the cache'
fresh v1.sota
rm "state/cache/$cached"
mkfifo "state/cache/$cached" # whoever opens it would wait for ever
expect 0 flash --json patch.sota
json 'r["base"] == "device"'
holds v2.bin
# Bounded: the oldest go first; what is not of the cache stays.
: >state/cache/notes.txt
export STMOTA_CACHE_SIZE=26000
sleep 0.01
expect 0 flash v3.sota
[ "$(find state/cache -name '*.image' | wc -l)" -eq 2 ] || fail 'the cache is not bounded'
cmp v3.bin "state/cache/$(sha256sum <v3.bin | cut -d' ' -f1).image" || fail 'the newest is not there'
[ -e state/cache/notes.txt ] || fail 'a foreign file was removed'
export STMOTA_CACHE_SIZE=0

# ---- the power fails in mid-write, the host knows nothing but its state: the same command repairs
fresh v1.sota
board
expect 0 flash patch.sota
board_off
interrupted=0 operations=$(($(stat erases) + $(stat programs)))
i=0
while [ "$i" -lt "$cuts" ]; do
	fresh v1.sota
	board --fault "cut@op:$((1 + i * operations / cuts))"
	got=0
	flash patch.sota >out 2>err || got=$?
	case $got in
	10) interrupted=$((interrupted + 1)) ;;
	0) ;;
	*) cat err && fail "cut $i: status $got" ;;
	esac
	board
	expect 0 flash --json patch.sota
	[ "$got" -eq 0 ] || json 'r["base"] in ("interrupted-run", "device")'
	holds v2.bin
	i=$((i + 1))
done
echo "$interrupted of $cuts cuts, among $operations operations, were in mid-write"
[ "$interrupted" -ge $((cuts - 1)) ] || fail 'most cuts were not in mid-write'

# ---- half written, and another delta or no state: said what it is; files and full packages repair
half() {
	fresh v1.sota
	board --fault cut@op:400
	expect 10 flash patch.sota
	board
}
half
rm -rf state
untouched 9 flash patch.sota
expect 0 flash --base v1.bin patch.sota
holds v2.bin
half
untouched 9 flash patch23.sota
says 'interrupted'
expect 0 flash v3.sota
holds v3.bin
[ -z "$(find state -name '*.image')" ] || fail 'the image of a given up update was left'
board_off

# ---- other links
if stmota-sim exec --chip 0x435 --i2c -- true 2>err; then
	for way in '0x460 --i2c i2c:/dev/i2c-1@0x51' '0x413 --dfu dfu:'; do
		# shellcheck disable=SC2086 # words
		set -- $way
		on() {
			stmota-sim exec --chip "$1" "$2" --state exec.state --seed 1 -- \
				stmota flash --device "$3" --yes --after none --trust pub.pem --json "$4"
		}
		rm -rf exec.state state
		for v in 1 2; do
			expect 0 stmota pack "v$v.bin" --address 0x08000000 --product example.com/lamp \
				--version "1.$v.0" --key key.pem --out "any$v.sota"
		done
		expect 0 stmota diff any1.sota any2.sota --key key.pem --out any.sota
		expect 0 on "$1" "$2" "$3" any1.sota
		expect 0 on "$1" "$2" "$3" any.sota
		json 'r["base"] == "device" and r["verified"]'
		expect 0 stmota-sim exec --chip "$1" "$2" --state exec.state -- stmota read --device "$3" \
			--range "0x08000000:$(wc -c <v2.bin)" --out found.bin
		same v2.bin found.bin
	done
else
	echo "not looked at: $(head -n 1 err)"
fi

# ---- real firmware
real() {
	for v in old new; do
		expect 0 stmota pack "$corpus/$2/$v.bin" --address "$3" --product example.com/real \
			--version "$([ $v = old ] && echo 1.0.0 || echo 2.0.0)" --chip "$1" --key key.pem \
			--out "$v.sota"
	done
	expect 0 stmota diff old.sota new.sota --key key.pem --out real.sota
	board_off
	rm -rf board.state state
	board --chip "$1"
	expect 0 flash old.sota
	expect 0 flash --json real.sota
	json 'r["base"] == "device"'
	expect 0 stmota read --device uart:board --range "$3:$(wc -c <"$corpus/$2/new.bin")" --out found.bin
	same "$corpus/$2/new.bin" found.bin
	echo "ok: $2: $(wc -c <real.sota) instead of $(wc -c <new.sota) bytes"
}
if [ -d "$corpus" ]; then
	real 0x414 hoverboard 0x08000000
	[ "$cuts" -le 20 ] || real 0x410 cleanflight-cc3d 0x08003000
else
	echo 'not looked at: real firmware is not there'
fi
