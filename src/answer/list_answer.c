/*
 * list_answer.c
 *		What stores of objects answer to a list. See list_answer.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "answer/list_answer.h"

#include "xml/xml.h"

#define JSON_DEPTH_MAX 32
#define SIZE_DIGITS    18 /* so it is below 2^63 */
#define S3_LIST        "ListBucketResult"
#define S3_MEMBER      S3_LIST "/Contents"
#define ADLS_LIST      "EnumerationResults"
#define ADLS_MEMBER    ADLS_LIST "/Blobs/Blob"
#define PROPERTIES     ADLS_MEMBER "/Properties/"

static const IceListEntry nothing = {NULL, 0, -1};

/* -- words ------------------------------------------------------------------------------------- */

/* Of digits alone; -1: it is none. */
static int64
number(const char *text, size_t digits)
{
	int64 value = 0;

	for (size_t i = 0; i < digits; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + text[i] - '0';
	}
	return value;
}

static uint64
read_size(const char *text)
{
	size_t len = strlen(text);
	int64  value = len == 0 || len > SIZE_DIGITS ? -1 : number(text, len);

	if (value < 0)
		ice_raise(ICE_ERR_STORAGE, "The answer is no list of objects: a size is no number");
	return (uint64) value;
}

/* Seconds since 1970 of a moment of the Gregorian calendar; -1: there is no such moment. */
static int64
seconds(int64 year, int64 month, int64 day, int64 hour, int64 minute, int64 second)
{
	int64 y = month <= 2 ? year - 1 : year;
	int64 of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64 days = y * 365 + y / 4 - y / 100 + y / 400 + of_year - 719468;

	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
		minute < 0 || minute > 59 || second < 0 || second > 60)
		return -1;
	return days * 86400 + hour * 3600 + minute * 60 + second;
}

/* Does the text have the form? In it, d is a digit, a is a letter, and all else is itself. */
static bool
has_form(const char *text, const char *form)
{
	for (; *form != '\0'; text++, form++)
	{
		bool is_digit = *text >= '0' && *text <= '9';
		bool is_letter = (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z');

		if (*form == 'd' ? !is_digit : *form == 'a' ? !is_letter : *text != *form)
			return false;
	}
	return true;
}

int64
ice_list_answer_time(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	const char       *rest = text + strlen(form);

	if (!has_form(text, form))
		return -1;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0)
		return -1;
	return seconds(number(text, 4), number(text + 5, 2), number(text + 8, 2), number(text + 11, 2),
				   number(text + 14, 2), number(text + 17, 2));
}

/* "Mon, 27 Jul 2009 12:28:53 GMT", in seconds since 1970; -1: no such time. */
static int64
http_time(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char form[] = "aaa, dd aaa dddd dd:dd:dd GMT";

	if (strlen(text) != strlen(form) || !has_form(text, form))
		return -1;
	for (int month = 0; month < 12; month++)
		if (memcmp(text + 8, months + (size_t) month * 3, 3) == 0)
			return seconds(number(text + 12, 4), month + 1, number(text + 5, 2),
						   number(text + 17, 2), number(text + 20, 2), number(text + 23, 2));
	return -1;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
ice_list_answer_decode(char *text)
{
	char *out = text;

	while (*text != '\0')
	{
		int high = text[0] == '%' ? hex_value(text[1]) : -1;
		int low = high >= 0 ? hex_value(text[2]) : -1;

		/* A zero byte can be in no key that can be named. */
		if (low >= 0 && high * 16 + low != 0)
		{
			*out++ = (char) (high * 16 + low);
			text += 3;
		}
		else
		{
			*out++ = *text == '+' ? ' ' : *text;
			text++;
		}
	}
	*out = '\0';
}

/* -- S3 ---------------------------------------------------------------------------------------- */

/* Are keys percent-encoded? The element that says so may come after them. */
static bool
s3_is_encoded(const char *answer, size_t len)
{
	IceXml xml;

	ice_xml_begin(&xml, answer, len);
	while (ice_xml_next(&xml))
		if (ice_xml_is_leaf(&xml, S3_LIST "/EncodingType"))
			return strcmp(xml.text.data, "url") == 0;
	return false;
}

/* What one element of the list says of an object. */
static void
s3_read_member(const IceXml *xml, bool encoded, IceListEntry *entry)
{
	if (ice_xml_is_leaf(xml, S3_MEMBER "/Key"))
	{
		entry->key = pstrdup(xml->text.data);
		if (encoded)
			ice_list_answer_decode(entry->key);
	}
	else if (ice_xml_is_leaf(xml, S3_MEMBER "/Size"))
		entry->size = read_size(xml->text.data);
	else if (ice_xml_is_leaf(xml, S3_MEMBER "/LastModified"))
		entry->modified_s = ice_list_answer_time(xml->text.data);
}

char *
ice_list_answer_s3(const char *answer, size_t len, IceListVisit visit, void *arg)
{
	bool         encoded = s3_is_encoded(answer, len);
	IceListEntry entry = nothing;
	bool         is_list = false;
	bool         more = false;
	char        *token = NULL;
	IceXml       xml;

	ice_xml_begin(&xml, answer, len);
	while (ice_xml_next(&xml))
	{
		s3_read_member(&xml, encoded, &entry);
		is_list |= ice_xml_is(&xml, S3_LIST);
		if (ice_xml_is(&xml, S3_MEMBER))
		{
			visit(&entry, arg);
			entry = nothing;
		}
		else if (ice_xml_is_leaf(&xml, S3_LIST "/IsTruncated"))
			more = strcmp(xml.text.data, "true") == 0;
		else if (ice_xml_is_leaf(&xml, S3_LIST "/NextContinuationToken") && xml.text.len > 0)
			token = pstrdup(xml.text.data);
	}
	if (!is_list)
		ice_raise(ICE_ERR_STORAGE, "The answer is no list of objects");
	if (more && token == NULL)
		ice_raise(ICE_ERR_STORAGE, "The answer does not say where the list goes on");
	return more ? token : NULL;
}

/* -- GCS --------------------------------------------------------------------------------------- */

char *
ice_list_answer_gcs(const char *answer, size_t len, IceListVisit visit, void *arg)
{
	IceJson    *list = ice_json_parse(answer, len, JSON_DEPTH_MAX);
	IceJson    *items;
	const char *token;

	if (list->kind != ICE_JSON_OBJECT)
		ice_raise(ICE_ERR_STORAGE, "The answer is no list of objects");
	items = ice_json_opt_array(list, "items");
	for (int i = 0; items != NULL && i < items->count; i++)
	{
		IceListEntry entry = nothing;
		const char  *size;
		const char  *updated;

		if (items->items[i]->kind != ICE_JSON_OBJECT)
			ice_raise(ICE_ERR_STORAGE, "The answer is no list of objects");
		size = ice_json_opt_string(items->items[i], "size");
		updated = ice_json_opt_string(items->items[i], "updated");
		entry.key = pstrdup(ice_json_string(items->items[i], "name"));
		if (size != NULL)
			entry.size = read_size(size);
		if (updated != NULL)
			entry.modified_s = ice_list_answer_time(updated);
		visit(&entry, arg);
	}
	token = ice_json_opt_string(list, "nextPageToken");
	return token != NULL && *token != '\0' ? pstrdup(token) : NULL;
}

/* -- ADLS -------------------------------------------------------------------------------------- */

/* What one element says of a blob. True: it is a folder. */
static bool
adls_read_member(const IceXml *xml, IceListEntry *entry)
{
	if (ice_xml_is_leaf(xml, ADLS_MEMBER "/Name"))
		entry->key = pstrdup(xml->text.data);
	else if (ice_xml_is_leaf(xml, PROPERTIES "Content-Length"))
		entry->size = read_size(xml->text.data);
	else if (ice_xml_is_leaf(xml, PROPERTIES "Last-Modified"))
		entry->modified_s = http_time(xml->text.data);
	return ice_xml_is_leaf(xml, PROPERTIES "ResourceType") &&
		   strcmp(xml->text.data, "directory") == 0;
}

char *
ice_list_answer_adls(const char *answer, size_t len, IceListVisit visit, void *arg)
{
	IceListEntry entry = nothing;
	bool         is_folder = false;
	bool         is_list = false;
	char        *token = NULL;
	IceXml       xml;

	ice_xml_begin(&xml, answer, len);
	while (ice_xml_next(&xml))
	{
		is_folder |= adls_read_member(&xml, &entry);
		is_list |= ice_xml_is(&xml, ADLS_LIST);
		if (ice_xml_is(&xml, ADLS_MEMBER))
		{
			if (!is_folder)
				visit(&entry, arg);
			entry = nothing;
			is_folder = false;
		}
		else if (ice_xml_is_leaf(&xml, ADLS_LIST "/NextMarker") && xml.text.len > 0)
			token = pstrdup(xml.text.data);
	}
	if (!is_list)
		ice_raise(ICE_ERR_STORAGE, "The answer is no list of blobs");
	return token;
}
