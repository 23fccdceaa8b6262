#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# playbook list, show, check; own ones and mistakes in them.
. "$(dirname "$0")/lib.sh"

expect 0 stmota playbook list
prints x-cube-dbfu
prints 'built in'
expect 0 stmota playbook list --json
json "all(p['valid'] for p in r['playbooks']) and {'iap-f4', 'rb', 'tfm'} <= {p['name'] for p in r['playbooks']}"

# What is shown is what is shipped, byte for byte.
expect 0 stmota playbook show iap-f4
same out "$root/src/playbooks/iap-f4.playbook"
expect 2 stmota playbook show iap-f5
says "did you mean 'iap-f"

# An own one: based on a shipped one, found by its name, in the list, in the place of another.
mkdir -p config/stmota/playbooks
printf '[playbook]\ntitle = Our loader\nbased-on = iap\n[file]\naddress = 0x08010000\n' \
	>config/stmota/playbooks/ours.playbook
printf '[playbook]\ntitle = Another rb\nbased-on = rb\n[send]\nstart = 5s\n' \
	>config/stmota/playbooks/rb.playbook
expect 0 stmota playbook list --json
json "[p['title'] for p in r['playbooks'] if p['name'] in ('ours', 'rb')] == ['Our loader', 'Another rb']"
expect 0 stmota playbook check ours --json
json "r['based_on'] == 'iap' and r['address'] == '0x08010000' and r['steps'] == ['start']"
cp config/stmota/playbooks/ours.playbook here.playbook
expect 0 stmota playbook check here.playbook
prints 'Our loader'

# Mistakes have file and line; a list with a broken one in it is a list all the same.
printf '[send]\nsuccess = ok\nsucess = also\n' >config/stmota/playbooks/broken.playbook
expect 2 stmota playbook check broken
says "broken.playbook:3: unknown key 'sucess'"
says "did you mean 'success'?"
expect 0 stmota playbook list --json
json "[p['valid'] for p in r['playbooks'] if p['name'] == 'broken'] == [False]"
expect 2 stmota playbook check missing
expect 1 stmota playbook check ./missing.playbook
: >empty.playbook
expect 2 stmota playbook check empty.playbook
printf '[playbook]\nbased-on = loop\n' >config/stmota/playbooks/loop.playbook
expect 2 stmota playbook check loop
says 'based on itself'
printf '[playbook]\nbased-on = loop2\n' >config/stmota/playbooks/loop1.playbook
printf '[playbook]\nbased-on = loop1\n' >config/stmota/playbooks/loop2.playbook
expect 2 stmota playbook check loop1
says 'are based on each other'
