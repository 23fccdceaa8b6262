/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader_main.c - the loader as a program
 */
#include "board.h"
#include "loader.h"

int main(void)
{
	loader_run(&board);
	return 0;
}
