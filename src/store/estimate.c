/*
 * estimate.c
 *		What the planner knows of rows is kept from operators of users. See estimate.h.
 *
 * To estimate a condition, the planner may call its operator with the most common values of a
 * column and with the bounds of its histogram. PostgreSQL asks whether the owner of the view may
 * read the table, and not whether the view hides rows from its reader: security_barrier helps, and
 * keeps joins from finding rows by key. So for a role that may not read the table itself, the
 * statistics of tables in icecat_data are those that it may not read: only operators that leak
 * nothing (LEAKPROOF) are called with them, and others get the estimates of a table that was never
 * analyzed.
 *
 * The library must be loaded before the first estimate. The views call an immutable function of it
 * (icecat._guards_estimates()), which the planner runs before.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_statistic.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include "store/estimate.h"

static get_relation_stats_hook_type next_of_relation = NULL;
static get_index_stats_hook_type    next_of_index = NULL;

/* A table of icecat's, which the role itself may not read? */
static bool
is_guarded(Oid table)
{
	Oid schema = get_rel_namespace(table);

	return OidIsValid(schema) && schema == get_namespace_oid("icecat_data", true) &&
		   pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK;
}

/* The row of pg_statistic, for operators that leak nothing. */
static void
read_guarded(Oid relation, AttrNumber column, bool inherits, VariableStatData *out)
{
	out->statsTuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation),
									  Int16GetDatum(column), BoolGetDatum(inherits));
	out->freefunc = ReleaseSysCache;
	out->acl_ok = false;
}

static bool
of_relation(PlannerInfo *root, RangeTblEntry *rte, AttrNumber column, VariableStatData *out)
{
	bool taken = next_of_relation != NULL && next_of_relation(root, rte, column, out);

	if (rte->rtekind != RTE_RELATION || !is_guarded(rte->relid))
		return taken;
	if (taken)
		out->acl_ok = false;
	else
		read_guarded(rte->relid, column, rte->inh, out);
	return true;
}

static bool
of_index(PlannerInfo *root, Oid index, AttrNumber column, VariableStatData *out)
{
	bool taken = next_of_index != NULL && next_of_index(root, index, column, out);

	if (!is_guarded(IndexGetRelation(index, true)))
		return taken;
	if (taken)
		out->acl_ok = false;
	else
		read_guarded(index, column, false, out);
	return true;
}

void
ice_estimate_init(void)
{
	next_of_relation = get_relation_stats_hook;
	get_relation_stats_hook = of_relation;
	next_of_index = get_index_stats_hook;
	get_index_stats_hook = of_index;
}
