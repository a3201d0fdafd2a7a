/*
 * form.c
 *		Reading requests for tokens; see form.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/form.h"

#include <stddef.h>
#include <stdlib.h>
#include <strings.h>
#include <openssl/crypto.h>

#include "auth/base64url.h"
#include "base/url.h"

#define BASIC      "Basic "
#define ROLE_SCOPE "PRINCIPAL_ROLE:"

typedef struct Field
{
	const char *name;
	size_t      offset;
	bool        secret; /* not to be in a query */
} Field;

#define FIELD(name, secret)                   \
	{                                         \
#name, offsetof(GwForm, name), secret \
	}

static const Field fields[] = {
	FIELD(grant_type, false),           FIELD(client_id, false),
	FIELD(client_secret, true),         FIELD(scope, false),
	FIELD(subject_token, true),         FIELD(subject_token_type, false),
	FIELD(requested_token_type, false), FIELD(actor_token, true),
	FIELD(refresh_token, true),
};

static const Field *
find_field(const char *name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

/* -- the body -----------------------------------------------------------------------------------*/

/* One parameter; both texts were decoded. */
static const char *
take_value(GwForm *form, const char *name, const char *value)
{
	const Field *field = find_field(name);
	const char **slot;

	if (field == NULL || *value == '\0')
		return NULL;
	slot = (const char **) ((char *) form + field->offset);
	if (*slot != NULL)
		return "A parameter is repeated";
	*slot = value;
	return NULL;
}

const char *
gw_form_read(GwForm *form, GwSlice body)
{
	const char *why = NULL;
	GwSlice     key;
	GwSlice     value;
	char       *at;

	*form = (GwForm){.memory = NULL};
	if (body.len > GW_FORM_BYTES_MAX)
		return "The form is too long";
	form->size = 2 * body.len + 2; /* each parameter may be without "=value", and gets two NULs */
	at = form->memory = gw_alloc(form->size);
	while (why == NULL && gw_url_query_next(&body, &key, &value))
	{
		char  *name = at;
		char  *text;
		size_t len;

		if ((why = gw_url_decode(key, true, at, &len)) != NULL)
			break;
		text = at += len + 1;
		if ((why = gw_url_decode(value, true, at, &len)) != NULL)
			break;
		at += len + 1;
		why = take_value(form, name, text);
	}
	return why;
}

void
gw_form_forget(char *memory, size_t size)
{
	if (memory != NULL)
		OPENSSL_cleanse(memory, size);
	free(memory);
}

void
gw_form_free(GwForm *form)
{
	gw_form_forget(form->memory, form->size);
	*form = (GwForm){.memory = NULL};
}

bool
gw_form_query_tells(GwSlice query)
{
	GwSlice key;
	GwSlice value;
	char    name[32];
	size_t  len;

	while (gw_url_query_next(&query, &key, &value))
	{
		const Field *field;

		if (key.len >= sizeof(name) || gw_url_decode(key, true, name, &len) != NULL)
			continue;
		field = find_field(name);
		if (field != NULL && field->secret)
			return true;
	}
	return false;
}

/* -- Basic --------------------------------------------------------------------------------------*/

/* From the base64 of RFC 4648, section 4, to that of its section 5, without padding. */
static void
to_base64url(GwSlice in, GwText *out)
{
	while (in.len > 0 && in.data[in.len - 1] == '=')
		in.len--;
	gw_text_reserve(out, in.len);
	for (size_t i = 0; i < in.len; i++)
		gw_text_putc(out, in.data[i] == '+' ? '-' : in.data[i] == '/' ? '_' : in.data[i]);
}

/* Clients differ in whether they encode both as form values first; ids and secrets of ours are the
 * same in both forms. */
bool
gw_form_basic(GwSlice field, char **id, char **secret, size_t *size)
{
	GwText encoded = {0};
	GwText text = {0};
	char  *colon = NULL;

	if (field.len <= strlen(BASIC) || strncasecmp(field.data, BASIC, strlen(BASIC)) != 0)
		return false;
	to_base64url((GwSlice){field.data + strlen(BASIC), field.len - strlen(BASIC)}, &encoded);
	if (gw_base64url_decode((GwSlice){encoded.data, encoded.len}, &text) && text.len > 0 &&
		memchr(text.data, '\0', text.len) == NULL)
		colon = strchr(text.data, ':');
	gw_form_forget(encoded.data, encoded.cap);
	if (colon == NULL)
	{
		gw_form_forget(text.data, text.cap);
		return false;
	}
	*colon = '\0';
	*id = text.data;
	*secret = colon + 1;
	*size = text.cap;
	return true;
}

/* -- scopes -------------------------------------------------------------------------------------*/

bool
gw_form_scope_is_sound(const char *scope)
{
	for (const char *at = scope; *at != '\0'; at++)
		if ((unsigned char) *at < 0x20 || *at == '"' || *at == '\\' || (unsigned char) *at > 0x7E)
			return false;
	return strlen(scope) <= GW_FORM_SCOPE_MAX;
}

/* Cuts off the next scope; false at the end. */
static bool
next_scope(const char **at, GwSlice *scope)
{
	*at += strspn(*at, " ");
	*scope = (GwSlice){*at, strcspn(*at, " ")};
	*at += scope->len;
	return scope->len > 0;
}

bool
gw_form_scope_has(const char *scope, const char *name)
{
	GwSlice item;

	while (next_scope(&scope, &item))
		if (gw_text_slice_is(item, name))
			return true;
	return false;
}

bool
gw_form_scope_role(const char *scope, char role[GW_FORM_ROLE_BYTES])
{
	size_t  prefix = strlen(ROLE_SCOPE);
	GwSlice item;

	role[0] = '\0';
	while (next_scope(&scope, &item))
	{
		size_t len = item.len - prefix;

		if (item.len < prefix || memcmp(item.data, ROLE_SCOPE, prefix) != 0 ||
			gw_text_slice_is(item, ROLE_SCOPE "ALL"))
			continue;
		if (len == 0 || len >= GW_FORM_ROLE_BYTES ||
			(role[0] != '\0' &&
			 (strlen(role) != len || memcmp(role, item.data + prefix, len) != 0)))
			return false;
		memcpy(role, item.data + prefix, len);
		role[len] = '\0';
	}
	return true;
}
