/*
 * expression.c
 *		Iceberg expressions: a predicate over the columns of a schema. See expression.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/expression.h"

#include "spec/default_value.h"
#include "spec/type.h"
#include "spec/type_text.h"

typedef struct Binding
{
	const IceSchema *schema;
	int              nodes_max;
	int              nodes; /* predicates and literals so far */
} Binding;

typedef enum Form
{
	FORM_LOGIC,
	FORM_NOT,
	FORM_UNARY,
	FORM_COMPARISON,
	FORM_SET
} Form;

typedef struct Operator
{
	const char *name;
	Form        form;
} Operator;

static const Operator operators[] = {
	{"and", FORM_LOGIC},
	{"or", FORM_LOGIC},
	{"not", FORM_NOT},
	{"is-null", FORM_UNARY},
	{"not-null", FORM_UNARY},
	{"is-nan", FORM_UNARY},
	{"not-nan", FORM_UNARY},
	{"lt", FORM_COMPARISON},
	{"lt-eq", FORM_COMPARISON},
	{"gt", FORM_COMPARISON},
	{"gt-eq", FORM_COMPARISON},
	{"eq", FORM_COMPARISON},
	{"not-eq", FORM_COMPARISON},
	{"starts-with", FORM_COMPARISON},
	{"not-starts-with", FORM_COMPARISON},
	{"in", FORM_SET},
	{"not-in", FORM_SET},
};

static void
count(Binding *binding, const IceJson *at)
{
	ice_step();
	if (++binding->nodes > binding->nodes_max)
		ice_json_raise(at, ICE_ERR_LIMIT_EXCEEDED,
					   "The expression has more than %d predicates and literals",
					   binding->nodes_max);
}

/* -- columns ----------------------------------------------------------------------------------- */

static bool
is_in_structs(const IceField *field)
{
	for (const IceField *parent = field->parent; parent != NULL; parent = parent->parent)
		if (parent->type.id != ICE_TYPE_STRUCT)
			return false;
	return true;
}

/* The id or the name of a reference, in every spelling; the other one is NULL or not set. */
static bool
read_reference(const IceJson *term, const char **name, int32 *id)
{
	const char *type;

	*name = NULL;
	if (term->kind == ICE_JSON_STRING)
	{
		*name = term->string;
		return false;
	}
	type = term->kind == ICE_JSON_OBJECT ? ice_json_opt_string(term, "type") : NULL;
	if (type == NULL || strcmp(type, "reference") != 0)
		ice_json_raise(term, ICE_ERR_BAD_REQUEST,
					   "Not a column of the table: %s (functions and transforms are not taken)",
					   ice_json_shown(term));
	if (ice_json_opt_int32(term, "id", id))
		return true;
	*name = ice_json_opt_string(term, "name");
	if (*name == NULL)
		*name = ice_json_string(term, "term");
	return false;
}

/* The column that the operand of a predicate names, under its present or its older key. */
static const IceField *
read_column(const Binding *binding, const IceJson *predicate, const char *key)
{
	const IceJson  *term = ice_json_get(predicate, key);
	const IceField *field;
	const char     *name;
	int32           id = 0;

	if (term == NULL)
		term = ice_json_get(predicate, "term");
	if (term == NULL)
		ice_json_raise(predicate, ICE_ERR_BAD_REQUEST, "Cannot parse missing operand: %s", key);
	field = read_reference(term, &name, &id) ? ice_schema_field(binding->schema, id)
											 : ice_schema_field_by_name(binding->schema, name);
	if (field == NULL)
		ice_json_raise(term, ICE_ERR_VALIDATION, "Cannot find field '%s' in the schema",
					   name != NULL ? name : psprintf("%d", id));
	if (!is_in_structs(field))
		ice_json_raise(term, ICE_ERR_VALIDATION,
					   "A predicate cannot refer to %s, which is in a list or map",
					   field->full_name);
	return field;
}

static IceJson *
make_reference(const IceField *field)
{
	IceJson *reference = ice_json_make_object();

	ice_json_set(reference, "type", ice_json_make_string("reference"));
	ice_json_set(reference, "id", ice_json_make_int(field->id));
	return reference;
}

/* -- literals ---------------------------------------------------------------------------------- */

/* A type that is said must be the column's. */
static void
check_data_type(const IceJson *literal, const IceField *field)
{
	IceJson *said = ice_json_get(literal, "data-type");
	IceType  type;

	if (said == NULL)
		return;
	ice_type_parse(&type, said);
	if (!ice_type_equal(&type, &field->type))
		ice_json_raise(said, ICE_ERR_VALIDATION, "A literal of type %s does not fit %s, a %s",
					   ice_type_text(&type), field->full_name, ice_type_text(&field->type));
}

/* A copy of a literal's value, which the column could have. */
static IceJson *
read_value(Binding *binding, const IceJson *value, const IceField *field)
{
	count(binding, value);
	if (!ice_type_is_primitive(&field->type) || !ice_default_value_suits(&field->type, value))
		ice_json_raise(value, ICE_ERR_VALIDATION, "Cannot parse %s as a %s value, which %s has",
					   ice_json_shown(value), ice_type_text(&field->type), field->full_name);
	return ice_json_copy(value);
}

/* The literal of a comparison: bare, or as an object. */
static IceJson *
bind_literal(Binding *binding, const IceJson *predicate, const IceField *field)
{
	const IceJson *literal = ice_json_get(predicate, "right");
	IceJson       *bound = ice_json_make_object();

	if (literal == NULL)
		literal = ice_json_get(predicate, "value");
	if (literal == NULL)
		ice_json_raise(predicate, ICE_ERR_BAD_REQUEST, "Cannot parse missing operand: right");
	if (literal->kind == ICE_JSON_OBJECT)
	{
		if (strcmp(ice_json_string(literal, "type"), "literal") != 0)
			ice_json_raise(literal, ICE_ERR_BAD_REQUEST, "Not a literal: %s",
						   ice_json_shown(literal));
		check_data_type(literal, field);
		literal = ice_json_get(literal, "value");
		if (literal == NULL)
			ice_json_raise(predicate, ICE_ERR_BAD_REQUEST, "A literal must not be null");
	}
	ice_json_set(bound, "type", ice_json_make_string("literal"));
	ice_json_set(bound, "value", read_value(binding, literal, field));
	return bound;
}

/* The literals of a test, in any of their forms, as an array of values. */
static IceJson *
bind_literals(Binding *binding, const IceJson *predicate, const IceField *field)
{
	const IceJson *literals = ice_json_get(predicate, "values");
	IceJson       *bound = ice_json_make_array();

	if (literals != NULL && literals->kind == ICE_JSON_OBJECT)
	{
		check_data_type(literals, field);
		literals = ice_json_get(literals, "values");
	}
	if (literals == NULL || literals->kind != ICE_JSON_ARRAY || literals->count == 0)
		ice_json_raise(predicate, ICE_ERR_BAD_REQUEST,
					   "Cannot parse values: an array of literals is needed");
	for (int i = 0; i < literals->count; i++)
	{
		const IceJson *item = literals->items[i];

		if (item->kind == ICE_JSON_OBJECT)
		{
			check_data_type(item, field);
			item = ice_json_get(item, "value");
		}
		if (item == NULL || item->kind == ICE_JSON_NULL)
			ice_json_raise(literals, ICE_ERR_BAD_REQUEST, "A literal must not be null");
		ice_json_append(bound, read_value(binding, item, field));
	}
	return bound;
}

/* -- predicates -------------------------------------------------------------------------------- */

static IceJson *bind(Binding *binding, const IceJson *predicate);

bool
ice_expression_is(const IceJson *predicate, bool value)
{
	return predicate->kind == ICE_JSON_BOOL && predicate->boolean == value;
}

static IceJson *
make_logic(const char *type, IceJson *left, IceJson *right)
{
	IceJson *both = ice_json_make_object();

	ice_json_set(both, "type", ice_json_make_string(type));
	ice_json_set(both, "left", left);
	ice_json_set(both, "right", right);
	return both;
}

/* decides: the constant that decides alone; the other one changes nothing. */
static IceJson *
fold(const char *type, bool decides, IceJson *left, IceJson *right)
{
	if (ice_expression_is(left, decides) || ice_expression_is(right, decides))
		return ice_json_make_bool(decides);
	if (left->kind == ICE_JSON_BOOL)
		return right;
	if (right->kind == ICE_JSON_BOOL)
		return left;
	return make_logic(type, left, right);
}

IceJson *
ice_expression_and(IceJson *left, IceJson *right)
{
	if (left == NULL || right == NULL)
		return left == NULL ? right : left;
	return fold("and", false, left, right);
}

static IceJson *
child_of(const IceJson *predicate, const char *key)
{
	IceJson *child = ice_json_get(predicate, key);

	if (child == NULL)
		ice_json_raise(predicate, ICE_ERR_BAD_REQUEST, "Cannot parse missing operand: %s", key);
	return child;
}

static IceJson *
bind_not(Binding *binding, const IceJson *predicate)
{
	IceJson *child = bind(binding, child_of(predicate, "child"));
	IceJson *bound;

	if (child->kind == ICE_JSON_BOOL)
		return ice_json_make_bool(!child->boolean);
	bound = ice_json_make_object();
	ice_json_set(bound, "type", ice_json_make_string("not"));
	ice_json_set(bound, "child", child);
	return bound;
}

/* Operators that not every type has. */
static void
check_operator(const IceJson *predicate, const Operator *operator, const IceField * field)
{
	bool is_number = field->type.id == ICE_TYPE_FLOAT || field->type.id == ICE_TYPE_DOUBLE;

	if ((strstr(operator->name, "nan") != NULL && !is_number) ||
		(strstr(operator->name, "starts-with") != NULL && field->type.id != ICE_TYPE_STRING))
		ice_json_raise(predicate, ICE_ERR_VALIDATION, "%s is not for %s, a %s", operator->name,
					   field->full_name, ice_type_text(&field->type));
}

/* A test or a comparison of a column. */
static IceJson *
bind_test(Binding *binding, const IceJson *predicate, const Operator *operator)
{
	const char     *operand = operator->form == FORM_COMPARISON ? "left" : "child";
	const IceField *field = read_column(binding, predicate, operand);
	IceJson        *bound = ice_json_make_object();

	check_operator(predicate, operator, field);
	ice_json_set(bound, "type", ice_json_make_string(operator->name));
	ice_json_set(bound, operand, make_reference(field));
	if (operator->form == FORM_COMPARISON)
		ice_json_set(bound, "right", bind_literal(binding, predicate, field));
	else if (operator->form == FORM_SET)
		ice_json_set(bound, "values", bind_literals(binding, predicate, field));
	return bound;
}

static const Operator *
find_operator(const IceJson *predicate, const char *name)
{
	for (size_t i = 0; i < lengthof(operators); i++)
		if (strcmp(operators[i].name, name) == 0)
			return &operators[i];
	ice_json_raise(predicate, ICE_ERR_BAD_REQUEST, "Invalid predicate type: %s", name);
}

/* Binds a predicate, whatever it is. */
static IceJson *
bind(Binding *binding, const IceJson *predicate)
{
	const Operator *operator;
	const char     *type;
	IceJson        *left;

	ice_budget_stack_check();
	count(binding, predicate);
	if (predicate->kind == ICE_JSON_BOOL)
		return ice_json_make_bool(predicate->boolean);
	if (predicate->kind != ICE_JSON_OBJECT)
		ice_json_raise(predicate, ICE_ERR_BAD_REQUEST, "Not a predicate: %s",
					   ice_json_shown(predicate));
	type = ice_json_string(predicate, "type");
	if (strcmp(type, "true") == 0 || strcmp(type, "false") == 0)
		return ice_json_make_bool(*type == 't');
	operator= find_operator(predicate, type);
	switch (operator->form)
	{
		case FORM_LOGIC:
			left = bind(binding, child_of(predicate, "left"));
			return fold(operator->name, *type == 'o', left,
						bind(binding, child_of(predicate, "right")));
		case FORM_NOT:
			return bind_not(binding, predicate);
		default:
			return bind_test(binding, predicate, operator);
	}
}

IceJson *
ice_expression_bind(IceJson *predicate, const IceSchema *schema, int nodes_max)
{
	Binding binding = {schema, nodes_max, 0};

	return bind(&binding, predicate);
}
