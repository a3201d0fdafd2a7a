/*
 * validate_profile.c
 *		Tries a storage profile, step by step: writes, reads, lists and deletes a small object.
 *
 * The object lies in the folder of marks, in which nothing of a table is. What the store says goes
 * to the caller, who manages the profile; no error of the back ends holds a secret.
 *
 * Credentials for clients are asked for a folder of the trial's own, as for a table's, and used for
 * an object in it. They leave this function in no way, and are wiped.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "nodes/pg_list.h"
#include "portability/instr_time.h"

#include "api/validate_profile.h"
#include "errors.h"
#include "maint/task_outcome.h"
#include "storage/file_path.h"
#include "storage/issue.h"
#include "storage/storage.h"
#include "store/uuid.h"

#define PROBE_TEXT "icecat tries this store: the object is deleted in a moment\n"
#define OTHER_TEXT "this text must not be written\n"
#define FILES_MAX  1000
#define PAGES_MAX  100 /* of the list of a folder that has one object, perhaps with leftovers */

typedef struct Trial
{
	const IceStorageProfile *profile;
	const IceStorage        *storage;
	const char              *folder;
	const char              *location;
	IceVended                vended; /* no expiry: none */
} Trial;

static void
fail(const char *error)
{
	ice_raise(ICE_ERR_STORAGE, "%s", error);
}

static void
try_write(Trial *trial)
{
	trial->storage->write_atomic(trial->storage, trial->location, PROBE_TEXT, strlen(PROBE_TEXT));
}

static void
try_write_new(Trial *trial)
{
	if (trial->storage->write_new(trial->storage, trial->location, OTHER_TEXT, strlen(OTHER_TEXT)))
		fail("the store has written over an object although it was told not to (If-None-Match)");
}

static void
expect_bytes(const StringInfoData *found, const char *expected, size_t len)
{
	if ((size_t) found->len != len || memcmp(found->data, expected, len) != 0)
		fail("the store gave other bytes than those that were written");
}

static void
try_read(Trial *trial)
{
	StringInfoData text;

	initStringInfo(&text);
	trial->storage->read(trial->storage, trial->location, 2 * strlen(PROBE_TEXT), &text);
	expect_bytes(&text, PROBE_TEXT, strlen(PROBE_TEXT));
}

static void
try_read_range(Trial *trial)
{
	StringInfoData text;
	uint64         size;

	initStringInfo(&text);
	trial->storage->read_range(trial->storage, trial->location, 7, 5, &text, &size);
	expect_bytes(&text, &PROBE_TEXT[7], 5);
}

static void
try_list(Trial *trial)
{
	IceStoragePage page = {.files_max = FILES_MAX};
	ListCell      *cell;

	for (int pages = 0; pages == 0 || page.next != NULL; pages++)
	{
		if (pages == PAGES_MAX)
			fail("the store's list of a folder that has one object does not end");
		trial->storage->list(trial->storage, trial->folder, &page);
		foreach (cell, page.files)
			if (strcmp(((IceStorageEntry *) lfirst(cell))->location, trial->location) == 0)
				return;
	}
	fail("the object is not in the store's list");
}

static void
try_delete(Trial *trial)
{
	(void) trial->storage->remove(trial->storage, trial->location);
}

static void
try_absence(Trial *trial)
{
	if (trial->storage->exists(trial->storage, trial->location))
		fail("the object is still there after it was deleted");
}

/* -- what clients get ------------------------------------------------------------------------- */

/* The folder that credentials are for. */
static char *
vended_folder(const Trial *trial)
{
	return psprintf("%s-vended", trial->location);
}

/* Asks for credentials as for a table that lies in the folder. */
static void
try_vend(Trial *trial)
{
	IceVendPlaces places = {.count = 0};
	IceIssue      issue = {.places = &places, .access = ICE_VEND_WRITE};
	const char   *problem = ice_vend_place_add(&places, vended_folder(trial));
	char         *why;

	if (problem == NULL)
		problem = ice_issue_problem(trial->profile, &issue);
	if (problem != NULL)
		fail(psprintf("clients get no credentials: %s", problem));
	if (ice_issue(trial->profile, &issue, &trial->vended, &why) != ICE_ISSUED)
		fail(why);
}

/* Writes and deletes an object with them. A signature of Azure's is no login that the server knows
 * how to use: it was made, and is not tried. */
static void
try_vended(Trial *trial)
{
	IceStorageProfile client = *trial->profile;
	const IceStorage *storage;
	char             *location = psprintf("%s/probe", vended_folder(trial));

	client.login = ICE_LOGIN_KEYS;
	client.access_key = trial->vended.access_key;
	client.secret_key = trial->vended.secret_key;
	client.session_token = trial->profile->kind == ICE_STORE_GCS ? trial->vended.token
																 : trial->vended.session_token;
	storage = ice_storage_open(location, &client);
	storage->write_atomic(storage, location, PROBE_TEXT, strlen(PROBE_TEXT));
	(void) storage->remove(storage, location);
}

static void
wipe_text(const char *text)
{
	if (text != NULL)
		explicit_bzero(unconstify(char *, text), strlen(text));
}

static void
wipe(IceVended *vended)
{
	wipe_text(vended->access_key);
	wipe_text(vended->secret_key);
	wipe_text(vended->session_token);
	wipe_text(vended->token);
	memset(vended, 0, sizeof(*vended));
}

/* -- all of it -------------------------------------------------------------------------------- */

/* The steps after the first, which opens the store; those of network stores alone are marked. */
static const struct
{
	const char *name;
	bool        network;
	void (*run)(Trial *trial);
} trials[] = {
	{"write", false, try_write},      {"not-overwrite", true, try_write_new},
	{"read", false, try_read},        {"read-range", true, try_read_range},
	{"list", true, try_list},         {"delete", false, try_delete},
	{"look", false, try_absence},     {"vend", true, try_vend},
	{"use-vended", true, try_vended},
};
StaticAssertDecl(lengthof(trials) + 1 == ICE_VALIDATE_PROFILE_STEPS, "a step for each trial");

/* Runs a trial, or opens the store where there is none; notes what becomes of it. */
static void
run_step(IceProfileStep *step, Trial *trial, const IceStorageProfile *profile,
		 void (*run)(Trial *trial))
{
	MemoryContext context = CurrentMemoryContext;
	instr_time    begin;
	instr_time    end;

	step->was_tried = true;
	INSTR_TIME_SET_CURRENT(begin);
	PG_TRY();
	{
		if (run == NULL)
			trial->storage = ice_storage_open(trial->location, profile);
		else
			run(trial);
	}
	PG_CATCH();
	{
		step->error = ice_task_outcome_take_error(context);
	}
	PG_END_TRY();
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, begin);
	step->took_us = (int64) INSTR_TIME_GET_MICROSEC(end);
}

/* Does a profile have a step? */
static bool
is_for(int n, const IceStorageProfile *profile, bool vends)
{
	if (trials[n].network && profile->kind == ICE_STORE_FILE)
		return false;
	if (trials[n].run == try_write_new)
		return profile->conditional_writes;
	if (trials[n].run == try_vended && profile->kind == ICE_STORE_ADLS)
		return false;
	return vends || (trials[n].run != try_vend && trials[n].run != try_vended);
}

int
ice_validate_profile_run(const IceStorageProfile *profile, bool vends,
						 IceProfileStep steps[ICE_VALIDATE_PROFILE_STEPS])
{
	Trial trial = {.profile = profile};
	bool  is_there;
	int   count = 1;

	trial.folder = psprintf("%s/%s", profile->root, ICE_MARK_FOLDER);
	trial.location = psprintf("%s/probe-%s", trial.folder, ice_uuid_v4_text());
	steps[0] = (IceProfileStep){.name = "open"};
	run_step(&steps[0], &trial, profile, NULL);
	is_there = trial.storage != NULL;
	for (int i = 0; i < (int) lengthof(trials); i++)
	{
		IceProfileStep *step = &steps[count];
		bool            of_vended = trials[i].run == try_vend || trials[i].run == try_vended;

		if (!is_for(i, profile, vends))
			continue;
		*step = (IceProfileStep){.name = trials[i].name};
		count++;
		/* Credentials are another way to the store. */
		if (trials[i].run == try_vended ? trial.vended.expires_at_ms > 0 : is_there || of_vended)
			run_step(step, &trial, profile, trials[i].run);
		/* Nothing can be read or deleted that was not written. */
		is_there = is_there && !(trials[i].run == try_write && step->error != NULL);
	}
	wipe(&trial.vended);
	return count;
}
