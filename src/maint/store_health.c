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
#include "storage/store_probe.h"
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
	bool        on_trial; /* it answers again: what is asked of it next decides */
	bool        by_write; /* what failed was to be written: it is asked by a write */
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

static Health *
health_of(const IceStorageProfile *profile)
{
	Health *health = find(profile);

	return health != NULL ? health : make(profile);
}

static void
serves(Health *health, const IceStorageProfile *profile)
{
	if (health->failures > 0)
		ereport(LOG, (errmsg("object store of storage profile \"%s\" is back", profile->name),
					  errhidestmt(true)));
	health->is_back |= health->failures > 0;
	health->failures = 0;
	health->on_trial = health->by_write = false;
	health->heard_at = GetCurrentTimestamp();
}

static void
fails(Health *health, const IceStorageProfile *profile, const char *error)
{
	double ms;

	if (health->failures == 0)
		ereport(LOG,
				(errmsg("object store of storage profile \"%s\" fails: %s", profile->name, error),
				 errhidestmt(true)));
	ms = Min((double) PAUSE_FIRST_MS * (1 << Min(health->failures, 10)), PAUSE_MAX_MS);
	ms *= 0.75 + pg_prng_double(&pg_global_prng_state) / 2;
	health->revision = profile->revision;
	health->failures++;
	health->on_trial = false;
	health->until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) ms);
	strlcpy(health->error, error, sizeof(health->error));
}

void
ice_store_health_note(const IceStorageProfile *profile, const char *error)
{
	Health *health;

	if (profile == NULL)
		return;
	health = health_of(profile);
	if (error == NULL)
	{
		serves(health, profile);
		return;
	}
	health->by_write = true;
	fails(health, profile, error);
}

static bool
is_failing(const Health *health)
{
	return health != NULL && health->failures > 0 && !health->on_trial;
}

bool
ice_store_health_fails(const IceStorageProfile *profile)
{
	return profile != NULL && is_failing(find(profile));
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

/* Asks the store one small thing, not for long. */
static IceStoreState
ask(const IceStorageProfile *profile, bool by_write, char **error)
{
	IceStorageProfile quick = *profile;

	quick.connect_timeout_ms = Min(quick.connect_timeout_ms, PROBE_TIMEOUT_MS);
	quick.request_timeout_ms = Min(quick.request_timeout_ms, PROBE_TIMEOUT_MS);
	quick.retries_max = 0;
	return ice_store_probe(&quick, by_write, error);
}

/* Finds out whether the store is up. One that failed is not taken for one that serves until it has
 * done what it is there for. */
static void
probe(const IceStorageProfile *profile)
{
	Health *health = health_of(profile);
	char   *error;

	if (ask(profile, health->by_write, &error) == ICE_STORE_DOWN)
		fails(health, profile, error);
	else if (health->failures > 0)
		health->on_trial = true;
	else
		health->heard_at = GetCurrentTimestamp();
}

void
ice_store_health_doubt(const IceStorageProfile *profile, const char *error, bool is_refusal)
{
	IceStoreState state;
	char         *said;

	if (profile == NULL)
		return;
	state = ask(profile, true, &said);
	if (state == ICE_STORE_DOWN)
		ice_store_health_note(profile, said);
	else if (state == ICE_STORE_REFUSES && is_refusal)
		ice_store_health_note(profile, error);
}

/* Is it known to fail, so that it is not to be asked yet? */
static bool
rests(const IceStorageProfile *profile)
{
	const Health *health = find(profile);

	return is_failing(health) && health->revision == profile->revision &&
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

	if (health != NULL && health->failures > 0 && health->by_write)
		health->heard_at = GetCurrentTimestamp(); /* to read says nothing of its writes */
	else if (health != NULL)
		serves(health, profile);
}

TimestampTz
ice_store_health_until(const IceStorageProfile *profile)
{
	Health *health = profile != NULL ? find(profile) : NULL;

	return is_failing(health) ? health->until : GetCurrentTimestamp();
}

const char *
ice_store_health_problem(const IceStorageProfile *profile)
{
	Health *health = profile != NULL ? find(profile) : NULL;

	if (!is_failing(health))
		return NULL;
	if (health->revision != profile->revision)
		health->failures = 0;
	else if (GetCurrentTimestamp() >= health->until)
		probe(profile);
	return !is_failing(health) ? NULL
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
