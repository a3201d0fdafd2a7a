/*
 * key_index.c
 *		The indexes of a table that is written without the executor. See key_index.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "optimizer/optimizer.h"
#include "utils/rel.h"

#include "store/key_index.h"
#include "store/key_test.h"

#define INDEXED       1 /* an index's own table, in its expressions */
#define CALL_ARGS_MAX 4
#define INDEXES_MAX   32 /* of a table */

/* A function of columns and constants, which an index has in place of a column. */
typedef struct Call
{
	FmgrInfo   function;
	Oid        collation;
	int        count;
	AttrNumber columns[CALL_ARGS_MAX]; /* 0: the constant */
	IceOperand constants[CALL_ARGS_MAX];
} Call;

typedef struct IndexPlan
{
	Oid         id;
	bool        is_unique;
	bool        is_touched; /* the write gives a key of it a new value */
	IceKeyTests predicate;
	int         count;
	AttrNumber  columns[INDEX_MAX_KEYS]; /* 0: the next call */
	Call       *calls;
} IndexPlan;

struct IceKeyIndexes
{
	List      *ids; /* in PostgreSQL's order */
	IndexPlan *plans;
};

/* A function that an index has in place of a column. */
static bool
compile_call(Call *call, const Node *node)
{
	const FuncExpr *expression = (const FuncExpr *) node;
	ListCell       *cell;

	if (!IsA(node, FuncExpr) || expression->funcretset ||
		!ice_key_test_is_postgresqls(expression->funcid) ||
		list_length(expression->args) > CALL_ARGS_MAX)
		return false;
	fmgr_info(expression->funcid, &call->function);
	fmgr_info_set_expr((Node *) copyObject(expression), &call->function);
	call->collation = expression->inputcollid;
	foreach (cell, expression->args)
	{
		call->columns[call->count] = ice_key_test_column(lfirst(cell), INDEXED);
		if (call->columns[call->count] == 0 &&
			(!ice_key_test_operand(lfirst(cell), &call->constants[call->count]) ||
			 call->constants[call->count].parameter >= 0))
			return false;
		call->count++;
	}
	return call->function.fn_strict;
}

/* The keys of an index that come from a column, or from a function. */
static bool
compile_index_columns(IndexPlan *plan, Relation index)
{
	List *expressions = RelationGetIndexExpressions(index);
	int   calls = 0;

	plan->calls = palloc0(sizeof(Call) * Max(list_length(expressions), 1));
	plan->count = IndexRelationGetNumberOfAttributes(index);
	for (int i = 0; i < plan->count; i++)
	{
		plan->columns[i] = index->rd_index->indkey.values[i];
		if (plan->columns[i] < 0)
			return false;
		if (plan->columns[i] == 0 &&
			(calls >= list_length(expressions) ||
			 !compile_call(&plan->calls[calls], list_nth(expressions, calls))))
			return false;
		calls += plan->columns[i] == 0;
	}
	return true;
}

/* Is a key of the index made of a column that is given a new value? */
static bool
is_touched(Relation index, const Bitmapset *given)
{
	Bitmapset *keys = NULL;

	pull_varattnos((Node *) RelationGetIndexExpressions(index), INDEXED, &keys);
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
		if (index->rd_index->indkey.values[i] > 0)
			keys = bms_add_member(keys, index->rd_index->indkey.values[i] -
											FirstLowInvalidHeapAttributeNumber);
	return bms_overlap(keys, given);
}

static bool
compile_index(IndexPlan *plan, Oid id, const Bitmapset *given)
{
	Relation index = index_open(id, AccessShareLock);
	bool     simple = index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indimmediate &&
				  !index->rd_index->indisexclusion;

	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
		simple = simple && ice_key_test_is_postgresqls(index->rd_opfamily[i]);
	plan->id = id;
	plan->is_unique = index->rd_index->indisunique;
	plan->is_touched = is_touched(index, given);
	simple = simple && compile_index_columns(plan, index) &&
			 ice_key_tests_of(RelationGetIndexPredicate(index), INDEXED, &plan->predicate);
	index_close(index, AccessShareLock);
	return simple;
}


const IceKeyIndexes *
ice_key_index_all(Relation table, const Bitmapset *given)
{
	IceKeyIndexes *indexes = palloc0(sizeof(IceKeyIndexes));
	ListCell      *cell;

	indexes->ids = RelationGetIndexList(table);
	if (list_length(indexes->ids) > INDEXES_MAX)
		return NULL;
	indexes->plans = palloc0(sizeof(IndexPlan) * Max(list_length(indexes->ids), 1));
	foreach (cell, indexes->ids)
		if (!compile_index(&indexes->plans[foreach_current_index(cell)], lfirst_oid(cell), given))
			return NULL;
	return indexes;
}

bool
ice_key_index_same(const IceKeyIndexes *indexes, Relation table)
{
	List *ids = RelationGetIndexList(table);
	bool  same = equal(ids, indexes->ids);

	list_free(ids);
	return same;
}

/* What it returns for a row; NULL for a NULL. */
static Datum
call_value(const Call *call, TupleTableSlot *slot, bool *is_null)
{
	LOCAL_FCINFO(fcinfo, CALL_ARGS_MAX);
	Datum result;

	InitFunctionCallInfoData(*fcinfo, unconstify(FmgrInfo *, &call->function), call->count,
							 call->collation, NULL, NULL);
	for (int i = 0; i < call->count; i++)
	{
		fcinfo->args[i].value = call->constants[i].constant;
		fcinfo->args[i].isnull = call->constants[i].is_null;
		if (call->columns[i] > 0)
			fcinfo->args[i].value = slot_getattr(slot, call->columns[i], &fcinfo->args[i].isnull);
		*is_null = fcinfo->args[i].isnull;
		if (*is_null)
			return (Datum) 0;
	}
	result = FunctionCallInvoke(fcinfo);
	*is_null = fcinfo->isnull;
	return result;
}

/* Adds the entry of a new row to an index, if it is to have one. */
static void
add_entry(const IndexPlan *plan, Relation index, Relation table, TupleTableSlot *slot, bool changed)
{
	Datum values[INDEX_MAX_KEYS];
	bool  nulls[INDEX_MAX_KEYS];
	int   calls = 0;

	if (!ice_key_tests_pass(&plan->predicate, slot, NULL))
		return;
	for (int k = 0; k < plan->count; k++)
		values[k] = plan->columns[k] > 0 ? slot_getattr(slot, plan->columns[k], &nulls[k])
										 : call_value(&plan->calls[calls++], slot, &nulls[k]);
	index_insert(index, values, nulls, &slot->tts_tid, table,
				 plan->is_unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, changed && !plan->is_touched,
				 NULL);
}

void
ice_key_index_add(const IceKeyIndexes *indexes, Relation table, TupleTableSlot **slots, int count,
				  bool changed)
{
	for (int i = 0; i < list_length(indexes->ids); i++)
	{
		Relation index = index_open(indexes->plans[i].id, RowExclusiveLock);

		for (int row = 0; row < count && index->rd_index->indisready; row++)
			add_entry(&indexes->plans[i], index, table, slots[row], changed);
		index_close(index, RowExclusiveLock);
	}
}
