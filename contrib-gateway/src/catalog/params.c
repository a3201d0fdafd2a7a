/*
 * params.c
 *		The parameters of a request; see params.h.
 *
 * Whether a value means anything is the database's business. Here is only checked what it could not
 * be asked with: names must decode, and a value of a known form must have it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/params.h"

#include "base/conf.h"
#include "base/url.h"
#include "http/conditional.h"

#define NUMBER_DIGITS_MAX 18

/* One value on its way from the client to the statement. */
typedef struct Decoding
{
	const GwParamInput *input;
	const char         *wire;
	GwArena            *arena;
	const char         *fault; /* the first thing that is wrong; NULL: nothing is */
} Decoding;

typedef const char *(*Decoder)(Decoding *decoding);

static const char *
fail(Decoding *decoding, const char *fault)
{
	if (decoding->fault == NULL)
		decoding->fault = fault;
	return NULL;
}

/* The same, with the wire name between two texts. */
static const char *
fail_named(Decoding *decoding, const char *before, const char *after)
{
	GwText text = {0};

	gw_text_printf(&text, "%s%s%s", before, decoding->wire, after);
	fail(decoding, gw_arena_copy(decoding->arena, (GwSlice){text.data, text.len}));
	gw_text_free(&text);
	return NULL;
}

static const char *
percent_decode(Decoding *decoding, size_t *len)
{
	GwSlice    raw = decoding->input->raw;
	char      *out = gw_arena_take(decoding->arena, raw.len + 1);
	GwUrlFault why = gw_url_decode(raw, decoding->input->plus_is_space, out, len);

	return why == NULL ? out : fail(decoding, why);
}

/* Text, in which empty is not the same as absent. */
static const char *
gw_decode_text(Decoding *decoding)
{
	size_t len;

	return percent_decode(decoding, &len);
}

/* Text, in which empty is the same as absent. */
static const char *
gw_decode_nonempty(Decoding *decoding)
{
	size_t      len = 0;
	const char *text = percent_decode(decoding, &len);

	return len > 0 ? text : NULL;
}

/* A segment of the path, which must not be empty. */
static const char *
gw_decode_prefix(Decoding *decoding)
{
	const char *text = gw_decode_nonempty(decoding);

	return text != NULL ? text : fail_named(decoding, "The ", " is empty");
}

static const char *
gw_decode_name(Decoding *decoding)
{
	const char *text = gw_decode_nonempty(decoding);

	return text != NULL ? text : fail_named(decoding, "The ", " name is empty");
}

/* What clients are told to put between levels. */
static const char *
separator(void)
{
	static char decoded[GW_SEPARATOR_BYTES_MAX];

	if (decoded[0] == '\0')
		gw_url_separator(gw_conf.namespace_separator, decoded);
	return decoded;
}

/* The levels of a namespace as the text of a text[]. */
static const char *
gw_decode_namespace(Decoding *decoding)
{
	size_t      len = 0;
	const char *decoded = percent_decode(decoding, &len);
	char       *out;
	GwUrlFault  why;

	if (decoded == NULL)
		return NULL;
	out = gw_arena_take(decoding->arena, GW_URL_NAMESPACE_BYTES(len));
	why = gw_url_namespace((GwSlice){decoded, len}, separator(), out, &len);
	return why == NULL ? out : fail(decoding, why);
}

/* REST, listNamespaces: an empty parent is treated as absent. */
static const char *
gw_decode_parent(Decoding *decoding)
{
	return decoding->input->raw.len > 0 ? gw_decode_namespace(decoding) : NULL;
}

/* true or false in any case, as some clients spell it with a capital. */
static const char *
gw_decode_boolean(Decoding *decoding)
{
	GwSlice raw = decoding->input->raw;

	if (gw_text_slice_is_nocase(raw, "true"))
		return "true";
	if (gw_text_slice_is_nocase(raw, "false"))
		return "false";
	return fail_named(decoding, "", " is neither true nor false");
}

/* A positive number: one that the database cannot read is a very large one. */
static const char *
gw_decode_size(Decoding *decoding)
{
	size_t      len;
	const char *text = percent_decode(decoding, &len);

	if (text == NULL)
		return NULL;
	if (len == 0 || strspn(text, "0123456789") != len || strspn(text, "0") == len)
		return fail_named(decoding, "", " is not a positive integer");
	while (*text == '0')
		text++;
	return strlen(text) > 9 ? "1000000000" : text;
}

/* A number of the database's, which is not negative. */
static const char *
number_of(Decoding *decoding, GwSlice raw)
{
	bool good = raw.len > 0 && raw.len <= NUMBER_DIGITS_MAX;

	for (size_t i = 0; good && i < raw.len; i++)
		good = raw.data[i] >= '0' && raw.data[i] <= '9';
	return good ? gw_arena_copy(decoding->arena, raw)
				: fail_named(decoding, "", " is not a number of an event");
}

static const char *
gw_decode_number(Decoding *decoding)
{
	return number_of(decoding, decoding->input->raw);
}

/* Of an EventSource that was connected before: the last event that it has. Empty is absent. */
static const char *
gw_decode_event(Decoding *decoding)
{
	const GwHttpHead *head = decoding->input->head;
	GwSlice           value = {NULL, 0};

	for (int i = 0; i < head->header_count; i++)
	{
		if (!gw_text_slice_is_nocase(head->headers[i].name, decoding->wire))
			continue;
		if (value.data != NULL)
			return fail_named(decoding, "", " is repeated");
		value = head->headers[i].value;
	}
	return value.len > 0 ? number_of(decoding, value) : NULL;
}

static const char *
gw_decode_snapshots(Decoding *decoding)
{
	GwSlice raw = decoding->input->raw;

	if (gw_text_slice_is_nocase(raw, "all"))
		return "all";
	if (gw_text_slice_is_nocase(raw, "refs"))
		return "refs";
	return fail_named(decoding, "", " is neither all nor refs");
}

/* -- referenced-by: views as JSON, [["a","b","view"],…] --------------------------------------- */

/* The next part of a text before a separator, which is not in the rest; at its end data is NULL. */
static GwSlice
next_part(GwSlice *rest, const char *between)
{
	size_t      len = strlen(between);
	const char *end = memmem(rest->data, rest->len, between, len);
	GwSlice     part = {rest->data, end != NULL ? (size_t) (end - rest->data) : rest->len};

	*rest = end != NULL ? (GwSlice){end + len, rest->len - part.len - len} : (GwSlice){NULL, 0};
	return part;
}

/* What stands between the levels of a decoded name. */
static const char *
level_separator(GwSlice name)
{
	return memchr(name.data, 0x1F, name.len) != NULL ? "\x1F" : separator();
}

/* Appends a view, whose last level is its name. */
static void
add_view(Decoding *decoding, GwText *out, GwSlice name)
{
	const char *between = level_separator(name);
	int         levels = 0;

	gw_text_putc(out, '[');
	while (name.data != NULL)
	{
		GwSlice level = next_part(&name, between);

		if (level.len == 0)
			fail_named(decoding, "", ": a name is empty");
		if (levels++ > 0)
			gw_text_putc(out, ',');
		gw_text_json(out, level.data, level.len);
	}
	gw_text_putc(out, ']');
	if (levels < 2)
		fail_named(decoding, "", ": a view is named by its namespace and name");
}

/* A list whose commas were encoded with all the rest; a part without a separator is no view, so the
 * comma belongs to a name. */
static bool
is_encoded_list(GwSlice decoded)
{
	if (memchr(decoded.data, ',', decoded.len) == NULL)
		return false;
	while (decoded.data != NULL)
	{
		GwSlice     part = next_part(&decoded, ",");
		const char *between = level_separator(part);

		if (memmem(part.data, part.len, between, strlen(between)) == NULL)
			return false;
	}
	return true;
}

/* Appends the views of a part of the value between two commas. */
static void
add_part(Decoding *decoding, GwText *out, GwSlice raw, bool alone)
{
	Decoding     part = *decoding;
	GwParamInput input = *decoding->input;
	size_t       len = 0;
	const char  *text;
	GwSlice      decoded;

	input.raw = raw;
	part.input = &input;
	text = percent_decode(&part, &len);
	decoding->fault = part.fault;
	if (text == NULL)
		return;
	decoded = (GwSlice){text, len};
	if (!alone || !is_encoded_list(decoded))
	{
		add_view(decoding, out, decoded);
		return;
	}
	while (decoded.data != NULL)
	{
		add_view(decoding, out, next_part(&decoded, ","));
		if (decoded.data != NULL)
			gw_text_putc(out, ',');
	}
}

/* Views, separated by commas that are not encoded; or all of the list is. */
static const char *
gw_decode_references(Decoding *decoding)
{
	GwSlice     rest = decoding->input->raw;
	bool        alone = memchr(rest.data, ',', rest.len) == NULL;
	GwText      out = {0};
	const char *value;

	if (rest.len == 0)
		return NULL;
	gw_text_putc(&out, '[');
	while (rest.data != NULL && decoding->fault == NULL)
	{
		add_part(decoding, &out, next_part(&rest, ","), alone);
		if (rest.data != NULL)
			gw_text_putc(&out, ',');
	}
	gw_text_putc(&out, ']');
	value = gw_arena_copy(decoding->arena, (GwSlice){out.data, out.len});
	gw_text_free(&out);
	return decoding->fault == NULL ? value : NULL;
}

/* A list of entity tags; see conditional.h. */
static const char *
gw_decode_tags(Decoding *decoding)
{
	const GwHttpHead *head = decoding->input->head;
	char             *list = gw_arena_take(decoding->arena, gw_conditional_bytes(head));

	return gw_conditional_list(head, list) > 0 ? list : NULL;
}

/* The body goes to the database as text: it must be there, and be text. It is not copied. */
static const char *
gw_decode_body(Decoding *decoding)
{
	GwSlice body = decoding->input->raw;

	if (body.len == 0)
		return fail(decoding, "The request body is empty");
	if (memchr(body.data, '\0', body.len) != NULL)
		return fail(decoding, "The request body holds a NUL character");
	if (!gw_text_is_utf8(body.data, body.len))
		return fail(decoding, "The request body is not UTF-8");
	return body.data;
}

static const char *
gw_decode_separator(Decoding *decoding)
{
	(void) decoding;
	return gw_conf.namespace_separator;
}

typedef struct Parameter
{
	GwSource    source;
	const char *wire;
	Decoder     decode;
} Parameter;

static const Parameter parameters[GW_PARAM_COUNT] = {
#define GW_PARAMETER(name, source, wire, decoder) \
	[GW_PARAM_##name] = {GW_SOURCE_##source, wire, gw_decode_##decoder},
#include "catalog/parameters.def"
};

GwSource
gw_param_source(GwParam param)
{
	return parameters[param].source;
}

GwParam
gw_param_find(GwSource source, GwSlice wire)
{
	for (int i = GW_PARAM_NONE + 1; i < GW_PARAM_COUNT; i++)
		if (parameters[i].source == source && gw_text_slice_is(wire, parameters[i].wire))
			return (GwParam) i;
	return GW_PARAM_NONE;
}

/* A parameter of the path or the query that was not sent has no value, whatever its kind. */
const char *
gw_param_decode(GwParam param, const GwParamInput *input, GwArena *arena, const char **fault)
{
	const Parameter *parameter = &parameters[param];
	Decoding         decoding = {.input = input, .wire = parameter->wire, .arena = arena};
	const char      *value;

	if (parameter->source == GW_SOURCE_QUERY && input->raw.data == NULL)
		return NULL;
	value = parameter->decode(&decoding);
	if (decoding.fault != NULL)
		*fault = decoding.fault;
	return value;
}
