#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a CI job does with stmota: makes a signed package of what release.ini beside it says and proves on a virtual board
# that it can be installed, that it arrives, and that an update broken off half-way is finished by
# the same command. No hardware, no root, no network.
#
# usage: release.sh FIRMWARE PRODUCT VERSION CHIP KEY.pem OUT.sota
#   FIRMWARE  ELF or HEX (a file that knows its addresses)
#   CHIP      product ID or part name, such as 0x410 or STM32F103C8
#   KEY.pem   as made by `stmota keygen`; in CI a file variable or a mounted secret
#
# example: release.sh build/app.elf example.com/lamp 1.2.3 STM32F103C8 "$RELEASE_KEY" lamp-1.2.3.sota
set -eu
if [ $# -ne 6 ]; then
	sed -n '4,/^set /{/^#/s/^# \{0,1\}//p;}' "$0" >&2
	exit 2
fi
firmware=$1 product=$2 version=$3 chip=$4 key=$5 out=$6

tmp=$(mktemp -d)
sim=
stop() {
	[ -z "$sim" ] || kill "$sim" 2>/dev/null || :
	[ -z "$sim" ] || wait "$sim" 2>/dev/null || :
	sim=
}
trap 'stop; rm -rf "$tmp"' EXIT
export STMOTA_STATE_DIR="$tmp/state"

# board OPTION...: a virtual board at $tmp/board
board() {
	stop
	rm -f "$tmp/board"
	stmota-sim run --chip "$chip" --uart "$tmp/board" --state "$tmp/flash" --reset-on-open "$@" &
	sim=$!
	for _ in $(seq 100); do
		[ ! -e "$tmp/board" ] || return 0
		sleep 0.05
	done
	echo "release: no virtual board" >&2
	exit 1
}

openssl pkey -in "$key" -pubout -out "$tmp/public.pem"

# The same commit gives the same package: its date is that of the commit, not of this run.
if [ -z "${SOURCE_DATE_EPOCH:-}" ] && date=$(git log -1 --format=%ct 2>/dev/null); then
	export SOURCE_DATE_EPOCH="$date"
fi
FIRMWARE=$(realpath "$firmware") PRODUCT=$product VERSION=$version CHIP=$chip \
	stmota pack --from "$(dirname "$0")/release.ini" --key "$key" --out "$out"
stmota verify "$out" --trust "$tmp/public.pem"

# The port vanishes in the middle: status 10, and the same command finishes the work.
board --fault vanish@rx:5000
status=0
stmota flash --device "uart:$tmp/board" "$out" --trust "$tmp/public.pem" || status=$?
[ "$status" -eq 10 ] || { echo "release: status $status after the port vanished, wanted 10" >&2; exit 1; }
board
stmota flash --device "uart:$tmp/board" "$out" --trust "$tmp/public.pem"
stmota flash --device "uart:$tmp/board" "$out" --trust "$tmp/public.pem" --verify-only
