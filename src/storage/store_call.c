/*
 * store_call.c
 *		Requests to an object store, with retries. See store_call.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "errors.h"
#include "guc.h"
#include "storage/store_call.h"

#define PAUSE_MS     100 /* before the first retry, half of it at least */
#define PAUSE_MS_MAX 5000
#define TRY_MS_MIN   1000 /* of what is left of the time, for one try */
#define QUOTE_BYTES  200
#define ANSWER_MAX   (1024 * 1024) /* unless the call says otherwise */

static int64
now_ms(void)
{
	return GetCurrentTimestamp() / 1000;
}

/* -- words ------------------------------------------------------------------------------------- */

char *
ice_store_call_quote(const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	for (; *text != '\0' && out.len < QUOTE_BYTES; text++)
		appendStringInfoChar(&out, *text >= ' ' && *text <= '~' ? *text : '?');
	if (*text != '\0')
		appendStringInfoString(&out, "...");
	return out.data;
}

char *
ice_store_call_complaint(const IceStoreCall *call)
{
	const char *described;
	const char *tries = call->tries > 1 ? psprintf(" (tried %d times)", call->tries) : "";

	if (call->error != NULL)
		return psprintf("could not %s %s: %s%s", call->action, call->location, call->error, tries);
	described = call->dialect->describe(call);
	return psprintf("could not %s %s: the store answers %d%s%s%s", call->action, call->location,
					call->net.status, described != NULL ? ", " : "",
					described != NULL ? described : "", tries);
}

void
ice_store_call_raise(const IceStoreCall *call)
{
	ice_raise(ICE_ERR_STORAGE, "%s", ice_store_call_complaint(call));
}

char *
ice_store_call_caught(MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != MAKE_SQLSTATE('I', 'C', '0', '0', '0'))
		PG_RE_THROW();
	FlushErrorState();
	return error->message;
}

/* -- sending ----------------------------------------------------------------------------------- */

void
ice_store_call_header(IceStoreCall *call, const char *name, const char *value)
{
	if (call->net.header_count >= ICE_STORE_HEADERS_MAX)
		elog(ERROR, "too many headers in a request to a store");
	call->headers[call->net.header_count++] = (IceNetPair){name, value};
}

/* What is left of the time; a try takes half of that, so that a store that hangs is asked more than
 * once. */
static void
prepare(IceStoreCall *call)
{
	int64 left = Max(call->end_at - now_ms(), 1);

	call->net.header_count = 0;
	call->net.headers = call->headers;
	call->net.timeout_ms = (int) (call->tries < call->profile->retries_max
									  ? Max(left / 2, Min(left, TRY_MS_MIN))
									  : left);
	call->tries++;
	call->dialect->prepare(call);
}

static bool
is_transient(const IceStoreCall *call)
{
	int status = call->net.status;

	if (call->net.fault == ICE_NET_LATE || call->net.fault == ICE_NET_BROKEN)
		return true;
	if (call->net.fault != ICE_NET_ANSWERED)
		return false;
	if (status == 408 || status == 429 || (status >= 500 && status != 501))
		return true;
	return call->dialect->is_transient != NULL && call->dialect->is_transient(call);
}

/* Doubled with each try, half of it at random; or what the store asks for. */
static int
pause_ms(const IceStoreCall *call)
{
	int    ms = PAUSE_MS << Min(call->tries, 10);
	uint32 random = 0;
	char *asked = call->net.fault == ICE_NET_ANSWERED ? ice_net()->header(&call->net, "retry-after")
													  : NULL;

	ms = Min(ms, PAUSE_MS_MAX);
	(void) pg_strong_random(&random, sizeof(random));
	ms = ms / 2 + (int) (random % (uint32) (ms / 2 + 1));
	if (asked != NULL && asked[0] >= '0' && asked[0] <= '9')
		ms = Max(ms, Min(atoi(asked), 3600) * 1000);
	return ms;
}

/* The net's: it is the call's turn. */
static void
begins(IceNetCall *net)
{
	IceStoreCall *call = (IceStoreCall *) net;

	call->tries = 0;
	call->error = NULL;
	call->end_at = now_ms() + call->profile->request_timeout_ms;
	if (call->profile->stop_at_ms > 0)
		call->end_at = Min(call->end_at, call->profile->stop_at_ms);
	prepare(call);
}

/* The net's: a request has ended. True: send one again, as it has been prepared. */
static bool
ended(IceNetCall *net)
{
	IceStoreCall *call = (IceStoreCall *) net;

	net->pause_ms = 0;
	if (is_transient(call) && call->tries <= call->profile->retries_max)
	{
		net->pause_ms = pause_ms(call);
		if (now_ms() + net->pause_ms < call->end_at)
		{
			prepare(call);
			return true;
		}
	}
	call->error = net->fault == ICE_NET_ANSWERED ? NULL : ice_store_call_quote(net->error);
	if (call->error != NULL || call->answered == NULL || !call->answered(call))
		return false;
	begins(net);
	return true;
}

void
ice_store_call_begin(IceStoreCall *call, const IceStoreDialect *dialect,
					 const IceStorageProfile *profile, const char *action, const char *location)
{
	*call = (IceStoreCall){
		.dialect = dialect,
		.profile = profile,
		.action = action,
		.location = location,
		.net = {.method = "GET",
				.answer_max = ANSWER_MAX,
				.reach = profile->allow_private_endpoints ? ICE_NET_PRIVATE : ICE_NET_PUBLIC,
				.ca_file = profile->ca_file,
				.connect_timeout_ms = profile->connect_timeout_ms,
				.begins = begins,
				.ended = ended}};
}

void
ice_store_call_run(IceStoreCall **calls, int count)
{
	IceNetCall **nets = palloc(sizeof(IceNetCall *) * (size_t) Max(count, 1));

	for (int i = 0; i < count; i++)
		nets[i] = &calls[i]->net;
	ice_net()->run(nets, count, ice_guc_store_requests_max);
	pfree(nets);
}
