/*
 * staged.c
 *		Tickets of staged tables. See staged.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"

#include "api/staged.h"
#include "api/ticket.h"
#include "commit/holdings.h"
#include "commit/now.h"
#include "commit/place.h"
#include "guc.h"
#include "json/json.h"
#include "spec/part.h"
#include "store/caller.h"
#include "store/store_namespace.h"

/* The way to the table: each name with its zero byte, which no name has. */
static IceTicketUse
use_of(const IceStagedWay *way)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < way->path->depth; i++)
		appendBinaryStringInfo(&names, way->path->levels[i], strlen(way->path->levels[i]) + 1);
	appendBinaryStringInfo(&names, way->name, strlen(way->name) + 1);
	return (IceTicketUse){&way->warehouse->id, "staged", (uint8 *) names.data, (size_t) names.len};
}

static const char *
role_name(void)
{
	return GetUserNameFromId(ice_caller().role, false);
}

/* {"until-ms", "role", "uuid", "location", "folders": those of its properties} */
char *
ice_staged_ticket(const IceStagedWay *way, const IceTable *table)
{
	IceTicketUse use = use_of(way);
	IceJson     *said = ice_json_make_object();
	IceJson     *folders = ice_json_make_object();

	for (int i = 0; i < ICE_FOLDER_PROPERTIES; i++)
	{
		const char *folder = ice_table_property(table->metadata, ice_folder_properties[i]);

		if (folder != NULL)
			ice_json_set(folders, ice_folder_properties[i], ice_json_make_string(folder));
	}
	ice_json_set(said, "until-ms",
				 ice_json_make_int(ice_now_ms() + (int64) ice_guc_vended_lifetime_s * 1000));
	ice_json_set(said, "role", ice_json_make_string(role_name()));
	ice_json_set(said, "uuid", ice_json_make_string(table->metadata->table_uuid));
	ice_json_set(said, "location", ice_json_make_string(table->metadata->location));
	ice_json_set(said, "folders", folders);
	return ice_ticket_make(&use, ice_json_text(said));
}

/* As much of a table as a ticket says. */
static void
make_table(const IceStagedWay *way, const IceJson *said, IceTable *out)
{
	IceTableMetadata *metadata = ice_table_metadata_empty(2, ice_json_string(said, "uuid"));

	metadata->location = ice_json_string(said, "location");
	metadata->lists[ICE_PART_PROPERTIES] = (IcePartList){.loaded = true};
	(void) ice_table_part_add(metadata, ICE_PART_PROPERTIES, 0, NULL,
							  ice_json_object(said, "folders"));
	*out = (IceTable){.warehouse_id = way->warehouse->id, .metadata = metadata};
}

bool
ice_staged_find(const IceStagedWay *way, const char *ticket, IceTable *out)
{
	IceTicketUse use = use_of(way);
	const char  *text = ice_ticket_open(&use, ticket);
	IceJson     *said;
	IceTable     there;
	IceNamespace space;

	if (text == NULL)
		return false;
	said = ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_STORED);
	if (ice_json_int64(said, "until-ms") < ice_now_ms() ||
		strcmp(ice_json_string(said, "role"), role_name()) != 0)
		return false;
	make_table(way, said, out);
	if (ice_table_find(&way->warehouse->id, way->path, way->name, true, &there) &&
		strcmp(there.metadata->location, out->metadata->location) == 0)
		return false;
	ice_namespace_get(&way->warehouse->id, way->path, ICE_LOCK_NONE, true, &space);
	ice_namespace_require(ICE_CREATE, &way->warehouse->id, &space, way->path);
	out->namespace_id = space.id;
	ice_place_check_table(way->warehouse, out,
						  ice_place_choice(out->metadata->location, out->metadata->table_uuid));
	return true;
}
