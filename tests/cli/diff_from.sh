#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# diff --from: a delta from each release in a folder; what is no base is skipped, and said so.
. "$(dirname "$0")/lib.sh"

# release NAME VERSION SEED [PRODUCT [OPTION]...]: a program of which the half is like the others
program shared.bin 9000 99
release() {
	name=$1 version=$2 product=${4:-example.com/lamp}
	program head.bin 3000 "$3"
	shift 3
	[ $# -eq 0 ] || shift
	{
		cat head.bin
		tail -c +3001 shared.bin
	} >"$name.bin"
	expect 0 stmota pack "$name.bin" --address 0x08000000 --product "$product" \
		--version "$version" --key key.pem --out "releases/$name.sota" "$@"
}
expect 0 stmota keygen --out key.pem --public pub.pem
mkdir releases
release v10 1.10.0 1
release v9 1.9.0 2
release v11 1.11.0+3 3
release later 2.1.0 4
release new 2.0.0 5
release kettle 1.0.0 6 example.com/kettle
release f4 1.1.0 7 example.com/lamp --chip 0x413
expect 0 stmota diff releases/v9.sota releases/v10.sota --key key.pem --out releases/v9-v10.sota
program other.bin 2000 50
expect 0 stmota pack other.bin --address 0x08000000 --product example.com/lamp --version 1.2.0 \
	--key key.pem --out releases/small.sota
head -c 700 releases/v9.sota >releases/cut.sota
cp pub.pem releases
cp releases/new.sota .

expect 0 stmota diff --from releases new.sota --key key.pem --out-dir patches --json
json '[p["from"] for p in r["patches"]] == ["1.2.0", "1.9.0", "1.10.0", "1.11.0+3"]'
json '[p["file"] for p in r["patches"]][1:3] == ["lamp-1.9.0-to-2.0.0.sota", "lamp-1.10.0-to-2.0.0.sota"]'
json 'all(p["base"] == 9000 for p in r["patches"][1:]) and r["made"] == 4'
json 'r["total"] == sum(p["patch"] for p in r["patches"])'
json 'r["worst"] == max(p["patch"] for p in r["patches"]) and r["worst_from"] == "1.2.0"'
json 'all(abs(p["percent"] - 100 * p["patch"] / r["full_package"]) < 0.06 for p in r["patches"])'
python3 - <<'EOT' || fail 'the reasons are others'
import json
r = {s["skipped"]: s["because"] for s in json.load(open("out"))["skipped"]}
assert r.pop("cut.sota").startswith("the package is truncated")
assert "is a delta" in r.pop("v9-v10.sota")
assert r == {
    "f4.sota": "is for one chip, the new one for any", "kettle.sota": "is of another product",
    "later.sota": "is not older than the new one", "new.sota": "is the new image itself",
    "pub.pem": "is no firmware"}, r
EOT

# Each makes the new image from its release; the bases are named; a second run gives the same bytes.
for v in 9:1.9.0 10:1.10.0 '11:1.11.0+3'; do
	patch=patches/lamp-${v#*:}-to-2.0.0.sota
	expect 0 stmota patch "releases/v${v%%:*}.sota" "$patch" --trust pub.pem --out made.bin
	same made.bin new.bin
	expect 0 stmota info "$patch" --json
	json 'r["components"][0]["delta"]["base_version"] == "'"${v#*:}"'"'
	json '0 < r["components"][0]["delta"]["percent_of_image"] < 60'
done
cp -r patches before
expect 0 stmota diff --from releases new.sota --key key.pem --out-dir patches
prints '1.9.0'
prints 'is of another product'
prints 'worst from'
diff -r before patches || fail 'a second run gives others'

# Encrypted for a device, each has a key of its own, so that no two betray each other.
expect 0 stmota keygen --type p256-device --out one.pem --public one.pub.pem
expect 0 stmota diff --from releases new.sota --key key.pem --encrypt-to one.pub.pem --out-dir sealed --json
for from in v9:1.9.0 v10:1.10.0; do
	expect 0 stmota patch "releases/${from%:*}.sota" "sealed/lamp-${from#*:}-to-2.0.0.sota" --trust pub.pem \
		--decrypt-key one.pem --out made.bin
	same made.bin new.bin
done

# Two images of one version, the same image twice, raw binaries with a vector table.
release twin 1.9.0 8
cp releases/v10.sota releases/v10-copy.sota
cp twin.bin releases
expect 0 stmota diff --from releases new.sota --key key.pem --out-dir twins --json
json 'sum(p["from"].startswith("1.9.0-") for p in r["patches"]) == 2'
json '"is the same image as v10-copy.sota" in [s["because"] for s in r["skipped"]]'
json '"is the same image as twin.sota" in [s["because"] for s in r["skipped"]]'

# Nothing in common: the full package is not larger, and no patch is left behind.
mkdir strange
for v in 1 2; do
	program program.bin 1200 "3$v"
	tail -c 600 program.bin >random.bin
	expect 0 stmota pack random.bin --address 0x08000000 --kind configuration \
		--product example.com/lamp --version $v.0.0 --out "strange/$v.sota"
done
mv strange/2.sota tiny.sota
expect 0 stmota diff --from strange tiny.sota --key key.pem --out-dir none --json
json 'r["made"] == 0 and r["patches"][0]["file"] is None and r["patches"][0]["patch"] > 0'
[ -z "$(ls none)" ] || fail 'a useless delta was written'
expect 0 stmota diff --from strange tiny.sota --key key.pem --out-dir none
prints 'full package is not larger'

# Refused.
mkdir empty
expect 1 stmota diff --from empty new.sota --out-dir none
says 'no older release'
expect 1 stmota diff --from nowhere new.sota --out-dir none
says 'nowhere'
expect 2 stmota diff --from releases new.sota
says '--out-dir'
expect 2 stmota diff --from releases new.sota --out one.sota
expect 2 stmota diff --from releases new.sota extra.sota --out-dir none
expect 2 stmota diff releases/v9.sota new.sota --out-dir none
expect 2 stmota diff new.sota --out one.sota
says 'OLD and NEW'
expect 2 stmota diff --from releases new.bin --address 0x08000000 --product example.com/lamp \
	--out-dir none
says '--version'
expect 0 stmota diff --from releases new.bin --address 0x08000000 --product example.com/lamp \
	--version 2.0.0 --out-dir raw
says 'not signed'
