/*
 * spi_plan.c
 *		Kept plans of statements. See spi_plan.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "pg_compat.h"
#include "store/spi_plan.h"
#include "store/spi_sandbox.h"

/*
 * How long a plan is kept. While a table of few rows grows by thousands, nothing else makes
 * PostgreSQL plan again, and its statistics come late.
 */
#define PLAN_USES_MAX   1000
#define PLAN_AGE_MAX_MS 10000

/*
 * What statements are planned with. All are look-ups by key: reading an index from end to end is
 * never right, and by statistics from when the catalog was tiny it looks as cheap as the look-up.
 * So an index entry is priced as dear.
 */
static const char *const planning[][2] = {
	{"enable_seqscan", "off"},
	{"enable_bitmapscan", "off"},
	{"cpu_index_tuple_cost", "10"},
	{"jit", "off"},
};

static IceKeptPlan *old_plans = NULL;

void
ice_spi_plans_free_old(void)
{
	while (old_plans != NULL)
	{
		IceKeptPlan *old = old_plans;

		old_plans = old->next_old;
		if (old->spi != NULL)
			SPI_freeplan(old->spi);
		if (old->context != NULL)
			MemoryContextDelete(old->context);
		pfree(old);
	}
}

/* Prepares a statement again. */
static void
prepare(IceStatement *statement, int options)
{
	IceKeptPlan *kept;
	SPIPlanPtr   plan = SPI_prepare_cursor(statement->sql, statement->nargs, statement->argtypes,
										   options);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	kept = MemoryContextAllocZero(TopMemoryContext, sizeof(IceKeptPlan));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_keepplan failed");
	if (statement->plan != NULL)
	{
		statement->plan->next_old = old_plans;
		old_plans = statement->plan;
	}
	*kept = (IceKeptPlan){
		.spi = plan, .made_at = GetCurrentStatementStartTimestamp(), .generation = -1};
	statement->plan = kept;
}

/* Prepares and plans a statement by the settings above. One with a plan for each call is planned as
 * it is run. */
static void
make_plan(IceStatement *statement, int options)
{
	MemoryContext context = CurrentMemoryContext;
	int           level = NewGUCNestLevel();

	for (size_t i = 0; i < lengthof(planning); i++)
		(void) set_config_option(planning[i][0], planning[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	prepare(statement, options);
	if (options & CURSOR_OPT_GENERIC_PLAN)
		ReleaseCachedPlan(SPI_plan_get_cached_plan(statement->plan->spi), CurrentResourceOwner);
	AtEOXact_GUC(true, level);
	MemoryContextSwitchTo(context); /* SPI leaves its own context behind */
}

/* Is a plan to be made again? */
static bool
is_used_up(const IceKeptPlan *kept)
{
	return kept->uses >= PLAN_USES_MAX || !SPI_plan_is_valid(kept->spi) ||
		   TimestampDifferenceExceeds(kept->made_at, GetCurrentStatementStartTimestamp(),
									  PLAN_AGE_MAX_MS);
}

SPIPlanPtr
ice_spi_plan_current(IceStatement *statement, int options)
{
	IceKeptPlan *kept = statement->plan;

	if (kept == NULL || is_used_up(kept))
		make_plan(statement, options);
	statement->plan->uses++;
	return statement->plan->spi;
}

/* -- plans that need no executor --------------------------------------------------------------- */

/* Finds out whether a new plan is a scan, or a write, by key. */
static void
look_at_plan(IceKeptPlan *kept, const CachedPlan *plan)
{
	MemoryContext context = CurrentMemoryContext;

	if (kept->context != NULL)
		MemoryContextDelete(kept->context);
	kept->scan = NULL;
	kept->write = NULL;
	kept->generation = -1;
	kept->context = AllocSetContextCreate(TopMemoryContext, "icecat plan by key",
										  ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(kept->context);
	kept->scan = ice_key_scan_of(plan);
	if (kept->scan == NULL)
		kept->write = ice_key_write_of(plan);
	kept->generation = plan->generation;
	MemoryContextSwitchTo(context);
}

/* Is the plan that was looked at the one that the plan cache will give, without planning? Its table
 * is locked: nothing can come to change that. The search path is compared first, because that may
 * read catalogs, and with them messages that make the plan invalid. */
static bool
is_current(const IceKeptPlan *kept)
{
	const CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(kept->spi));
	const CachedPlan       *plan = source->gplan;

	return ice_compat_search_path_matches(source->search_path) && !is_used_up(kept) &&
		   !source->dependsOnRLS && plan != NULL && plan->is_valid &&
		   plan->generation == kept->generation && !plan->dependsOnRole &&
		   !TransactionIdIsValid(plan->saved_xmin);
}

/* Locks the table of a plan that needs no executor, as the executor would. */
static void
lock_table(const IceKeptPlan *kept)
{
	if (kept->scan != NULL)
		LockRelationOid(ice_key_scan_table(kept->scan), AccessShareLock);
	else
		LockRelationOid(ice_key_write_table(kept->write), ice_key_write_lockmode(kept->write));
}

/* Where nothing is planned, nobody's code can run, and there is no need of the sandbox. */
CachedPlan *
ice_spi_plan_hold(IceStatement *statement)
{
	MemoryContext context = CurrentMemoryContext;
	IceSandbox    outside;
	IceKeptPlan  *kept = statement->plan;
	CachedPlan   *plan = NULL;

	if (kept != NULL && (kept->scan != NULL || kept->write != NULL))
	{
		lock_table(kept);
		if (is_current(kept))
		{
			kept->uses++;
			return SPI_plan_get_cached_plan(kept->spi);
		}
	}
	ice_spi_sandbox_enter(&outside);
	(void) ice_spi_plan_current(statement, CURSOR_OPT_GENERIC_PLAN);
	kept = statement->plan;
	if (kept->scan != NULL || kept->write != NULL || kept->generation < 0)
	{
		plan = SPI_plan_get_cached_plan(kept->spi);
		if (kept->generation != plan->generation)
			look_at_plan(kept, plan);
		if (kept->scan == NULL && kept->write == NULL)
		{
			ReleaseCachedPlan(plan, CurrentResourceOwner);
			plan = NULL;
		}
	}
	ice_spi_sandbox_leave(&outside);
	MemoryContextSwitchTo(context);
	return plan;
}

void
ice_spi_plan_release(CachedPlan *plan)
{
	ReleaseCachedPlan(plan, CurrentResourceOwner);
}
