/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curl_lib.h - libcurl, loaded by the first that needs it
 *
 * Debian's libcurl brings 30 libraries; linked as usual they cost every start of the program 4.5 ms
 * of processor time, ten times that of the rest. Most commands never fetch anything. The types of the functions are
 * those of curl's own header, so the compiler checks the calls as ever.
 */
#ifndef STMOTA_NET_CURL_LIB_H
#define STMOTA_NET_CURL_LIB_H

#include <curl/curl.h>

#include <stmota/err.h>

struct curl_lib {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__((curl_easy_setopt)) *easy_setopt;
	__typeof__((curl_easy_getinfo)) *easy_getinfo;
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_reset) *easy_reset;
	__typeof__(curl_easy_header) *easy_header;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_url) *url;
	__typeof__(curl_url_cleanup) *url_cleanup;
	__typeof__(curl_url_set) *url_set;
	__typeof__(curl_url_get) *url_get;
	__typeof__(curl_free) *free;
	__typeof__(curl_version_info) *version_info;
};

/* ERR_UNSUPPORTED if it is not installed. Not for several threads at once the first time. */
int curl_lib_get(const struct curl_lib **ret, struct err *e);

#endif
