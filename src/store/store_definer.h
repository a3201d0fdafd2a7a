/*
 * store_definer.h
 *		Rows of icecat_data.view_definer: the roles that views work as.
 *
 * A view works as a role if a property of it names the role (which one, icecat.trust_engine()
 * says), and if the change of the view that brought it there was made by a caller with the rights
 * of that role. Each change is one: who changes the text of a view answers for what it does with
 * the rights that it lends.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_DEFINER_H
#define ICE_STORE_DEFINER_H

#include "store/store_view.h"

/* After a change of a view: the row follows its properties. Raises FORBIDDEN where the caller has
 * not the rights of the role that they name. */
extern void ice_definer_follow(const IceView *view);

/* The role that a view works as for the engine that calls; InvalidOid: as who calls. */
extern Oid ice_definer_of(const IceView *view);

#endif
