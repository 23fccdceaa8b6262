/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"

#include <stmota/log.h>
#include <stmota/protect_job.h>

void cmd_out_protection(struct out *o, struct device *d, const struct segments *image)
{
	struct protect_row rows[PROTECT_ROWS];
	struct option_words words;
	struct err why = ERR_INIT;
	bool read = option_read(d, &words, &why) == 0;
	size_t n = protect_table(&d->facts, read ? &words : NULL, image, rows);

	out_table(o, "protection");
	for (size_t i = 0; i < n; i++) {
		out_object(o, NULL);
		out_str(o, "what", rows[i].what);
		out_str(o, "state", rows[i].state);
		if (image != NULL)
			out_bool(o, "in_the_way", rows[i].in_the_way);
		out_str(o, "forbids", rows[i].forbids);
		out_str(o, "to_undo", rows[i].undo);
		out_end(o);
	}
	out_end(o);
	if (!read)
		out_str(o, "options_not_read", why.msg);
}
