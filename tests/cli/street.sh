# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# street.sh - a street of virtual lamps behind one gateway, and who publishes for it; sourced after
# lib.sh
#
#   lamp N [OPTION]...    starts (or starts again) lamp-N; options as of `stmota-sim run`
#   lamp_off N            power off; lamp_statistics are written then
#   lamp_stat N KEY       a number of the statistics of its last life; after lamp_off
#   street N [LINE]...    street.conf: lamps 1 to N, a [fleet] with these lines besides
#   release VERSION [SAYS] [PACK OPTION]...  VERSION.bin and VERSION.sota; the program says "healthy",
#                         or SAYS, when it starts
#   channel OPTION...     `stmota publish` for the channel of the street, in www/
#   update STATUS [OPTION]...  a pass; output as JSON in ./out
#   quiet                 a pass that says nothing at all
#   impatient, patient    wait 1 s for the proof of health, or 3 s
#   runs N VERSION        lamp-N holds exactly that program
#   outcome N             how its delivery in ./out ended

lamp_pids=

lamps_off() {
	for p in $lamp_pids; do
		kill "$p" 2>/dev/null || :
	done
	wait 2>/dev/null || :
	lamp_pids=
}
trap 'lamps_off; cli_cleanup' EXIT

lamp_off() {
	if [ -s "lamp-$1.pid" ]; then
		p=$(cat "lamp-$1.pid")
		kill "$p" 2>/dev/null || :
		wait "$p" 2>/dev/null || :
		rm -f "lamp-$1.pid" "lamp-$1"
	fi
}

lamp() {
	n=$1
	shift
	lamp_off "$n"
	stmota-sim run --chip 0x410 --uart "lamp-$n" --state "lamp-$n.state" --seed "${seed:-$n}" \
		--stats "lamp-$n.stats" --reset-on-open "$@" >>sim.log 2>&1 &
	echo $! >"lamp-$n.pid"
	lamp_pids="$lamp_pids $!"
	while [ ! -e "lamp-$n" ]; do
		kill -0 "$(cat "lamp-$n.pid")" 2>/dev/null || fail "lamp-$n does not start: $*"
		sleep 0.02
	done
}

lamp_stat() {
	[ -s "lamp-$1.stats" ] || fail "no statistics of lamp-$1"
	value=$(tr -d ' \n' <"lamp-$1.stats" | grep -oE "\"$2\":[0-9.]+" | head -n 1)
	printf '%s\n' "${value#*:}"
}

street() {
	n=$1
	shift
	{
		printf '[fleet]\ngateway = gw\nchannel = %s/www\nroot = %s/1.root\nstate = %s/street.db\n' \
			"$tmp" "$tmp" "$tmp"
		for line in "$@"; do
			printf '%s\n' "$line"
		done
		for i in $(seq "$n"); do
			# shellcheck disable=SC2016 # of the recipe
			printf '[entry reset-%s]\nenter = kill -USR1 $(cat %s/lamp-%s.pid)\nboot_ms = 20\n' \
				"$i" "$tmp" "$i"
			printf '[device lamp-%s]\nurl = uart:%s/lamp-%s\nproduct = acme.com/lamp\nchip = 0x410\nhw = 3\nbefore = reset-%s\nversion = 0.9\nconfirm = uart: expect "healthy" within 3s\n' \
				"$i" "$tmp" "$i" "$i"
		done
	} >street.conf
}

release() {
	v=$1
	word=${2:-healthy}
	[ $# -lt 2 ] || shift
	shift
	[ -e release.pem ] || stmota keygen --type ed25519 --out release.pem --public release.pub >keygen.out
	[ -e street.bin ] || program street.bin 3000 1
	{
		cat street.bin
		printf '%02000d' "$(printf %s "$v" | tr -d .)"
		printf 'stmota-sim says: %s is %s' "$v" "$word"
	} >"$v.bin"
	stmota pack "$v.bin" --address 0x08000000 --product acme.com/lamp --version "$v" --chip 0x410 \
		--key release.pem --out "$v.sota" "$@" >pack.out || fail "cannot pack $v"
}

channel() {
	[ -e plan.pem ] || stmota keygen --type p256 --out plan.pem --public plan.pub >keygen.out
	key='--key release.pem'
	[ ! -e 1.root ] || key=
	# shellcheck disable=SC2086 # two words
	stmota publish --channel www $key --plan-key plan.pem "$@" --json >published ||
		fail "cannot publish: $*"
	[ -e 1.root ] || cp www/root/1.root .
}

update() {
	want=$1
	shift
	expect "$want" stmota update --fleet street.conf --json "$@"
}

# A machine may be busy when somebody is healthy; who is silent is waited for in vain.
impatient() { sed -i 's/within 3s/within 1s/' street.conf; }
patient() { sed -i 's/within 1s/within 3s/' street.conf; }

quiet() {
	expect 0 stmota update --fleet street.conf
	if [ -s out ] || [ -s err ]; then
		fail "not quiet: $(cat out err)"
	fi
}

runs() {
	stmota flash --device "uart:$tmp/lamp-$1" --address 0x08000000 --verify-only "$2.bin" >runs.out \
		2>&1 || fail "lamp-$1 does not hold $2: $(cat runs.out)"
}

outcome() {
	python3 - "$1" <<'EOF'
import json, sys

events = [json.loads(line) for line in open("out")]
for e in events:
    if e["event"] == "device_result" and e["device"] == "lamp-" + sys.argv[1]:
        print(e["outcome"])
EOF
}
