/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the only place that leaves the program
 */
#include <locale.h>

#include <stmota/signals.h>

#include "cmd.h"

int main(int argc, char **argv)
{
	/* For the width of characters only: numbers keep their decimal point. */
	setlocale(LC_CTYPE, "");
	signals_install();
	return cmd_dispatch(argc, argv);
}
