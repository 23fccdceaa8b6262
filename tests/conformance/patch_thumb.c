/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch_thumb.c - the decoder of deltas on a Cortex-M, run by patch_thumb in QEMU
 *
 * Base, payload and what must come out are linked in by blobs.S; unaligned accesses trap. The exit
 * status is 64 when all is well, 65 and up tell what is not.
 *
 * With COUNT, instructions of the decoding are printed: QEMU runs with -icount shift=0, so that an
 * instruction takes 1 ns, and SysTick counts 40 ns of this machine.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imf/imf_patch.h>

#define CCR (*(volatile uint32_t *)0xE000ED14u)

#ifdef COUNT
#define SYST ((volatile uint32_t *)0xE000E010u) /* control, reload, value */

static uint64_t ticks;
static uint32_t last_tick;

/* Often enough: the counter has 24 bits. */
static void tick(void)
{
	uint32_t now = SYST[2];

	ticks += (last_tick - now) & 0xFFFFFFu;
	last_tick = now;
}
#else
#define tick() ((void)0)
#endif

extern const uint8_t base_start[], base_end[], payload_start[], payload_end[], want_start[],
	want_end[];

static uint32_t made;

static int hash_init(void *ctx)
{
	(void)ctx;
	return 0;
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return 0;
}

static uint8_t image[WHOLE ? 0x100000 : 4]; /* what has been made, where copies come from */

/* The host's tests look at digests; here every byte is compared. */
static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	(void)ctx;
	memset(ret, 0, IMF_DIGEST_SIZE);
	return 0;
}

static int read_base(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	if (at + len > (WHOLE ? made : (uint32_t)(base_end - base_start)))
		exit(66);
	memcpy(ret, (WHOLE ? image : base_start) + at, len);
	return 0;
}

static int write_made(void *ctx, uint32_t at, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	if (at != made || at + len > (uint32_t)(want_end - want_start) ||
		memcmp(data, want_start + at, len) != 0)
		exit(67);
	if (WHOLE)
		memcpy(image + at, data, len);
	made += len;
	tick();
	return 0;
}

int main(void)
{
	static const uint8_t zero[IMF_DIGEST_SIZE];
	static uint32_t work[IMF_PATCH_WORK(RAM) / 4];
	static struct imf_patch p;
	const struct imf_crypto crypto = {NULL, hash_init, hash_update, hash_final, NULL};
	const struct imf_patch_config cfg = {
		.crypto = &crypto,
		.ram = RAM,
		.whole = WHOLE,
		.base_addr = ADDRESS,
		.load_addr = ADDRESS,
		.base_len = (uint32_t)(base_end - base_start),
		.base_digest = zero,
		.plain_size = (uint32_t)(want_end - want_start),
		.plain_digest = zero,
		.stored_size = (uint32_t)(payload_end - payload_start),
		.stored_digest = zero,
		.work = work,
		.work_size = sizeof(work),
		.read = read_base,
		.write = write_made,
	};

	CCR |= 1u << 3; /* UNALIGN_TRP */
	if (sizeof(p) + sizeof(work) > RAM || imf_patch_begin(&p, &cfg) != 0)
		return 68;
#ifdef COUNT
	SYST[1] = 0xFFFFFFu;
	SYST[2] = 0;
	SYST[0] = 5;
	while (SYST[2] == 0)
		;
	last_tick = SYST[2];
#endif
	for (uint32_t at = 0; at < cfg.stored_size; at++)
		if (imf_patch_feed(&p, payload_start + at, 1) != 0)
			return 69;
	if (imf_patch_finish(&p) != 0 || made != cfg.plain_size)
		return 70;
#ifdef COUNT
	tick();
	printf("%" PRIu64 "\n", ticks * 40);
#endif
	return 64;
}
