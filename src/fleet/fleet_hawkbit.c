/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/fleet_hawkbit.h>

#include <openssl/crypto.h>

int fleet_hawkbit_login(const struct fleet *f, const struct fleet_device *d,
	const struct fetch_settings *fetch, struct hawkbit *ret, struct err *e)
{
	const char *own = d->token_file;
	const char *file = own != NULL ? own : f->hawkbit_token_file;
	char token[HAWKBIT_TOKEN_MAX + 1] = "";
	const struct hawkbit_login l = {.fetch = fetch,
		.url = f->hawkbit,
		.tenant = f->hawkbit_tenant,
		.controller = d->id,
		.auth = file == NULL                              ? HAWKBIT_NO_TOKEN
			: own == NULL && f->hawkbit_gateway_token ? HAWKBIT_GATEWAY_TOKEN
								  : HAWKBIT_TARGET_TOKEN,
		.token = token};
	int rc = file != NULL ? hawkbit_token_read(file, token, e) : 0;

	if (rc == 0)
		rc = hawkbit_init(ret, &l, e);
	OPENSSL_cleanse(token, sizeof(token));
	return rc < 0 ? err_wrap(e, "%s", d->name) : 0;
}
