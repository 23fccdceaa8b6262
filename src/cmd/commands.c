/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.c - the table of commands
 *
 * Help, completion, dispatch and the check of the man page walk this table.
 */
#include "cmd.h"

extern const struct command cmd_check;
extern const struct command cmd_compare;
extern const struct command cmd_completion;
extern const struct command cmd_convert;
extern const struct command cmd_devices;
extern const struct command cmd_diff;
extern const struct command cmd_doctor;
extern const struct command cmd_entry_list;
extern const struct command cmd_entry_test;
extern const struct command cmd_erase;
extern const struct command cmd_fetch;
extern const struct command cmd_flash;
extern const struct command cmd_fleet_adopt;
extern const struct command cmd_fleet_check;
extern const struct command cmd_fleet_export;
extern const struct command cmd_fleet_history;
extern const struct command cmd_fleet_list;
extern const struct command cmd_fleet_report;
extern const struct command cmd_fleet_status;
extern const struct command cmd_go;
extern const struct command cmd_hawkbit_audit;
extern const struct command cmd_hawkbit_confirm;
extern const struct command cmd_help;
extern const struct command cmd_info;
extern const struct command cmd_key_revoke;
extern const struct command cmd_key_rotate;
extern const struct command cmd_key_show;
extern const struct command cmd_keygen;
extern const struct command cmd_layout;
extern const struct command cmd_option_get;
extern const struct command cmd_option_list;
extern const struct command cmd_option_set;
extern const struct command cmd_pack;
extern const struct command cmd_patch;
extern const struct command cmd_playbook_check;
extern const struct command cmd_playbook_list;
extern const struct command cmd_playbook_show;
extern const struct command cmd_probe;
extern const struct command cmd_protect_rdp_set;
extern const struct command cmd_protect_status;
extern const struct command cmd_protect_wrp_off;
extern const struct command cmd_protect_wrp_on;
extern const struct command cmd_provision;
extern const struct command cmd_publish;
extern const struct command cmd_publish_simulate;
extern const struct command cmd_read;
extern const struct command cmd_rewrap;
extern const struct command cmd_sign;
extern const struct command cmd_unpack;
extern const struct command cmd_update;
extern const struct command cmd_verify;
extern const struct command cmd_ymodem_receive;
extern const struct command cmd_ymodem_send;

const struct command *const commands[] = {
	&cmd_check,
	&cmd_compare,
	&cmd_completion,
	&cmd_convert,
	&cmd_devices,
	&cmd_diff,
	&cmd_doctor,
	&cmd_entry_list,
	&cmd_entry_test,
	&cmd_erase,
	&cmd_fetch,
	&cmd_flash,
	&cmd_fleet_adopt,
	&cmd_fleet_check,
	&cmd_fleet_export,
	&cmd_fleet_history,
	&cmd_fleet_list,
	&cmd_fleet_report,
	&cmd_fleet_status,
	&cmd_go,
	&cmd_hawkbit_audit,
	&cmd_hawkbit_confirm,
	&cmd_help,
	&cmd_info,
	&cmd_key_revoke,
	&cmd_key_rotate,
	&cmd_key_show,
	&cmd_keygen,
	&cmd_layout,
	&cmd_option_get,
	&cmd_option_list,
	&cmd_option_set,
	&cmd_pack,
	&cmd_patch,
	&cmd_playbook_check,
	&cmd_playbook_list,
	&cmd_playbook_show,
	&cmd_probe,
	&cmd_protect_rdp_set,
	&cmd_protect_status,
	&cmd_protect_wrp_off,
	&cmd_protect_wrp_on,
	&cmd_provision,
	&cmd_publish,
	&cmd_publish_simulate,
	&cmd_read,
	&cmd_rewrap,
	&cmd_sign,
	&cmd_unpack,
	&cmd_update,
	&cmd_verify,
	&cmd_ymodem_receive,
	&cmd_ymodem_send,
	NULL,
};
