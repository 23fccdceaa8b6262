/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trust.c - trust folders, sidecars, roles, expiry, thresholds
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/trust.h>

#define DAY_2027_12_31_END 1830297599u /* date -u -d 2027-12-31T23:59:59Z +%s */

static char folder[] = "/tmp/stmota-trust.XXXXXX";
static const char *const files[] = {
	"a.pem", "b.pem", "c.pem", "a.conf", "b.conf", "c.conf", "d.pem", "secret.pem"};
static struct key *keys[3];
static const char message[] = "what is signed";

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	struct err e = ERR_INIT;

	assert_int_equal(fs_write(in_folder(name), text, strlen(text), 0644, &e), 0);
}

static int make(void **state)
{
	return mkdtemp(folder) != NULL && key_generate(KEY_ED25519, &keys[0], NULL) == 0 &&
			       key_generate(KEY_P256, &keys[1], NULL) == 0 &&
			       key_generate(KEY_ED25519, &keys[2], NULL) == 0
		       ? 0
		       : -1;
}

static int done(void **state)
{
	for (size_t i = 0; i < 3; i++)
		key_free(keys[i]);
	return rmdir(folder);
}

/* Each test begins with a folder of a.pem, b.pem, c.pem and no sidecar. */
static int three_keys(void **state)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlink(in_folder(files[i]));
	for (size_t i = 0; i < 3; i++)
		rc |= key_save_public(keys[i], in_folder(files[i]), NULL);
	return rc;
}

static int empty(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlink(in_folder(files[i]));
	return 0;
}

/* Judges signatures of those keys whose letter is in `who`; capital letter: a wrong signature. */
static int judge_at(const char *who, uint64_t now, struct err *e)
{
	cleanup_trust struct trust t = TRUST_INIT;
	uint8_t bytes[3][KEY_SIGNATURE_SIZE];
	struct trust_signature s[3];
	struct trust_signer signers[3];
	size_t n = 0, n_signers = 0;
	int rc = trust_add(&t, folder, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < 3; i++) {
		bool right = strchr(who, (int)('a' + i)) != NULL;

		if (!right && strchr(who, (int)('A' + i)) == NULL)
			continue;
		assert_int_equal(
			key_sign(keys[i], message, sizeof(message) - !right, bytes[i], e), 0);
		s[n++] = (struct trust_signature){key_id(keys[i]), bytes[i]};
	}
	return trust_judge(
		&t, TRUST_RELEASE, now, message, sizeof(message), s, n, signers, 3, &n_signers, e);
}

static void accepted(const char *who)
{
	struct err e = ERR_INIT;

	if (judge_at(who, 1000, &e) != 0)
		fail_msg("signed by %s: %s", who, e.msg);
}

static void refused_at(const char *who, uint64_t now, enum err_code code, const char *text)
{
	struct err e = ERR_INIT;

	assert_int_equal(judge_at(who, now, &e), code);
	if (strstr(e.msg, text) == NULL)
		fail_msg("'%s' does not say '%s'", e.msg, text);
}

static void refused(const char *who, const char *text)
{
	refused_at(who, 1000, ERR_SIGNATURE, text);
}

static void test_trust__any_key_without_sidecars(void **state)
{
	accepted("a");
	accepted("b");
	accepted("abc");
	refused("", "not signed");
	refused("A", "signature of key 'a' is wrong");
	/* A wrong signature does not take away what a right one gives. */
	accepted("Ab");
	unlink(in_folder("a.pem"));
	refused("a", "unknown keys only");
}

static void test_trust__threshold(void **state)
{
	static const char two[] = "group = line\nthreshold = 2\n";

	put("a.conf", two);
	put("b.conf", two);
	put("c.conf", "group = other\n");
	refused("a", "signed by 1 key of group 'line', 2 are needed");
	accepted("ab");
	accepted("c");
	refused("aB", "is wrong");
}

static void test_trust__groups_do_not_add_up(void **state)
{
	put("a.conf", "group = x\nthreshold = 2\n");
	put("b.conf", "group = x\nthreshold = 2\n");
	put("c.conf", "group = y\nrole = plan\n");
	refused("ac", "2 are needed");
	refused("c", "trusted for role plan, not for release");
}

static void test_trust__expiry(void **state)
{
	struct err e = ERR_INIT;

	put("a.conf", "not-after = 2027-12-31\n");
	assert_int_equal(judge_at("a", DAY_2027_12_31_END, &e), 0);
	refused_at("a", DAY_2027_12_31_END + 1, ERR_SIGNATURE, "key 'a' has expired");
	assert_int_equal(judge_at("ab", DAY_2027_12_31_END + 1, &e), 0);
}

static void test_trust__contradictions(void **state)
{
	put("a.conf", "threshold = 2\n");
	refused_at("a", 0, ERR_CONFIG, "different thresholds");
	put("b.conf", "group = b\nthreshold = 2\n");
	put("a.conf", "");
	refused_at("a", 0, ERR_CONFIG, "group 'b' needs 2 signatures but has 1 keys");
}

static void test_trust__one_key_counts_once(void **state)
{
	struct err e = ERR_INIT;
	cleanup_trust struct trust t = TRUST_INIT;

	/* d.pem is a.pem again. */
	assert_int_equal(key_save_public(keys[0], in_folder("d.pem"), &e), 0);
	assert_int_equal(trust_add(&t, folder, &e), 0);
	assert_int_equal(t.n, 3);
	assert_int_equal(trust_add(&t, in_folder("b.pem"), &e), 0);
	assert_int_equal(t.n, 3);
	put("a.conf", "threshold = 4\n");
	put("b.conf", "threshold = 4\n");
	put("c.conf", "threshold = 4\n");
	refused_at("abc", 0, ERR_CONFIG, "with other settings");
}

static void test_trust_add__files_that_do_not_belong(void **state)
{
	cleanup_trust struct trust t = TRUST_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(key_save_private(keys[0], in_folder("secret.pem"), &e), 0);
	assert_int_equal(trust_add(&t, folder, &e), ERR_SIGNATURE);
	assert_non_null(strstr(e.msg, "private key"));
	empty(NULL);
	trust_done(&t);
	assert_int_equal(trust_add(&t, folder, &e), ERR_SIGNATURE);
	assert_non_null(strstr(e.msg, "holds no key"));
	assert_int_equal(trust_add(&t, in_folder("nowhere"), &e), ERR_IO);
}

static void test_trust_conf_parse__errors_name_the_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"role = release\nrole = plan\n", "x.conf:2"},
		{"\n# comment\nrole = boss\n", "x.conf:3"},
		{"colour = red\n", "unknown setting 'colour'"},
		{"[release]\nrole = release\n", "x.conf:2"},
		{"threshold = 0\n", "x.conf:1"},
		{"threshold = 17\n", "x.conf:1"},
		{"group = Big\n", "x.conf:1"},
		{"group =\n", "x.conf:1"},
		{"not-after = 2027-02-29\n", "x.conf:1"},
		{"not-after = 2027-13-01\n", "x.conf:1"},
		{"not-after = 2027-1-1\n", "x.conf:1"},
		{"not-after = tomorrow\n", "x.conf:1"},
		{"not-after = 2027-12-31T00:00\n", "x.conf:1"},
		{"nonsense\n", "x.conf:1"},
	};
	static const char good[] =
		"role = halt\nnot-after = 2028-02-29\ngroup = a.b-c_1\nthreshold=16";
	struct trust_conf c;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
			trust_conf_parse(cases[i].text, strlen(cases[i].text), "x.conf", &c, &e),
			ERR_CONFIG);
		if (strstr(e.msg, cases[i].says) == NULL)
			fail_msg("'%s' does not say '%s'", e.msg, cases[i].says);
	}
	assert_int_equal(trust_conf_parse(good, strlen(good), "x.conf", &c, &e), 0);
	assert_int_equal(c.role, TRUST_HALT);
	assert_int_equal(c.threshold, 16);
	assert_string_equal(c.group, "a.b-c_1");
	assert_int_equal(trust_conf_parse("role = plan\0", 12, "x.conf", &c, &e), ERR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_trust__any_key_without_sidecars, three_keys, empty),
		cmocka_unit_test_setup_teardown(test_trust__threshold, three_keys, empty),
		cmocka_unit_test_setup_teardown(
			test_trust__groups_do_not_add_up, three_keys, empty),
		cmocka_unit_test_setup_teardown(test_trust__expiry, three_keys, empty),
		cmocka_unit_test_setup_teardown(test_trust__contradictions, three_keys, empty),
		cmocka_unit_test_setup_teardown(test_trust__one_key_counts_once, three_keys, empty),
		cmocka_unit_test_setup_teardown(
			test_trust_add__files_that_do_not_belong, three_keys, empty),
		cmocka_unit_test(test_trust_conf_parse__errors_name_the_line),
	};

	return cmocka_run_group_tests(tests, make, done);
}
