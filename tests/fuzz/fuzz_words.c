/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_words.c - any text where a number, a time, a version, a name or a device is expected
 *
 * What is taken has one meaning: written back and read again it is the same.
 */
#include <stmota/fmt_uf2.h>
#include <stmota/package.h>
#include <stmota/strparse.h>
#include <stmota/usb.h>
#include <stmota/version.h>
#include <stmota/ymodem.h>

#include "fuzz_image.h"

static void try_numbers(const char *text)
{
	struct span span;
	uint16_t pid, min, max;
	uint32_t n;

	if (parse_u32_range(text, 10, 1000, &n, NULL) == 0)
		must(n >= 10 && n <= 1000);
	if (parse_pid(text, &pid, NULL) == 0)
		must(pid <= 0xFFF);
	if (parse_span(text, &span, NULL) == 0)
		must(span.len > 0 && (uint64_t)span.addr + span.len <= (uint64_t)1 << 32);
	if (parse_u16_pair(text, &min, &max, NULL) == 0)
		must(min <= max);
}

static void try_version(const char *text)
{
	struct imf_version v, back;
	char written[VERSION_TEXT_SIZE];

	if (version_parse(text, &v, NULL) < 0)
		return;
	must(version_parse(version_format(v, written), &back, NULL) == 0);
	must(back.major == v.major && back.minor == v.minor && back.revision == v.revision &&
		back.build == v.build);
}

static void try_date(const char *text)
{
	char written[PACKAGE_DATE_TEXT];
	uint64_t t;

	if (package_date_parse(text, &t, NULL) == 0)
		must(strcmp(package_date_format(t, written), text) == 0);
}

static void try_names(const char *text)
{
	uint8_t uuid[UUID_SIZE], digest[SHA256_SIZE];
	unsigned traits = 0;
	uint32_t family;

	if (product_check(text, NULL) == 0)
		must(strlen(text) < PRODUCT_NAME_SIZE && product_uuid(text, uuid, NULL) == 0 &&
			product_vendor_uuid(text, uuid, NULL) == 0);
	if (sha256_parse(text, digest, NULL) == 0)
		must(strlen(text) == 2 * SHA256_SIZE);
	if (ymodem_trait_parse(text, &traits, NULL) == 0)
		must(traits != 0);
	uf2_family_parse(text, &family, NULL);
}

static void try_usb(const char *text)
{
	struct usb_match m;
	struct err e = ERR_INIT;

	if (usb_match_parse(text, &m, &e) < 0) {
		must(e.code == ERR_USAGE && e.msg[0] != '\0');
		return;
	}
	must(memchr(m.serial, '\0', sizeof(m.serial)) != NULL);
	must(memchr(m.port, '\0', sizeof(m.port)) != NULL);
	must(m.has_id || (m.vid == 0 && m.pid == 0));
	must(text[0] == '\0' || m.has_id || m.serial[0] != '\0' || m.port[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);

	must(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	try_numbers(text);
	try_version(text);
	try_date(text);
	try_names(text);
	try_usb(text);
	free(text);
	return 0;
}
