/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_channel.c - any bytes as root, head, plan or halt of a channel: what is read is written the same */
#include <stmota/channel.h>

#include "fuzz_image.h"

static void check_plan(const struct channel_plan *p)
{
	must(p->n <= CHANNEL_ROLLOUTS_MAX);
	for (size_t i = 0; i < p->n; i++) {
		const struct channel_rollout *r = &p->rollouts[i];

		must(r->stage <= CHANNEL_PERMYRIAD && r->n_deltas <= CHANNEL_DELTAS_MAX);
		must(r->product != NULL && r->salt != NULL && r->id[0] != '\0');
		channel_choose(r, "lamp", 0);
	}
}

#define TRY(type, check)                                                                           \
	static int try_##type(const uint8_t *data, size_t size)                                    \
	{                                                                                          \
		struct channel_##type a = {0}, b = {0};                                            \
		struct buf text = BUF_INIT, again = BUF_INIT;                                      \
		struct err e = ERR_INIT;                                                           \
                                                                                                   \
		if (channel_##type##_parse(data, size, &a, &e) < 0) {                              \
			must(e.msg[0] != '\0' && strchr(e.msg, '\n') == NULL);                     \
			return 0;                                                                  \
		}                                                                                  \
		check;                                                                             \
		must(channel_##type##_text(&a, &text, &e) == 0);                                   \
		must(channel_##type##_parse(text.data, text.len, &b, &e) == 0);                    \
		must(channel_##type##_text(&b, &again, &e) == 0);                                  \
		must(text.len == again.len && memcmp(text.data, again.data, text.len) == 0);       \
		buf_done(&text);                                                                   \
		buf_done(&again);                                                                  \
		done_##type(&a);                                                                   \
		done_##type(&b);                                                                   \
		return 0;                                                                          \
	}

static void done_head(struct channel_head *h)
{
	(void)h;
}

#define done_root channel_root_done
#define done_plan channel_plan_done
#define done_halt channel_halt_done

TRY(head, (void)0)
TRY(halt, (void)0)
TRY(plan, check_plan(&a))
TRY(root, must(a.trust.n >= 5))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct channel_root nobody;
	struct err e = ERR_INIT;

	must(channel_verify(&nobody, TRUST_HEAD, 0, "x", 1, data, size, &e) < 0);
	try_head(data, size);
	try_halt(data, size);
	try_plan(data, size);
	return try_root(data, size);
}
