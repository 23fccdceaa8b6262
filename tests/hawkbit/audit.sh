#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/hawkbit/lib.sh
#
# Rollouts that would run through a fleet are refused; one that goes wrong is paused.
. "$(dirname "$0")/lib.sh"

export no_proxy='*' STMOTA_FETCH_RETRY_MS=20 STMOTA_FETCH_ALLOW_HTTP=yes
serve --state fake.json
echo admin >pw
head -c 100 /dev/urandom >lamp.sota
distribution lamp 1.5.0 lamp.sota
targets=
for i in $(seq 40); do
	targets="$targets${targets:+,}{\"controllerId\":\"lamp-$i\",\"name\":\"lamp-$i\"}"
done
api POST /rest/v1/targets "[$targets]" >/dev/null

# group NAME PERCENT SUCCESS THEN ERROR [MORE]
group() {
	printf '{"name":"%s","targetPercentage":%s,"successCondition":{"condition":"THRESHOLD",' "$1" "$2"
	printf '"expression":"%s"},"successAction":{"action":"%s","expression":""},' "$3" "$4"
	printf '"errorCondition":{"condition":"THRESHOLD","expression":"%s"},' "$5"
	printf '"errorAction":{"action":"PAUSE","expression":""}%s}' "${6:-}"
}
# rollout NAME MEMBERS [FILTER]: sets $rollout
rollout() {
	rollout=$(api POST /rest/v1/rollouts "{\"name\":\"$1\",\"distributionSetId\":$set,
		\"targetFilterQuery\":\"${3:-controllerId==lamp-*}\",\"type\":\"forced\",$2}" 'r["id"]')
}
audit() { # STATUS ROLLOUT [OPTION...]
	want=$1
	shift
	expect "$want" stmota hawkbit audit "$@" --url "$url" --user admin --password-file pw
}
# unsafe NAME TEXT MEMBERS [FILTER]
unsafe() {
	rollout "$1" "$3" "${4:-}"
	audit 1 "$rollout"
	prints "$2"
	says "not safe"
}
rest=$(group rest 100 100 NEXTGROUP 1)

rollout good "\"groups\":[$(group canary 3 100 PAUSE 0),$rest]"
audit 0 "$rollout" --json
json 'r["safe"] and not r["findings"] and [g["targets"] for g in r["groups"]] == [1, 39]'
audit 0 good
prints "canary"
prints_not "unsafe"

# What the server takes without a word.
unsafe defaults "defaults: half of it may die" '"amountGroups":5'
unsafe empty "the canary is empty" "\"groups\":[$(group canary 1 100 PAUSE 0),$rest]"
unsafe goes-on "starts by itself" "\"groups\":[$(group canary 3 100 NEXTGROUP 0),$rest]"
unsafe silent "while others of the canary are silent" \
	"\"groups\":[$(group canary 3 90 PAUSE 0),$rest]"
unsafe error "stops at its first error" "\"groups\":[$(group canary 3 100 PAUSE 1),$rest]"
unsafe large "are no canary" "\"groups\":[$(group canary 25 100 PAUSE 0),$rest]"
unsafe single "no canary" "\"groups\":[$(group all 100 100 PAUSE 0)]"
unsafe many-die "more than 10 of a hundred" \
	"\"groups\":[$(group canary 3 100 PAUSE 0),$(group rest 100 100 NEXTGROUP 30)]"
audit 0 "$rollout" --error-max 30
unsafe hole "successful at once" \
	"\"groups\":[$(group canary 3 100 PAUSE 0),$(group hole 1 100 PAUSE 0),$rest]"
rollout early "\"groups\":[$(group canary 3 100 PAUSE 0),$(group rest 100 80 NEXTGROUP 1)]"
audit 0 early --json
json 'r["safe"] and r["findings"][0]["result"] == "note"'

# A canary of one that is silent: after its time the rollout is stopped, by this and not by hawkBit.
rollout silent-one "\"groups\":[$(group canary 3 100 PAUSE 0),$rest]"
api POST "/rest/v1/rollouts/$rollout/start" >/dev/null
audit 0 "$rollout" --deadline 2h
api PUT /fake/jump '{"seconds":7300}' >/dev/null
audit 1 "$rollout" --deadline 2h
prints "silence is a failure"
prints "lamp-1"
api PUT /fake/set '{"old":true}' >/dev/null # servers before 0.10.0 call it otherwise
audit 1 "$rollout" --deadline 2h
prints "silence is a failure"
[ "$(api GET "/rest/v1/rollouts/$rollout" "" 'r["status"]')" = running ] || fail "it was touched"
# 0.3 lists actions of a target only, and no numbers with groups: silence was not seen at all.
api PUT /fake/set '{"ancient":true}' >/dev/null
audit 1 "$rollout" --deadline 2h
prints "silence is a failure"
prints "such as lamp-1:"
audit 0 "$rollout" --deadline 3h --json
json 'r["groups"][0]["open"] == 1'
audit 1 "$rollout" --deadline 2h --watch --json
says_not "error"
json 'r["error"]["message"].find("was paused") > 0 and events[0]["event"] == "look"'
api PUT /fake/set '{"old":false,"ancient":false}' >/dev/null
[ "$(api GET "/rest/v1/rollouts/$rollout" "" 'r["status"]')" = paused ] || fail "it was not paused"

# One that ends well is watched to its end; the server may be away for a while.
rollout two "\"groups\":[$(group canary 50 100 NEXTGROUP 0),$(group rest 100 100 NEXTGROUP 0)]" \
	"controllerId==lamp-7,controllerId==lamp-8"
audit 1 "$rollout"
rollout well "\"groups\":[$(group canary 50 100 PAUSE 0),$(group rest 100 100 NEXTGROUP 0)]" \
	"controllerId==lamp-7,controllerId==lamp-8"
api POST "/rest/v1/rollouts/$rollout/start" >/dev/null
stmota hawkbit audit well --url "$url" --user admin --password-file pw --watch --every 1s \
	>watch.out 2>watch.err &
watcher=$!
done_by() { # TARGET
	id=$(api GET "/rest/v1/targets/$1/actions" "" \
		'[a["id"] for a in r["content"] if a["rollout"] == '"$rollout"'][0]')
	python3 - "$url/DEFAULT/controller/v1/$1/deploymentBase/$id/feedback" <<'EOP'
import sys, urllib.request
body = b'{"status":{"execution":"closed","result":{"finished":"success"},"details":[]}}'
r = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json",
                                               "Authorization": "GatewayToken gw-token"})
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(r)
EOP
}
done_by lamp-7
[ "$(api GET "/rest/v1/rollouts/$rollout" "" 'r["status"]')" = paused ] || fail "no pause"
serve --state fake.json
api POST "/rest/v1/rollouts/$rollout/resume" >/dev/null
done_by lamp-8
wait $watcher || fail "watching gave $?: $(cat watch.err)"
grep -q "rest: 1 of 1, 0 failed" watch.err || fail "nothing was told: $(cat watch.err)"

# Who asks, and whom.
expect 2 stmota hawkbit audit well --url "$url"
expect 2 stmota hawkbit audit well --url "$url" --user admin
expect 2 stmota hawkbit audit well --url ftp://x --user admin --password-file pw
audit 2 no-such-rollout
says "no rollout is called"
echo wrong >pw2
expect 12 stmota hawkbit audit well --url "$url" --user admin --password-file pw2
says "401"
says_not "wrong"
serve_off
STMOTA_FETCH_TRIES=1 audit 12 well
