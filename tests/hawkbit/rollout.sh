#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/hawkbit/lib.sh
#
# Rollouts of a hawkBit server over 20 virtual lamps behind one gateway: success, a canary that
# fails, cancels in mid-flight, server and client that are killed and come back.
#
# usage: rollout.sh [fake|real]
#
# The real one is what scripts/hawkbit-server makes of hawkBit's libraries, in the user's cache; with
# its embedded database, on loopback.
mode=${1:-fake}
# Before they are no settings of the test any more.
hawkbit=${STMOTA_HAWKBIT_SERVER:-${XDG_CACHE_HOME:-$HOME/.cache}/stmota/hawkbit-server}
LAMPS=20
[ -z "${CLI_SANITIZED:-}" ] || LAMPS=6
. "$(dirname "$0")/lib.sh"
. "$root/tests/cli/street.sh"
pass=
pass_off() {
	[ -z "$pass" ] || kill -9 "$pass" 2>/dev/null || :
	[ -z "$pass" ] || wait "$pass" 2>/dev/null || :
	pass=
}
trap 'pass_off; serve_off; lamps_off; cli_cleanup' EXIT

export no_proxy='*' STMOTA_FETCH_RETRY_MS=50 STMOTA_FETCH_ALLOW_HTTP=yes

# ---- the server ----

# A write is on the disk before it is answered (WRITE_DELAY): the server is killed below.
real_server() {
	[ -e "$hawkbit/Server.class" ] || skip "no hawkBit server in $hawkbit: scripts/hawkbit-server"
	command -v java >/dev/null || skip "no hawkBit server without Java"
	serve_off
	[ "$port" != 0 ] || port=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
	url=http://127.0.0.1:$port
	java -Xmx512m -XX:TieredStopAtLevel=1 --add-opens=java.base/java.lang=ALL-UNNAMED \
		-cp "$hawkbit:$hawkbit/lib/*" Server --server.address=127.0.0.1 --server.port="$port" \
		--spring.main.banner-mode=off --logging.level.root=warn \
		--spring.main.allow-bean-definition-overriding=true \
		"--spring.datasource.url=jdbc:h2:file:$tmp/hawkbit-db;MODE=MySQL;WRITE_DELAY=0" \
		--org.eclipse.hawkbit.repository.file.path="$tmp/artifacts" \
		--hawkbit.server.security.dos.filter.enabled=false \
		--hawkbit.server.ddi.security.authentication.gatewaytoken.enabled=true \
		--hawkbit.server.ddi.security.authentication.gatewaytoken.key=gw-token \
		--hawkbit.controller.minPollingTime=00:00:01 \
		--hawkbit.rollout.scheduler.fixedDelay=500 >>server.log 2>&1 &
	server=$!
	for _ in $(seq 240); do
		kill -0 "$server" 2>/dev/null || fail "the server does not start: $(tail -n 5 server.log)"
		python3 "$root/tests/hawkbit/api.py" "$url" GET /rest/v1/rollouts >/dev/null 2>&1 && return
		sleep 0.5
	done
	fail "the server does not answer: $(tail -n 5 server.log)"
}

server_on() {
	if [ "$mode" = real ]; then
		real_server
	else
		serve --state fake.json
	fi
}

# until_is WHAT COMMAND...: its output; the real server judges every half second
until_is() {
	want=$1
	shift
	for _ in $(seq 300); do
		is=$("$@")
		[ "$is" = "$want" ] && echo "ok: $want: $*" && return
		sleep 0.1
	done
	cat err
	fail "'$is', wanted '$want': $*"
}

rollout_status() { api GET "/rest/v1/rollouts/$rollout" "" 'r["status"]'; }
action_status() { # 0.3 has no detailStatus
	if [ "$mode" = real ]; then
		api GET "/rest/v1/targets/gw.lamp-$1/actions/$(action_id "$1")/status?sort=id:DESC" "" \
			'r["content"][0]["type"]'
	else
		api GET "/rest/v1/targets/gw.lamp-$1/actions?sort=id:DESC" "" \
			'max(r["content"], key=lambda a: a["id"])["detailStatus"]'
	fi
}
action_id() { api GET "/rest/v1/targets/gw.lamp-$1/actions?sort=id:DESC" "" \
	'max(a["id"] for a in r["content"])'; }

# rollout VERSION [GROUPS]: canary is lamp-1, then all others
threshold() {
	printf '"successCondition":{"condition":"THRESHOLD","expression":"%s"},' "$1"
	printf '"errorCondition":{"condition":"THRESHOLD","expression":"%s"},' "$2"
	printf '"errorAction":{"action":"PAUSE","expression":""},'
	printf '"successAction":{"action":"%s","expression":""}' "$3"
}
# hawkBit 0.3 cannot pause after a group that was successful: the audit finds that, and what follows
# is done without. It still stops by the error threshold of the canary.
then=PAUSE
[ "$mode" = fake ] || then=NEXTGROUP
audit() {
	want=$1
	shift
	expect "$want" stmota hawkbit audit "$@" --url "$url" --user admin --password-file pw
}
rollout() {
	distribution "lamp" "$1" "$1.sota"
	canary="{\"name\":\"canary\",\"targetPercentage\":100,\"targetFilterQuery\":\"controllerId==gw.lamp-1\",$(threshold 100 0 $then)}"
	rest="{\"name\":\"rest\",\"targetPercentage\":100,$(threshold 100 1 NEXTGROUP)}"
	rollout=$(api POST /rest/v1/rollouts "{\"name\":\"lamp-$1\",\"distributionSetId\":$set,
		\"targetFilterQuery\":\"controllerId==gw.lamp-*\",\"type\":\"forced\",
		\"groups\":[$canary,$rest]}" 'r["id"]')
	until_is ready rollout_status
	if [ "$then" = PAUSE ]; then
		audit 0 "lamp-$1"
	else
		audit 1 "lamp-$1" --json
		json '[f["where"] for f in r["findings"]] == ["canary"]'
		json '"is not PAUSE" in r["findings"][0]["what"]'
	fi
	api POST "/rest/v1/rollouts/$rollout/start" >/dev/null
	until_is running rollout_status
	until_is running action_status 1
}

# The canary was good; the operator says so, where a rollout waits for that.
go_on() {
	if [ "$then" = PAUSE ]; then
		until_is paused rollout_status
		api POST "/rest/v1/rollouts/$rollout/resume" >/dev/null
	fi
	until_is running action_status "$LAMPS"
}

silent() {
	stmota hawkbit audit "$rollout" --deadline 1s --url "$url" --user admin --password-file pw \
		>silent.out 2>&1 || :
	if grep -q "silence is a failure" silent.out; then
		echo late
	else
		cat silent.out
	fi
}

# has_said N TEXT: about what it was given last
has_said() {
	api GET "/rest/v1/targets/gw.lamp-$1/actions/$(action_id "$1")/status?sort=id:DESC" "" \
		'str(r["content"])' >said
	grep -q "$2" said || fail "the server was not told '$2': $(cat said)"
}

# ---- the street ----

hawk_street() { # PARALLEL
	street "$LAMPS" "parallel = $1" "retry = 1s"
	sed -i "s|^channel = .*|hawkbit = $url\\nhawkbit_token = gateway\\nhawkbit_token_file = $tmp/token|; /^root = /d" \
		street.conf
	printf '[trust]\ndir = %s/trust\n' "$tmp" >>street.conf
}

# held N: lamp N is not healthy before ./go is there
held() {
	rm -f go
	sed -i "/^\[device lamp-$1\]/,/^confirm/s|^confirm.*|confirm = command: while [ ! -e $tmp/go ]; do sleep 0.05; done within 60s|" \
		street.conf
}

# begin_held N: a pass in the background, until the server knows that lamp N is written
begin_held() {
	held "$1"
	stmota update --fleet street.conf --now --json >out 2>err &
	pass=$!
	until_is True begun "$1"
}
begun() { api GET "/rest/v1/targets/gw.lamp-$1/actions/$(action_id "$1")/status?sort=id:ASC" "" \
	'"the delivery begins" in str(r["content"])'; }

echo admin >pw
echo gw-token >token
chmod 600 token pw
server_on
release 1.0.0
mkdir trust
cp release.pub trust/release.pem
hawk_street 8
for i in $(seq "$LAMPS"); do
	lamp "$i"
done

# They make themselves known; the server wants nothing.
update 0 --now
json "r['devices'] == $LAMPS and r['delivered'] == 0"
[ "$(api GET /rest/v1/targets/gw.lamp-$LAMPS/attributes "" 'r["product"]')" = acme.com/lamp ] ||
	fail "the server does not know what lamp-$LAMPS is"

# Canary, pause, and when the operator says so all others.
rollout 1.0.0
update 0 --now
json 'r["delivered"] == 1'
[ "$(outcome 1)" = ok ] || fail "lamp-1: $(outcome 1)"
until_is finished action_status 1
go_on
update 0 --now
json "r['delivered'] == $((LAMPS - 1))"
until_is finished rollout_status
runs "$LAMPS" 1.0.0

# A bad one: the canary is rolled back, the server hears why, nobody else is touched.
release 2.0.0 dark
rollout 2.0.0
# Silence: seen, and stopped by who watches.
until_is late silent
grep -q "such as gw.lamp-1:" silent.out || fail "who? $(cat silent.out)"
audit 1 lamp-2.0.0 --deadline 1s --watch
until_is paused rollout_status
api POST "/rest/v1/rollouts/$rollout/resume" >/dev/null
until_is running rollout_status
update 11 --now
[ "$(outcome 1)" = "rolled back" ] || fail "lamp-1: $(outcome 1)"
until_is error action_status 1
until_is paused rollout_status
runs 1 1.0.0
has_said 1 "old firmware runs again"
update 0 --now
json 'r["delivered"] == 0'

# Cancels in mid-flight: one is written already and is finished, the other is never begun.
release 3.0.0
distribution lamp 3.0.0 3.0.0.sota
hawk_street 1
assign gw.lamp-2
assign gw.lamp-3
begin_held 2
api DELETE "/rest/v1/targets/gw.lamp-2/actions/$(action_id 2)" >/dev/null
api DELETE "/rest/v1/targets/gw.lamp-3/actions/$(action_id 3)" >/dev/null
touch go
wait "$pass" || fail "the pass gave $?: $(cat err)"
pass=
runs 2 3.0.0
runs 3 1.0.0
until_is finished action_status 2
until_is canceled action_status 3

# Client and server are killed in mid-work; both come back, and what was begun is finished.
release 4.0.0
rollout 4.0.0
hawk_street 8
begin_held 1
pass_off
kill -9 "$server"
wait "$server" 2>/dev/null || :
server=
touch go
STMOTA_FETCH_TRIES=1 update 12 --now
server_on
update 0 --now
runs 1 4.0.0
until_is finished action_status 1
go_on
update 0 --now
until_is finished rollout_status
runs 2 4.0.0
runs "$LAMPS" 4.0.0

# The same bytes once more by another name (one who has a set is not assigned it again): proved,
# not believed.
distribution again 4.0.0 4.0.0.sota
assign gw.lamp-5
update 0 --now
[ "$(outcome 5)" = "already there" ] || fail "lamp-5: $(outcome 5)"
until_is finished action_status 5

# Before its maintenance window it is fetched and no more; then it is cancelled.
release 4.5.0
distribution lamp 4.5.0 4.5.0.sota
assign gw.lamp-3 \
	'"maintenanceWindow":{"schedule":"0 0 3 1 1 ? 2099","duration":"01:00:00","timezone":"+00:00"}'
update 0 --now
json 'r["delivered"] == 0'
has_said 3 "fetched and checked"
runs 3 4.0.0
api DELETE "/rest/v1/targets/gw.lamp-3/actions/$action" >/dev/null
update 0 --now
until_is canceled action_status 3

# What would run through the street is refused.
release 5.0.0
distribution lamp 5.0.0 5.0.0.sota
api POST /rest/v1/rollouts "{\"name\":\"careless\",\"distributionSetId\":$set,\"type\":\"forced\",
	\"targetFilterQuery\":\"controllerId==gw.lamp-*\",\"amountGroups\":4}" >/dev/null
audit 1 careless
prints "defaults"

# An older one is refused by what it says of itself, and the server hears of it.
release 0.7.0
distribution lamp 0.7.0 0.7.0.sota
assign gw.lamp-4
update 11 --now
[ "$(outcome 4)" = refused ] || fail "lamp-4: $(outcome 4)"
until_is error action_status 4

# Packages that nobody here trusts go nowhere, whatever a server says.
stmota keygen --type ed25519 --out thief.pem --public thief.pub >/dev/null
stmota pack 5.0.0.bin --address 0x08000000 --product acme.com/lamp --version 5.0.0 --chip 0x410 \
	--key thief.pem --out thief.sota >/dev/null
distribution lamp 5.0.1 thief.sota
assign gw.lamp-6
update 7 --now
until_is error action_status 6
runs 6 4.0.0
