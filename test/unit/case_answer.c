/*
 * case_answer.c
 *		Cases of what stores and token services answer, by "from": the objects of a list, or
 *		credentials.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "case.h"

#include "answer/list_answer.h"
#include "vend/sts_answer.h"

static void
set_text(IceJson *object, const char *key, const char *value)
{
	ice_json_set(object, key, value != NULL ? ice_json_make_string(value) : ice_json_make_null());
}

static void
add_object(const IceListEntry *entry, void *arg)
{
	IceJson *object = ice_json_make_object();

	set_text(object, "key", entry->key);
	ice_json_set(object, "size", ice_json_make_int((int64) entry->size));
	ice_json_set(object, "modified", ice_json_make_int(entry->modified_s));
	ice_json_append(arg, object);
}

static void
read_credentials(const char *answer, IceJson *result)
{
	IceVended vended = {.expires_at_ms = 0};

	set_text(result, "refused", ice_sts_answer(answer, &vended));
	set_text(result, "access-key", vended.access_key);
	set_text(result, "secret-key", vended.secret_key);
	set_text(result, "token", vended.session_token);
	ice_json_set(result, "expires-at-ms", ice_json_make_int(vended.expires_at_ms));
	set_text(result, "code", ice_sts_answer_error(answer));
}

static void
run_answer(const IceJson *file, CaseOutcome *outcome)
{
	const char *text = ice_json_string(file, "text");
	const char *from = ice_json_string(file, "from");
	IceJson    *objects = ice_json_make_array();
	size_t      len = strlen(text);

	outcome->document = ice_json_make_object();
	if (strcmp(from, "sts") == 0)
		read_credentials(text, outcome->document);
	else if (strcmp(from, "s3") == 0)
		set_text(outcome->document, "next", ice_list_answer_s3(text, len, add_object, objects));
	else if (strcmp(from, "gcs") == 0)
		set_text(outcome->document, "next", ice_list_answer_gcs(text, len, add_object, objects));
	else if (strcmp(from, "adls") == 0)
		set_text(outcome->document, "next", ice_list_answer_adls(text, len, add_object, objects));
	else
		case_fail("from is none of sts, s3, gcs, adls");
	ice_json_set(outcome->document, "objects", objects);
}

void
case_answer(const IceJson *file)
{
	case_judge_run(run_answer, file);
}
