# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib.sh - a hawkBit server of our own for tests; see fake.py
#
#   serve [OPTION]...      starts it (again); sets $url. With --state FILE it remembers
#   serve_off
#   api METHOD PATH [JSON|@FILE] [EXPRESSION]
#   distribution NAME VERSION FILE   module and distribution set with that file; sets $set
#   assign TARGET [JSON-MEMBERS]     sets $action
#   status_of TARGET ACTION     "running", "finished", "error", "canceled"
#   fault WHAT PATH [TIMES]
. "$(dirname "$0")/../cli/lib.sh"

server=
port=0
serve_off() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	[ -z "$server" ] || wait "$server" 2>/dev/null || :
	server=
}
trap 'serve_off; cli_cleanup' EXIT

serve() {
	serve_off
	rm -f port
	python3 "$root/tests/hawkbit/fake.py" "$@" --port "$port" >port 2>server.log &
	server=$!
	for _ in $(seq 200); do
		[ -s port ] && break # written in one go
		sleep 0.05
	done
	port=$(cut -d' ' -f2 port)
	[ -n "$port" ] || fail "no server: $(cat server.log)"
	url=http://127.0.0.1:$port
}

api() {
	python3 "$root/tests/hawkbit/api.py" "$url" "$@" || fail "the server refused: $*"
}

distribution() {
	module=$(api POST /rest/v1/softwaremodules \
		"[{\"name\":\"$1\",\"version\":\"$2\",\"type\":\"os\"}]" 'r[0]["id"]')
	api POST "/rest/v1/softwaremodules/$module/artifacts" "@$3" >/dev/null
	set=$(api POST /rest/v1/distributionsets \
		"[{\"name\":\"$1\",\"version\":\"$2\",\"type\":\"os\",\"modules\":[{\"id\":$module}]}]" \
		'r[0]["id"]')
}

assign() {
	action=$(api POST "/rest/v1/distributionsets/$set/assignedTargets" \
		"[{\"id\":\"$1\",\"type\":\"forced\"${2:+,$2}}]" 'r["assignedActions"][0]["id"]')
}

status_of() {
	api GET "/rest/v1/targets/$1/actions/$2" "" 'r["detailStatus"]'
}

fault() {
	api PUT /fake/fault "{\"what\":\"$1\",\"path\":\"$2\",\"times\":${3:-1}}" >/dev/null
}
