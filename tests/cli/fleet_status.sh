#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# fleet status, history and export: before the first pass, of a street, on a database that is damaged
# or whose texts want to be more than text.
. "$(dirname "$0")/lib.sh"

now=$(date +%s)
scene() { "$STMOTA_BUILD/tests/support/fleet_scene" "$@" "$now" || fail "no scene: $*"; }

# fleet N: a fleet file with lamp-001 and on
fleet() {
	printf '[fleet]\ngateway = north-7\nstate = %s/fleet.db\n' "$tmp"
	i=1
	while [ "$i" -le "$1" ]; do
		printf '[device lamp-%03d]\nurl = uart:/dev/ttyUSB%d\n' "$i" "$i"
		i=$((i + 1))
	done
}
fleet 20 >street.conf

# Before the first pass everything is new, and nothing is made.
expect 0 stmota fleet status --fleet street.conf
prints '20 new'
prints 'There was no pass yet'
expect 0 stmota fleet history --fleet street.conf
prints 'Nothing was attempted.'
expect 0 stmota fleet history --fleet street.conf --json
json "r['attempts'] == 0"
expect 1 stmota fleet export --fleet street.conf
says 'nothing is known of this fleet yet'
[ ! -e fleet.db ] || fail 'a look made a database'

scene fleet.db street 20
sum=$(sha256sum fleet.db)
expect 0 stmota fleet status --fleet street.conf
prints 'north-7: 20 devices; 18 ok, 1 running, 1 set aside'
grep -q 'lamp-005  set aside  1.0.0 .* failed .* 5 of 5  the device refused block 17 of 84; again in 22 h' out ||
	fail 'the device that is set aside'
# The halt is told; but its devices have gone on, so nobody is asked to end it.
grep -q '2026-11-broken  1.1.0 .* the canary lamp-001 was not healthy' out || fail 'the halt'
prints_not 'is halted on this gateway'
expect 0 stmota fleet status --fleet street.conf --json
json "r['schema'] == 1 and r['gateway'] == 'north-7' and r['sum']['ok'] == 18"
json "len(r['devices']) == 20 and r['devices'][0]['version'] == '1.2.0'"
json "[d['device'] for d in r['devices'] if d['retry_at']] == ['lamp-005']"
json "[x['rollout'] for x in r['rollouts'] if x['halted']] == ['2026-11-broken']"
json "r['rollouts'][0]['ok'] == 17 and r['rollouts'][0]['failed'] == 1"

# A device that the fleet file has no more is shown and not counted; one it has new, too.
fleet 21 | sed 's/lamp-003/lamp-new/' >other.conf
expect 0 stmota fleet status --fleet other.conf
prints '21 devices; 2 new, 17 ok, 1 running, 1 set aside, 1 gone'
grep -q 'lamp-003  gone .*not in the fleet file' out || fail 'the device that is gone'

expect 0 stmota fleet history --fleet street.conf --since 1d
prints '1.0.0 > 1.2.0 delta canary'
prints_not '2026-11-broken'
expect 0 stmota fleet history --fleet street.conf --device north-7.lamp-001
[ "$(grep -c lamp-001 out)" = 3 ] || fail 'attempts of one device'
expect 0 stmota fleet history --fleet street.conf --json --device lamp-001 --limit 1
json "len(events) == 2 and events[0]['event'] == 'attempt' and r['attempts'] == 1"
json "events[0]['evidence']['wait_s'] == 4 and events[0]['outcome'] == 'ok'"
expect 2 stmota fleet history --fleet street.conf --since yesterday
says '--since'

expect 0 stmota fleet export --fleet street.conf
python3 - <<'PY' || fail 'export as NDJSON'
import json
rows = [json.loads(line) for line in open("out")]
n = {}
for r in rows:
    n[r["table"]] = n.get(r["table"], 0) + 1
assert n["device"] == 20 and n["attempt"] == 45 and n["halt"] == 1 and n["outbox"] == 45, n
a = [r for r in rows if r["table"] == "attempt"]
assert sum(r["outcome"] == "rolled back" for r in a) == 1
assert a[0]["evidence"]["signers"] and len(a[0]["package"]) == 64
PY
expect 0 stmota fleet export --fleet street.conf --format csv --out attempts.csv
python3 - <<'PY' || fail 'export as CSV'
import csv
rows = list(csv.DictReader(open("attempts.csv", newline="")))
assert len(rows) == 45 and rows[-1]["outcome"] == "open" and rows[-1]["ended"] == ""
assert rows[0]["started"].endswith("Z") and rows[0]["canary"] == "false"
PY
[ "$sum" = "$(sha256sum fleet.db)" ] || fail 'a look changed the database'

# Damage is told, with what moving the file away costs; nothing is made in its place.
cp fleet.db good.db
head -c 20000 good.db >fleet.db
for command in status history export; do
	expect 7 stmota fleet "$command" --fleet street.conf
	says 'is damaged'
	says 'counters'
done
rm fleet.db

# Texts from devices and servers move no cursor, start no formula and stay valid JSON.
scene fleet.db hostile 9
for command in status history; do
	expect 0 stmota fleet "$command" --fleet street.conf
	[ "$command" = history ] || prints 'is halted on this gateway; stmota update --resume'
	! grep -q "$(printf '\033')" out || fail "an escape sequence passes fleet $command"
	expect 0 stmota fleet "$command" --fleet street.conf --json
	json 'True'
done
expect 0 stmota fleet export --fleet street.conf
python3 -c 'import json; [json.loads(line) for line in open("out")]' || fail 'hostile NDJSON'
expect 0 stmota fleet export --fleet street.conf --format csv --table device
python3 - <<'PY' || fail 'hostile CSV'
import csv
for row in csv.reader(open("out", newline="", encoding="utf-8")):
    assert len(row) == 13, row
    assert not any(c[:1] in "=+-@" for c in row if c), row
PY
