#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/hawkbit/lib.sh
#
# Another client talks to our fake hawkBit: what it takes for a server is not only what our own
# client does. Debian's swupdate polls, is given a deployment, downloads it, tells how it went;
# then answers a cancel.
. "$(dirname "$0")/lib.sh"

command -v swupdate >/dev/null || skip "swupdate is not installed"
swupdate --help 2>&1 | grep -q -i suricatta || skip "this swupdate has no hawkBit daemon"
client=
trap '[ -z "$client" ] || kill "$client" 2>/dev/null || :; serve_off; cli_cleanup' EXIT

serve --state fake.json
api PUT /fake/set '{"sleep":"00:00:01"}' >/dev/null
api POST /rest/v1/targets '[{"controllerId":"lamp-7","name":"lamp-7"}]' >/dev/null
head -c 5000 /dev/urandom >lamp.swu
distribution lamp 1.5.0 lamp.swu
assign lamp-7
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout c.key -out c.pem \
	-days 2 -subj /CN=images 2>/dev/null
TMPDIR=$tmp swupdate -k c.pem -l 5 \
	-u "-t DEFAULT -u $url -i lamp-7 -k tok-lamp-7 -p 1 -r 1 -w 1" >swupdate.log 2>&1 &
client=$!

# until WHAT EXPRESSION-OVER-THE-LOG: `said` are the requests, oldest first
until_log() {
	for _ in $(seq 150); do
		kill -0 "$client" || fail "swupdate has ended: $(tail -n 5 swupdate.log)"
		[ "$(api GET /fake/log "" "bool($2)")" = True ] && echo "ok: $1" && return
		sleep 0.2
	done
	api GET /fake/log "" '"\n".join(str((x["method"], x["path"], x["status"], x["body"][:300])) for x in r)'
	fail "not seen: $1"
}
until_log "it polls with its token" '[x for x in r if x["path"] == "/DEFAULT/controller/v1/lamp-7"
	and x["status"] == 200 and x["headers"]["Authorization"] == "TargetToken tok-lamp-7"]'
until_log "it follows the link as it is" '[x for x in r if "/deploymentBase/" in x["path"]
	and "?c=" in x["path"] and x["status"] == 200]'
until_log "it downloads" '[x for x in r if x["path"].endswith("/lamp.swu") and x["status"] == 200]'
until_log "it tells how it went" '[x for x in r if x["path"].endswith("/feedback")
	and "closed" in x["body"] and x["status"] == 200]'
[ "$(status_of lamp-7 "$action")" = error ] || fail "not an error: $(status_of lamp-7 "$action")"

# A cancel is answered, and the action is over.
api PUT /fake/set '{"mute":true}' >/dev/null
assign lamp-7
api DELETE "/rest/v1/targets/lamp-7/actions/$action" >/dev/null
api PUT /fake/set '{"mute":false}' >/dev/null
until_log "it answers a cancel" '[x for x in r if "/cancelAction/" in x["path"]
	and x["path"].endswith("/feedback") and x["status"] == 200]'
[ "$(status_of lamp-7 "$action")" = canceled ] || fail "it was not cancelled"
