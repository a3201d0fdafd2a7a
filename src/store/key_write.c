/*
 * key_write.c
 *		Rows written, or locked, without the executor. See key_write.h.
 *
 * A write is made from a plan of one of these forms, and from no other:
 *
 *		Insert, of one row of parameters and constants
 *		Update or Delete of what an IndexScan finds, by all columns of a unique index; new values
 *			are parameters and constants
 *		LockRows (FOR UPDATE) of what such a scan finds
 *
 * The table is a heap, no partition, and has no trigger, CHECK or generated column. Its indexes are
 * b-trees of PostgreSQL's own operator classes, on columns and on PostgreSQL's own functions of
 * columns. What the plan does not say of that is looked at when the plan is new: whatever changes
 * it makes the plan invalid. What is checked at each write is what can change without that.
 *
 * As in the executor: privileges, replica identity, NOT NULL, unique indexes, statistics and
 * conflicts of serializable transactions.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg_compat.h"
#include "store/key_index.h"
#include "store/key_test.h"
#include "store/key_write.h"

/* A column that is given a value. */
typedef struct Assignment
{
	AttrNumber column;
	IceOperand value;
} Assignment;

struct IceKeyWrite
{
	CmdType              command; /* CMD_SELECT: rows are locked */
	Oid                  table;
	LOCKMODE             lockmode;
	const IceKeyScan    *scan; /* NULL: an INSERT */
	Assignment          *assignments;
	int                  assignment_count;
	AttrNumber          *required; /* columns that are NOT NULL */
	int                  required_count;
	const IceKeyIndexes *indexes;
};

/* -- from the plan to the write --------------------------------------------------------------- */

/* The target list of an INSERT has all columns; that of an UPDATE those of the list. */
static bool
compile_assignments(IceKeyWrite *write, const List *targets, const List *columns)
{
	ListCell *cell;

	write->assignments = palloc(sizeof(Assignment) * Max(list_length(targets), 1));
	foreach (cell, targets)
	{
		const TargetEntry *target = lfirst(cell);
		Assignment        *assignment = &write->assignments[write->assignment_count];

		if (target->resjunk)
			continue;
		if (columns != NIL && write->assignment_count >= list_length(columns))
			return false;
		assignment->column = columns == NIL
								 ? target->resno
								 : (AttrNumber) list_nth_int(columns, write->assignment_count);
		write->assignment_count++;
		if (assignment->column <= 0 ||
			!ice_key_test_operand((const Node *) target->expr, &assignment->value))
			return false;
	}
	return true;
}

/* A table where a write does nothing but write. */
static bool
compile_table(IceKeyWrite *write, Relation table)
{
	const TupleConstr *constraints = table->rd_att->constr;
	Bitmapset         *given = NULL;

	if (table->rd_rel->relam != HEAP_TABLE_AM_OID || table->rd_rel->relispartition ||
		table->trigdesc != NULL || table->rd_rel->relhasrules ||
		(write->command == CMD_INSERT && write->assignment_count != table->rd_att->natts) ||
		(constraints != NULL && (constraints->num_check > 0 || constraints->has_generated_stored ||
								 ice_compat_has_virtual_columns(constraints))))
		return false;
	write->required = palloc(sizeof(AttrNumber) * Max(table->rd_att->natts, 1));
	for (int i = 0; i < table->rd_att->natts; i++)
		if (TupleDescAttr(table->rd_att, i)->attnotnull)
			write->required[write->required_count++] = (AttrNumber) (i + 1);
	for (int i = 0; i < write->assignment_count; i++)
		given = bms_add_member(given,
							   write->assignments[i].column - FirstLowInvalidHeapAttributeNumber);
	write->indexes = ice_key_index_all(table, given);
	return write->indexes != NULL;
}

/* The table of a statement, if the others of its range table are no tables. */
static const RangeTblEntry *
only_table(const PlannedStmt *statement)
{
	const RangeTblEntry *table = linitial_node(RangeTblEntry, statement->rtable);
	ListCell            *cell;

	foreach (cell, statement->rtable)
		if (lfirst(cell) != table && lfirst_node(RangeTblEntry, cell)->rtekind != RTE_RESULT)
			return NULL;
	return table->rtekind == RTE_RELATION && table->relkind == RELKIND_RELATION ? table : NULL;
}

/* The one row of an INSERT … VALUES. */
static bool
is_row(const Plan *plan)
{
	return IsA(plan, Result) && outerPlan(plan) == NULL && plan->initPlan == NIL &&
		   ((const Result *) plan)->resconstantqual == NULL;
}

/* An INSERT, UPDATE or DELETE of one row, which does nothing else. */
static bool
compile_modify(IceKeyWrite *write, const PlannedStmt *statement)
{
	const ModifyTable *node = (const ModifyTable *) statement->planTree;
	const Plan        *source = outerPlan(statement->planTree);
	IceKeyScan        *scan;

	if (!IsA(node, ModifyTable) || node->plan.initPlan != NIL ||
		node->operation != statement->commandType || list_length(node->resultRelations) != 1 ||
		linitial_int(node->resultRelations) != 1 || node->rootRelation != 0 ||
		node->withCheckOptionLists != NIL || node->returningLists != NIL ||
		node->onConflictAction != ONCONFLICT_NONE)
		return false;
	if (node->operation == CMD_INSERT)
		return is_row(source) && compile_assignments(write, source->targetlist, NIL);
	scan = ice_key_scan_of_node(statement, source);
	if (scan == NULL || !ice_key_scan_is_unique(scan, source))
		return false;
	write->scan = scan;
	return node->operation == CMD_DELETE ||
		   (node->operation == CMD_UPDATE && list_length(node->updateColnosLists) == 1 &&
			linitial(node->updateColnosLists) != NIL &&
			compile_assignments(write, source->targetlist, linitial(node->updateColnosLists)));
}

static bool
compile_lock(IceKeyWrite *write, const PlannedStmt *statement)
{
	const PlanRowMark *mark;
	const Plan        *source = outerPlan(statement->planTree);
	IceKeyScan        *scan;

	if (!IsA(statement->planTree, LockRows) || list_length(statement->rowMarks) != 1)
		return false;
	mark = linitial_node(PlanRowMark, statement->rowMarks);
	if (mark->markType != ROW_MARK_EXCLUSIVE || mark->isParent || mark->rti != mark->prti)
		return false;
	scan = ice_key_scan_of_node(statement, source);
	if (scan == NULL || !ice_key_scan_is_unique(scan, source) ||
		!ice_key_scan_columns(scan, source->targetlist))
		return false;
	write->scan = scan;
	return true;
}

const IceKeyWrite *
ice_key_write_of(const CachedPlan *plan)
{
	const PlannedStmt   *statement = ice_key_scan_statement(plan);
	const RangeTblEntry *entry;
	IceKeyWrite         *write;
	Relation             table;
	bool                 simple;

	if (statement == NULL || (entry = only_table(statement)) == NULL)
		return NULL;
	write = palloc0(sizeof(IceKeyWrite));
	write->command = statement->commandType;
	write->table = entry->relid;
	write->lockmode = entry->rellockmode;
	if (write->command == CMD_SELECT ? !compile_lock(write, statement)
									 : !compile_modify(write, statement))
		return NULL;
	table = table_open(entry->relid, NoLock);
	simple = compile_table(write, table);
	table_close(table, NoLock);
	return simple ? write : NULL;
}

Oid
ice_key_write_table(const IceKeyWrite *write)
{
	return write->table;
}

LOCKMODE
ice_key_write_lockmode(const IceKeyWrite *write)
{
	return write->lockmode;
}

bool
ice_key_write_inserts(const IceKeyWrite *write)
{
	return write->command == CMD_INSERT;
}

/* -- the run ---------------------------------------------------------------------------------- */

/* A write under way. */
typedef struct Run
{
	const IceKeyWrite *write;
	Relation           table;
	MemoryContext      context; /* of all that it needs */
	MemoryContext      outside;
} Run;

/* Opens the table. False: its indexes are others than they were, or the transaction may not write:
 * what is to be said of that is the executor's to say. */
static bool
begin(Run *run, const IceKeyWrite *write, const CachedPlan *plan)
{
	if (XactReadOnly || IsInParallelMode())
		return false;
	CHECK_FOR_INTERRUPTS();
	ice_compat_check_permissions(linitial_node(PlannedStmt, plan->stmt_list));
	*run = (Run){.write = write, .outside = CurrentMemoryContext};
	run->table = table_open(write->table, NoLock);
	if (!ice_key_index_same(write->indexes, run->table))
	{
		table_close(run->table, NoLock);
		return false;
	}
	run->context = AllocSetContextCreate(CurrentMemoryContext, "icecat write by key",
										 ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(run->context);
	return true;
}

static void
end(Run *run)
{
	table_close(run->table, NoLock);
	MemoryContextSwitchTo(run->outside);
	MemoryContextDelete(run->context);
}

/* Gives a row its new values. False: one that must be there is NULL. */
static bool
assign(const IceKeyWrite *write, TupleTableSlot *slot, const Datum *values, const bool *nulls)
{
	for (int i = 0; i < write->assignment_count; i++)
	{
		const IceOperand *value = &write->assignments[i].value;
		int               at = write->assignments[i].column - 1;

		slot->tts_values[at] = value->parameter < 0 ? value->constant : values[value->parameter];
		slot->tts_isnull[at] = value->parameter < 0 ? value->is_null : nulls[value->parameter];
	}
	for (int i = 0; i < write->required_count; i++)
		if (slot->tts_isnull[write->required[i] - 1])
			return false;
	ExecStoreVirtualTuple(slot);
	return true;
}

bool
ice_key_write_insert(const IceKeyWrite *write, const CachedPlan *plan, const Datum *values,
					 const bool *nulls, int width, int rows)
{
	TupleTableSlot **slots;
	CommandId        command;
	Run              run;
	bool             complete = true;

	if (!begin(&run, write, plan))
		return false;
	slots = palloc(sizeof(TupleTableSlot *) * rows);
	for (int i = 0; i < rows; i++)
	{
		slots[i] = table_slot_create(run.table, NULL);
		complete = assign(write, slots[i], values + (size_t) i * width,
						  nulls + (size_t) i * width) &&
				   complete;
	}
	if (complete)
	{
		command = GetCurrentCommandId(true);
		if (rows == 1)
			table_tuple_insert(run.table, slots[0], command, 0, NULL);
		else
			table_multi_insert(run.table, slots, rows, command, 0, NULL);
		ice_key_index_add(write->indexes, run.table, slots, rows, false);
	}
	for (int i = 0; i < rows; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	end(&run);
	return complete;
}

/* Writes the new version of a row. */
static bool
update(Run *run, TupleTableSlot *old, TupleTableSlot *new, const Datum *values, const bool *nulls,
	   Snapshot snapshot)
{
	Size                      natts = old->tts_tupleDescriptor->natts;
	TM_FailureData            failure;
	LockTupleMode             lockmode;
	ice_compat_update_indexes indexes;

	slot_getallattrs(old);
	memcpy(new->tts_values, old->tts_values, sizeof(Datum) * natts);
	memcpy(new->tts_isnull, old->tts_isnull, sizeof(bool) * natts);
	if (!assign(run->write, new, values, nulls) ||
		table_tuple_update(run->table, &old->tts_tid, new, GetCurrentCommandId(true), snapshot,
						   InvalidSnapshot, true, &failure, &lockmode, &indexes) != TM_Ok)
		return false;
	if (ice_compat_indexes_change(indexes))
		ice_key_index_add(run->write->indexes, run->table, &new, 1, true);
	return true;
}

static bool delete (const Run *run, TupleTableSlot *old, Snapshot snapshot)
{
	TM_FailureData failure;

	return table_tuple_delete(run->table, &old->tts_tid, GetCurrentCommandId(true), snapshot,
							  InvalidSnapshot, true, &failure, false) == TM_Ok;
}

/* A row that others have changed since is the executor's: it knows whether to go on with the newest
 * version, or to say that the transaction's snapshot is too old. */
IceKeyOutcome
ice_key_write_change(const IceKeyWrite *write, const CachedPlan *plan, const Datum *values,
					 const bool *nulls, Snapshot snapshot)
{
	TupleTableSlot *old;
	TupleTableSlot *new;
	Run           run;
	IceKeyOutcome outcome = ICE_KEY_NONE;

	if (!begin(&run, write, plan))
		return ICE_KEY_BY_EXECUTOR;
	CheckCmdReplicaIdentity(run.table, write->command);
	old = table_slot_create(run.table, NULL);
	new = table_slot_create(run.table, NULL);
	if (ice_key_scan_find(write->scan, run.table, values, snapshot, old))
		outcome = (write->command == CMD_DELETE ? delete (&run, old, snapshot)
												: update(&run, old, new, values, nulls, snapshot))
					  ? ICE_KEY_DONE
					  : ICE_KEY_BY_EXECUTOR;
	ExecDropSingleTupleTableSlot(new);
	ExecDropSingleTupleTableSlot(old);
	end(&run);
	return outcome;
}

/* One that would have to wait is the executor's, too: it is given a limit to its wait. */
IceKeyOutcome
ice_key_write_lock(const IceKeyWrite *write, const CachedPlan *plan, const Datum *values,
				   Snapshot snapshot, IceRows **rows)
{
	TupleTableSlot *slot;
	TM_FailureData  failure;
	Run             run;
	IceKeyOutcome   outcome = ICE_KEY_NONE;

	if (!begin(&run, write, plan))
		return ICE_KEY_BY_EXECUTOR;
	slot = table_slot_create(run.table, NULL);
	if (ice_key_scan_find(write->scan, run.table, values, snapshot, slot))
	{
		ItemPointerData at = slot->tts_tid;

		outcome = table_tuple_lock(run.table, &at, snapshot, slot, GetCurrentCommandId(true),
								   LockTupleExclusive, LockWaitSkip,
								   TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS, &failure) == TM_Ok
					  ? ICE_KEY_DONE
					  : ICE_KEY_BY_EXECUTOR;
	}
	MemoryContextSwitchTo(run.outside);
	*rows = ice_key_scan_row(write->scan, run.table, outcome == ICE_KEY_DONE ? slot : NULL);
	MemoryContextSwitchTo(run.context);
	ExecDropSingleTupleTableSlot(slot);
	end(&run);
	return outcome;
}
