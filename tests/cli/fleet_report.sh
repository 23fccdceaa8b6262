#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# fleet report: what waits goes to a server or into a folder, signed, and is lost on no way; the page
# as a file. What a browser makes of the page is in fleet_page.sh.
. "$(dirname "$0")/lib.sh"

server=
server_off() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	server=
}
trap 'server_off; cli_cleanup' EXIT

now=$(date +%s)
scene() { "$STMOTA_BUILD/tests/support/fleet_scene" "$@" "$now" || fail "no scene: $*"; }

# fleet REPORT [LINE]
fleet() {
	printf '[fleet]\ngateway = north-7\nstate = %s/fleet.db\nreport = %s\n%s\n[fetch]\n' "$tmp" "$1" "${2-}"
	printf 'allow_http = yes\n[device lamp-001]\nurl = uart:/dev/ttyUSB1\n'
}

mkdir taken
python3 "$root/tests/support/report_server.py" taken >port &
server=$!
tries=0
until grep -q port port; do
	tries=$((tries + 1))
	[ "$tries" -lt 400 ] || fail 'the server does not start'
	sleep 0.05
done
url=http://127.0.0.1:$(sed 's/port //' port)

# lines: ids of all lines that were taken, twice those that came twice
lines() {
	cat taken/*.ndjson 2>/dev/null | python3 -c 'import json, sys
for line in sys.stdin: print(json.loads(line)["id"])'
}

fleet "$url/ok" >ok.conf
expect 2 stmota fleet report --fleet ok.conf
says '--html FILE, --json, or --send'
expect 0 stmota fleet report --fleet ok.conf --send --json
json "r['reports']['sent'] == 0"

# A street of 250: 500 lines and more, in batches, each once.
scene fleet.db street 250
cp fleet.db full.db
waiting=$(stmota fleet export --fleet ok.conf --table outbox | wc -l)
[ "$waiting" -gt 500 ] || fail "only $waiting lines"
expect 0 stmota fleet report --fleet ok.conf --send --json
json "r['reports'] == {'sent': $waiting, 'left': 0}"
[ "$(lines | sort -u | wc -l)" = "$waiting" ] || fail 'lines'
[ "$(lines | wc -l)" = "$waiting" ] || fail 'a line came twice'
ls taken/3.ndjson >/dev/null || fail 'one batch for all'
expect 0 stmota fleet report --fleet ok.conf --send --json
json "r['reports'] == {'sent': 0, 'left': 0}"

# again CONF: the same reports wait once more, nothing was taken
again() {
	rm -rf taken fleet.db* && mkdir taken && cp full.db fleet.db
	fleet "$@" >again.conf
}

# A server that is busy: status 12, all of it waits; and again it is sent.
again "$url/busy-1"
expect 12 stmota fleet report --fleet again.conf --send --json
json "r['reports']['left'] == $waiting and r['reports']['sent'] == 0"
expect 0 stmota fleet report --fleet again.conf --send
[ "$(lines | sort -u | wc -l)" = "$waiting" ] || fail 'after 503'

# An answer that is lost: the same batch comes twice, under the same key.
again "$url/lost-1"
expect 12 stmota fleet report --fleet again.conf --send
expect 0 stmota fleet report --fleet again.conf --send
[ "$(lines | sort -u | wc -l)" = "$waiting" ] || fail 'after a lost answer'
[ "$(sort taken/keys | uniq -d | wc -l)" = 1 ] || fail 'the key of the batch that came twice'
same taken/1.ndjson taken/2.ndjson

# One that takes little at once.
again "$url/small-9000"
expect 0 stmota fleet report --fleet again.conf --send
[ "$(lines | wc -l)" = "$waiting" ] || fail 'after 413'

# One that is not there.
again http://127.0.0.1:1/reports
expect 12 stmota fleet report --fleet again.conf --send
says 'reports: '

# Signed: by POST and in a folder, judged by openssl.
openssl genpkey -algorithm ed25519 -out gateway.pem 2>/dev/null
openssl pkey -in gateway.pem -pubout -out gateway.pub
signed() {
	[ "$(head -c 8 "$2")" = STMOSIG1 ] || fail "$2 is no signature"
	tail -c 64 "$2" >sig.raw
	{ printf 'stmota-report-v1\0' && cat "$1"; } >message
	openssl pkeyutl -verify -pubin -inkey gateway.pub -rawin -in message -sigfile sig.raw >/dev/null ||
		fail "the signature of $1 is wrong"
}
again "$url/ok" "report_key = $tmp/gateway.pem"
expect 0 stmota fleet report --fleet again.conf --send
signed taken/1.ndjson taken/1.sig
mkdir spool
again "$tmp/spool" "report_key = $tmp/gateway.pem"
expect 0 stmota fleet report --fleet again.conf --send
for file in spool/*.ndjson; do
	signed "$file" "$file.sig"
done
[ "$(cat spool/*.ndjson | sort -u | wc -l)" = "$waiting" ] || fail 'spooled lines'
if cat spool/*.ndjson spool/*.sig | grep -q PRIVATE; then fail 'a key went out'; fi

# kill -9 amidst it, again and again: nothing is lost on the way.
rm -rf spool && mkdir spool
again "$tmp/spool"
for n in 1 2 3 4 5 6 7 8; do
	stmota fleet report --fleet again.conf --send >/dev/null 2>&1 &
	pid=$!
	sleep "0.0$n"
	kill -9 "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
done
expect 0 stmota fleet report --fleet again.conf --send
[ "$(cat spool/*.ndjson | sort -u | wc -l)" = "$waiting" ] || fail 'lines lost by kill -9'
server_off

# The page is one file that names nothing outside; whoever writes to the database writes text.
for n in 0 1 20; do
	rm -f fleet.db*
	[ "$n" = 0 ] || scene fleet.db street "$n"
	expect 0 stmota fleet report --fleet ok.conf --html page.html
	prints page.html
	python3 "$root/tests/support/check_page.py" page.html || fail "the page of $n"
done
grep -q '>lamp-005<' page.html || fail 'a device'
grep -q 'the device refused block 17 of 84' page.html || fail 'a reason'
rm -f fleet.db*
scene fleet.db hostile 9
expect 0 stmota fleet report --fleet ok.conf --html page.html
python3 "$root/tests/support/check_page.py" page.html || fail 'the hostile page'
grep -qF '&lt;script&gt;alert(1)&lt;/script&gt;' page.html || fail 'text as text'
stmota fleet report --fleet ok.conf --html - >stdout.html
[ "$(tail -c 15 stdout.html)" = '</body></html>' ] || fail 'the page on standard output'

# The same as JSON.
rm -f fleet.db*
scene fleet.db street 20
expect 0 stmota fleet report --fleet ok.conf --json
json "len(r['timeline']) == 44 and r['timeline'][0]['ok'] + r['timeline'][0]['failed'] == 1"
json "len(r['halts']) == 1 and r['halts'][0]['resumed'] is None"
json "len(r['failures']) == 7 and r['failures'][0]['failure'] and r['sum']['devices'] == 1"
# A transcript that is long is shown from a line near its end; what is no file is not read.
{ seq 1 3000 && printf 'end \033[31m<b>\n'; } >lamp.transcript
expect 0 stmota fleet report --fleet ok.conf --html page.html
python3 "$root/tests/support/check_page.py" page.html || fail 'the page with a transcript'
grep -qF 'end \x1B[31m&lt;b&gt;' page.html || fail 'the end of the transcript'
! grep -qx '1000' page.html || fail 'the whole transcript'
rm lamp.transcript
mkfifo lamp.transcript
expect 0 stmota fleet report --fleet ok.conf --html page.html
grep -q 'is not there any more' page.html || fail 'a transcript that is none'
