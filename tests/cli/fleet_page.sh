#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# The page of `fleet report` in a real browser: what is there, what it asks for, how wide it is.
. "$(dirname "$0")/lib.sh"

command -v chromium >/dev/null || skip 'chromium is not installed'

now=$(date +%s)
# page SCENE N FILE
page() {
	rm -f fleet.db*
	"$STMOTA_BUILD/tests/support/fleet_scene" fleet.db "$1" "$2" "$now" || fail "no scene: $*"
	{
		printf '[fleet]\ngateway = north-7\nstate = %s/fleet.db\n' "$tmp"
		for i in $(seq 1 "$2"); do
			printf '[device lamp-%03d]\nurl = uart:/dev/ttyUSB%d\nwave = %d\n' "$i" "$i" "$((i % 3))"
		done
	} >street.conf
	expect 0 stmota fleet report --fleet street.conf --html "$3"
}

# browser URL [OPTION]...: what the page has become is in ./dom, what it said in ./console
browser() {
	to=$1
	shift
	rm -rf profile
	timeout 120 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-dev-shm-usage \
		--disable-background-networking --disable-component-update --no-first-run \
		--user-data-dir="$tmp/profile" --log-net-log="$tmp/net.json" --enable-logging=stderr \
		--allow-file-access-from-files "$@" --dump-dom "$to" >dom 2>console ||
		fail "chromium: $(tail -n 5 console)"
}

# A street of 20: everything is there, nothing is complained of.
page street 20 page.html
browser "file://$tmp/page.html"
! grep -q CONSOLE console || fail "the browser complains: $(grep CONSOLE console)"
[ "$(grep -c '<tr>' dom)" = 21 ] || fail "$(grep -c '<tr>' dom) rows"
grep -q '<h1>north-7</h1>' dom || fail 'no heading'
[ "$(grep -o '<section' dom | wc -l)" = 3 ] || fail 'three rollouts'
grep -q 'set aside' dom || fail 'a state'

# Hostile texts are text in its eyes too, and it asks for nothing but the file.
page hostile 9 page.html
browser "file://$tmp/page.html"
! grep -q CONSOLE console || fail "the browser complains: $(grep CONSOLE console)"
if grep -qE '<(script|img|h1>gone)' dom; then fail 'a text became markup'; fi
grep -qF '&lt;script&gt;alert(1)&lt;/script&gt;' dom || fail 'a text is missing'
python3 - <<'PY' || fail 'the page asks for something'
import json, re
text = open("net.json").read()
urls = set(re.findall(r'"url":"([^"]*)"', text))
outside = {u for u in urls if not u.startswith(("file:", "data:", "chrome", "about:", "devtools:"))}
outside = {u for u in outside if "127.0.0.1" in u or "localhost" in u}
assert not outside, outside
PY

# No wider than a phone, no emptier than its devices: measured inside a frame of 360 pixels.
page street 250 page.html
cat >frame.html <<'HTML'
<body style="margin:0"><iframe id="f" src="page.html" style="border:0;width:360px;height:800px"></iframe>
<script>
onload = () => {
	const d = document.getElementById("f").contentDocument, r = d.documentElement;
	const rows = [...d.querySelectorAll("tbody tr")];
	document.body.dataset.result = [r.scrollWidth, rows.length,
		rows.filter(x => x.getBoundingClientRect().height > 10).length,
		getComputedStyle(d.body).backgroundColor].join(" ");
}
</script>
HTML
browser "file://$tmp/frame.html"
result=$(sed -n 's/.*data-result="\([^"]*\)".*/\1/p' dom)
case $result in
'360 250 250 rgb(24'*) ;;
*) fail "on a phone: $result" ;;
esac
browser "file://$tmp/frame.html" --blink-settings=preferredColorScheme=0
result=$(sed -n 's/.*data-result="\([^"]*\)".*/\1/p' dom)
case $result in
'360 250 250 rgb('[0-9],* | '360 250 250 rgb('[1-4][0-9],*) ;;
*) fail "in the dark: $result" ;;
esac
