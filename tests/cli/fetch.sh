#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# Files from a server over TLS, and from servers that cut, stall, lie and send us elsewhere.
. "$(dirname "$0")/lib.sh"

server=
server_off() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	server=
}
trap 'server_off; cli_cleanup' EXIT

# serve OPTION...: sets $port
serve() {
	server_off
	mkdir -p www
	rm -f port # the old one must not be taken for the new one
	python3 "$root/tests/support/http_server.py" www "$@" >port 2>server.log &
	server=$!
	for _ in $(seq 100); do
		[ -s port ] && break # written in one go
		sleep 0.05
	done
	port=$(cut -d' ' -f2 port)
	[ -n "$port" ] || fail "no server: $(cat server.log)"
}

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

export no_proxy='*' STMOTA_FETCH_RETRY_MS=20
get() { # STATUS PATH [OPTION...]
	want=$1 path=$2
	shift 2
	expect "$want" stmota fetch "https://127.0.0.1:$port/$path" --out got "$@"
}
serve --tls server.pem server.key
head -c 300000 /dev/urandom >www/fw
sum=$(sha256sum www/fw | cut -c1-64)

# TLS is checked: nobody believes this CA until it is named.
get 12 plain/fw
says "certificate"
says "ca_file"
[ ! -e got ] || fail "a file is there"
export STMOTA_FETCH_CA_FILE="$tmp/ca.pem"
get 0 plain/fw --json
json 'r["tries"] == 1 and r["size"] == 300000 and r["url"].endswith("/plain/fw")'
same got www/fw
[ ! -e got.part ] || fail "the part stays"
STMOTA_FETCH_CA_FILE=$tmp/missing.pem get 12 plain/fw
says "CA file"

# Connections that end too early are taken up where they ended, with an ETag or with a digest.
for how in cut-100000 cut-once-70000; do
	rm -f got www/requests.log
	get 0 $how/fw
	same got www/fw
	grep -q "bytes=[1-9]" www/requests.log || fail "not resumed: $(cat www/requests.log)"
done
rm -f got
get 0 etag-less/fw --sha256 "$sum"
get 0 cut-once-5000/fw --sha256 "$sum"
same got www/fw
get 0 no-range/fw
same got www/fw
get 0 wrong-range/fw
same got www/fw

# ... also by the next run.
rm -f got
STMOTA_FETCH_TRIES=2 get 12 cut-40000/fw
says "connection"
[ "$(wc -c <got.part)" -eq 80000 ] || fail "the part has $(wc -c <got.part) bytes"
get 0 plain/fw --json
json 'r["resumed_from"] == 80000'
same got www/fw

# What another day has left of another file is not mixed in.
rm -f got
STMOTA_FETCH_TRIES=1 get 12 cut-40000/fw
mv www/fw www/old && head -c 300000 /dev/urandom >www/fw
sum=$(sha256sum www/fw | cut -c1-64)
get 0 plain/fw
same got www/fw
rm -f got && head -c 1000 /dev/urandom >got.part
get 0 etag-less/fw --sha256 "$sum"
same got www/fw
rm -f got && head -c 1000 /dev/urandom >got.part
get 0 etag-less/fw
same got www/fw

# A digest judges, and a mirror that has other bytes is left for the next one.
get 7 plain/old --sha256 "$sum"
says "not what was announced"
expect 0 stmota fetch "https://127.0.0.1:$port/plain/old" "https://127.0.0.1:$port/status-404/fw" \
	"https://127.0.0.1:$port/plain/fw" --sha256 "$sum" --out got
same got www/fw
get 2 plain/fw --sha256 1234
says "64 hexadecimal digits"

# Busy servers are asked again, missing files are not.
get 0 busy-2/fw --json
json 'r["tries"] == 3'
rm -f www/requests.log
get 12 status-404/fw
says "404"
[ "$(wc -l <www/requests.log)" -eq 1 ] || fail "asked again: $(cat www/requests.log)"
STMOTA_FETCH_TRIES=3 get 12 status-500/fw

# No more than may be, announced or not; no waiting for ever.
for how in endless long plain; do
	get 12 $how/fw --size-max 100K
	says "larger than"
done
STMOTA_FETCH_STALL_S=1 STMOTA_FETCH_TRIES=1 get 12 trickle/x
STMOTA_FETCH_STALL_S=1 STMOTA_FETCH_TRIES=1 get 12 silent/x

# Sent on: as far as we want, never out of TLS, and our own headers and names stay here.
get 0 redirect-5/fw
same got www/fw
get 12 redirect-6/fw
says "more than 5 times"
get 12 to-http/fw
says "from https to"
get 0 to-host/x
STMOTA_FETCH_REDIRECTS=same-host get 12 to-host/x
STMOTA_FETCH_REDIRECTS=same-host get 0 redirect-1/fw
STMOTA_FETCH_REDIRECTS=none get 12 redirect-1/fw
expect 2 env STMOTA_FETCH_REDIRECTS=some stmota fetch https://127.0.0.1:1/x --out got
expect 12 stmota fetch "https://user:secret@127.0.0.1:$port/status-404/fw" --out got
says_not "secret"
says "https://127.0.0.1"

expect 2 stmota fetch "http://user:secret@127.0.0.1:$port/plain/fw" --out got
says_not "secret"
expect 2 stmota fetch "https://user:secret@[127/x" --out got
says_not "secret"
expect 0 stmota fetch "https://127.0.0.1:$port/plain/fw" --out -
same out www/fw

# Two at once: the second is told.
STMOTA_FETCH_STALL_S=5 stmota fetch "https://127.0.0.1:$port/trickle/x" --out twice 2>/dev/null &
first=$!
for _ in $(seq 100); do
	[ -s twice.part ] && break
	sleep 0.05
done
expect 3 stmota fetch "https://127.0.0.1:$port/plain/fw" --out twice
says "another process"
kill -INT $first
wait $first || [ $? -eq 130 ] || fail "Ctrl-C gave $?"

# Without TLS only where that was allowed; a medium that is attached here.
expect 2 stmota fetch "http://127.0.0.1:$port/plain/fw" --out got
says "allow_http"
expect 0 stmota fetch "file://$tmp/www/fw" --out got --sha256 "$sum"
same got www/fw
expect 12 stmota fetch "https://127.0.0.1:1/x" --out got
expect 2 stmota fetch "gopher://127.0.0.1/x" --out got

# Servers that want to know who asks.
serve --tls server.pem server.key --client-ca ca.pem
STMOTA_FETCH_TRIES=1 get 12 plain/fw
export STMOTA_FETCH_CLIENT_CERT="$tmp/gateway.pem"
get 2 plain/fw
says "go together"
export STMOTA_FETCH_CLIENT_KEY="$tmp/gateway.key"
get 0 plain/fw
same got www/fw
unset STMOTA_FETCH_CLIENT_CERT STMOTA_FETCH_CLIENT_KEY

# A URL stands wherever a command takes firmware.
serve --tls server.pem server.key
blinky 1.0.0
cp blinky-1.0.0.sota www/
url=https://127.0.0.1:$port/cut-once-500/blinky-1.0.0.sota
expect 0 stmota info "$url" --json
json 'r["version"] == "1.0.0"'
expect 0 stmota verify "https://127.0.0.1:$port/plain/blinky-1.0.0.sota" --trust pub.pem
expect 7 stmota verify "https://127.0.0.1:$port/plain/fw" --trust pub.pem
board --chip 0x410
expect 0 stmota flash "https://127.0.0.1:$port/cut-once-700/blinky-1.0.0.sota" \
	--device uart:./board --trust pub.pem
cp blinky-1.0.0.bin www/
expect 0 stmota pack "https://127.0.0.1:$port/plain/blinky-1.0.0.bin" --address 0x08000000 \
	--product example.com/blinky --version 1.0.0 --out packed.sota
