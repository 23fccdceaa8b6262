/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_sfb.c - images for ST's SBSFU: header of 320 bytes, erased bytes, program
 *
 * No field names the scheme, which is fixed in the loader when it is built; the zeros between the
 * fields tell it. Making and checking such files is src/sign/sfb.c.
 */
#include <stmota/fmt_sfb.h>

#include "fmt_impl.h"

#include <inttypes.h>
#include <string.h>

#define TAG_AT         20
#define STATE_AT       192
#define STATE_PART     32
#define FINGERPRINT_AT 288

static const struct sfb_layout layouts[] = {
	[SFB_ECDSA_AES_CBC] = {"ecdsa-aes-cbc", 32, 84, 16, 100, 28, 128, 64},
	[SFB_ECDSA] = {"ecdsa", 32, 0, 0, 84, 44, 128, 64},
	[SFB_AES_GCM] = {"aes-gcm", 16, 52, 12, 64, 112, 176, 16},
};

/* Three times 32 bytes, each all of one value. */
static const struct {
	uint8_t part[3];
	const char *name;
} states[] = {
	{{0xff, 0xff, 0xff}, "new"},
	{{0xff, 0xff, 0x00}, "selftest"},
	{{0xff, 0x00, 0x00}, "valid"},
	{{0xff, 0x55, 0x00}, "valid-all"},
	{{0x00, 0x00, 0x00}, "invalid"},
};

const struct sfb_layout *sfb_layout(enum sfb_scheme scheme)
{
	return &layouts[scheme];
}

int sfb_scheme_parse(const char *text, enum sfb_scheme *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		if (strcmp(text, layouts[i].name) == 0) {
			*ret = (enum sfb_scheme)i;
			return 0;
		}
	}
	err_set(e, ERR_USAGE, "'%s' is no scheme of SBSFU", text);
	return err_hint(e, "schemes are ecdsa-aes-cbc, ecdsa and aes-gcm");
}

static const char *state_name(const uint8_t *p)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		bool same = true;

		for (size_t k = 0; k < 3; k++)
			same &= bytes_all(p + k * STATE_PART, STATE_PART, states[i].part[k]);
		if (same)
			return states[i].name;
	}
	return "unknown";
}

/* The scheme with the longest run of zeros first: the others' fields lie there. */
static int find_scheme(const uint8_t *data, enum sfb_scheme *ret, struct err *e)
{
	static const enum sfb_scheme order[] = {SFB_AES_GCM, SFB_ECDSA, SFB_ECDSA_AES_CBC};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct sfb_layout *l = &layouts[order[i]];

		if (!bytes_all(data + l->reserved, l->reserved_size, 0))
			continue;
		*ret = order[i];
		return 0;
	}
	return err_set(e, ERR_FORMAT,
		"offset 0x54: the header is of no known scheme of SBSFU: reserved bytes are not 0");
}

static int check_sizes(const uint8_t *data, size_t len, struct sfb_info *in, struct err *e)
{
	if (in->size == 0 || in->partial_size == 0)
		return err_set(
			e, ERR_FORMAT, "offset 0x8: the header says that there is no program");
	if ((uint64_t)in->partial_offset + in->partial_size > in->size)
		return err_set(e, ERR_FORMAT,
			"offset 0xC: the part %" PRIu32 " + %" PRIu32
			" passes the end of the program, %" PRIu32,
			in->partial_offset, in->partial_size, in->size);
	if (in->partial_size > len - SFB_HEADER_SIZE) {
		err_set(e, ERR_FORMAT,
			"the header says that the program has %" PRIu32
			" bytes, but the file has %zu",
			in->partial_size, len);
		return err_hint(e, "the file was cut off: fetch or build it again");
	}
	in->offset = len - in->partial_size;
	if (!bytes_all(data + SFB_HEADER_SIZE, in->offset - SFB_HEADER_SIZE, 0xff))
		return err_set(e, ERR_FORMAT,
			"offset 0x%X: between header and program stands something",
			SFB_HEADER_SIZE);
	in->is_partial = in->partial_size != in->size;
	if (!in->is_partial && memcmp(in->tag, in->partial_tag, in->layout->tag_size) != 0)
		return err_set(
			e, ERR_FORMAT, "offset 0x14: the two tags of a whole program differ");
	if (in->scheme == SFB_ECDSA_AES_CBC && in->partial_size % 16 != 0)
		return err_set(e, ERR_FORMAT,
			"offset 0x10: %" PRIu32 " bytes are no whole blocks of AES-CBC",
			in->partial_size);
	return 0;
}

static bool sfb_detect(const uint8_t *data, size_t len)
{
	return len >= 4 && memcmp(data, "SFU", 3) == 0 && data[3] >= '1' &&
	       data[3] < '1' + SFB_SLOTS;
}

int sfb_inspect(const uint8_t *data, size_t len, struct sfb_info *ret, struct err *e)
{
	struct sfb_info in = {0};
	int rc;

	if (!sfb_detect(data, len) || len <= SFB_HEADER_SIZE)
		return err_set(e, ERR_FORMAT, "no header of SBSFU with its 320 bytes");
	rc = find_scheme(data, &in.scheme, e);
	if (rc < 0)
		return rc;
	in.layout = &layouts[in.scheme];
	in.slot = data[3] - '0';
	in.protocol = get_le16(data + 4);
	in.version = get_le16(data + 6);
	in.size = get_le32(data + 8);
	in.partial_offset = get_le32(data + 12);
	in.partial_size = get_le32(data + 16);
	in.tag = data + TAG_AT;
	in.partial_tag = in.tag + in.layout->tag_size;
	in.iv = in.layout->iv > 0 ? data + in.layout->iv : NULL;
	in.signature = data + in.layout->signature;
	in.state = state_name(data + STATE_AT);
	in.fingerprint = data + FINGERPRINT_AT;
	rc = check_sizes(data, len, &in, e);
	if (rc == 0)
		*ret = in;
	return rc;
}

const struct fmt fmt_sfb = {
	.kind = FMT_SFB,
	.name = "sfb",
	.description = "ST SBSFU",
	.detect = sfb_detect,
};
