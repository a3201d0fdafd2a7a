/*
 * refusal_log.c
 *		Keeps refusals out of the server's log; see refusal_log.h.
 *
 * A refusal is an error that ice_raise() raised and whose status is below 500: what the client
 * asked for breaks a rule of the catalog. The client hears of it as always. Errors of other code
 * with such a SQLSTATE, and all errors of processes that are no client's, are logged as PostgreSQL
 * does. The library is loaded before it can raise an error, so the hook is there whether it is
 * preloaded or not.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/elog.h"

#include "errors.h"
#include "guc.h"
#include "refusal_log.h"

static emit_log_hook_type next_hook = NULL;

static bool
is_refusal(const ErrorData *error)
{
	IceErrorCode code;

	if (error->elevel != ERROR || error->funcname == NULL ||
		strcmp(error->funcname, ICE_RAISE_FUNCTION) != 0)
		return false;
	code = ice_error_of_sqlstate(unpack_sql_state(error->sqlerrcode));
	return code < ICE_ERR_COUNT && (ice_error_status(code) < 500 || code == ICE_ERR_MAINTENANCE ||
									code == ICE_ERR_CREDENTIALS_DUE);
}

/* Hooks before us may want to see what is not logged; those after us only see what is. */
static void
drop_refusal(ErrorData *error)
{
	if (!ice_guc_log_refusals && MyBackendType == B_BACKEND && is_refusal(error))
		error->output_to_server = false;
	if (error->output_to_server && next_hook != NULL)
		next_hook(error);
}

void
ice_refusal_log_init(void)
{
	next_hook = emit_log_hook;
	emit_log_hook = drop_refusal;
}
