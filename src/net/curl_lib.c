/* SPDX-License-Identifier: Apache-2.0 */
#include "curl_lib.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include <stmota/bytes.h>

#define SONAME "libcurl.so.4"

static struct curl_lib lib;
static bool loaded;

static const struct {
	const char *name;
	size_t member;
} symbols[] = {
	{"curl_global_init", offsetof(struct curl_lib, global_init)},
	{"curl_easy_init", offsetof(struct curl_lib, easy_init)},
	{"curl_easy_setopt", offsetof(struct curl_lib, easy_setopt)},
	{"curl_easy_getinfo", offsetof(struct curl_lib, easy_getinfo)},
	{"curl_easy_perform", offsetof(struct curl_lib, easy_perform)},
	{"curl_easy_cleanup", offsetof(struct curl_lib, easy_cleanup)},
	{"curl_easy_reset", offsetof(struct curl_lib, easy_reset)},
	{"curl_easy_header", offsetof(struct curl_lib, easy_header)},
	{"curl_easy_strerror", offsetof(struct curl_lib, easy_strerror)},
	{"curl_slist_append", offsetof(struct curl_lib, slist_append)},
	{"curl_slist_free_all", offsetof(struct curl_lib, slist_free_all)},
	{"curl_url", offsetof(struct curl_lib, url)},
	{"curl_url_cleanup", offsetof(struct curl_lib, url_cleanup)},
	{"curl_url_set", offsetof(struct curl_lib, url_set)},
	{"curl_url_get", offsetof(struct curl_lib, url_get)},
	{"curl_free", offsetof(struct curl_lib, free)},
	{"curl_version_info", offsetof(struct curl_lib, version_info)},
};

static int load(struct err *e)
{
	void *so = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; so != NULL && i < ARRAY_LEN(symbols); i++) {
		void *f = dlsym(so, symbols[i].name);

		if (f == NULL)
			return err_set(e, ERR_UNSUPPORTED,
				SONAME " is too old: it has no %s; 7.85 or newer is needed",
				symbols[i].name);
		memcpy((char *)&lib + symbols[i].member, &f, sizeof(f));
	}
	if (so == NULL) {
		err_set(e, ERR_UNSUPPORTED, "nothing can be fetched: " SONAME " is not installed");
		return err_hint(e, "apt-get install libcurl4");
	}
	if (lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_FAILED, SONAME " cannot be started");
	return 0;
}

int curl_lib_get(const struct curl_lib **ret, struct err *e)
{
	int rc = loaded ? 0 : load(e);

	if (rc < 0)
		return rc;
	loaded = true;
	*ret = &lib;
	return 0;
}
