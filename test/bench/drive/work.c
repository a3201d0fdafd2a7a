/*
 * work.c
 *		What one client does; see work.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "work.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REQUEST_BYTES_MAX 8192
#define EXPECT_IN_BYTES   4096 /* of an answer that is looked at */
#define SCHEMA_FIELDS                                                         \
	"{\"id\":1,\"name\":\"id\",\"type\":\"long\",\"required\":true},"         \
	"{\"id\":2,\"name\":\"name\",\"type\":\"string\",\"required\":false},"    \
	"{\"id\":3,\"name\":\"at\",\"type\":\"timestamptz\",\"required\":false}," \
	"{\"id\":4,\"name\":\"amount\",\"type\":\"double\",\"required\":false}"

/* ---- what is asked ------------------------------------------------------------------------ */

static uint64_t
next_random(Client *client)
{
	client->random ^= client->random << 13;
	client->random ^= client->random >> 7;
	client->random ^= client->random << 17;
	return client->random;
}

static void send_request(Client *client, const char *method, const char *path, const char *format,
						 ...) __attribute__((format(printf, 4, 5)));

/* A request with a body, or without where the format is "". */
static void
send_request(Client *client, const char *method, const char *path, const char *format, ...)
{
	char   *request = link_request(client->link, REQUEST_BYTES_MAX);
	char    body[REQUEST_BYTES_MAX / 2];
	int     body_len, len;
	va_list values;

	va_start(values, format);
	body_len = vsnprintf(body, sizeof(body), format, values);
	va_end(values);
	if (body_len > 0)
		len = snprintf(request, REQUEST_BYTES_MAX,
					   "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
					   "Content-Length: %d\r\n\r\n%s",
					   method, path, body_len, body);
	else
		len = snprintf(request, REQUEST_BYTES_MAX, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
					   method, path);
	if (body_len >= (int) sizeof(body) || len >= REQUEST_BYTES_MAX)
		errx(1, "a request is too long");
	link_send(client->link, (size_t) len);
}

/* The path of the table that the client works on. */
static const char *
table_path(const Client *client)
{
	static char    path[1024];
	const Options *options = client->options;
	int n = snprintf(path, sizeof(path), "/v1/%s/namespaces/%s/tables/", options->warehouse,
					 options->name_space);

	if (options->shared != NULL)
		snprintf(path + n, sizeof(path) - (size_t) n, "%s", options->shared);
	else
		snprintf(path + n, sizeof(path) - (size_t) n, "t%d", client->table_number);
	return path;
}

static void
send_load(Client *client)
{
	client->loading = true;
	send_request(client, "GET", table_path(client), "%s", "");
}

static void
send_get(Client *client)
{
	const char *mark = strstr(client->options->path, "{}");
	char        path[1024];

	if (mark == NULL)
		snprintf(path, sizeof(path), "%s", client->options->path);
	else
		snprintf(path, sizeof(path), "%.*s%d%s", (int) (mark - client->options->path),
				 client->options->path, client->table_number, mark + 2);
	send_request(client, "GET", path, "%s", "");
}

static void
send_create(Client *client)
{
	char path[1024];

	snprintf(path, sizeof(path), "/v1/%s/namespaces/%s/tables", client->options->warehouse,
			 client->options->name_space);
	send_request(
		client, "POST", path,
		"{\"name\":\"%s_%d_%llu\",\"schema\":{\"type\":\"struct\",\"fields\":[" SCHEMA_FIELDS
		"]},\"properties\":{\"owner\":\"bench\"}}",
		client->options->tag, client->number, (unsigned long long) client->made);
}

/* What an engine sends for an append of some files. */
static void
send_append(Client *client)
{
	const Table    *table = client->table;
	struct timespec now;
	long long       ms;

	clock_gettime(CLOCK_REALTIME, &now);
	ms = (long long) now.tv_sec * 1000 + now.tv_nsec / 1000000;
	client->attempt = (int64_t) (next_random(client) >> 2) | 1;
	send_request(
		client, "POST", table_path(client),
		"{\"requirements\":[{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\","
		"\"snapshot-id\":%lld}],\"updates\":[{\"action\":\"add-snapshot\",\"snapshot\":{"
		"\"snapshot-id\":%lld,\"parent-snapshot-id\":%lld,\"sequence-number\":%lld,"
		"\"timestamp-ms\":%lld,\"manifest-list\":\"%s/metadata/snap-%lld-1-5f4ce0f1-3d2b-4e0a-"
		"9a55-0d3c1b6d9c7e.avro\",\"summary\":{\"operation\":\"append\",\"added-data-files\":\"4\","
		"\"added-records\":\"4000\",\"added-files-size\":\"123456\",\"total-data-files\":\"4\","
		"\"total-records\":\"4000\"},\"schema-id\":0}},{\"action\":\"set-snapshot-ref\","
		"\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":%lld}]}",
		(long long) table->snapshot, (long long) client->attempt, (long long) table->snapshot,
		(long long) table->sequence + 1, ms, table->location, (long long) client->attempt,
		(long long) client->attempt);
}

static void
send_property(Client *client)
{
	send_request(client, "POST", table_path(client),
				 "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{"
				 "\"bench.client-%d\":\"%s-%llu\"}}]}",
				 client->number, client->options->tag, (unsigned long long) client->made);
}

/* The next request of the operation. */
static void
attempt(Client *client)
{
	client->loading = false;
	switch (client->options->kind)
	{
		case WORK_GET:
			send_get(client);
			break;
		case WORK_CREATE:
			send_create(client);
			break;
		case WORK_APPEND:
			if (client->table->known)
				send_append(client);
			else
				send_load(client);
			break;
		default:
			send_property(client);
	}
}

/* ---- what is answered --------------------------------------------------------------------- */

/* Where the value of a key begins, or NULL. */
static const char *
value_of(const Answer *answer, const char *key)
{
	const char *at = memmem(answer->body, answer->body_len, key, strlen(key));

	if (at == NULL)
		return NULL;
	at += strlen(key);
	return at + strspn(at, " :");
}

/* Learns the state of a table from its load. */
static bool
learn(Table *table, const Answer *answer)
{
	const char *snapshot = value_of(answer, "\"current-snapshot-id\"");
	const char *sequence = value_of(answer, "\"last-sequence-number\"");
	const char *location = value_of(answer, "\"location\"");
	const char *end = location ? strchr(location + 1, '"') : NULL;

	if (snapshot == NULL || sequence == NULL || end == NULL)
		return false;
	table->snapshot = strtoll(snapshot, NULL, 10);
	table->sequence = strtoll(sequence, NULL, 10);
	free(table->location);
	table->location = strndup(location + 1, (size_t) (end - location - 1));
	table->known = true;
	return true;
}

/* Is it the answer to what was asked? */
static bool
is_right(Client *client, const Answer *answer)
{
	const char *text = client->options->expect;
	const char *value;
	char        wanted[200];

	switch (client->options->kind)
	{
		case WORK_GET:
			return text == NULL ||
				   memmem(answer->body,
						  answer->body_len < EXPECT_IN_BYTES ? answer->body_len : EXPECT_IN_BYTES,
						  text, strlen(text)) != NULL;
		case WORK_CREATE:
			return value_of(answer, "\"metadata-location\"") != NULL;
		case WORK_APPEND:
			value = value_of(answer, "\"current-snapshot-id\"");
			return value != NULL && strtoll(value, NULL, 10) == client->attempt;
		default:
			snprintf(wanted, sizeof(wanted), "\"bench.client-%d\"", client->number);
			value = value_of(answer, wanted);
			snprintf(wanted, sizeof(wanted), "\"%s-%llu\"", client->options->tag,
					 (unsigned long long) client->made);
			return value != NULL && strncmp(value, wanted, strlen(wanted)) == 0;
	}
}

static void
note_wrong(Client *client, const Answer *answer)
{
	Counts *counts = client->counts;

	if (counts->wrong++ > 0)
		return;
	snprintf(counts->first_wrong, sizeof(counts->first_wrong), "%d %.*s", answer->status,
			 (int) (answer->body_len < 200 ? answer->body_len : 200), answer->body);
	for (char *c = counts->first_wrong; *c != '\0'; c++)
		if (*c < ' ' || *c == '"' || *c == '\\')
			*c = ' ';
}

static void
landed(Client *client)
{
	if (client->options->kind != WORK_GET)
		client->counts->landed++;
	if (client->options->kind == WORK_APPEND)
	{
		client->table->snapshot = client->attempt;
		client->table->sequence++;
	}
	client->over(client, true);
}

/* A load between two attempts, or before the first. */
static void
loaded(Client *client, const Answer *answer)
{
	bool good = answer->status == 200;

	if (client->options->kind == WORK_APPEND)
		good = good && learn(client->table, answer);
	if (!good)
		note_wrong(client, answer);
	if (client->preparing || !good)
	{
		client->over(client, good);
		return;
	}
	client->counts->loads++;
	attempt(client);
}

/* 409: the state is another one than was believed. */
static void
refused(Client *client)
{
	client->counts->refused++;
	if (client->options->kind == WORK_APPEND)
		client->table->known = false;
	if (!client->stopping)
	{
		attempt(client);
		return;
	}
	client->counts->given_up++;
	client->over(client, false);
}

/* 429 or 503: comes back when it is told to. */
static void
turned_away(Client *client, const Answer *answer)
{
	struct timeval pause = {answer->retry_after_s > 0 ? answer->retry_after_s : 1, 0};

	if (answer->retry_after_s < 0)
		client->counts->bare++;
	else
		client->counts->turned_away++;
	if (client->options->rate > 0 || client->stopping)
		client->over(client, false);
	else
		evtimer_add(client->pause, &pause);
}

static void
on_answer(void *owner, const Answer *answer)
{
	Client *client = owner;

	if (answer == NULL)
	{
		client->counts->broken++;
		if (client->table != NULL)
			client->table->known = false;
		client->over(client, false);
	}
	else if (answer->status == 429 || answer->status == 503)
		turned_away(client, answer);
	else if (client->loading)
		loaded(client, answer);
	else if (answer->status == 409 && client->options->kind > WORK_CREATE)
		refused(client);
	else if (answer->status == 200 && is_right(client, answer))
		landed(client);
	else
	{
		note_wrong(client, answer);
		client->over(client, false);
	}
}

static void
on_pause(int fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	attempt(arg);
}

/* ---- a client ----------------------------------------------------------------------------- */

void
work_init(Client *client, struct event_base *base, const struct sockaddr_in *to)
{
	const Options *options = client->options;

	client->random = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t) (client->number + 1);
	for (const char *c = options->tag; *c != '\0'; c++)
		client->random = (client->random ^ (unsigned char) *c) * UINT64_C(0x100000001b3);
	for (int i = 0; i < 8; i++)
		next_random(client);
	client->link = link_create(base, to, on_answer, client);
	client->pause = evtimer_new(base, on_pause, client);
	client->tables = calloc((size_t) options->rotate, sizeof(Table));
	if (client->pause == NULL || client->tables == NULL)
		err(1, "memory");
}

void
work_free(Client *client)
{
	link_free(client->link);
	event_free(client->pause);
	for (int i = 0; i < client->options->rotate; i++)
		free(client->tables[i].location);
	free(client->tables);
}

/* Tables are the client's own in turn, the one that all share, or any. */
static void
choose_table(Client *client)
{
	const Options *options = client->options;
	int            turn = (int) (client->made % (uint64_t) options->rotate);

	client->table = &client->tables[0];
	if (options->kind == WORK_GET || options->rate > 0)
		client->table_number = (int) (next_random(client) % (uint64_t) options->tables);
	else if (options->shared == NULL)
	{
		client->table = &client->tables[turn];
		client->table_number = client->number * options->rotate + turn;
	}
}

bool
work_prepare(Client *client)
{
	const Options *options = client->options;
	int            step = client->prepared++;

	client->preparing = true;
	if (options->kind == WORK_GET)
	{
		client->table_number = client->number + step * options->clients;
		if (client->table_number >= options->tables)
			return client->preparing = false;
		client->loading = true;
		send_get(client);
		return true;
	}
	if (options->kind != WORK_APPEND || step >= (options->shared ? 1 : options->rotate))
		return client->preparing = false;
	client->table = &client->tables[step];
	client->table_number = client->number * options->rotate + step;
	send_load(client);
	return true;
}

void
work_begin(Client *client)
{
	client->made++;
	choose_table(client);
	attempt(client);
}
