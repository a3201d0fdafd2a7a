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

/* One function per folder of test/data. */
extern void case_json(const IceJson *file);
extern void case_metadata_valid(const IceJson *file);
extern void case_metadata_invalid(const IceJson *file);
extern void case_create(const IceJson *file);
extern void case_requirement(const IceJson *file);
extern void case_update(const IceJson *file);
extern void case_needs(const IceJson *file);

/* A document of another library: must be accepted and come back, or must be refused. */
extern void case_fixture(const char *path, bool valid);

#endif
