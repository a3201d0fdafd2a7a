/*
 * store_health.c
 *		Which object stores are failing. See store_health.h.
 *
 * What is known is the process's own: the worker's, or a session's that does the worker's work.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "maint/store_health.h"
#include "maint/task_outcome.h"
#include "storage/mark.h"
#include "store/store_profile.h"

#define PAUSE_FIRST_MS   1000
#define PAUSE_MAX_MS     60000
#define PROBE_TIMEOUT_MS 2000
#define HEARD_MS         5000 /* then a store is taken for one that answers */
#define ERROR_BYTES_MAX  500

typedef struct Health
{
	pg_uuid_t   profile_id;
	int64       revision; /* a change of the profile may have helped */
	int         failures; /* one after the other */
	bool        is_back;  /* since the last question */
	TimestampTz until;    /* nothing is asked before */
	TimestampTz heard_at; /* when it answered last */
	char        error[ERROR_BYTES_MAX + 1];
} Health;

/* Of profiles whose stores were asked for something: there are no more of them than profiles. */
static List *met = NIL;

static Health *
find(const IceStorageProfile *profile)
{
	ListCell *cell;

	foreach (cell, met)
	{
		Health *health = lfirst(cell);

		if (memcmp(&health->profile_id, &profile->id, UUID_LEN) == 0)
			return health;
	}
	return NULL;
}

static Health *
make(const IceStorageProfile *profile)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Health       *health = palloc0(sizeof(Health));

	health->profile_id = profile->id;
	met = lappend(met, health);
	MemoryContextSwitchTo(old);
	return health;
}

void
ice_store_health_note(const IceStorageProfile *profile, const char *error)
{
	Health *health;
	double  ms;

	if (profile == NULL)
		return;
	health = find(profile);
	if (health == NULL)
		health = make(profile);
	if (error == NULL)
	{
		if (health->failures > 0)
			ereport(LOG, (errmsg("object store of storage profile \"%s\" is back", profile->name),
						  errhidestmt(true)));
		health->is_back |= health->failures > 0;
		health->failures = 0;
		health->heard_at = GetCurrentTimestamp();
		return;
	}
	if (health->failures == 0)
		ereport(LOG,
				(errmsg("object store of storage profile \"%s\" fails: %s", profile->name, error),
				 errhidestmt(true)));
	ms = Min((double) PAUSE_FIRST_MS * (1 << Min(health->failures, 10)), PAUSE_MAX_MS);
	ms *= 0.75 + pg_prng_double(&pg_global_prng_state) / 2;
	health->revision = profile->revision;
	health->failures++;
	health->until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) ms);
	strlcpy(health->error, error, sizeof(health->error));
}

bool
ice_store_health_fails(const IceStorageProfile *profile)
{
	Health *health = profile != NULL ? find(profile) : NULL;

	return health != NULL && health->failures > 0;
}

bool
ice_store_health_is_back(const IceStorageProfile *profile)
{
	Health *health = profile != NULL ? find(profile) : NULL;
	bool    is_back = health != NULL && health->is_back;

	if (health != NULL)
		health->is_back = false;
	return is_back;
}

/* Asks the store for something that need not be there, not for long. */
static void
probe(const IceStorageProfile *profile)
{
	IceStorageProfile quick = *profile;
	MemoryContext     context = CurrentMemoryContext;
	char *volatile error = NULL;

	quick.connect_timeout_ms = Min(quick.connect_timeout_ms, PROBE_TIMEOUT_MS);
	quick.request_timeout_ms = Min(quick.request_timeout_ms, PROBE_TIMEOUT_MS);
	quick.retries_max = 0;
	PG_TRY();
	{
		char *where;

		(void) ice_mark_look_in_store(&quick, "probe", &where);
	}
	PG_CATCH();
	{
		error = ice_task_outcome_take_error(context);
	}
	PG_END_TRY();
	ice_store_health_note(profile, error);
}

/* Is it known to fail, so that it is not to be asked yet? */
static bool
rests(const IceStorageProfile *profile)
{
	const Health *health = find(profile);

	return health != NULL && health->failures > 0 && health->revision == profile->revision &&
		   GetCurrentTimestamp() < health->until;
}

bool
ice_store_health_suspect(const IceStorageProfile *profile)
{
	if (profile == NULL)
		return false;
	if (!rests(profile))
		probe(profile);
	return ice_store_health_fails(profile);
}

const char *
ice_store_health_ask(const IceStorageProfile *profile)
{
	const Health *health = profile != NULL ? find(profile) : NULL;

	if (profile != NULL && (health == NULL || health->failures == 0) &&
		(health == NULL ||
		 TimestampDifferenceExceeds(health->heard_at, GetCurrentTimestamp(), HEARD_MS)))
		probe(profile);
	return ice_store_health_problem(profile);
}

void
ice_store_health_heard(const IceStorageProfile *profile)
{
	Health *health = profile != NULL ? find(profile) : NULL;

	if (health != NULL)
		health->heard_at = GetCurrentTimestamp();
}

TimestampTz
ice_store_health_until(const IceStorageProfile *profile)
{
	Health *health = profile != NULL ? find(profile) : NULL;

	return health != NULL && health->failures > 0 ? health->until : GetCurrentTimestamp();
}

const char *
ice_store_health_problem(const IceStorageProfile *profile)
{
	Health *health = profile != NULL ? find(profile) : NULL;

	if (health == NULL || health->failures == 0)
		return NULL;
	if (health->revision == profile->revision && GetCurrentTimestamp() >= health->until)
		probe(profile);
	else if (health->revision != profile->revision)
		health->failures = 0;
	return health->failures == 0 ? NULL
								 : psprintf("the object store of storage profile \"%s\" fails: %s",
											profile->name, health->error);
}

const IceStorageProfile *
ice_store_health_profile(List **known, const pg_uuid_t *warehouse_id)
{
	IceProfileRow            row;
	const IceStorageProfile *profile;
	ListCell                *cell;

	if (!ice_profile_of_warehouse(warehouse_id, &row))
		return NULL;
	foreach (cell, *known)
	{
		profile = lfirst(cell);
		if (memcmp(&profile->id, &row.id, UUID_LEN) == 0 && profile->revision == row.revision)
			return profile;
	}
	profile = ice_profile_open(&row);
	*known = lappend(*known, unconstify(IceStorageProfile *, profile));
	return profile;
}
