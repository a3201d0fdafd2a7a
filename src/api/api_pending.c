/*
 * api_pending.c
 *		SQL entries by which the gateway lets an answer wait for the metadata file that it names.
 *		See store/pending.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commands/async.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "api/args.h"
#include "store/pending.h"
#include "store/store_event.h"
#include "store/store_worker.h"

PG_FUNCTION_INFO_V1(sql_ice_listen_files);
PG_FUNCTION_INFO_V1(sql_ice_pending_files);
PG_FUNCTION_INFO_V1(sql_ice_queued_files);

Datum
sql_ice_pending_files(PG_FUNCTION_ARGS)
{
	char *keys = ice_pending_take();

	(void) fcinfo;
	if (keys == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(keys));
}

/* NULL: nobody comes to write them. */
Datum
sql_ice_queued_files(PG_FUNCTION_ARGS)
{
	MemoryContext caller;
	MemoryContext old;
	char         *still;
	text         *result;

	if (!ice_worker_ensure())
		PG_RETURN_NULL();
	caller = ice_caller_begin(fcinfo);
	still = ice_pending_still(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	old = MemoryContextSwitchTo(caller);
	result = cstring_to_text(still);
	MemoryContextSwitchTo(old);
	ice_caller_end();
	PG_RETURN_TEXT_P(result);
}

/* From the end of this transaction on. Does nothing where the session listens already. */
Datum
sql_ice_listen_files(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	const char   *channel = ice_pending_channel(!XactReadOnly);

	channel = channel != NULL ? MemoryContextStrdup(caller, channel) : NULL;
	ice_caller_end();
	if (channel != NULL)
		Async_Listen(channel);
	Async_Listen(ICE_EVENT_CHANNEL);
	PG_RETURN_BOOL(ice_worker_ensure());
}
