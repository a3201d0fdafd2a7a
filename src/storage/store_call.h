/*
 * store_call.h
 *		Requests to an object store: sent again after a passing fault, up to a deadline.
 *
 * Sent again are requests that got no answer, and those that a store could not serve now (status
 * 408, 429, 5xx except 501, and what the kind of store says). The pauses double, with a random
 * part, so that many clients of a store that comes back do not all come at once. Refusals (403,
 * 404, 412) stand.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_CALL_H
#define ICE_STORE_CALL_H

#include "postgres.h"

#include "storage/net.h"
#include "storage/profile.h"

#define ICE_STORE_HEADERS_MAX 16

typedef struct IceStoreCall IceStoreCall;

/* What differs between kinds of stores. */
typedef struct IceStoreDialect
{
	/* Makes the request as it is sent now: URL, headers, signature. Called each time. */
	void (*prepare)(IceStoreCall *call);
	/* Is the answer one that may be another a moment later, beside those of its status? NULL:
	 * no. */
	bool (*is_transient)(const IceStoreCall *call);
	/* What an answer that is an error says: a code, and words. Palloc'd; NULL: nothing. */
	char *(*describe)(const IceStoreCall *call);
} IceStoreDialect;

struct IceStoreCall
{
	IceNetCall               net; /* first */
	const IceStoreDialect   *dialect;
	const IceStorageProfile *profile;
	const char              *action; /* could not ACTION LOCATION */
	const char              *location;
	/* Looks at an answer that stands. True: another request follows. NULL: none does. */
	bool (*answered)(IceStoreCall *call);
	void       *owner; /* of the one who made it */
	const char *error; /* there is no answer: why; NULL: net.status says more */
	int         tries; /* of the request at hand */
	int64       end_at;
	IceNetPair  headers[ICE_STORE_HEADERS_MAX];
};

/* Sets what all calls have. The profile's times begin when a request is first sent. */
extern void  ice_store_call_begin(IceStoreCall *call, const IceStoreDialect *dialect,
								  const IceStorageProfile *profile, const char *action,
								  const char *location);
extern void  ice_store_call_header(IceStoreCall *call, const char *name, const char *value);
/* Runs them all, as many at once as icecat.store_requests_max says. */
extern void  ice_store_call_run(IceStoreCall **calls, int count);
/* What is wrong with its end, in words: no answer, or one of an unexpected status. */
extern char *ice_store_call_complaint(const IceStoreCall *call);
/* Raises STORAGE with that. */
extern void  ice_store_call_raise(const IceStoreCall *call) __attribute__((noreturn));

/* In a PG_CATCH: the message of the error, if it is one of ours, which leave nothing to roll back.
 * Any other is raised again. The context becomes the current one. */
extern char *ice_store_call_caught(MemoryContext context);

/* Text of a store's for a message: what can be printed of it, and not too much. */
extern char *ice_store_call_quote(const char *text);

#endif
