#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sim_run.sh - stmota-sim itself: options, signals, power, the port, time
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- the command line
expect 0 stmota-sim --help
prints 'usage: stmota-sim run'
prints 'double-nack-rdp'
expect 0 stmota-sim --version
expect 0 stmota-sim chips
prints '0x413'
prints_not '0x44a' # nothing is known about its ROM
expect 2 stmota-sim
says 'no command'
expect 2 stmota-sim runn
expect 2 stmota-sim run --uart port
says '--chip is missing'
expect 2 stmota-sim run --chip 0x413
says '--uart is missing'
expect 2 stmota-sim run --chip nonsense --uart port
expect 2 stmota-sim run --chip 0x413 --uart port --wire fast
says '--wire fast'
expect 2 stmota-sim run --chip 0x413 --uart port --rom-version new
expect 2 stmota-sim run --chip 0x413 --uart port --flash-size 0
expect 2 stmota-sim run --chip 0x413 --uart port --boot0 up
expect 6 stmota-sim run --chip 0x410 --uart port --flash-size 4096
expect 1 stmota-sim run --chip 0x410 --uart no/such/folder/port
[ ! -e port ] || fail 'a refused board made a port'

# ---- an old link is replaced, and ours goes when the board goes
ln -s /nowhere port
stmota-sim run --chip 0x410 --uart port >log 2>&1 &
pid=$!
tries=0
while [ ! -e port ] && [ "$tries" -lt 200 ]; do
	tries=$((tries + 1))
	sleep 0.05
done
[ -c port ] || fail 'the port is no terminal'
kill "$pid"
wait "$pid" || fail "status $? after SIGTERM"
[ ! -L port ] || fail 'the link stayed'

command -v stm32flash >/dev/null || skip 'stm32flash is not installed'

# A program: stack pointer, reset vector, and something.
{
	printf '\000\120\000\040\011\000\000\010'
	head -c 1016 /dev/zero
} >app

# answers, silent: is the ROM there?
answers() {
	expect 0 stm32flash -m 8n1 board
}
silent() {
	expect 1 stm32flash -m 8n1 board
}

# start OPTION...: a board without the reset that lib.sh gives
start() {
	board_off
	stmota-sim run --uart board --state board.state "$@" >sim.log 2>&1 &
	sim_pid=$!
	tries=0
	while [ ! -e board ]; do
		kill -0 "$sim_pid" || fail "does not start: $*"
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || fail "does not appear: $*"
		sleep 0.05
	done
}

# signal NAME TEXT: sends it and waits until the board says so
signal() {
	: >sim.log
	kill -s "$1" "$sim_pid"
	tries=0
	until grep -q "$2" sim.log; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || fail "no '$2' after $1"
		sleep 0.02
	done
}

# ---- BOOT0, reset button, power
start --chip 0x410
expect 0 stm32flash -m 8n1 -w app board
signal USR1 reset
answers
start --chip 0x410 --boot0 low
silent
signal USR1 reset
silent
start --chip 0x410 --boot0 low --reset-on-open
answers
signal USR1 reset
answers
echo 'ok: BOOT0 and reset'

# ---- a cut: dead, until the power is back
start --chip 0x410 --fault cut@op:3
expect 1 stm32flash -m 8n1 -w app board
in_file yes sim.log 'the power has failed'
signal USR2 'power cycle'
answers
echo 'ok: power'

# ---- the plug: out, and a second later in again
start --chip 0x410 --reset-on-open --fault vanish@tx:20
expect 1 stm32flash -m 8n1 -w app board
in_file yes sim.log 'the port has vanished'
tries=0
until [ -e board ] || [ "$tries" -ge 100 ]; do
	tries=$((tries + 1))
	sleep 0.05
done
expect 0 stm32flash -m 8n1 -w app -v board
echo 'ok: plug'

# ---- time: 1 KiB written and verified at 38400 baud is 0.68 s on the wire, unpaced it is none
wire() {
	sed -n 's/^ *"wire_seconds": *\([0-9]*\)\.\([0-9][0-9]\).*/\1\2/p' stats.json
}
board_off
rm -f board.state
start --chip 0x410 --reset-on-open --wire 38400 --stats stats.json
before=$(date +%s%N)
expect 0 stm32flash -m 8n1 -b 38400 -w app -v board
after=$(date +%s%N)
board_off
took=$(((after - before) / 10000000))
[ "$took" -ge "$(wire)" ] || fail "took $took hundredths of a second, the wire alone needs $(wire)"
[ "$(wire)" -ge 60 ] || fail "the wire took $(wire) hundredths of a second"
echo 'ok: time'

# ---- too fast for a timer that measures the speed
rm -f board.state
start --chip 0x413 --reset-on-open
expect 1 stm32flash -m 8n1 -b 460800 board
board_off
rm -f board.state
start --chip 0x460 --reset-on-open
expect 0 stm32flash -m 8n1 -b 460800 board
echo 'ok: speed'
