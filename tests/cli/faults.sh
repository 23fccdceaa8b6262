#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# faults.sh [COUNT [SEED]] - one fault somewhere in an update, over a real pseudo terminal
#
# A seeded sample of what the campaign does in process. Nobody resets the board: the same command
# again must find its way back, end in success, and leave the right bytes.
# shellcheck disable=SC1091,SC2154
count=${1:-20} seed=${2:-1}
. "$(dirname "$0")/lib.sh"

random() { # below $1, in $r
	seed=$(((seed * 1103515245 + 12345) & 0x7FFFFFFF))
	r=$(((seed >> 8) % $1))
}

# A board that is not reset when its port is opened. $1: chip, then options.
bare_board() {
	chip=$1
	shift
	board_off
	rm -f board
	stmota-sim run --chip "$chip" --uart board --state board.state --stats stats.json --seed 1 "$@" \
		>sim.log 2>&1 &
	sim_pid=$!
	tries=0
	while [ ! -e board ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || fail "the virtual board does not appear"
		sleep 0.02
	done
}

flash() { stmota flash --device uart:board --address 0x08000000 --after none "$@" >>log 2>&1; }

program old.bin 3000 1
program new.bin 3000 2
printf 'settings of this very board, behind the image' >settings

# Old firmware and settings behind it, as a state file to begin with; and how long the job is.
prepare() { # chip
	board_off
	rm -f board.state
	bare_board "$1"
	: >log
	flash old.bin || fail "0x$1: no old firmware"
	stmota flash --device uart:board --address 0x08000BE0 --data --after none settings >>log 2>&1 ||
		fail "$1: no settings"
	board_off
	cp board.state "start.$1"
	bare_board "$1"
	flash new.bin || fail "$1: fails without any fault: $(cat log)"
	board_off
	rx=$(stat bytes_to_device) tx=$(stat bytes_from_device)
	echo "$rx $tx" >"length.$1"
}

one() { # chip fault
	board_off
	rm -rf state board.state
	cp "start.$1" board.state
	: >log
	bare_board "$1" --fault "$2"
	status=0
	flash new.bin || status=$?
	case $2 in
	cut*) bare_board "$1" ;; # the power comes back, with BOOT0 set
	esac
	again=0
	flash new.bin || again=$?
	if [ "$again" -eq 3 ] && [ "${2#garble@rx:1:}" != "$2" ]; then
		# The first byte of all was no 0x7F: only a reset makes the ROM measure anew.
		bare_board "$1"
		again=0
		flash new.bin || again=$?
	fi
	[ "$again" -eq 0 ] || fail "$1 $2: status $status, then $again: $(tail -n 20 log)"
	stmota read --device uart:board --range 0x08000000:3000 --out back.bin >>log 2>&1 ||
		fail "$1 $2: cannot read back: $(tail -n 5 log)"
	same new.bin back.bin
	stmota read --device uart:board --range 0x08000BE0:45 --out back.bin >>log 2>&1
	same settings back.bin
	echo "ok: $1 $2: status $status, then 0"
}

chips='0x410 0x448 0x435 0x460'
for chip in $chips; do
	prepare "$chip"
done
i=0
while [ "$i" -lt "$count" ]; do
	random 4
	# shellcheck disable=SC2086 # the words of a list
	set -- $chips
	shift "$r"
	chip=$1
	read -r rx tx <"length.$chip"
	random 7
	case $r in
	0) random 300 && fault=cut@op:$((r + 1)) ;;
	1) random "$rx" && fault=drop@rx:$((r + 1)) ;;
	2) random "$rx" && fault=double@rx:$((r + 1)) ;;
	3) random "$rx" && fault=garble@rx:$((r + 1)):0x20 ;;
	4) random "$tx" && fault=drop@tx:$((r + 1)) ;;
	5) random "$tx" && fault=double@tx:$((r + 1)) ;;
	6) random "$tx" && fault=garble@tx:$((r + 1)):0x08 ;;
	esac
	one "$chip" "$fault"
	i=$((i + 1))
done
