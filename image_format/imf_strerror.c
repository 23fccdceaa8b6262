/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_strerror.c - a few words for each error, for hosts and for devices with a console
 */
#include <imf/imf_config.h>
#include <imf/imf_error.h>

#ifndef IMF_NO_STRERROR

const char *imf_strerror(int error)
{
	static const char *const words[] = {
		"good",
		"ends too early",
		"not a stmota package",
		"another format version",
		"breaks a rule of the format",
		"larger than the format allows",
		"more bytes than the package has",
		"an unknown critical entry",
		"an encoding that is not supported",
		"an unknown kind of component",
		"manifest and signatures are larger than the buffer",
		"for another product",
		"for other hardware revisions",
		"for another chip",
		"security counter below the installed one",
		"version below the installed one",
		"not to be installed over this version",
		"component 0 lies elsewhere",
		"decoder needs more RAM",
		"not signed by enough trusted keys",
		"payload does not match its digest",
		"cryptography failed",
		"refused by the device",
		"impossible configuration",
		"not found",
		"the base image is another one",
		"the delta payload is damaged",
		"encrypted with another key",
	};
	const int n = (int)(sizeof(words) / sizeof(words[0]));

	if (error > 0 || error <= -n)
		return "unknown error";
	return words[-error];
}

#endif
