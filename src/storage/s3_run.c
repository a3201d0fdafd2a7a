/*
 * s3_run.c
 *		Runs requests to an S3 store. See s3_run.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "storage/adls_call.h"
#include "storage/gcs_call.h"
#include "storage/s3_dialect.h"
#include "storage/s3_login.h"
#include "storage/s3_run.h"

void
ice_s3_run_begin(IceS3Call *s3, const IceStorageProfile *profile, const char *method,
				 const char *action, const char *location)
{
	static const IceObjectDialect *const dialects[] = {[ICE_STORE_S3] = &ice_s3_dialect_object,
													   [ICE_STORE_GCS] = &ice_gcs_call_dialect,
													   [ICE_STORE_ADLS] = &ice_adls_call_dialect};

	ice_s3_call_begin(s3, dialects[profile->kind], profile, method, action, location);
}

void
ice_s3_run(const IceStorageProfile *profile, IceS3Call **calls, int count)
{
	IceStoreCall **again = palloc(sizeof(IceStoreCall *) * (size_t) Max(count, 1));
	int            left = count;

	for (int i = 0; i < count; i++)
		again[i] = &calls[i]->call;
	for (int turn = 0; turn < 2 && left > 0; turn++)
	{
		IceSigv4Key key;
		bool        has_key = ice_s3_login_get(profile, &key);
		int         stale = 0;

		for (int i = 0; i < left; i++)
			((IceS3Call *) again[i])->key = has_key ? &key : NULL;
		ice_store_call_run(again, left);
		for (int i = 0; i < left; i++)
		{
			((IceS3Call *) again[i])->key = NULL;
			if (ice_s3_call_is_stale((IceS3Call *) again[i]))
				again[stale++] = again[i];
		}
		left = stale > 0 && ice_s3_login_forget(profile) ? stale : 0;
	}
	pfree(again);
}

char *
ice_s3_run_try(const IceStorageProfile *profile, IceS3Call **calls, int count)
{
	MemoryContext context = CurrentMemoryContext;
	char *volatile problem = NULL;

	PG_TRY();
	{
		ice_s3_run(profile, calls, count);
	}
	PG_CATCH();
	{
		problem = ice_store_call_caught(context);
	}
	PG_END_TRY();
	return problem;
}
