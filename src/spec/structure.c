/*
 * structure.c
 *		Schemas, specs and orders of one commit by what they mean; see structure.h.
 *
 * Fields of partition specs are found by texts of several kinds: a letter, and what the letter
 * says. Each leads to the parts that have such a field. Parts that were removed are taken out of
 * the way when they are met, so that none is met twice.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/structure.h"

/* A spec that has a certain field. */
typedef struct User
{
	struct User   *next;
	const IcePart *spec;
	int32          field_id;
} User;

/* Specs that have fields of the same source and transform. */
typedef struct Meaning
{
	User       *users;
	const User *highest; /* the one with the highest field id */
} Meaning;

struct IceStructure
{
	const IceTableMetadata *metadata;
	IceSameParts            schemas;
	IceSameParts            specs;
	IceSameParts            orders;
	IceMap                 *fields; /* NULL until they are asked for */
	StringInfoData          key;
	IceMap                 *checked; /* by schema */
};

/* -- parts ------------------------------------------------------------------------------------ */

const IceSchema *
ice_structure_schema(IcePart *part)
{
	if (part->parsed == NULL)
		part->parsed = ice_schema_parse(ice_part_json(part));
	return part->parsed;
}

const IcePartitionSpec *
ice_structure_spec(IcePart *part)
{
	if (part->parsed == NULL)
		part->parsed = ice_partition_spec_parse(ice_part_json(part));
	return part->parsed;
}

const IceSortOrder *
ice_structure_order(IcePart *part)
{
	if (part->parsed == NULL)
		part->parsed = ice_sort_order_parse(ice_part_json(part));
	return part->parsed;
}

IceStructure *
ice_structure_make(const IceTableMetadata *metadata)
{
	IceStructure *structure = palloc0(sizeof(IceStructure));

	structure->metadata = metadata;
	structure->checked = ice_map_make();
	initStringInfo(&structure->key);
	return structure;
}

void
ice_structure_schema_text(StringInfo out, IcePart *part)
{
	ice_canonical_schema(out, ice_structure_schema(part));
}

static void
spec_text(StringInfo out, IcePart *part)
{
	ice_canonical_spec(out, ice_structure_spec(part));
}

static void
order_text(StringInfo out, IcePart *part)
{
	ice_canonical_order(out, ice_structure_order(part));
}

IcePart *
ice_structure_find_schema(IceStructure *structure, const IceSchema *schema)
{
	ice_canonical_schema(ice_canonical_same_start(&structure->schemas,
												  &structure->metadata->lists[ICE_PART_SCHEMA],
												  ice_structure_schema_text),
						 schema);
	return ice_canonical_same_find(&structure->schemas);
}

IcePart *
ice_structure_find_spec(IceStructure *structure, const IcePartitionSpec *spec)
{
	ice_canonical_spec(
		ice_canonical_same_start(&structure->specs,
								 &structure->metadata->lists[ICE_PART_PARTITION_SPEC], spec_text),
		spec);
	return ice_canonical_same_find(&structure->specs);
}

IcePart *
ice_structure_find_order(IceStructure *structure, const IceSortOrder *order)
{
	ice_canonical_order(ice_canonical_same_start(&structure->orders,
												 &structure->metadata->lists[ICE_PART_SORT_ORDER],
												 order_text),
						order);
	return ice_canonical_same_find(&structure->orders);
}

void
ice_structure_put_schema(IceStructure *structure, IcePart *part)
{
	ice_canonical_same_put(&structure->schemas, part);
}

void
ice_structure_put_order(IceStructure *structure, IcePart *part)
{
	ice_canonical_same_put(&structure->orders, part);
}

/* -- fields of specs -------------------------------------------------------------------------- */

/* The text of one kind for a field; with_id and with_transform say what it is made of besides the
 * sources. */
static void **
place(IceStructure *structure, char kind, const IcePartitionField *field, bool with_id,
	  bool with_sources, bool with_transform)
{
	StringInfo key = &structure->key;

	resetStringInfo(key);
	appendStringInfoChar(key, kind);
	if (with_id)
		appendStringInfo(key, "%d:", field->field_id);
	if (with_sources)
		ice_canonical_sources(key, &field->sources);
	appendStringInfoChar(key, ':');
	if (with_transform)
		appendStringInfoString(key, field->transform.text);
	return ice_map_at(structure->fields, key->data, (size_t) key->len);
}

static User *
add_user(User *users, const IcePart *spec, int32 field_id)
{
	User *user = palloc(sizeof(User));

	*user = (User){.next = users, .spec = spec, .field_id = field_id};
	return user;
}

static void
add_to(void **users, const IcePart *spec, int32 field_id)
{
	*users = add_user(*users, spec, field_id);
}

/* Is there a user that is not removed? Those that are removed are taken off. */
static bool
has_user(void **users)
{
	User *user = *users;

	while (user != NULL && user->spec->removed)
	{
		ice_step();
		user = user->next;
	}
	*users = user;
	return user != NULL;
}

static void
add_meaning(void **at, const IcePart *spec, int32 field_id)
{
	Meaning *meaning = *at;

	if (meaning == NULL)
		meaning = *at = palloc0(sizeof(Meaning));
	meaning->users = add_user(meaning->users, spec, field_id);
	if (meaning->highest != NULL && !meaning->highest->spec->removed &&
		meaning->highest->field_id >= field_id)
		return;
	if (meaning->highest == NULL || !meaning->highest->spec->removed)
		meaning->highest = meaning->users;
}

/* Looks for the highest again, without the users that are removed. */
static void
find_highest(Meaning *meaning)
{
	User **link = &meaning->users;

	meaning->highest = NULL;
	while (*link != NULL)
	{
		ice_step();
		if ((*link)->spec->removed)
		{
			*link = (*link)->next;
			continue;
		}
		if (meaning->highest == NULL || (*link)->field_id > meaning->highest->field_id)
			meaning->highest = *link;
		link = &(*link)->next;
	}
}

/* m: of this meaning. u: of this id and meaning. s: of this id and source, v: the same and void. i:
 * of this id. */
static void
add_fields(IceStructure *structure, IcePart *part)
{
	const IcePartitionSpec *spec = ice_structure_spec(part);

	for (int i = 0; i < spec->field_count; i++)
	{
		const IcePartitionField *field = &spec->fields[i];
		int32                    id = field->field_id;

		ice_step();
		add_meaning(place(structure, 'm', field, false, true, true), part, id);
		add_to(place(structure, 'u', field, true, true, true), part, id);
		add_to(place(structure, 's', field, true, true, false), part, id);
		add_to(place(structure, 'i', field, true, false, false), part, id);
		if (field->transform.kind == ICE_TRANSFORM_VOID)
			add_to(place(structure, 'v', field, true, true, false), part, id);
	}
}

static void
read_fields(IceStructure *structure)
{
	const IcePartList *specs = &structure->metadata->lists[ICE_PART_PARTITION_SPEC];

	if (structure->fields != NULL)
		return;
	structure->fields = ice_map_make();
	for (int i = 0; i < specs->count; i++)
		if (!specs->items[i]->removed)
			add_fields(structure, specs->items[i]);
}

void
ice_structure_put_spec(IceStructure *structure, IcePart *part)
{
	ice_canonical_same_put(&structure->specs, part);
	if (structure->fields != NULL)
		add_fields(structure, part);
}

int32
ice_structure_field_id(IceStructure *structure, const IcePartitionField *field)
{
	Meaning *meaning;

	read_fields(structure);
	meaning = *place(structure, 'm', field, false, true, true);
	if (meaning == NULL)
		return 0;
	if (meaning->highest == NULL || meaning->highest->spec->removed)
		find_highest(meaning);
	return meaning->highest == NULL ? 0 : Max(meaning->highest->field_id, 0);
}

bool
ice_structure_id_is_taken(IceStructure *structure, const IcePartitionField *field)
{
	bool is_void = field->transform.kind == ICE_TRANSFORM_VOID;

	read_fields(structure);
	if (has_user(place(structure, is_void ? 's' : 'u', field, true, true, !is_void)) ||
		has_user(place(structure, 'v', field, true, true, false)))
		return false;
	return has_user(place(structure, 'i', field, true, false, false));
}

int *
ice_structure_specs_checked(IceStructure *structure, const IcePart *schema)
{
	void **at = ice_map_at(structure->checked, &schema, sizeof(schema));

	if (*at == NULL)
		*at = palloc0(sizeof(int));
	return *at;
}
