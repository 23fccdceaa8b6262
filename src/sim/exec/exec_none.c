/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_none.c - in place of the other files here where umockdev is missing
 */
#include "../sim_exec.h"

const char *sim_exec_transport(size_t i, const char **ret_what)
{
	static const char *const options[] = {"uart", "i2c", "dfu", "gpio"};

	if (i >= sizeof(options) / sizeof(options[0]))
		return NULL;
	if (ret_what != NULL)
		*ret_what = "not in this build";
	return options[i];
}

int sim_exec(struct sim_board *b, const struct sim_exec_config *cfg, int *ret_status, struct err *e)
{
	err_set(e, ERR_UNSUPPORTED, "exec: this stmota-sim was built without umockdev");
	return err_hint(e, "install libumockdev-dev and build again with -Dexec=enabled");
}
