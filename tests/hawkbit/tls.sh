#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/hawkbit/lib.sh
#
# Who asks a hawkBit server, and over what: a client certificate, tokens of targets, never a token
# in the clear, and what a fleet is told when it is not let in.
. "$(dirname "$0")/lib.sh"

# certificate NAME: NAME.pem and NAME.key, signed by ca.pem, for 127.0.0.1 and localhost
certificate() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
		-out "$1.csr" -subj "/CN=$1" 2>/dev/null
	printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
		-extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-days 30 -subj /CN=test-ca 2>/dev/null
certificate server
certificate gateway
export no_proxy='*' STMOTA_FETCH_RETRY_MS=20 STMOTA_FETCH_CA_FILE="$tmp/ca.pem"
stmota keygen --type ed25519 --out release.pem --public release.pub >/dev/null
mkdir trust
cp release.pub trust/release.pem

# fleet LINE...: two lamps that are never touched here
fleet() {
	{
		printf '[trust]\ndir = trust\n[fleet]\nhawkbit = %s\nstate = fleet.db\n' "$url"
		for line in "$@"; do
			printf '%s\n' "$line"
		done
		for i in 1 2; do
			printf '[device lamp-%s]\nurl = uart:%s/lamp-%s\nproduct = acme.com/lamp\n' "$i" "$tmp" "$i"
			[ ! -e "token-$i" ] || printf 'token_file = token-%s\n' "$i"
		done
	} >fleet.conf
}
ask() { # STATUS
	expect "$1" stmota update --fleet fleet.conf --now --json
}

# A certificate instead of a token.
serve --tls server.pem server.key --client-ca ca.pem
url=https://127.0.0.1:$port
fleet
STMOTA_FETCH_TRIES=1 ask 12
export STMOTA_FETCH_CLIENT_CERT="$tmp/gateway.pem" STMOTA_FETCH_CLIENT_KEY="$tmp/gateway.key"
ask 0
json 'r["devices"] == 2'
unset STMOTA_FETCH_CLIENT_CERT STMOTA_FETCH_CLIENT_KEY

# A token for each target; one that is wrong keeps its own target out, and is not shown.
serve --tls server.pem server.key
url=https://127.0.0.1:$port
echo tok-lamp-1 >token-1
echo tok-secret >token-2
chmod 600 token-1 token-2
fleet "hawkbit_token = target"
expect 0 stmota update --fleet fleet.conf --now
says "the server says 401"
says_not "secret"
echo tok-lamp-2 >token-2
expect 0 stmota update --fleet fleet.conf --now
says_not "401"
echo tok-nobody | tee token-1 >token-2
ask 12
json '"401" in r["error"]["message"] and "token" in r["error"]["hint"]'

# An action that waits for consent is left alone until somebody gives it.
echo tok-lamp-1 >token-1
echo tok-lamp-2 >token-2
head -c 100 /dev/urandom >lamp.sota
STMOTA_TEST_CA=ca.pem
export STMOTA_TEST_CA
distribution lamp 1.5.0 lamp.sota
api PUT /fake/set '{"confirm":true}' >/dev/null
assign lamp-1
ask 0
json '"waits for somebody" in events[0]["reason"]'
expect 0 stmota hawkbit confirm lamp-1 lamp-2 --fleet fleet.conf --dry-run --json
json '[a["result"] for a in r["actions"]] == ["waits", "nothing waits"]'
expect 0 stmota hawkbit confirm lamp-1 --deny --fleet fleet.conf
prints "denied"
expect 0 stmota hawkbit confirm lamp-1 --fleet fleet.conf --text "agreed"
prints "confirmed"
prints "1.5.0"
expect 0 stmota update --fleet fleet.conf --dry-run --now --json
json 'events[0]["decision"] == "deliver" and "lamp 1.5.0" in events[0]["reason"]'
expect 2 stmota hawkbit confirm lamp-9 --fleet fleet.conf

# Without TLS a token would be everybody's.
url=http://127.0.0.1:$port
fleet "hawkbit_token = target"
ask 2
json '"TLS" in r["error"]["message"]'

# A token that is none, a server that is none, and no key that could be believed.
printf 'two words\n' >token-1
url=https://127.0.0.1:$port
fleet "hawkbit_token = target"
ask 2
json '"token" in r["error"]["message"]'
rm -f token-1 token-2 trust/release.pem
fleet
ask 7
