/*
 * chain.c
 *		By which views a table or view is loaded. See chain.h.
 *
 * The catalog does not parse SQL. Where a view lends rights, it looks whether the name of what is
 * loaded next stands in the view's text at all: a chain that an engine makes up by mistake is then
 * most likely refused. Which of the tables of that name is meant is the engine's word.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"

#include "api/chain.h"
#include "guc.h"
#include "json/json.h"
#include "spec/map.h"
#include "store/store_definer.h"
#include "store/store_restriction.h"
#include "store/store_view.h"

/* -- the parameter ----------------------------------------------------------------------------- */

static void
check_view(const IceJson *view)
{
	if (view->kind != ICE_JSON_ARRAY || view->count < 2)
		ice_json_raise(view, ICE_ERR_BAD_REQUEST,
					   "referenced-by: a view is named by its namespace and name");
	for (int i = 0; i < view->count; i++)
		if (ice_json_to_string(view->items[i], "referenced-by")[0] == '\0')
			ice_json_raise(view, ICE_ERR_BAD_REQUEST, "referenced-by: a name is empty");
}

void
ice_chain_arg(FunctionCallInfo fcinfo, int n, IceChain *out)
{
	IceJson *views = n < PG_NARGS() ? ice_arg_opt_json(fcinfo, n) : NULL;
	IceMap  *seen;

	*out = (IceChain){NULL, NULL};
	if (views == NULL || views->kind == ICE_JSON_NULL)
		return;
	if (views->kind != ICE_JSON_ARRAY)
		ice_json_raise(views, ICE_ERR_BAD_REQUEST, "referenced-by must be an array of views");
	if (views->count > ice_guc_referenced_by_max)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "referenced-by names %d views, more than the limit of %d "
				  "(icecat.referenced_by_max)",
				  views->count, ice_guc_referenced_by_max);
	seen = ice_map_make();
	for (int i = 0; i < views->count; i++)
	{
		char *text;

		check_view(views->items[i]);
		text = ice_json_text(views->items[i]);
		if (!ice_map_add(seen, text, strlen(text)))
			ice_raise(ICE_ERR_BAD_REQUEST, "referenced-by names a view twice: %s", text);
	}
	ice_map_free(seen);
	if (views->count > 0 && ice_restriction_trusts_engine())
		out->views = views;
}

/* -- what a view refers to --------------------------------------------------------------------- */

/* A text for comparison: no quotes, ASCII in lower case. */
static char *
plain(const char *text)
{
	char *out = palloc(strlen(text) + 1);
	char *end = out;

	for (; *text != '\0'; text++)
	{
		ice_step();
		if (strchr("\"'`[]\\", *text) == NULL)
			*end++ = (char) pg_ascii_tolower((unsigned char) *text);
	}
	*end = '\0';
	return out;
}

/* Does a text of the current version have the name in it? */
static bool
has_name(const IceView *view, const char *name)
{
	IcePart *version = ice_view_part_find(view->metadata, ICE_VIEW_PART_VERSION,
										  view->metadata->current_version_id);
	IceJson *texts = version ? ice_json_opt_array(ice_part_json(version), "representations") : NULL;
	char    *wanted = plain(name);

	for (int i = 0; texts != NULL && i < texts->count; i++)
	{
		const char *sql = ice_json_opt_string(texts->items[i], "sql");

		if (sql != NULL && *wanted != '\0' && strstr(plain(sql), wanted) != NULL)
			return true;
	}
	return false;
}

/* -- the way along the views ------------------------------------------------------------------- */

/* The name of a view of the chain; its namespace goes to path. */
static const char *
read_name(const IceJson *view, IceNamespacePath *path)
{
	IceJson *levels = ice_json_make_array();

	for (int i = 0; i < view->count - 1; i++)
		ice_json_append(levels, ice_json_copy(view->items[i]));
	ice_arg_namespace_of_json(levels, path);
	return view->items[view->count - 1]->string;
}

/* Loads one view by the rights that count so far, and takes those that it lends. */
static void
follow_view(IceChain *chain, const pg_uuid_t *warehouse_id, const IceJson *named, const char *next)
{
	IceNamespacePath path;
	const char      *name = read_name(named, &path);
	IceView          view;
	Oid              definer;

	ice_view_get(warehouse_id, &path, name, true, &view);
	ice_view_require(ICE_SELECT, &view, &path, name);
	definer = ice_definer_of(&view);
	if (OidIsValid(definer))
	{
		chain->lent = GetUserNameFromId(definer, true);
		if (chain->lent == NULL)
			ice_raise(ICE_ERR_FORBIDDEN, "Not allowed: view %s.%s works as a role that is gone",
					  path.dotted, name);
		ice_caller_as(definer);
	}
	if (chain->lent == NULL)
		return;
	ice_view_load(&view, true);
	if (!has_name(&view, next))
		ice_raise(ICE_ERR_FORBIDDEN, "Not allowed: view %s.%s does not refer to %s", path.dotted,
				  name, next);
}

void
ice_chain_follow(IceChain *chain, const pg_uuid_t *warehouse_id, const char *name)
{
	int count = chain->views != NULL ? chain->views->count : 0;

	for (int i = 0; i < count; i++)
	{
		const IceJson *next = i + 1 < count ? chain->views->items[i + 1] : NULL;

		follow_view(chain, warehouse_id, chain->views->items[i],
					next != NULL ? next->items[next->count - 1]->string : name);
	}
}
