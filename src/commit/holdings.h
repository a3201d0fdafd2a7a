/*
 * holdings.h
 *		Notes what a table or view holds on storage (icecat_data.location), so that nobody else's
 *		purge deletes it.
 *
 * Called in the transaction of the change, before it commits. Appends pay some comparisons: rows
 * are written only where folders change, or a file outside of them is named.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_HOLDINGS_H
#define ICE_HOLDINGS_H

#include "store/store_table.h"
#include "store/store_view.h"

/* The properties that name folders of a table; a view has the first alone. */
#define ICE_FOLDER_PROPERTIES 4
extern const char *const ice_folder_properties[ICE_FOLDER_PROPERTIES];

/* What is about to be taken over exists already: shares the lock of its folder (store_file_lock.h)
 * until the transaction ends, so that nothing is deleted between a look at who holds it and the
 * commit. Raises NO_SUCH_FILE for the file of a table whose purge is queued, and FORBIDDEN_LOCATION
 * for one that is not in the tenant's part of the storage. */
extern void ice_holdings_of_existing(const pg_uuid_t *warehouse_id, const char *metadata_location);

/* A new table: its folders, and what it names outside of them. */
extern void ice_holdings_of_table(const IceTable *table);
/* A table that took over a document, as a new one or instead of its own. */
extern void ice_holdings_of_registered(const IceTable *table);
/* Has its warehouse asked that a purge deletes the table's files, if it was registered? */
#define ICE_PURGE_REGISTERED_PROPERTY "icecat.purge-registered"
extern bool  ice_holdings_may_purge(const IceWarehouse *warehouse, const IceTable *table);
/* What decides the folders of a table, and what a commit has changed since. */
extern char *ice_holdings_key(const IceTableMetadata *metadata);
extern void  ice_holdings_change(const IceTable *table, const char *key_before);
/* A view that is new or changed. */
extern void  ice_holdings_of_view(const IceView *view);

#endif
