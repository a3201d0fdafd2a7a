/*
 * validate_profile.c
 *		Tries a storage profile, step by step: writes, reads, lists and deletes a small object.
 *
 * The object lies in the folder of marks, in which nothing of a table is. What the store says goes
 * to the caller, who manages the profile; no error of the back ends holds a secret.
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
#include "storage/storage.h"
#include "store/uuid.h"

#define PROBE_TEXT "icecat tries this store: the object is deleted in a moment\n"
#define OTHER_TEXT "this text must not be written\n"
#define FILES_MAX  1000

typedef struct Trial
{
	const IceStorage *storage;
	const char       *folder;
	const char       *location;
} Trial;

static void
fail(const char *error)
{
	ice_raise(ICE_ERR_STORAGE, "%s", error);
}

static void
try_write(const Trial *trial)
{
	trial->storage->write_atomic(trial->storage, trial->location, PROBE_TEXT, strlen(PROBE_TEXT));
}

static void
try_write_new(const Trial *trial)
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
try_read(const Trial *trial)
{
	StringInfoData text;

	initStringInfo(&text);
	trial->storage->read(trial->storage, trial->location, 2 * strlen(PROBE_TEXT), &text);
	expect_bytes(&text, PROBE_TEXT, strlen(PROBE_TEXT));
}

static void
try_read_range(const Trial *trial)
{
	StringInfoData text;
	uint64         size;

	initStringInfo(&text);
	trial->storage->read_range(trial->storage, trial->location, 7, 5, &text, &size);
	expect_bytes(&text, &PROBE_TEXT[7], 5);
}

static void
try_list(const Trial *trial)
{
	IceStoragePage page = {.files_max = FILES_MAX};
	ListCell      *cell;

	do
	{
		trial->storage->list(trial->storage, trial->folder, &page);
		foreach (cell, page.files)
			if (strcmp(((IceStorageEntry *) lfirst(cell))->location, trial->location) == 0)
				return;
	} while (page.next != NULL);
	fail("the object is not in the store's list");
}

static void
try_delete(const Trial *trial)
{
	(void) trial->storage->remove(trial->storage, trial->location);
}

static void
try_absence(const Trial *trial)
{
	if (trial->storage->exists(trial->storage, trial->location))
		fail("the object is still there after it was deleted");
}

/* The steps after the first, which opens the store; those of network stores alone are marked. */
static const struct
{
	const char *name;
	bool        network;
	void (*run)(const Trial *trial);
} trials[] = {
	{"write", false, try_write},  {"not-overwrite", true, try_write_new},
	{"read", false, try_read},    {"read-range", true, try_read_range},
	{"list", true, try_list},     {"delete", false, try_delete},
	{"look", false, try_absence},
};
StaticAssertDecl(lengthof(trials) + 1 == ICE_VALIDATE_PROFILE_STEPS, "a step for each trial");

/* Runs a trial, or opens the store where there is none; notes what becomes of it. */
static void
run_step(IceProfileStep *step, Trial *trial, const IceStorageProfile *profile,
		 void (*run)(const Trial *trial))
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

int
ice_validate_profile_run(const IceStorageProfile *profile,
						 IceProfileStep           steps[ICE_VALIDATE_PROFILE_STEPS])
{
	Trial trial = {.storage = NULL};
	bool  is_there;
	int   count = 1;

	trial.folder = psprintf("%s/%s", profile->root, ICE_MARK_FOLDER);
	trial.location = psprintf("%s/probe-%s", trial.folder, ice_uuid_v4_text());
	steps[0] = (IceProfileStep){.name = "open"};
	run_step(&steps[0], &trial, profile, NULL);
	is_there = trial.storage != NULL;
	for (size_t i = 0; i < lengthof(trials); i++)
	{
		IceProfileStep *step = &steps[count];

		if ((trials[i].network && profile->kind == ICE_STORE_FILE) ||
			(trials[i].run == try_write_new && !profile->conditional_writes))
			continue;
		*step = (IceProfileStep){.name = trials[i].name};
		count++;
		if (is_there)
			run_step(step, &trial, profile, trials[i].run);
		/* Nothing can be read or deleted that was not written. */
		is_there = is_there && !(trials[i].run == try_write && step->error != NULL);
	}
	return count;
}
