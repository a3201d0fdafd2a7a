/*
 * successor.h
 *		A commit that comes as a whole document: whether it may follow the present one, and what it
 *		changes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SUCCESSOR_H
#define ICE_SUCCESSOR_H

#include "spec/table_metadata.h"
#include "spec/view_metadata.h"

/*
 * Checks that next, a document as read, is a later state of the table whose present metadata (every
 * list loaded) is given, and returns it as changes to that: the scalars of next, the lists of
 * present with what goes marked as removed and what comes added. A part whose value is the same
 * keeps its text. present and next are used up. Raises VALIDATION, or COMMIT_FAILED where the
 * document was made from an older state.
 */
extern IceTableMetadata *ice_successor_of_table(IceTableMetadata *present, IceTableMetadata *next);

/* The same of a view: its uuid, schemas and versions. */
extern IceViewMetadata *ice_view_successor_of_view(IceViewMetadata *present, IceViewMetadata *next);

#endif
