/*
 * key_scan.c
 *		Reads by key without the executor. See key_scan.h.
 *
 * A scan is made from a plan of this form, and from no other:
 *
 *		[Limit] IndexScan of a b-tree, on the only table of the statement
 *		  index conditions   column = or < … parameter or constant; column = ANY (constant array)
 *		  filter             column IS [NOT] NULL; column operator parameter or constant; ORs of
 *		                     these; column operator ANY (constant array)
 *		  columns            of the table; a smallint as integer
 *
 * Every function that it calls is PostgreSQL's own, those of the index included: no code of anybody
 * else can run in a scan.
 *
 * As in the executor: the privileges on the table are checked at each run, the locks on the table
 * and the index last until the end of the transaction, a serializable transaction takes its
 * predicate locks, and statistics count the scan.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg_compat.h"
#include "store/key_scan.h"
#include "store/key_test.h"

#define ROWS_AT_FIRST 4
#define SCANNED       1 /* the table's place in the statement */

struct IceKeyScan
{
	Oid           table;
	Oid           index;
	ScanDirection direction;
	ScanKeyData  *keys; /* without what comes from parameters */
	IceOperand   *key_operands;
	int           key_count;
	IceKeyTests   tests;
	AttrNumber   *columns;
	int           column_count;
	bool          limited;
	IceOperand    limit;
};

/* -- from the plan to the scan ---------------------------------------------------------------- */

/* One index condition. */
static bool
compile_key(IceKeyScan *scan, Relation index, const Node *node)
{
	ScanKey     key = &scan->keys[scan->key_count];
	IceOperand *operand = &scan->key_operands[scan->key_count++];
	bool        is_array = IsA(node, ScalarArrayOpExpr);
	Oid         operator;
	Oid         collation;
	List       *arguments;
	AttrNumber  column;
	int         strategy;
	Oid         left;
	Oid         right;

	if (is_array && ((const ScalarArrayOpExpr *) node)->useOr)
	{
		operator=((const ScalarArrayOpExpr *) node)->opno;
		collation = ((const ScalarArrayOpExpr *) node)->inputcollid;
		arguments = ((const ScalarArrayOpExpr *) node)->args;
	}
	else if (IsA(node, OpExpr))
	{
		operator=((const OpExpr *) node)->opno;
		collation = ((const OpExpr *) node)->inputcollid;
		arguments = ((const OpExpr *) node)->args;
	}
	else
		return false;
	if (!ice_key_test_sides(arguments, operator, INDEX_VAR, &column, operand) ||
		column > IndexRelationGetNumberOfKeyAttributes(index) ||
		(is_array && operand->parameter >= 0))
		return false;
	get_op_opfamily_properties(operator, index->rd_opfamily[column - 1], false, &strategy, &left,
							   &right);
	ScanKeyEntryInitialize(key, is_array ? SK_SEARCHARRAY : 0, column, (StrategyNumber) strategy,
						   right, collation, get_opcode(operator), operand->constant);
	return true;
}

static bool
compile_keys(IceKeyScan *scan, const List *conditions)
{
	Relation index = index_open(scan->index, AccessShareLock);
	bool simple = index->rd_rel->relam == BTREE_AM_OID && list_length(conditions) <= INDEX_MAX_KEYS;
	ListCell *cell;

	scan->keys = palloc0(sizeof(ScanKeyData) * Max(list_length(conditions), 1));
	scan->key_operands = palloc0(sizeof(IceOperand) * Max(list_length(conditions), 1));
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
		simple = simple && ice_key_test_is_postgresqls(index->rd_opfamily[i]);
	foreach (cell, conditions)
		simple = simple && compile_key(scan, index, lfirst(cell));
	index_close(index, NoLock);
	return simple;
}

bool
ice_key_scan_columns(IceKeyScan *scan, const List *targets)
{
	ListCell *cell;

	scan->columns = palloc(sizeof(AttrNumber) * Max(list_length(targets), 1));
	foreach (cell, targets)
	{
		const TargetEntry *target = lfirst(cell);
		const Node        *node = (const Node *) target->expr;

		if (target->resjunk)
			continue;
		if (IsA(node, FuncExpr) && ((const FuncExpr *) node)->funcid == F_INT4_INT2)
			node = linitial(((const FuncExpr *) node)->args);
		scan->columns[scan->column_count] = ice_key_test_column(node, SCANNED);
		if (scan->columns[scan->column_count++] == 0)
			return false;
	}
	return true;
}

/* Is a column of an index equal to something, by the index's own equality? */
static bool
gives_column(const List *conditions, Relation index, int i)
{
	AttrNumber column = index->rd_index->indkey.values[i];
	ListCell  *cell;

	foreach (cell, conditions)
	{
		const OpExpr *condition = lfirst(cell);

		if (IsA(condition, OpExpr) && column > 0 &&
			ice_key_test_column(linitial(condition->args), SCANNED) == column &&
			get_op_opfamily_strategy(condition->opno, index->rd_opfamily[i]) ==
				BTEqualStrategyNumber &&
			condition->inputcollid == index->rd_indcollation[i])
			return true;
	}
	return false;
}

/* Does an index hold at most one row for each key, and is every column of it given? */
static bool
gives_key(const List *conditions, Relation index)
{
	const FormData_pg_index *form = index->rd_index;

	if (!form->indisunique || !form->indimmediate || !form->indisvalid ||
		index->rd_rel->relam != BTREE_AM_OID || RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
		if (!gives_column(conditions, index, i))
			return false;
	return true;
}

/* Can conditions on a table hold for one row at most? Whatever index the plan reads: with few rows
 * another one than the unique one may be as good. */
static bool
finds_one(const List *conditions, Oid table_id)
{
	Relation  table = table_open(table_id, NoLock);
	List     *indexes = RelationGetIndexList(table);
	ListCell *cell;
	bool      found = false;

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		found = found || gives_key(conditions, index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	table_close(table, NoLock);
	return found;
}

IceKeyScan *
ice_key_scan_of_node(const PlannedStmt *statement, const Plan *plan)
{
	const IndexScan     *node = (const IndexScan *) plan;
	const RangeTblEntry *table = linitial_node(RangeTblEntry, statement->rtable);
	IceKeyScan          *scan;

	if (!IsA(plan, IndexScan) || plan->initPlan != NIL || node->indexorderby != NIL ||
		node->scan.scanrelid != SCANNED || table->rtekind != RTE_RELATION ||
		table->relkind != RELKIND_RELATION)
		return NULL;
	scan = palloc0(sizeof(IceKeyScan));
	scan->table = table->relid;
	scan->index = node->indexid;
	scan->direction = node->indexorderdir;
	return compile_keys(scan, node->indexqual) &&
				   ice_key_tests_of(plan->qual, SCANNED, &scan->tests)
			   ? scan
			   : NULL;
}

bool
ice_key_scan_is_unique(const IceKeyScan *scan, const Plan *plan)
{
	return finds_one(list_concat_copy(((const IndexScan *) plan)->indexqualorig, plan->qual),
					 scan->table);
}

const PlannedStmt *
ice_key_scan_statement(const CachedPlan *plan)
{
	const PlannedStmt *statement;

	if (list_length(plan->stmt_list) != 1)
		return NULL;
	statement = linitial_node(PlannedStmt, plan->stmt_list);
	if (statement->utilityStmt != NULL || statement->subplans != NIL || statement->dependsOnRole ||
		statement->hasModifyingCTE || statement->rtable == NIL)
		return NULL;
	return statement;
}

/* A plan of the form that stands at the head of this file; NULL for any other. */
const IceKeyScan *
ice_key_scan_of(const CachedPlan *plan)
{
	const PlannedStmt *statement = ice_key_scan_statement(plan);
	const Plan        *node;
	const Limit       *limit = NULL;
	IceKeyScan        *scan;

	if (statement == NULL || statement->commandType != CMD_SELECT || statement->rowMarks != NIL ||
		list_length(statement->rtable) != 1)
		return NULL;
	node = statement->planTree;
	if (IsA(node, Limit))
	{
		limit = (const Limit *) node;
		if (limit->limitOffset != NULL || limit->limitOption != LIMIT_OPTION_COUNT ||
			limit->limitCount == NULL || limit->plan.initPlan != NIL)
			return NULL;
		node = outerPlan(node);
	}
	scan = ice_key_scan_of_node(statement, node);
	if (scan == NULL || !ice_key_scan_columns(scan, node->targetlist))
		return NULL;
	scan->limited = limit != NULL;
	if (limit != NULL &&
		(!ice_key_test_operand(limit->limitCount, &scan->limit) || scan->limit.is_null))
		return NULL;
	return scan;
}

/* -- the run ---------------------------------------------------------------------------------- */

/* What a run has found. */
typedef struct Found
{
	IceRows        *rows;
	TupleTableSlot *slot;   /* the row at hand */
	Datum          *values; /* of all columns of the table */
	bool           *nulls;
} Found;

Oid
ice_key_scan_table(const IceKeyScan *scan)
{
	return scan->table;
}

/* Adds a row, with all of its bytes. */
static void
add_row(const IceKeyScan *scan, Found *found)
{
	IceRows  *rows = found->rows;
	HeapTuple row = ExecCopySlotHeapTuple(found->slot);
	Size      at = rows->count * rows->columns;

	if (rows->count == rows->room)
	{
		rows->room *= 2;
		rows->values = repalloc(rows->values, sizeof(Datum) * rows->room * rows->columns);
		rows->nulls = repalloc(rows->nulls, sizeof(bool) * rows->room * rows->columns);
	}
	heap_deform_tuple(row, found->slot->tts_tupleDescriptor, found->values, found->nulls);
	for (int i = 0; i < scan->column_count; i++)
	{
		rows->values[at + i] = found->values[scan->columns[i] - 1];
		rows->nulls[at + i] = found->nulls[scan->columns[i] - 1];
	}
	rows->count++;
}

static IceRows *
make_rows(int columns)
{
	IceRows *rows = palloc0(sizeof(IceRows));

	rows->columns = columns;
	rows->room = ROWS_AT_FIRST;
	rows->values = palloc(sizeof(Datum) * ROWS_AT_FIRST * Max(columns, 1));
	rows->nulls = palloc(sizeof(bool) * ROWS_AT_FIRST * Max(columns, 1));
	return rows;
}

/* Reads all rows of an index scan, or as many as are wanted. */
static void
read_rows(const IceKeyScan *scan, IndexScanDesc desc, Found *found, const Datum *values)
{
	uint64 limit = scan->limited ? (uint64) DatumGetInt64(ice_key_test_value(&scan->limit, values))
								 : PG_UINT64_MAX;

	while (found->rows->count < limit && index_getnext_slot(desc, scan->direction, found->slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (ice_key_tests_pass(&scan->tests, found->slot, values))
			add_row(scan, found);
	}
}

static IndexScanDesc
begin(const IceKeyScan *scan, Relation table, Relation index, const Datum *values,
	  Snapshot snapshot)
{
	ScanKeyData   keys[INDEX_MAX_KEYS];
	IndexScanDesc desc;

	memcpy(keys, scan->keys, sizeof(ScanKeyData) * scan->key_count);
	for (int i = 0; i < scan->key_count; i++)
		keys[i].sk_argument = ice_key_test_value(&scan->key_operands[i], values);
	desc = ice_compat_index_beginscan(table, index, snapshot, scan->key_count);
	index_rescan(desc, keys, scan->key_count, NULL, 0);
	return desc;
}

bool
ice_key_scan_find(const IceKeyScan *scan, Relation table, const Datum *values, Snapshot snapshot,
				  TupleTableSlot *slot)
{
	Relation      index = index_open(scan->index, AccessShareLock);
	IndexScanDesc desc = begin(scan, table, index, values, snapshot);
	bool          found = false;

	while (!found && index_getnext_slot(desc, scan->direction, slot))
	{
		CHECK_FOR_INTERRUPTS();
		found = ice_key_tests_pass(&scan->tests, slot, values);
	}
	index_endscan(desc);
	index_close(index, NoLock);
	return found;
}

/* Room for the rows that a scan finds in a table. */
static Found
make_found(const IceKeyScan *scan, Relation table, TupleTableSlot *slot)
{
	return (Found){.rows = make_rows(scan->column_count),
				   .slot = slot,
				   .values = palloc(sizeof(Datum) * RelationGetNumberOfAttributes(table)),
				   .nulls = palloc(sizeof(bool) * RelationGetNumberOfAttributes(table))};
}

IceRows *
ice_key_scan_row(const IceKeyScan *scan, Relation table, TupleTableSlot *slot)
{
	Found found = make_found(scan, table, slot);

	if (slot != NULL)
		add_row(scan, &found);
	return found.rows;
}

IceRows *
ice_key_scan_run(const IceKeyScan *scan, const CachedPlan *plan, const Datum *values,
				 Snapshot snapshot)
{
	const PlannedStmt *statement = linitial_node(PlannedStmt, plan->stmt_list);
	Relation           table;
	Relation           index;
	IndexScanDesc      desc;
	Found              found;

	ice_compat_check_permissions(statement);
	table = table_open(scan->table, NoLock);
	index = index_open(scan->index, AccessShareLock);
	found = make_found(scan, table, table_slot_create(table, NULL));
	desc = begin(scan, table, index, values, snapshot);
	read_rows(scan, desc, &found, values);
	index_endscan(desc);
	ExecDropSingleTupleTableSlot(found.slot);
	index_close(index, NoLock);
	table_close(table, NoLock);
	return found.rows;
}
