#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# fleet adopt, fleet list: a fleet file from what is attached, and what is known of it.
. "$(dirname "$0")/lib.sh"

pids=
boards_off() {
	# shellcheck disable=SC2086 # one word each
	[ -z "$pids" ] || kill $pids 2>/dev/null || :
	wait
	pids=
}
trap 'boards_off; cli_cleanup' EXIT

# start NAME [OPTION]...
start() {
	port=$1
	shift
	stmota-sim run --uart "$port" --state "$port.state" --reset-on-open "$@" >>sim.log 2>&1 &
	pids="$pids $!"
	while [ ! -e "$port" ]; do sleep 0.02; done
}

blinky 1.0.0
start a --chip 0x410 --seed 1
start b --chip 0x421 --seed 2
start c --updater rb
expect 0 stmota flash --device "uart:$tmp/a" --trust pub.pem blinky-1.0.0.sota

# Nothing is asked that was not named; where there is no USB, the hint says how to name it.
expect 2 stmota fleet adopt --fleet street.conf
says 'serial ports are asked only if they are named'
[ ! -e street.conf ] || fail 'a file was made of nothing'

# Dry: shown, not written.
expect 0 stmota fleet adopt --fleet street.conf --dry-run "lamp-1=uart:$tmp/a" --json
json "'[device lamp-1]' in r['text'] and r['devices'][0]['result'] == 'adopted'"
[ ! -e street.conf ] || fail '--dry-run made a file'
[ ! -e state/street.db ] || fail '--dry-run made a database'

# A file out of nothing; version and unique id come from the device.
expect 0 stmota fleet adopt --fleet street.conf --product example.com/blinky --group cable-a \
	"lamp-1=uart:$tmp/a" "ymodem:$tmp/c?playbook=rb" --json
json "[d['name'] for d in r['devices']] == ['lamp-1', 'device-1']"
json "r['devices'][0]['version'] == '1.0.0' and len(r['devices'][0]['unique_id']) == 24"
json "r['devices'][1]['unique_id'] is None"
expect 0 stmota fleet check --fleet street.conf
expect 0 stmota fleet list --fleet street.conf --json
json "[(d['name'], d['version'], d['group']) for d in r['devices']] == [('lamp-1', '1.0.0', 'cable-a'), ('device-1', None, 'cable-a')]"
json "r['devices'][0]['seen'] > 0 and r['devices'][0]['product'] == 'example.com/blinky'"
expect 0 stmota fleet list --fleet street.conf
prints 'device-1'
prints '1.0.0'

# What people wrote stays, byte for byte; rights and link, too.
cat >mine.conf <<EOF
; Our street. Do not touch!
[fleet]
gateway	=   s-17   ; the grey cabinet

[device   lamp-1]
  url = uart:$tmp/a
labels = tall, north
EOF
printf '[device lamp-9]\nurl = uart:/dev/none ; no newline behind' >>mine.conf
chmod 640 mine.conf
cp mine.conf before.conf
ln -s mine.conf link.conf
expect 0 stmota fleet adopt --fleet link.conf "lamp-1=uart:$tmp/a" "uart:$tmp/b" --wave 2 --json
json "[d['result'] for d in r['devices']] == ['in the fleet already', 'adopted']"
head -c "$(wc -c <before.conf)" mine.conf | cmp - before.conf || fail 'what was there was changed'
[ -L link.conf ] || fail 'the link became a file'
case $(ls -l mine.conf) in
-rw-r-----*) ;;
*) fail 'other rights' ;;
esac
tail -n +10 mine.conf >out
prints '[device device-1]'
prints 'chip = 0x421'
prints 'wave = 2'
expect 0 stmota fleet list --fleet mine.conf --label tall --json
json "[(d['name'], d['id']) for d in r['devices']] == [('lamp-1', 's-17.lamp-1')]"

# A file with settings and without devices: what was learned is where these settings say.
printf '[fleet]\nstate = own.db\n' >empty.conf
expect 0 stmota fleet adopt --fleet empty.conf "lamp-1=uart:$tmp/a" --confirm 'uart: expect "ok"'
[ -s own.db ] || fail 'no own.db'
[ ! -e state/empty.db ] || fail 'another database was made'
expect 0 stmota fleet list --fleet empty.conf --json
json "[(d['version'], d['confirm']) for d in r['devices']] == [('1.0.0', 'uart: expect \"ok\"')]"

# Moved to another port, it is the same chip; one that is silent is told, and holds nobody back.
boards_off
rm -f a b c
mv b.state d.state
start d --chip 0x421
start e --chip 0x410 --seed 5
cp mine.conf before.conf
expect 11 stmota fleet adopt --fleet mine.conf "x=uart:$tmp/d" "y=uart:$tmp/nobody" "z=uart:$tmp/e" --json
json "r['devices'][0]['name'] == 'device-1' and 'another port' in r['devices'][0]['result']"
json "[d['name'] for d in r['devices'] if d['result'] == 'adopted'] == ['z']"
grep -q '^\[device z\]' mine.conf || fail 'z is not in the file'
grep -q '^\[device [xy]\]' mine.conf && fail 'x or y is in the file'

# A name that is there, a name that is none, no URL: nothing is written.
cp mine.conf before.conf
expect 2 stmota fleet adopt --fleet mine.conf "a/b=ymodem:$tmp/q?playbook=rb"
expect 2 stmota fleet adopt --fleet mine.conf "lamp-9=ymodem:$tmp/q?playbook=rb"
expect 2 stmota fleet adopt --fleet mine.conf lamp-9
expect 2 stmota fleet adopt --fleet mine.conf --product 'No Product' "ymodem:$tmp/q?playbook=rb"
same mine.conf before.conf
