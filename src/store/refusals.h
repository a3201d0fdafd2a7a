/*
 * refusals.h
 *		Calls in SQL that are refused (403), on their way to the audit log.
 *
 * What a refused call writes is rolled back with it. So it leaves a note in shared memory, which
 * the worker takes and writes, a second later at most. Equal notes are one, which counts them.
 * There is little room, which is made at first use (more where the library is preloaded): what
 * finds none is counted, and a row of the log says how many. Refusals of a gateway's session are
 * not noted: the gateway does that, and knows more.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_REFUSALS_H
#define ICE_REFUSALS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define ICE_REFUSALS_TEXT_BYTES 128

/* Texts are cut; "" where there is none, or where it is not known. */
typedef struct IceRefusal
{
	char     sqlstate[8];
	int32    status;
	NameData role;
	NameData login;
	char     action[NAMEDATALEN];
	char     warehouse[ICE_REFUSALS_TEXT_BYTES];           /* as the role says it */
	char     namespace_array[2 * ICE_REFUSALS_TEXT_BYTES]; /* a text[]; never cut: left out */
	char     name[ICE_REFUSALS_TEXT_BYTES];
	char     principal[ICE_REFUSALS_TEXT_BYTES];
	char     request_id[ICE_REFUSALS_TEXT_BYTES];
	char     client_address[ICE_REFUSALS_TEXT_BYTES / 2];
} IceRefusal;

typedef struct IceRefusalNote
{
	IceRefusal  refusal;
	TimestampTz at;    /* of the first */
	uint32      count; /* how often */
} IceRefusalNote;

/* When notes of this database are to be taken: a second after the last time. DT_NOEND: there are
 * none. */
extern TimestampTz ice_refusals_due(void);

/* Takes the notes of this database: returns how many, in memory of the caller's. dropped: how many
 * refusals found no room. */
extern int ice_refusals_take(IceRefusalNote **out, uint32 *dropped);

/* Once, when the library is loaded. */
extern void ice_refusals_init(void);

#endif
