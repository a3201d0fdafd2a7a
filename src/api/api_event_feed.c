/*
 * api_event_feed.c
 *		SQL entries by which gateways follow events: a stream is opened by its client's role, and
 *		then fed, with all others of its warehouse, by one question for all.
 *
 * The question names the roles of the clients. For each event it is told which of them may see it
 * now: so what is granted and taken counts from the next question on.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "api/args.h"
#include "api/event_json.h"
#include "errors.h"
#include "pg_compat.h"
#include "spec/case_fold.h"
#include "store/case_mode.h"
#include "store/store_event.h"
#include "store/uuid.h"

#define FEED_LIMIT_MAX 10000
#define FEED_BYTES_MAX 1048576 /* an answer ends with the event that goes over it */
#define FEED_ROLES_MAX 10000

PG_FUNCTION_INFO_V1(sql_ice_open_event_stream);
PG_FUNCTION_INFO_V1(sql_ice_event_feed);

/* -- opening ----------------------------------------------------------------------------------- */

/* A list of words that are separated by commas; known: NULL, or each must be one of them. */
static const char *
words_arg(FunctionCallInfo fcinfo, int n, const char *name, const char *known)
{
	const char *list = ice_arg_opt_text(fcinfo, n);
	char       *rest;
	char       *word;

	if (list == NULL)
		return "";
	rest = pstrdup(list);
	while ((word = strsep(&rest, ",")) != NULL)
		if (*word == '\0' || strspn(word, "abcdefghijklmnopqrstuvwxyz-") != strlen(word) ||
			(known != NULL && strstr(known, psprintf(" %s ", word)) == NULL))
			ice_raise(ICE_ERR_BAD_REQUEST, "Invalid %s: %s", name, list);
	return list;
}

/* After which number a stream begins. */
static int64
begin_after(FunctionCallInfo fcinfo, const pg_uuid_t *warehouse_id)
{
	bool  resumes = !PG_ARGISNULL(2);
	int64 oldest;
	int64 last;
	int64 after;

	ice_events_range(warehouse_id, &oldest, &last);
	if (!resumes && PG_ARGISNULL(1))
		return last;
	after = resumes ? PG_GETARG_INT64(2) : Max(PG_GETARG_INT64(1) - 1, 0);
	if (after > last && !(resumes && RecoveryInProgress())) /* a standby may be behind */
		ice_raise(ICE_ERR_BAD_REQUEST, "%s: the last event is number " INT64_FORMAT,
				  resumes ? "Last-Event-ID" : "from", last);
	ice_events_require(warehouse_id, after);
	return after;
}

/* Ids of the objects that a uuid is of: by the id in this catalog, or by that in the metadata. */
static void
put_ids(StringInfo out, const pg_uuid_t *warehouse_id, const char *uuid)
{
	const char *canonical;
	uint64      count;

	if (uuid == NULL)
		return;
	canonical = DatumGetCString(
		DirectFunctionCall1(uuid_out, DirectFunctionCall1(uuid_in, CStringGetDatum(uuid))));
	appendStringInfoString(out, canonical);
	count = ice_event_tables_of_uuid(warehouse_id, uuid, canonical);
	for (uint64 i = 0; i < count; i++)
	{
		pg_uuid_t id = ice_spi_field_uuid(i, 1);

		appendStringInfo(out, " %s", ice_uuid_text(&id));
	}
}

/* Levels as a JSON array, and a name as a JSON string: by their keys, where case does not
 * matter. */
static void
put_levels(StringInfo out, Datum levels, bool folds)
{
	Datum *elements;
	int    count;

	deconstruct_array(DatumGetArrayTypeP(levels), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  &count);
	appendStringInfoChar(out, '[');
	for (int i = 0; i < count; i++)
	{
		const char *level = TextDatumGetCString(elements[i]);

		if (i > 0)
			appendStringInfoChar(out, ',');
		ice_json_escape(out, folds ? ice_case_fold(level) : level);
	}
	appendStringInfoChar(out, ']');
}

static void
put_name(StringInfo out, const char *name, bool folds)
{
	if (name != NULL)
		ice_json_escape(out, folds ? ice_case_fold(name) : name);
}

/* The fields that the gateway compares, in the spelling of the feed. */
static void
put_filter(StringInfo out, FunctionCallInfo fcinfo, const pg_uuid_t *warehouse_id)
{
	const char *name = ice_arg_opt_text(fcinfo, 6);
	const char *uuid = ice_arg_opt_text(fcinfo, 7);
	bool        folds = ice_case_mode_folds_of(warehouse_id);

	appendStringInfo(out, "\t%s\t%s\t",
					 words_arg(fcinfo, 4, "kind", " warehouse namespace table view "),
					 words_arg(fcinfo, 5, "type", NULL));
	if (!PG_ARGISNULL(3))
	{
		IceNamespacePath path;

		ice_arg_namespace(fcinfo, 3, &path);
		put_levels(out, path.array, folds);
		out->data[--out->len] = '\0'; /* without the bracket, what is below begins alike */
	}
	else if (name != NULL)
		ice_raise(ICE_ERR_BAD_REQUEST, "table needs its namespace");
	appendStringInfoChar(out, '\t');
	put_name(out, name, folds);
	appendStringInfoChar(out, '\t');
	put_ids(out, warehouse_id, uuid);
}

Datum
sql_ice_open_event_stream(PG_FUNCTION_ARGS)
{
	MemoryContext  caller = ice_caller_begin(fcinfo);
	StringInfoData out;
	IceWarehouse   warehouse;
	Datum          result;

	if (!PG_ARGISNULL(0))
		ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	else if (ice_warehouse_first(&warehouse) != 1)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "The parameter warehouse is missing: each warehouse numbers its own events");
	initStringInfo(&out);
	appendStringInfo(&out, "%s\t" INT64_FORMAT, ice_uuid_text(&warehouse.id),
					 begin_after(fcinfo, &warehouse.id));
	put_filter(&out, fcinfo, &warehouse.id);
	result = ice_arg_result_text(caller, out.data);
	ice_caller_end();
	PG_RETURN_DATUM(result);
}

/* -- feeding ----------------------------------------------------------------------------------- */

typedef struct Feed
{
	IceEventSource source;
	bool           folds;
	IceEventRow   *rows;
	const char   **principals;
	int            row_count;
	Oid           *roles; /* InvalidOid: there is none, or the gateway may not become it */
	int            role_count;
	char          *sights; /* of row r and role i: r * role_count + i */
} Feed;

/* May the session work as a role? As SET ROLE decides. */
static bool
may_become(Oid role)
{
	return role == ice_caller().role || ice_compat_may_set_role(GetSessionUserId(), role);
}

/* "" is the caller. */
static void
take_roles(Feed *feed, ArrayType *names)
{
	Datum *elements;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &feed->role_count);
	if (feed->role_count > FEED_ROLES_MAX)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "p_roles has more than %d roles", FEED_ROLES_MAX);
	feed->roles = palloc(sizeof(Oid) * Max(feed->role_count, 1));
	for (int i = 0; i < feed->role_count; i++)
	{
		const char *name = TextDatumGetCString(elements[i]);
		Oid         role = *name == '\0' ? ice_caller().role : get_role_oid(name, true);

		feed->roles[i] = OidIsValid(role) && may_become(role) ? role : InvalidOid;
	}
}

static void
take_rows(Feed *feed, int64 after, int32 limit)
{
	feed->row_count = (int) ice_events_read_short(feed->source.warehouse_id, after, limit);
	feed->rows = palloc(sizeof(IceEventRow) * Max(feed->row_count, 1));
	feed->principals = palloc(sizeof(char *) * Max(feed->row_count, 1));
	for (int i = 0; i < feed->row_count; i++)
	{
		ice_event_row_take((uint64) i, &feed->rows[i]);
		feed->principals[i] = ice_spi_field_text((uint64) i, ICE_EVENT_COLUMNS + 1);
	}
}

/* What each role may see of each event: 0 nothing, 1 seen, 2 where it was. */
static void
look(Feed *feed)
{
	IceEventEyes *eyes = ice_event_sight_begin(feed->source.warehouse_id);
	IceResult     rows = ice_spi_result();
	Oid           caller = ice_caller().role;

	feed->sights = palloc0(Max(feed->row_count * feed->role_count, 1));
	for (int r = 0; r < feed->role_count; r++)
	{
		bool all;

		if (!OidIsValid(feed->roles[r]))
			continue;
		ice_caller_become(feed->roles[r]);
		all = ice_event_sight_is_whole(feed->source.warehouse_id);
		ice_spi_result_back(rows);
		for (int i = 0; i < feed->row_count; i++)
		{
			IceEventSight sight = all ? ICE_EVENT_SEEN : ice_event_row_sight(eyes, &feed->rows[i]);

			CHECK_FOR_INTERRUPTS();
			feed->sights[i * feed->role_count + r] = sight == ICE_EVENT_SEEN         ? 1
													 : sight == ICE_EVENT_MOVED_AWAY ? 2
																					 : 0;
		}
	}
	ice_caller_become(caller);
}

/* Which roles have this sight of an event: a digit each; false: none has. */
static bool
put_mask(StringInfo out, const Feed *feed, int i, char sight)
{
	bool any = false;

	for (int r = 0; r < feed->role_count; r++)
	{
		bool has = feed->sights[i * feed->role_count + r] == sight;

		appendStringInfoChar(out, has ? '1' : '0');
		any = any || has;
	}
	return any;
}

static void
put_place(StringInfo out, Datum levels, const char *name, bool folds)
{
	appendStringInfoChar(out, '\t');
	if (levels != (Datum) 0)
		put_levels(out, levels, folds);
	appendStringInfoChar(out, '\t');
	put_name(out, name, folds);
}

/* One line: number, mask, kind, type, object, its place, the place before a rename, the
 * document. */
static void
put_line(StringInfo out, Feed *feed, int i, char sight)
{
	IceEventRow row = feed->rows[i];
	bool        away = sight == 2;
	int         begin = out->len;
	const char *type = TextDatumGetCString(row.values[ICE_EVENT_TYPE]);

	appendStringInfo(out, INT64_FORMAT "\t", DatumGetInt64(row.values[ICE_EVENT_NUMBER]));
	if (!put_mask(out, feed, i, sight))
	{
		out->len = begin;
		out->data[begin] = '\0';
		return;
	}
	if (away)
		ice_event_row_move_away(&row);
	appendStringInfo(out, "\t%s\t%s\t%s", TextDatumGetCString(row.values[ICE_EVENT_KIND]), type,
					 ice_uuid_text(DatumGetUUIDP(row.values[ICE_EVENT_OBJECT])));
	put_place(out, row.nulls[ICE_EVENT_LEVELS] ? (Datum) 0 : row.values[ICE_EVENT_LEVELS],
			  row.nulls[ICE_EVENT_NAME] ? NULL : TextDatumGetCString(row.values[ICE_EVENT_NAME]),
			  feed->folds);
	put_place(out, away ? (Datum) 0 : row.source, away ? NULL : row.source_name, feed->folds);
	appendStringInfoChar(out, '\t');
	feed->source.principal = feed->principals[i];
	feed->source.snapshot = NULL;
	if (!away && (strcmp(type, "commit-table") == 0 || strcmp(type, "create-table") == 0))
		feed->source.snapshot = ice_event_snapshot(feed->source.warehouse_id,
												   DatumGetUUIDP(row.values[ICE_EVENT_OBJECT]),
												   DatumGetInt64(row.values[ICE_EVENT_VERSION]));
	ice_event_json(out, &row, &feed->source);
	appendStringInfoChar(out, '\n');
}

/* First a line: up to which number this looked, the last one, the oldest one, and for each role
 * whether it is there. */
static char *
tell(Feed *feed, int64 after)
{
	StringInfoData head;
	StringInfoData lines;
	int64          oldest;
	int64          last;
	int            done = 0;

	initStringInfo(&lines);
	while (done < feed->row_count && lines.len < FEED_BYTES_MAX)
	{
		CHECK_FOR_INTERRUPTS();
		after = DatumGetInt64(feed->rows[done].values[ICE_EVENT_NUMBER]);
		(void) ice_spi_begin(); /* what is read for a line goes with it */
		put_line(&lines, feed, done, 1);
		put_line(&lines, feed, done, 2);
		ice_spi_end();
		done++;
	}
	ice_events_range(feed->source.warehouse_id, &oldest, &last);
	initStringInfo(&head);
	appendStringInfo(&head, INT64_FORMAT "\t" INT64_FORMAT "\t" INT64_FORMAT "\t", after, last,
					 oldest > 0 ? oldest : last + 1);
	for (int r = 0; r < feed->role_count; r++)
		appendStringInfoChar(&head, OidIsValid(feed->roles[r]) ? '1' : '0');
	appendStringInfoChar(&head, '\n');
	appendBinaryStringInfo(&head, lines.data, lines.len);
	return head.data;
}

/* NULL: the warehouse is gone. */
Datum
sql_ice_event_feed(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	int64         after = PG_GETARG_INT64(1);
	int32         limit = PG_GETARG_INT32(2);
	Feed          feed = {.source = {.warehouse_id = PG_GETARG_UUID_P(0)}};
	Datum         result = (Datum) 0;

	if (after < 0 || limit < 1 || limit > FEED_LIMIT_MAX)
		ice_raise(ICE_ERR_BAD_REQUEST, "p_after must not be negative, p_limit from 1 to %d",
				  FEED_LIMIT_MAX);
	feed.source.warehouse = ice_event_warehouse(feed.source.warehouse_id);
	if (feed.source.warehouse != NULL)
	{
		feed.folds = ice_case_mode_folds_of(feed.source.warehouse_id);
		ice_event_rows_number(feed.source.warehouse_id);
		take_roles(&feed, PG_GETARG_ARRAYTYPE_P(3));
		take_rows(&feed, after, limit);
		look(&feed);
		result = ice_arg_result_text(caller, tell(&feed, after));
	}
	ice_caller_end();
	if (result == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}
