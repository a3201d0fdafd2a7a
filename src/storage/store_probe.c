/*
 * store_probe.c
 *		Asks an object store whether it is up. See store_probe.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "storage/file_path.h"
#include "storage/s3_run.h"
#include "storage/store_blame.h"
#include "storage/store_probe.h"

#define PROBE_NAME   "probe"
#define PROBE_TEXT   "icecat looks here whether the store takes writes\n"
#define ANSWER_BYTES 4096

static IceStoreState
judge(const IceS3Call *s3, char **error)
{
	const IceObjectDialect *dialect = ice_s3_call_dialect_of(s3);

	if ((s3->call.error == NULL && s3->call.net.status / 100 == 2) || dialect->is_absent(s3) ||
		dialect->is_taken(s3))
		return ICE_STORE_WELL;
	*error = ice_store_call_complaint(&s3->call);
	return ice_store_blame_is_stores(s3) ? ICE_STORE_DOWN : ICE_STORE_REFUSES;
}

static IceStoreState
ask(const IceStorageProfile *profile, bool by_write, char **error)
{
	IceS3Call *s3 = palloc(sizeof(IceS3Call));

	ice_s3_run_begin(s3, profile, by_write ? "PUT" : "GET", by_write ? "write" : "read",
					 psprintf("%s/%s/" PROBE_NAME, profile->root, ICE_MARK_FOLDER));
	s3->call.net.answer_max = ANSWER_BYTES;
	if (by_write)
	{
		ice_s3_call_body(s3, PROBE_TEXT, strlen(PROBE_TEXT));
		s3->only_new = true;
		ice_s3_call_dialect_of(s3)->begin_put(s3);
	}
	ice_s3_run(profile, &s3, 1);
	return judge(s3, error);
}

IceStoreState
ice_store_probe(const IceStorageProfile *profile, bool by_write, char **error)
{
	MemoryContext          context = CurrentMemoryContext;
	volatile IceStoreState state = ICE_STORE_DOWN;

	if (profile->kind == ICE_STORE_FILE)
		return ICE_STORE_WELL;
	PG_TRY();
	{
		state = ask(profile, by_write, error);
	}
	PG_CATCH();
	{
		/* No login. */
		*error = ice_store_call_caught(context);
	}
	PG_END_TRY();
	return state;
}
