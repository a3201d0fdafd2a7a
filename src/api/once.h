/*
 * once.h
 *		Idempotency keys: a change runs once, and a repeat of it shows what came of it.
 *
 * Every entry that changes something and takes a key begins, once its warehouse is known and before
 * it reads anything else, with
 *
 *		if (ice_once_run(&once, fcinfo, "operationId", &warehouse))
 *		{
 *			… the change …
 *			ice_once_done(&once, id of the object that the answer shows, text of the answer);
 *		}
 *
 * and then shows the object, or the text, of once: in a repeat these are the ones of the first run.
 * Without a key the first call costs one comparison and the others nothing.
 *
 * The key is the setting icecat.idempotency_key. With icecat.idempotency_error set as well, nothing
 * runs: the error is stored as the outcome of the key, unless it has one, and the entry returns
 * NULL (fcinfo->isnull is set already). Both belong to the transaction; the gateway sets them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_ONCE_H
#define ICE_API_ONCE_H

#include "api/args.h"
#include "store/store_idempotency.h"
#include "store/store_table.h"
#include "store/store_view.h"

typedef struct IceOnce
{
	bool           keyed;
	bool           recorded; /* an error was stored: there is nothing to show */
	IceIdempotency row;
} IceOnce;

/* Are keys offered? Where not, they are ignored. */
extern bool ice_once_offered(void);
/* True: make the change. False: it was made before, or an error was recorded. Raises the stored
 * error of a change that failed for good; IDEMPOTENCY_MISMATCH if the key was used with another
 * operation or other arguments; IDEMPOTENCY_IN_FLIGHT; BAD_REQUEST for a key that is no UUID of
 * version 7. */
extern bool ice_once_run(IceOnce *once, FunctionCallInfo fcinfo, const char *operation,
						 const IceWarehouse *warehouse);
/* Has the call's key an outcome already that is shown again, or is one recorded now? Without a key:
 * no. */
extern bool ice_once_is_known(const IceWarehouse *warehouse);
/* After the change. object_id and answer (JSON) may be NULL. */
extern void ice_once_done(IceOnce *once, const pg_uuid_t *object_id, const char *answer);
/* In a repeat: reads the table that the first run made or changed, as it is now or was when it was
 * dropped. Raises NO_SUCH_TABLE when nothing is left of it. */
extern void ice_once_table(const IceOnce *once, IceTable *out);
/* The same for a view, which is loaded. Raises NO_SUCH_VIEW. */
extern void ice_once_view(const IceOnce *once, IceView *out);
/* The same for a namespace. Raises NO_SUCH_NAMESPACE. */
extern void ice_once_namespace(const IceOnce *once, IceNamespacePath *path, IceNamespace *out);

#endif
