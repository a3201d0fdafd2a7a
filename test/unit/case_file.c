/*
 * case_file.c
 *		Reading case files, base documents and paths into documents.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "case.h"

#include <stdlib.h>

#include "trap.h"

const char *case_data_dir;

void
case_fail(const char *format, ...)
{
	StringInfoData message;
	int            needed;

	initStringInfo(&message);
	do
	{
		va_list args;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed > 0)
			enlargeStringInfo(&message, needed);
	} while (needed > 0);
	ice_trap->code = ICE_ERR_COUNT;
	ice_trap->message = message.data;
	longjmp(ice_trap->jump, 1);
}

char *
case_read_file(const char *path, size_t *len)
{
	FILE          *file = fopen(path, "rb");
	StringInfoData text;
	char           block[8192];
	size_t         got;

	if (file == NULL)
		return NULL;
	initStringInfo(&text);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		appendBinaryStringInfo(&text, block, (int) got);
	fclose(file);
	*len = text.len;
	return text.data;
}

IceJson *
case_read_json(const char *path)
{
	size_t len;
	char  *text = case_read_file(path, &len);

	if (text == NULL)
		case_fail("cannot read %s", path);
	return ice_json_parse(text, len, ICE_JSON_DEPTH_MAX_DEFAULT);
}

/* One step of a path. */
static IceJson *
step(IceJson *value, const char *name)
{
	if (strcmp(name, "#") == 0)
		return ice_json_make_int(value->count);
	if (value->kind == ICE_JSON_OBJECT)
		return ice_json_member(value, name);
	if (value->kind != ICE_JSON_ARRAY)
		return NULL;

	int index = atoi(name);

	if (index < 0)
		index += value->count;
	return index >= 0 && index < value->count ? value->items[index] : NULL;
}

IceJson *
case_at(IceJson *value, const char *path)
{
	char *rest = pstrdup(path);
	char *name;

	if (*rest != '/')
		case_fail("a path starts with a slash: %s", path);
	rest++;
	while (value != NULL && (name = strsep(&rest, "/")) != NULL)
		value = step(value, name);
	return value;
}

void
case_expect_paths(IceJson *document, const IceJson *expected)
{
	for (int i = 0; i < expected->count; i++)
	{
		const char    *path = expected->members[i].key;
		const IceJson *wanted = expected->members[i].value;
		IceJson       *found = case_at(document, path);
		bool           is_null = found == NULL || found->kind == ICE_JSON_NULL;

		if (wanted->kind == ICE_JSON_NULL ? !is_null
										  : found == NULL || !ice_json_equal(found, wanted))
			case_fail("%s: expected %s, found %s", path, ice_json_text(wanted),
					  found == NULL ? "nothing" : ice_json_text(found));
	}
}

IceJson *
case_document(const IceJson *file)
{
	IceJson *metadata = ice_json_get(file, "metadata");
	IceJson *with = ice_json_opt_object(file, "with");

	if (metadata == NULL)
		return NULL;
	if (metadata->kind == ICE_JSON_STRING)
		metadata = case_read_json(psprintf("%s/base/%s.json", case_data_dir, metadata->string));
	for (int i = 0; with != NULL && i < with->count; i++)
	{
		if (with->members[i].value->kind == ICE_JSON_NULL)
			ice_json_remove(metadata, with->members[i].key);
		else
			ice_json_set(metadata, with->members[i].key, ice_json_copy(with->members[i].value));
	}
	return metadata;
}
