/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust_revoked.c - the list of keys that no longer count
 *
 * A line that cannot be read is an error: a list that is half understood would let a stolen key
 * through.
 */
#include <stmota/trust.h>

#include <ctype.h>
#include <string.h>

#include <openssl/crypto.h>

static int bad_line(const char *name, unsigned line, struct err *e)
{
	err_set(e, ERR_CONFIG, "%s:%u: not the id or fingerprint of a key", name, line);
	return err_hint(e, "16 or 64 hexadecimal digits, as 'stmota key show' tells them");
}

static int append(struct trust *t, const uint8_t *digits, size_t len, const char *reason,
	size_t reason_len, struct err *e)
{
	struct trust_revoked *grown =
		reallocarray(t->revoked, t->n_revoked + 1, sizeof(*t->revoked));
	struct trust_revoked r = {.len = len};

	if (grown != NULL)
		t->revoked = grown;
	r.reason = calloc(1, reason_len + 1);
	if (grown == NULL || r.reason == NULL) {
		free(r.reason);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	memcpy(r.fingerprint, digits, len);
	for (size_t i = 0; i < reason_len; i++)
		r.reason[i] = isprint((unsigned char)reason[i]) ? reason[i] : '?';
	t->revoked[t->n_revoked++] = r;
	return 0;
}

static int parse_line(
	struct trust *t, const char *p, size_t len, const char *name, unsigned line, struct err *e)
{
	uint8_t bytes[SHA256_SIZE];
	char digits[2 * SHA256_SIZE + 1];
	size_t word = 0, n = 0;

	while (len > 0 && isspace((unsigned char)p[len - 1]))
		len--;
	while (len > 0 && isspace((unsigned char)*p)) {
		p++;
		len--;
	}
	if (len == 0 || *p == '#')
		return 0;
	while (word < len && isxdigit((unsigned char)p[word]))
		word++;
	if ((word != 2 * KEY_ID_SIZE && word != 2 * SHA256_SIZE) ||
		(word < len && !isspace((unsigned char)p[word])))
		return bad_line(name, line, e);
	memcpy(digits, p, word);
	digits[word] = '\0';
	if (OPENSSL_hexstr2buf_ex(bytes, sizeof(bytes), &n, digits, '\0') != 1)
		return bad_line(name, line, e);
	while (word < len && isspace((unsigned char)p[word]))
		word++;
	return append(t, bytes, n, p + word, len - word, e);
}

int trust_revoked_parse(
	struct trust *t, const char *text, size_t len, const char *name, struct err *e)
{
	size_t at = 0;
	int rc = 0;

	for (unsigned line = 1; rc == 0 && at < len; line++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - text) - at : len - at;

		rc = parse_line(t, text + at, n, name, line, e);
		at += n + 1;
	}
	return rc;
}

const struct trust_revoked *trust_revoked_find(const struct trust *t, const struct key *k)
{
	for (size_t i = 0; i < t->n_revoked; i++)
		if (memcmp(t->revoked[i].fingerprint, key_fingerprint(k), t->revoked[i].len) == 0)
			return &t->revoked[i];
	return NULL;
}
