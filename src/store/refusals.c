/*
 * refusals.c
 *		Notes of refused calls, in shared memory. See refusals.h.
 *
 * A note is made before the error is raised, while the transaction still lives, so that names can
 * be looked up; it is no part of the transaction. An error that somebody catches was a refusal,
 * too. The lock is held for a comparison with each note.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "guc.h"
#include "store/audit.h"
#include "store/caller.h"
#include "store/refusals.h"
#include "store/shared_memory.h"
#include "store/store_worker.h"

#define ROOM           32 /* notes, of all databases: fits into what PostgreSQL has to spare */
#define ROOM_PRELOADED 256
#define PAUSE_MS       1000
#define DROPPED_SLOTS  16

typedef struct Note
{
	Oid            database; /* InvalidOid: free */
	uint32         hash;
	IceRefusalNote note;
} Note;

/* What found no room, by database. */
typedef struct Dropped
{
	Oid    database;
	uint32 count;
} Dropped;

typedef struct Shared
{
	LWLock      lock;
	int         tranche;
	int         room;
	TimestampTz taken_at; /* last, of any database */
	Dropped     dropped[DROPPED_SLOTS];
	Note        notes[FLEXIBLE_ARRAY_MEMBER];
} Shared;

static Shared *shared = NULL;
static bool    preloaded = false;

static Size
shared_size(void)
{
	return offsetof(Shared, notes) + sizeof(Note) * (Size) (preloaded ? ROOM_PRELOADED : ROOM);
}

static void
init(void *made)
{
	Shared *state = made;

	state->room = preloaded ? ROOM_PRELOADED : ROOM;
	state->tranche = LWLockNewTrancheId();
	LWLockInitialize(&state->lock, state->tranche);
}

/* Finds or makes the shared memory; false where there is no room left for it. */
static bool
attach(void)
{
	if (shared != NULL)
		return true;
	shared = ice_shared_memory("icecat refusals", shared_size(), init);
	if (shared != NULL)
		LWLockRegisterTranche(shared->tranche, "IcecatRefusals");
	return shared != NULL;
}

/* -- the note ---------------------------------------------------------------------------------- */

static void
put_text(char *out, size_t size, const char *text)
{
	if (text != NULL)
		memcpy(out, text, (size_t) pg_mbcliplen(text, (int) strlen(text), (int) size - 1));
}

/* An argument of the call that names a part of the object. */
static void
put_argument(IceRefusal *out, const char *name, Oid type, Datum value)
{
	if (type == TEXTARRAYOID && strcmp(name, "p_namespace") == 0)
	{
		char *array = OidOutputFunctionCall(F_ARRAY_OUT, value);

		if (strlen(array) < sizeof(out->namespace_array))
			strcpy(out->namespace_array, array);
	}
	if (type != TEXTOID)
		return;
	if (strcmp(name, "p_warehouse") == 0)
		put_text(out->warehouse, sizeof(out->warehouse), TextDatumGetCString(value));
	else if (strcmp(name, "p_name") == 0 || strcmp(name, "p_table") == 0 ||
			 strcmp(name, "p_view") == 0)
		put_text(out->name, sizeof(out->name), TextDatumGetCString(value));
}

/* What the call is about, by the names of its parameters. */
static void
put_arguments(IceRefusal *out, FunctionCallInfo call)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->flinfo->fn_oid));
	Oid      *types;
	char    **names;
	char     *modes;
	int       count;
	int       input = 0;

	if (!HeapTupleIsValid(row))
		return;
	count = get_func_arg_info(row, &types, &names, &modes);
	for (int i = 0; i < count && names != NULL && input < call->nargs; i++)
	{
		if (modes != NULL && modes[i] != PROARGMODE_IN && modes[i] != PROARGMODE_INOUT)
			continue;
		if (!call->args[input].isnull)
			put_argument(out, names[i], types[i], call->args[input].value);
		input++;
	}
	ReleaseSysCache(row);
}

/* Is zero where nothing is said, so that equal refusals are equal bytes. */
static void
describe(IceRefusal *out, const IceAuditActor *actor, IceErrorCode code)
{
	memset(out, 0, sizeof(*out));
	strlcpy(out->sqlstate, ice_error_sqlstate(code), sizeof(out->sqlstate));
	out->status = ice_error_status(code);
	namestrcpy(&out->role, actor->role);
	namestrcpy(&out->login, actor->login);
	put_text(out->action, sizeof(out->action), ice_audit_action());
	put_text(out->principal, sizeof(out->principal), actor->principal);
	put_text(out->request_id, sizeof(out->request_id), actor->request_id);
	put_text(out->client_address, sizeof(out->client_address), actor->client_address);
	put_arguments(out, ice_caller_call());
}

/* -- shared memory ----------------------------------------------------------------------------- */

/* Counts a refusal that has no room. The lock is held. */
static void
count_dropped(void)
{
	Dropped *slot = NULL;

	for (int i = 0; i < DROPPED_SLOTS; i++)
	{
		Dropped *at = &shared->dropped[i];

		if (at->database == MyDatabaseId || (slot == NULL && at->count == 0))
			slot = at;
		if (at->database == MyDatabaseId)
			break;
	}
	if (slot == NULL)
		return;
	slot->database = MyDatabaseId;
	slot->count++;
}

/* True: it is one that was not there. */
static bool
put_note(const IceRefusal *refusal)
{
	uint32 hash = hash_bytes((const unsigned char *) refusal, sizeof(*refusal));
	Note  *unused = NULL;

	for (int i = 0; i < shared->room; i++)
	{
		Note *at = &shared->notes[i];

		if (at->database == MyDatabaseId && at->hash == hash &&
			memcmp(&at->note.refusal, refusal, sizeof(*refusal)) == 0)
		{
			at->note.count++;
			return false;
		}
		if (unused == NULL && !OidIsValid(at->database))
			unused = at;
	}
	if (unused == NULL)
	{
		count_dropped();
		return false;
	}
	unused->database = MyDatabaseId;
	unused->hash = hash;
	unused->note.refusal = *refusal;
	unused->note.at = GetCurrentTimestamp();
	unused->note.count = 1;
	return true;
}

/* Called where an error is about to be raised. */
static void
note(IceErrorCode code)
{
	static bool   noting = false;
	IceAuditActor actor;
	IceRefusal    refusal;
	bool          is_new;

	if (noting || MyBackendType != B_BACKEND || ice_caller_call() == NULL || !ice_audit_is_on())
		return;
	actor = ice_audit_actor();
	if (strcmp(actor.source, "gateway") == 0 || !attach())
		return;
	noting = true;
	PG_TRY();
	{
		describe(&refusal, &actor, code);
		LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
		is_new = put_note(&refusal);
		LWLockRelease(&shared->lock);
		if (is_new && ice_worker_ensure())
			ice_worker_wake();
	}
	PG_FINALLY();
	{
		noting = false;
	}
	PG_END_TRY();
}

TimestampTz
ice_refusals_due(void)
{
	TimestampTz due = DT_NOEND;

	if (!ice_audit_is_on() || !attach())
		return due;
	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < shared->room && due == DT_NOEND; i++)
		if (shared->notes[i].database == MyDatabaseId)
			due = TimestampTzPlusMilliseconds(shared->taken_at, PAUSE_MS);
	LWLockRelease(&shared->lock);
	return due;
}

int
ice_refusals_take(IceRefusalNote **out, uint32 *dropped)
{
	int count = 0;

	*dropped = 0;
	if (!attach())
		return 0;
	*out = palloc(sizeof(IceRefusalNote) * (Size) shared->room);
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < shared->room; i++)
	{
		if (shared->notes[i].database != MyDatabaseId)
			continue;
		(*out)[count++] = shared->notes[i].note;
		shared->notes[i].database = InvalidOid;
	}
	for (int i = 0; i < DROPPED_SLOTS; i++)
		if (shared->dropped[i].database == MyDatabaseId)
		{
			*dropped += shared->dropped[i].count;
			shared->dropped[i] = (Dropped){InvalidOid, 0};
		}
	shared->taken_at = GetCurrentTimestamp();
	LWLockRelease(&shared->lock);
	return count;
}

/* -- start ------------------------------------------------------------------------------------- */

static shmem_request_hook_type next_hook = NULL;

static void
request_memory(void)
{
	if (next_hook != NULL)
		next_hook();
	RequestAddinShmemSpace(shared_size());
}

void
ice_refusals_init(void)
{
	ice_error_on_refusal(note);
	preloaded = process_shared_preload_libraries_in_progress;
	if (!preloaded)
		return;
	next_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
}
