/* SPDX-License-Identifier: Apache-2.0 */
/*
 * installed.c - what a device runs now, and whether a package may replace it
 */
#include <stmota/firmware.h>

#include <stdio.h>
#include <string.h>

#include <stmota/digest.h>
#include <stmota/signals.h>

#define PIECE 1024

/* ---- the record in flash ---- */

static bool in_flash(const struct device *d, uint32_t addr, uint32_t len)
{
	const struct geometry *g = &d->facts.geometry;

	return span_contains((struct span){g->base, g->size}, (struct span){addr, len});
}

static int read_record(
	struct device *d, uint32_t addr, struct installed_now *ret, bool *ret_found, struct err *e)
{
	uint8_t bytes[IMF_APP_INFO_SIZE], again[IMF_APP_INFO_SIZE];
	struct target *t = d->target;
	struct imf_app_info info;
	int rc;

	if (addr == 0 || !in_flash(d, addr, sizeof(bytes)))
		return 0;
	rc = t->ops->read(t, addr, bytes, sizeof(bytes), e);
	if (rc == 0 && imf_app_info_parse(bytes, &info) != 0)
		return 0;
	if (rc == 0)
		rc = t->ops->read(t, addr, again, sizeof(again), e);
	if (rc < 0)
		return err_wrap(e, "reading the version on the device");
	if (memcmp(bytes, again, sizeof(bytes)) != 0)
		return err_set(e, ERR_PROTOCOL, "reading 0x%08X twice gave different bytes", addr);
	ret->version_source = ret->product_source = INSTALLED_RECORD;
	ret->version = info.version;
	ret->counter = info.counter;
	memcpy(ret->product, info.product, UUID_SIZE);
	*ret_found = true;
	return 0;
}

/* ---- the state file ---- */

static bool parse_uuid(const char *text, uint8_t ret[UUID_SIZE])
{
	size_t n = 0;

	for (const char *p = text; *p != '\0' && n < 2 * UUID_SIZE; p++) {
		if (*p == '-')
			continue;
		if (hex_value((uint8_t)*p) < 0)
			return false;
		ret[n / 2] = (uint8_t)((n % 2 == 0 ? 0 : ret[n / 2] << 4) | hex_value((uint8_t)*p));
		n++;
	}
	return n == 2 * UUID_SIZE;
}

static int digest_flash(struct device *d, struct span piece, struct digest *digest, struct err *e)
{
	uint8_t block[PIECE];
	int rc = 0;

	for (uint32_t off = 0; rc == 0 && off < piece.len; off += PIECE) {
		uint32_t len = piece.len - off < PIECE ? piece.len - off : PIECE;

		rc = signals_check(e);
		if (rc == 0)
			rc = d->target->ops->read(d->target, piece.addr + off, block, len, e);
		if (rc == 0)
			rc = digest_feed(digest, block, len, e);
	}
	return rc;
}

/* True through ret_same if the flash still holds what the state file remembers. */
static int flash_matches(
	struct device *d, const struct installed *in, bool *ret_same, struct err *e)
{
	cleanup_digest struct digest digest = DIGEST_INIT;
	uint8_t sum[SHA256_SIZE];
	char text[65];
	int rc = digest_begin(&digest, e);

	for (size_t i = 0; rc == 0 && i < in->n_pieces; i++)
		rc = digest_flash(d, in->pieces[i], &digest, e);
	if (rc == 0)
		rc = digest_end(&digest, sum, e);
	if (rc < 0)
		return err_wrap(e, "reading what is installed");
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(text + 2 * i, 3, "%02x", sum[i]);
	*ret_same = strcmp(text, in->sha256) == 0;
	return 0;
}

static bool pieces_in_flash(const struct device *d, const struct installed *in)
{
	for (size_t i = 0; i < in->n_pieces; i++)
		if (!in_flash(d, in->pieces[i].addr, in->pieces[i].len))
			return false;
	return in->n_pieces > 0;
}

static int from_state(
	struct device *d, const struct installed *in, struct installed_now *ret, struct err *e)
{
	struct imf_version version;
	uint8_t product[UUID_SIZE];
	bool same = false;
	int rc;

	if (!in->known || in->version[0] == '\0' || !parse_uuid(in->product_uuid, product) ||
		version_parse(in->version, &version, NULL) < 0 || !pieces_in_flash(d, in))
		return 0;
	rc = flash_matches(d, in, &same, e);
	if (rc < 0 || !same)
		return rc;
	ret->version_source = ret->product_source = INSTALLED_STATE;
	ret->version = version;
	ret->counter = in->counter;
	memcpy(ret->product, product, UUID_SIZE);
	return 0;
}

int installed_find(struct device *d, const struct firmware *f, const struct state *state,
	const struct installed_now *configured, struct installed_now *ret, struct err *e)
{
	static const struct installed nothing;
	const struct installed *in = state != NULL ? state_installed(state) : &nothing;
	struct installed_now now = *configured;
	bool found = false;
	int rc;

	/* A raw image says nothing about itself, so there is nothing to compare with. */
	if (!f->is_package) {
		*ret = now;
		return 0;
	}
	rc = read_record(d, in->record_addr, &now, &found, e);
	if (rc == 0 && !found)
		rc = read_record(d, firmware_record_addr(f), &now, &found, e);
	if (rc == 0 && !found)
		rc = from_state(d, in, &now, e);
	if (rc < 0)
		return rc;
	*ret = now;
	return 0;
}

/* ---- the decision ---- */

static void unchecked(char *list, size_t size, const char *what)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len > 0 ? ", " : "", what);
}

static int check_product(const struct imf_header *h, const struct installed_now *now, char *list,
	size_t size, struct err *e)
{
	char want[UUID_TEXT_SIZE], have[UUID_TEXT_SIZE];

	if (now->product_source == INSTALLED_UNKNOWN) {
		unchecked(list, size, "product");
		return 0;
	}
	if (memcmp(h->product, now->product, UUID_SIZE) == 0)
		return 0;
	err_set(e, ERR_IDENTITY, "the package is for product %s, the device is product %s",
		uuid_format(h->product, want), uuid_format(now->product, have));
	return err_hint(e, "take the package that was made for this product");
}

static int check_hardware(const struct imf_header *h, const struct installed_now *now, char *list,
	size_t size, struct err *e)
{
	if (h->hw_min == 0 && h->hw_max == UINT16_MAX)
		return 0;
	if (!now->has_hw) {
		unchecked(list, size, "hardware revision");
		return 0;
	}
	if (now->hw >= h->hw_min && now->hw <= h->hw_max)
		return 0;
	return err_set(e, ERR_IDENTITY,
		"the package is for hardware revisions %u to %u, the device has revision %u",
		h->hw_min, h->hw_max, now->hw);
}

static int check_version(const struct imf_header *h, const struct installed_now *now,
	const struct release_policy *policy, char *list, size_t size, struct err *e)
{
	char is[VERSION_TEXT_SIZE], shall[VERSION_TEXT_SIZE];

	if (now->version_source == INSTALLED_UNKNOWN) {
		unchecked(list, size, "version");
		return 0;
	}
	version_format(now->version, is);
	if (h->counter < now->counter && !policy->allow_counter)
		return err_set(e, ERR_DOWNGRADE,
			"the package has security counter %u, the device is at %u: never taken "
			"back",
			h->counter, now->counter);
	if (imf_version_compare(now->version, h->min_version) < 0) {
		err_set(e, ERR_DOWNGRADE,
			"the package wants at least version %s to be installed, the device runs %s",
			version_format(h->min_version, shall), is);
		return err_hint(e, "install a version in between first");
	}
	if (imf_version_compare(h->version, now->version) < 0 && !policy->allow_downgrade) {
		err_set(e, ERR_DOWNGRADE, "the package is version %s, the device runs %s",
			version_format(h->version, shall), is);
		return err_hint(e, "if going back is what you want: --allow-downgrade");
	}
	return 0;
}

int release_check(const struct firmware *f, const struct installed_now *now,
	const struct release_policy *policy, char *ret_unchecked, size_t size, struct err *e)
{
	const struct imf_header *h = &f->package.header;
	int rc = 0;

	ret_unchecked[0] = '\0';
	if (f->is_package) {
		rc = check_product(h, now, ret_unchecked, size, e);
		if (rc == 0)
			rc = check_hardware(h, now, ret_unchecked, size, e);
		if (rc == 0)
			rc = check_version(h, now, policy, ret_unchecked, size, e);
	} else {
		unchecked(ret_unchecked, size, "product, version");
	}
	if (rc == 0 && policy->require_known && ret_unchecked[0] != '\0') {
		err_set(e, ERR_IDENTITY, "not known of this device: %s", ret_unchecked);
		rc = err_hint(e, "require_known is set: say it in the [device] section");
	}
	return rc;
}
