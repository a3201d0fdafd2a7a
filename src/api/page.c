/*
 * page.c
 *		Pages of a list; see page.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "api/page.h"
#include "api/ticket.h"
#include "guc.h"

static IceTicketUse
use_of(const IcePage *page)
{
	static const pg_uuid_t top = {{0}};
	const pg_uuid_t       *parent = page->parent_id != NULL ? page->parent_id : &top;

	return (IceTicketUse){page->warehouse_id, page->operation, parent->data, UUID_LEN};
}

/* The name that a token says to go on behind. */
static const char *
open_token(const IcePage *page, const char *token)
{
	IceTicketUse use = use_of(page);
	const char  *name = ice_ticket_open(&use, token);

	if (name != NULL)
		return name;
	ice_raise_full(
		ICE_ERR_BAD_REQUEST,
		"Invalid page token: it was not made for this list; begin again with an empty one", NULL,
		"A token is good for the operation, warehouse and namespace that it was returned for.");
}

static const char *
make_token(const IcePage *page, const char *name)
{
	IceTicketUse use = use_of(page);

	return ice_ticket_make(&use, name);
}

void
ice_page_arg(FunctionCallInfo fcinfo, int n, const char *operation, const pg_uuid_t *warehouse_id,
			 const pg_uuid_t *parent_id, IcePage *out)
{
	/* The SQL functions of 0.1.0 have no such arguments. */
	bool        given = PG_NARGS() > n + 1;
	const char *token = given ? ice_arg_opt_text(fcinfo, n) : NULL;
	int         size = ice_guc_page_size_default;

	*out = (IcePage){.operation = operation, .warehouse_id = warehouse_id, .parent_id = parent_id};
	if (given && !PG_ARGISNULL(n + 1))
	{
		size = PG_GETARG_INT32(n + 1);
		if (size < 1)
			ice_raise(ICE_ERR_BAD_REQUEST, "Invalid page size: %d (expected 1 or more)", size);
	}
	if (token == NULL)
		return;
	out->size = Min(size, ice_guc_page_size_max);
	out->range.limit = out->size + 1;
	if (*token != '\0')
		out->range.after = open_token(out, token);
}

int
ice_page_count(const IcePage *page, const IceNames *names)
{
	return page->size == 0 ? names->count : Min(page->size, names->count);
}

void
ice_page_end(IceJsonWriter *writer, const IcePage *page, const IceNames *names)
{
	int count = ice_page_count(page, names);

	ice_json_write_key(writer, "next-page-token");
	if (count < names->count)
		ice_json_write_string(writer, make_token(page, names->items[count - 1]));
	else
		ice_json_write_null(writer);
}

void
ice_page_write_identifiers(StringInfo out, const IceNamespacePath *path, const IcePage *page,
						   const IceNames *names)
{
	StringInfoData levels;
	IceJsonWriter  w;

	initStringInfo(&levels);
	ice_json_write_init(&w, &levels);
	ice_json_write_begin_array(&w);
	for (int i = 0; i < path->depth; i++)
		ice_json_write_string(&w, path->levels[i]);
	ice_json_write_end_array(&w);

	ice_json_write_init(&w, out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "identifiers");
	ice_json_write_begin_array(&w);
	for (int i = 0; i < ice_page_count(page, names); i++)
	{
		ice_json_write_begin_object(&w);
		ice_json_write_key(&w, "namespace");
		ice_json_write_raw(&w, levels.data, levels.len);
		ice_json_write_key(&w, "name");
		ice_json_write_string(&w, names->items[i]);
		ice_json_write_end_object(&w);
	}
	ice_json_write_end_array(&w);
	ice_page_end(&w, page, names);
	ice_json_write_end_object(&w);
}
