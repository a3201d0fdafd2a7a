/*
 * key_test.c
 *		Conditions of a plan, or of an index, without the executor. See key_test.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "store/key_test.h"

typedef enum TestKind
{
	TEST_IS_NULL,
	TEST_IS_NOT_NULL,
	TEST_OPERATOR,
} TestKind;

struct IceKeyTest
{
	TestKind   kind;
	bool       or_next; /* one of this and the next ones is enough */
	AttrNumber column;
	IceOperand operand;
	FmgrInfo   operator;
	Oid        collation;
};

bool
ice_key_test_is_postgresqls(Oid object)
{
	return OidIsValid(object) && object < FirstGenbkiObjectId;
}

bool
ice_key_test_operand(const Node *node, IceOperand *out)
{
	const Const *value;

	if (IsA(node, Param))
	{
		const Param *param = (const Param *) node;

		*out = (IceOperand){.parameter = param->paramid - 1,
							.is_varlena = get_typlen(param->paramtype) == -1};
		return param->paramkind == PARAM_EXTERN;
	}
	if (!IsA(node, Const))
		return false;
	value = (const Const *) node;
	*out = (IceOperand){.parameter = -1, .is_null = value->constisnull};
	if (!value->constisnull)
		out->constant = datumCopy(value->constvalue, value->constbyval, value->constlen);
	return true;
}

Datum
ice_key_test_value(const IceOperand *operand, const Datum *parameters)
{
	if (operand->parameter < 0)
		return operand->constant;
	if (operand->is_varlena)
		return PointerGetDatum(PG_DETOAST_DATUM(parameters[operand->parameter]));
	return parameters[operand->parameter];
}

AttrNumber
ice_key_test_column(const Node *node, Index relation)
{
	if (node != NULL && IsA(node, RelabelType))
		node = (const Node *) ((const RelabelType *) node)->arg;
	if (node == NULL || !IsA(node, Var) || ((const Var *) node)->varno != (int) relation)
		return 0;
	return Max(((const Var *) node)->varattno, 0);
}

bool
ice_key_test_sides(const List *arguments, Oid operator, Index relation, AttrNumber *column,
				   IceOperand *operand)
{
	if (list_length(arguments) != 2 || !ice_key_test_is_postgresqls(operator))
		return false;
	*column = ice_key_test_column(linitial(arguments), relation);
	return *column > 0 && ice_key_test_operand(lsecond(arguments), operand) && !operand->is_null;
}

static bool
compile_comparison(IceKeyTest *test, Index table, Oid operator, Oid collation,
				   const List *arguments)
{
	test->kind = TEST_OPERATOR;
	test->collation = collation;
	if (!ice_key_test_sides(arguments, operator, table, &test->column, &test->operand))
		return false;
	fmgr_info(get_opcode(operator), &test->operator);
	return test->operator.fn_strict;
}

/* One condition that is no OR. */
static bool
compile_test(IceKeyTests *tests, Index table, const Node *node, bool or_next)
{
	IceKeyTest *test = &tests->items[tests->count++];

	test->or_next = or_next;
	if (IsA(node, NullTest))
	{
		const NullTest *null_test = (const NullTest *) node;

		test->kind = null_test->nulltesttype == IS_NULL ? TEST_IS_NULL : TEST_IS_NOT_NULL;
		test->column = ice_key_test_column((const Node *) null_test->arg, table);
		return test->column > 0 && !null_test->argisrow;
	}
	if (IsA(node, OpExpr))
	{
		const OpExpr *comparison = (const OpExpr *) node;

		return comparison->opresulttype == BOOLOID && !comparison->opretset &&
			   compile_comparison(test, table, comparison->opno, comparison->inputcollid,
								  comparison->args);
	}
	return false;
}

/* How many tests a condition is; 0: it cannot be tested here. */
static int
alternatives(const Node *node)
{
	if (is_orclause(node))
		return list_length(((const BoolExpr *) node)->args);
	if (IsA(node, ScalarArrayOpExpr))
	{
		const Node *array = lsecond(((const ScalarArrayOpExpr *) node)->args);
		ArrayType  *elements;

		if (!IsA(array, Const) || ((const Const *) array)->constisnull)
			return 0;
		elements = DatumGetArrayTypeP(((const Const *) array)->constvalue);
		return ARR_HASNULL(elements) ? 0 : ArrayGetNItems(ARR_NDIM(elements), ARR_DIMS(elements));
	}
	return 1;
}

/* column operator ANY (array): a test for each element. */
static bool
compile_any_of(IceKeyTests *tests, Index table, const ScalarArrayOpExpr *any)
{
	ArrayType *array = DatumGetArrayTypeP(((const Const *) lsecond(any->args))->constvalue);
	Datum     *elements;
	int        count;
	int16      length;
	bool       by_value;
	char       align;

	if (!any->useOr)
		return false;
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		IceKeyTest *test = &tests->items[tests->count++];

		if (!compile_comparison(test, table, any->opno, any->inputcollid, any->args))
			return false;
		test->or_next = i < count - 1;
		test->operand.constant = datumCopy(elements[i], by_value, length);
	}
	return true;
}

static bool
compile_condition(IceKeyTests *tests, Index table, const Node *node)
{
	List     *either = is_orclause(node) ? ((const BoolExpr *) node)->args : NIL;
	ListCell *cell;

	if (IsA(node, ScalarArrayOpExpr))
		return compile_any_of(tests, table, (const ScalarArrayOpExpr *) node);
	foreach (cell, either)
		if (!compile_test(tests, table, lfirst(cell), lnext(either, cell) != NULL))
			return false;
	return either != NIL || compile_test(tests, table, node, false);
}

bool
ice_key_tests_of(const List *conditions, Index table, IceKeyTests *out)
{
	ListCell *cell;
	int       count = 0;

	foreach (cell, conditions)
	{
		int n = alternatives(lfirst(cell));

		if (n == 0)
			return false;
		count += n;
	}
	*out = (IceKeyTests){.items = palloc0(sizeof(IceKeyTest) * Max(count, 1))};
	foreach (cell, conditions)
		if (!compile_condition(out, table, lfirst(cell)))
			return false;
	return true;
}

static bool
passes_one(const IceKeyTest *test, TupleTableSlot *slot, const Datum *parameters)
{
	FmgrInfo *operator= unconstify(FmgrInfo *, &test->operator);
	bool      is_null;
	Datum     value = slot_getattr(slot, test->column, &is_null);

	if (test->kind != TEST_OPERATOR)
		return is_null == (test->kind == TEST_IS_NULL);
	return !is_null &&
		   DatumGetBool(FunctionCall2Coll(operator, test->collation, value,
										  ice_key_test_value(&test->operand, parameters)));
}

bool
ice_key_tests_pass(const IceKeyTests *tests, TupleTableSlot *slot, const Datum *parameters)
{
	for (int i = 0; i < tests->count; i++)
	{
		bool passed = passes_one(&tests->items[i], slot, parameters);

		while (tests->items[i].or_next)
		{
			i++;
			passed = passed || passes_one(&tests->items[i], slot, parameters);
		}
		if (!passed)
			return false;
	}
	return true;
}
