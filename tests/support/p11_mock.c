/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p11_mock.c - a PKCS#11 module whose token refuses to be logged in to
 *
 * SoftHSM never locks a PIN and never runs out of tries; real tokens do. STMOTA_P11_MOCK says how
 * this one behaves: locked, final, expired, wrong. Every login is counted in the file that
 * STMOTA_P11_LOGINS names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

static const struct {
	const char *name;
	CK_FLAGS flags;
	CK_RV login;
} moods[] = {
	{"locked", CKF_USER_PIN_LOCKED, CKR_PIN_LOCKED},
	{"locked-unsaid", 0, CKR_PIN_LOCKED},
	{"final", CKF_USER_PIN_FINAL_TRY, CKR_OK},
	{"expired", 0, CKR_PIN_EXPIRED},
	{"wrong", 0, CKR_PIN_INCORRECT},
};

static size_t mood(void)
{
	const char *wanted = getenv("STMOTA_P11_MOCK");

	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++)
		if (wanted != NULL && strcmp(moods[i].name, wanted) == 0)
			return i;
	abort();
}

static CK_RV nothing(void *reserved)
{
	return CKR_OK;
}

static CK_RV end(CK_SESSION_HANDLE s)
{
	return CKR_OK;
}

static CK_RV get_info(CK_INFO *info)
{
	memset(info, 0, sizeof(*info));
	info->cryptokiVersion.major = 2;
	info->cryptokiVersion.minor = 40;
	return CKR_OK;
}

static CK_RV get_slots(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
	if (slots != NULL && *n > 0)
		slots[0] = 7;
	*n = 1;
	return CKR_OK;
}

static CK_RV get_token(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	memset(info, ' ', sizeof(*info));
	memcpy(info->label, "mock", 4);
	info->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | moods[mood()].flags;
	return CKR_OK;
}

static CK_RV open_session(
	CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *ret)
{
	*ret = 1;
	return CKR_OK;
}

static CK_RV login(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
	FILE *f = fopen(getenv("STMOTA_P11_LOGINS"), "a");

	if (f != NULL) {
		fprintf(f, "%.*s\n", (int)len, (const char *)pin);
		fclose(f);
	}
	return moods[mood()].login;
}

static CK_FUNCTION_LIST list = {
	.version = {2, 40},
	.C_Initialize = nothing,
	.C_Finalize = nothing,
	.C_GetInfo = get_info,
	.C_GetSlotList = get_slots,
	.C_GetTokenInfo = get_token,
	.C_OpenSession = open_session,
	.C_CloseSession = end,
	.C_Login = login,
	.C_Logout = end,
};

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	*ret = &list;
	return CKR_OK;
}
