/*
 * chain.h
 *		By which views a table or view is loaded: the parameter "referenced-by".
 *
 * REST, loadTable and loadView: the views from the outermost to the one that refers to what is
 * loaded. Each is loaded by the rights that the one before it lends: those of the caller, and from
 * a view of a definer on those of its definer. Only engines that are trusted are believed; for
 * others the parameter means nothing, but is checked for its form.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_CHAIN_H
#define ICE_API_CHAIN_H

#include "api/args.h"

typedef struct IceChain
{
	const IceJson *views; /* [["a","b","view"], …], NULL: none, or not believed */
	const char    *lent;  /* the role whose rights count, where it is not the caller's; else NULL */
} IceChain;

/* Argument n, which may be missing: an array of arrays of strings. Raises BAD_REQUEST for another
 * form, a view that is named twice, or more than icecat.referenced_by_max of them. */
extern void ice_chain_arg(FunctionCallInfo fcinfo, int n, IceChain *out);

/* Goes along the views of a warehouse; from then on the caller is who lends its rights. name: what
 * is loaded then. Raises NO_SUCH_VIEW, FORBIDDEN. */
extern void ice_chain_follow(IceChain *chain, const pg_uuid_t *warehouse_id, const char *name);

#endif
