/*
 * retry.h
 *		Calls that are sent again: with spaces for '+', and with an Idempotency-Key.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_RETRY_H
#define GW_RETRY_H

#include "catalog/request_data.h"

/*
 * Some clients encode a space in a path as '+'. A '+' is first taken as it stands; when the
 * database then knows no such name, which has changed nothing, it is asked once more with spaces.
 * %2B always means itself. The same where the name belongs to a key's other request: that may be
 * this one, with spaces. True: the names are read so now.
 */
extern bool gw_retry_reads_spaces(GwRequest *request, const GwPgResult *result);

/* Would the call have had to wait for a token service? Then nothing was done, and it is to be sent
 * again, where it may wait. */
extern bool gw_retry_has_to_wait(GwRequest *request, const GwPgResult *result);

/* May a call with a key be sent again? It was lost, or, after a loss, it met something that passes:
 * another run of it may still be under way then, and nothing but the outcome stored under the key
 * says what became of it. */
extern bool gw_retry_wants(const GwRequest *request, GwOutcome outcome, const GwPgResult *result);

/* Sends the call again after a pause that grows; false when the time is over. */
extern bool gw_retry_later(GwRequest *request);
extern void gw_retry_cancel(GwRequest *request);

/* Is it the last word on a request with a key, so that a repeat is to get it as well? */
extern bool gw_retry_is_final(const GwRequest *request, const GwPgResult *result);

/*
 * The transaction that failed took the row of its key with it: sends the same call again, now only
 * to store the error, which is taken over. False when that cannot be.
 */
extern bool gw_retry_store(GwRequest *request, GwPgResult *result,
						   void (*done)(GwCall *call, GwOutcome outcome, GwPgResult *result));

/* That call is over: hands out the error, which the caller then owns. True: it is stored under the
 * key. */
extern bool gw_retry_stored(GwRequest *request, GwOutcome outcome, const GwPgResult *result,
							GwPgResult *error);

/* Frees what is kept for storing. */
extern void gw_retry_forget(GwRequest *request);

/* Sends what is due. */
extern void gw_retry_tick(uint64_t now_us);

#endif
