/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel_stage.c - a device decides for itself whether it is in the current stage
 */
#include <stmota/channel.h>

#include <stdio.h>
#include <string.h>

uint32_t channel_bucket(const char *salt, const char *device)
{
	uint8_t sum[SHA256_SIZE] = {0};
	cleanup_digest struct digest d = DIGEST_INIT;
	uint64_t n = 0;

	/* A failure of the crypto library is the last bucket: such a device waits for the end. */
	if (digest_begin(&d, NULL) < 0 || digest_feed(&d, salt, strlen(salt) + 1, NULL) < 0 ||
		digest_feed(&d, device, strlen(device), NULL) < 0 || digest_end(&d, sum, NULL) < 0)
		return CHANNEL_PERMYRIAD - 1;
	for (size_t i = 0; i < 8; i++)
		n = n << 8 | sum[i];
	return (uint32_t)(n % CHANNEL_PERMYRIAD);
}

enum channel_choice channel_choose(
	const struct channel_rollout *r, const char *device, uint64_t now)
{
	if (channel_ids_have(&r->exclude, device))
		return CHANNEL_EXCLUDED;
	if (r->halted)
		return CHANNEL_HALTED;
	if (now < r->not_before)
		return CHANNEL_NOT_YET;
	if (channel_ids_have(&r->include, device))
		return CHANNEL_INCLUDED;
	return channel_bucket(r->salt, device) < r->stage ? CHANNEL_CHOSEN : CHANNEL_LATER;
}

const char *channel_choice_text(enum channel_choice c, const struct channel_rollout *r,
	const char *device, char *ret, size_t size)
{
	static const char *const texts[] = {
		[CHANNEL_INCLUDED] = "named by the rollout",
		[CHANNEL_EXCLUDED] = "excluded by the rollout",
		[CHANNEL_NOT_YET] = "the rollout has not begun",
		[CHANNEL_HALTED] = "the rollout is halted",
	};

	if (c == CHANNEL_CHOSEN || c == CHANNEL_LATER)
		snprintf(ret, size, "bucket %u of 10000, the stage is %s%u",
			channel_bucket(r->salt, device), c == CHANNEL_LATER ? "only " : "",
			r->stage);
	else
		snprintf(ret, size, "%s", texts[c]);
	return ret;
}
