/*
 * case.h
 *		One case: a file of test/data, read, run and judged.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TEST_CASE_H
#define ICE_TEST_CASE_H

#include "json/json.h"
#include "spec/table_metadata.h"

/* Where base documents are found: test/data/base/NAME.json. */
extern const char *case_data_dir;

/* Fails the running case with a reason. Does not return. */
extern void case_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Reads a whole file; NULL if it is not there. */
extern char *case_read_file(const char *path, size_t *len);

/* A file as JSON; fails the case if it is none. */
extern IceJson *case_read_json(const char *path);

/* The value at a path such as /schemas/0/fields/2/id; /x/# is the number of entries of x, a
 * negative index counts from the end. NULL if there is nothing. */
extern IceJson *case_at(IceJson *value, const char *path);

/* Compares a document with {"path": value, ...}; null means absent or null. */
extern void case_expect_paths(IceJson *document, const IceJson *expected);

/* The document that a case is about: "metadata" (an object or the name of a base document) with the
 * members of "with" put in its place; NULL if "metadata" is null or missing. */
extern IceJson *case_document(const IceJson *file);

/* Where a document that the running case gave, of a "table" or "view", is left for other readers
 * (ICECAT_CASE_DOCUMENTS); NULL, or not named: nowhere. */
extern void case_leave_document(const char *kind, const IceJson *document);

/* -- judging ---------------------------------------------------------------------------------- */

#define CASE_UUID        "00000000-0000-4000-8000-000000000000"
#define CASE_NOW_MS      INT64CONST(1700000000000)
#define CASE_UPDATES_MAX 1000

/* What came out of a run: a document, or an error. */
typedef struct CaseOutcome
{
	IceJson     *document; /* NULL: an error, or nothing to show */
	bool         changed;
	bool         raised;
	IceErrorCode code;
	const char  *message;
	const char  *detail; /* where in the text; NULL: not known */
} CaseOutcome;

typedef void (*CaseAction)(const IceJson *file, CaseOutcome *outcome);

/* Runs an action with a trap of its own. */
extern CaseOutcome case_attempt(CaseAction action, const IceJson *file);

/* Fails the case unless the outcome is as expected; how names the run. */
extern void case_judge(const CaseOutcome *outcome, const IceJson *expected, const char *how);

/* Both, with the file's "expect". */
extern void case_judge_run(CaseAction action, const IceJson *file);

/* Every member of the document must come back equal, except for those named in changes. */
extern void case_expect_same_members(IceJson *document, IceJson *result, const IceJson *changes);

/* The file's "now-ms", or CASE_NOW_MS. */
extern int64 case_now(const IceJson *file);

/* -- kinds ------------------------------------------------------------------------------------ */

/* One function per folder of test/data. */
extern void case_json(const IceJson *file);
extern void case_metadata_valid(const IceJson *file);
extern void case_metadata_invalid(const IceJson *file);
extern void case_create(const IceJson *file);
extern void case_requirement(const IceJson *file);
extern void case_update(const IceJson *file);
extern void case_needs(const IceJson *file);
extern void case_successor(const IceJson *file);
extern void case_view(const IceJson *file);
extern void case_vend(const IceJson *file);

extern void case_budget(const IceJson *file);
extern void case_sigv4(const IceJson *file);
extern void case_shared_key(const IceJson *file);
extern void case_address(const IceJson *file);
extern void case_answer(const IceJson *file);
extern void case_xml(const IceJson *file);

/* Many updates in one commit; the file's name says of what. */
extern void case_scale(const char *name, const IceJson *file);

/* A document of another library: must be accepted and come back, or must be refused. */
extern void case_fixture(const char *path, bool valid);

#endif
