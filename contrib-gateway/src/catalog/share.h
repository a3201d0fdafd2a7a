/*
 * share.h
 *		Reads that ask the same, as the same, go to the database in one call.
 *
 * A read that comes while the same one is in the database waits until that is over, and so do all
 * that come until then; one of them asks, and its answer is that of all. So the call of an answer
 * begins after each of the requests that it is for has come: nobody sees less than by asking alone,
 * whatever was changed, and in whatever way. What is an error, or has to wait for a file, is no
 * answer for others: each asks alone then.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_SHARE_H
#define GW_SHARE_H

#include "catalog/request_data.h"

/* Those that an outcome is for, besides the request that asked. */
typedef struct GwShareTakers
{
	GwShareList list;
	GwOutcome   outcome;
	GwPgResult  result; /* a copy; is_error where there is none for others */
	GwText      value;
	char        etag[GW_ETAG_BYTES_MAX + 1];
	GwShareDone done;
} GwShareTakers;

/* Sends the call of a request, or lets it wait for one. As gw_dispatch_start(). */
extern void gw_share_start(GwRequest *request, GwShareDone done);

/* The call of a request is over. Takes those that its outcome is for, and lets the next one ask;
 * gw_share_give() is to follow when the outcome has been answered to the request itself. */
extern void gw_share_take(GwRequest *request, GwOutcome outcome, const GwPgResult *result,
						  GwShareTakers *out);
extern void gw_share_give(GwShareTakers *takers);

/* In state SHARE, the client is gone. */
extern void gw_share_cancel(GwRequest *request);

/* The request is over, perhaps before its call was. */
extern void gw_share_end(GwRequest *request);

/* Those that wait too long ask alone. */
extern void gw_share_tick(uint64_t now_us);

extern size_t gw_share_waiting(void);

#endif
