/*
 * store_label.h
 *		Rows of icecat_data.label: names and values that the catalog keeps of namespaces, tables,
 *		views and their columns.
 *
 * As long as there is no label in the whole catalog, a load pays a comparison.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_LABEL_H
#define ICE_STORE_LABEL_H

#include "lib/stringinfo.h"

#include "store/spi.h"

#define ICE_LABEL_OBJECT (-1) /* instead of a field id: the object itself */

typedef struct IceLabelled
{
	pg_uuid_t   warehouse_id;
	pg_uuid_t   object_id;
	int32       field_id;
	const char *object_kind; /* namespace, table or view */
} IceLabelled;

/* False: the label had that value, or there was none, before. */
extern bool  ice_label_put(const IceLabelled *of, const char *name, const char *value);
extern bool  ice_label_delete(const IceLabelled *of, const char *name);
/* How many labels an object and its columns have. */
extern int64 ice_labels_count(const IceLabelled *of);

/* Is there no label at all? */
extern bool ice_labels_none(void);

/* Appends what load answers show: {"object-labels":{…},"fields":[{"field-id":3,"labels":{…}}]}.
 * False, and nothing is appended, if the object has none. */
extern bool ice_labels_write(StringInfo out, const pg_uuid_t *warehouse_id,
							 const pg_uuid_t *object_id);

/* Deletes those of an object that is gone. */
extern void ice_labels_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);

#endif
