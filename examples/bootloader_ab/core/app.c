/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include "state.h"

int app_confirm(const struct boot_port *p)
{
	struct boot_state s;

	if (state_load(p, &s) != 0 || s.trial == BOOT_NONE)
		return 0;
	s.run = s.trial;
	s.image[s.run].mark = IMAGE_GOOD;
	if (s.image[s.run].counter > s.counter)
		s.counter = s.image[s.run].counter;
	s.trial = BOOT_NONE;
	s.starts = s.failed = s.refused = s.pause = 0;
	return state_save(p, &s) == 0 ? 1 : -1;
}

bool app_may_kick(const struct boot_port *p, uint32_t now)
{
	struct boot_state s;

	return now < BOOT_TRIAL_MS || state_load(p, &s) != 0 || s.trial == BOOT_NONE;
}

void app_ask(const struct boot_port *p)
{
	struct boot_state s;

	(void)state_load(p, &s);
	s.asked = 1;
	if (state_save(p, &s) == 0)
		p->reset(p);
}
