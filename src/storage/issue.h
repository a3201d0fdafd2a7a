/*
 * issue.h
 *		Has credentials of a short life made by a store, narrowed to a table's places.
 *
 * S3: AssumeRole of its token service, with a session policy. GCS: the server's token, exchanged
 * for one with an access boundary. ADLS: a signature for the table's folder (issue_adls.h). It is
 * the only place that asks for credentials for others.
 *
 * A token service is waited for no longer than icecat.sts_timeout_ms, and interrupts are served
 * while it is. Call it while nothing is locked that others need.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ISSUE_H
#define ICE_ISSUE_H

#include "storage/profile.h"
#include "vend/client_keys.h"
#include "vend/sts.h"

typedef struct IceIssue
{
	const IceVendPlaces *places;
	IceVendAccess        access;
	const char          *principal;  /* of the session's name; NULL: not said */
	const char          *request_id; /* the same */
} IceIssue;

/* Why nothing can be had by a profile for some places; NULL: it can. Secrets are not needed. */
extern const char *ice_issue_problem(const IceStorageProfile *profile, const IceIssue *issue);

/* What is asked for, as a text: two requests that would get the same have the same. */
extern char *ice_issue_scope(const IceStorageProfile *profile, const IceIssue *issue);

/* Does it take a request over the network? */
extern bool ice_issue_asks(const IceStorageProfile *profile);

typedef enum IceIssueOutcome
{
	ICE_ISSUED,
	ICE_ISSUE_REFUSED, /* another time it will be the same */
	ICE_ISSUE_DOWN     /* no answer, or one that says so */
} IceIssueOutcome;

/* Sets out, or in *why what failed, for a message. */
extern IceIssueOutcome ice_issue(const IceStorageProfile *profile, const IceIssue *issue,
								 IceVended *out, char **why);

#endif
