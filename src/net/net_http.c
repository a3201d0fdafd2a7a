/*
 * net_http.c
 *		HTTP requests, many at once. See net_http.h, and IceNet in storage/net.h.
 *
 * HTTP/1.1 only, no redirect, no proxy, no cookie, no file of passwords. The address that a name
 * leads to is checked when a socket is opened, and once more before a connection is used again for
 * another call.
 *
 * Callbacks of libcurl must not raise: memory that they take is asked for without an error, and
 * what is wrong is noted and becomes the result.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <curl/curl.h>

#include "miscadmin.h"

#include "net/net_address.h"
#include "net/net_http.h"
#include "net/net_loop.h"

#define HEADER_BYTES_MAX (64 * 1024)
#define FIRST_BYTES      4096
#define TURN_MS          1000 /* between two looks, if nothing happens */

/* Bytes that a callback adds to. */
typedef struct Bytes
{
	char  *data;
	size_t len;
	size_t room;
} Bytes;

/* A place among those in flight. */
typedef struct Slot
{
	IceNetCall        *call; /* NULL: free */
	CURL              *curl; /* NULL: pauses until again_at */
	struct curl_slist *headers;
	MemoryContext      context; /* of what is received */
	Bytes              body;
	Bytes              head;
	int64              again_at;
	bool               refused; /* an address was */
	bool               too_large;
	bool               no_memory;
	char               error[CURL_ERROR_SIZE];
} Slot;

void
ice_net_http_start(void)
{
	ice_net_loop_start();
}

/* -- libcurl's callbacks ----------------------------------------------------------------------- */

/* False where there is no memory. */
static bool
append_bytes(Slot *slot, Bytes *bytes, const char *data, size_t len)
{
	if (bytes->len + len >= bytes->room)
	{
		size_t room = Max(Max(bytes->room * 2, FIRST_BYTES), bytes->len + len + 1);
		char  *more = MemoryContextAllocExtended(slot->context, room,
												 MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);

		if (more == NULL)
			return false;
		if (bytes->data != NULL)
		{
			memcpy(more, bytes->data, bytes->len);
			pfree(bytes->data);
		}
		bytes->data = more;
		bytes->room = room;
	}
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
	bytes->data[bytes->len] = '\0';
	return true;
}

/* Takes a part of the answer; less than that ends the request. */
static size_t
take_body(char *data, size_t size, size_t count, void *owner)
{
	Slot  *slot = owner;
	size_t len = size * count;

	slot->too_large = slot->body.len + len > slot->call->answer_max;
	if (slot->too_large)
		return 0;
	slot->no_memory = !append_bytes(slot, &slot->body, data, len);
	return slot->no_memory ? 0 : len;
}

/* Takes a line of the head; a status line begins it again. */
static size_t
take_head(char *data, size_t size, size_t count, void *owner)
{
	Slot  *slot = owner;
	size_t len = size * count;
	bool   in_name = true;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
	{
		slot->head.len = 0;
		return len;
	}
	slot->too_large = slot->head.len + len > HEADER_BYTES_MAX;
	if (slot->too_large)
		return 0;
	slot->no_memory = !append_bytes(slot, &slot->head, data, len);
	if (slot->no_memory)
		return 0;
	for (char *c = slot->head.data + slot->head.len - len; *c != '\0' && in_name; c++)
	{
		in_name = *c != ':';
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	}
	return len;
}

static curl_socket_t
open_socket(void *owner, curlsocktype purpose pg_attribute_unused(), struct curl_sockaddr *address)
{
	Slot *slot = owner;

	if (!ice_net_address_allowed(&address->addr, slot->call->reach))
	{
		slot->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Before a request is sent, also over a connection of an earlier call. */
static int
check_connection(void *owner, char *address, char *local pg_attribute_unused(),
				 int port pg_attribute_unused(), int local_port pg_attribute_unused())
{
	Slot *slot = owner;

	slot->refused = !ice_net_address_text_allowed(address, slot->call->reach);
	return slot->refused ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* -- one request ------------------------------------------------------------------------------- */

/* http or https, a host, no user, no fragment, nothing that is not printable. */
static bool
is_plain_url(const char *url)
{
	const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
					   : strncmp(url, "http://", 7) == 0 ? url + 7
														 : NULL;

	if (host == NULL || strchr("/?#", *host) != NULL)
		return false;
	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || strchr("#\"\\<>^`{|}", *c) != NULL)
			return false;
	return memchr(host, '@', strcspn(host, "/?")) == NULL;
}

static void
set_method(CURL *curl, const IceNetCall *call)
{
	if (strcmp(call->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else if (strcmp(call->method, "PUT") == 0 || strcmp(call->method, "POST") == 0)
	{
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) call->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body_len > 0 ? call->body : "");
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
}

/* Those of the call, and none that libcurl would add by itself. False where memory ends. */
static bool
set_headers(Slot *slot)
{
	const IceNetCall *call = slot->call;
	bool              has_type = false;

	for (int i = 0; i <= call->header_count; i++)
	{
		bool               last = i == call->header_count;
		char              *line;
		struct curl_slist *more;

		if (last)
			line = pstrdup("Expect:");
		else
		{
			has_type |= pg_strcasecmp(call->headers[i].name, "content-type") == 0;
			line = psprintf(call->headers[i].value[0] == '\0' ? "%s;" : "%s: %s",
							call->headers[i].name, call->headers[i].value);
		}
		more = curl_slist_append(slot->headers, line);
		explicit_bzero(line, strlen(line));
		pfree(line);
		if (more == NULL)
			return false;
		slot->headers = more;
	}
	if (!has_type)
		slot->headers = curl_slist_append(slot->headers, "Content-Type:");
	curl_easy_setopt(slot->curl, CURLOPT_HTTPHEADER, slot->headers);
	return slot->headers != NULL;
}

/* What is asked, and all that must not happen by itself. */
static void
set_options(Slot *slot)
{
	CURL             *curl = slot->curl;
	const IceNetCall *call = slot->call;

	curl_easy_setopt(curl, CURLOPT_URL, call->url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, slot);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, slot->error);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "icecat/" ICE_VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long) call->connect_timeout_ms);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long) call->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, slot);
	curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, check_connection);
	curl_easy_setopt(curl, CURLOPT_PREREQDATA, slot);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, slot);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, slot);
	if (call->ca_file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, call->ca_file);
	set_method(curl, call);
}

/* Ends what libcurl has of a request. */
static void
release(Slot *slot)
{
	if (slot->curl != NULL)
	{
		ice_net_loop_remove(slot->curl);
		curl_easy_cleanup(slot->curl);
	}
	curl_slist_free_all(slot->headers);
	slot->curl = NULL;
	slot->headers = NULL;
}

static void
fail(IceNetCall *call, IceNetFault fault, const char *why)
{
	call->fault = fault;
	call->error = why;
}

/* Sends a request; if that cannot be, its result says so and it has no handle. */
static void
start(Slot *slot)
{
	IceNetCall *call = slot->call;

	call->error = NULL;
	call->status = 0;
	call->answer = call->answer_headers = NULL;
	call->answer_len = 0;
	slot->body = slot->head = (Bytes){NULL, 0, 0};
	slot->refused = slot->too_large = slot->no_memory = false;
	slot->error[0] = '\0';
	if (!is_plain_url(call->url))
	{
		fail(call, ICE_NET_REFUSED, "the URL is not a plain http or https one");
		return;
	}
	slot->curl = curl_easy_init();
	if (slot->curl != NULL)
		set_options(slot);
	if (slot->curl == NULL || !set_headers(slot) || !ice_net_loop_add(slot->curl))
	{
		release(slot);
		fail(call, ICE_NET_BROKEN, "libcurl could not begin a request");
	}
}

static IceNetFault
fault_of(CURLcode code)
{
	switch (code)
	{
		case CURLE_OPERATION_TIMEDOUT:
			return ICE_NET_LATE;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
			return ICE_NET_UNTRUSTED;
		case CURLE_URL_MALFORMAT:
		case CURLE_UNSUPPORTED_PROTOCOL:
			return ICE_NET_REFUSED;
		default:
			return ICE_NET_BROKEN;
	}
}

/* Notes what became of a request that libcurl has ended. */
static void
note_result(Slot *slot, CURLcode code)
{
	IceNetCall *call = slot->call;
	long        status = 0;

	curl_easy_getinfo(slot->curl, CURLINFO_RESPONSE_CODE, &status);
	call->status = (int) status;
	call->answer = slot->body.data;
	call->answer_len = slot->body.len;
	call->answer_headers = slot->head.data;
	if (slot->too_large)
		fail(call, ICE_NET_TOO_LARGE, "the answer is larger than allowed");
	else if (slot->no_memory)
		fail(call, ICE_NET_TOO_LARGE, "the answer does not fit into memory");
	else if (slot->refused && code != CURLE_OK)
		fail(call, ICE_NET_REFUSED, "the host has an address that may not be asked");
	else if (code != CURLE_OK)
		fail(call, fault_of(code),
			 pstrdup(slot->error[0] != '\0' ? slot->error : curl_easy_strerror(code)));
	else
		fail(call, ICE_NET_ANSWERED, NULL);
}

char *
ice_net_http_header(const IceNetCall *call, const char *name)
{
	size_t      len = strlen(name);
	const char *line = call->answer_headers;

	while (line != NULL && *line != '\0')
	{
		size_t end = strcspn(line, "\r\n");

		if (end > len && line[len] == ':' && strncmp(line, name, len) == 0)
		{
			len++;
			while (len < end && (line[len] == ' ' || line[len] == '\t'))
				len++;
			while (end > len && (line[end - 1] == ' ' || line[end - 1] == '\t'))
				end--;
			return pnstrdup(line + len, end - len);
		}
		line += end;
		line += strspn(line, "\r\n");
	}
	return NULL;
}

/* -- many -------------------------------------------------------------------------------------- */

/* The request has ended: it pauses, to be sent again, or frees its slot. */
static void
end_request(Slot *slot)
{
	IceNetCall *call = slot->call;

	release(slot);
	if (call->ended != NULL && call->ended(call))
		slot->again_at = ice_net_loop_now() + call->pause_ms;
	else
		slot->call = NULL;
}

static void
begin_request(Slot *slot)
{
	start(slot);
	if (slot->curl == NULL)
		end_request(slot);
}

/* Gives calls to free slots, and sends those again whose pause is over. Sets how long to wait at
 * most; returns how many slots are in use. */
static int
fill_slots(Slot *slots, int slot_count, IceNetCall **calls, int count, int *next, long *wait_ms)
{
	int64 now = ice_net_loop_now();
	int   used = 0;

	*wait_ms = TURN_MS;
	for (int i = 0; i < slot_count; i++)
	{
		Slot *slot = &slots[i];

		if (slot->call == NULL && *next < count)
		{
			slot->call = calls[(*next)++];
			if (slot->call->begins != NULL)
				slot->call->begins(slot->call);
			begin_request(slot);
		}
		else if (slot->call != NULL && slot->curl == NULL && slot->again_at <= now)
			begin_request(slot);
		if (slot->call != NULL && slot->curl == NULL)
			*wait_ms = Min(*wait_ms, (long) Max(slot->again_at - now, 0));
		/* One that failed at once leaves its slot to the next. */
		if (slot->call == NULL && *next < count)
			*wait_ms = 0;
		used += slot->call != NULL || *next < count;
	}
	return used;
}

static void
hand_out(void)
{
	CURL    *curl;
	CURLcode code;

	while ((curl = ice_net_loop_ended(&code)) != NULL)
	{
		Slot *slot;

		curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **) &slot);
		note_result(slot, code);
		end_request(slot);
	}
}

void
ice_net_http_run(IceNetCall **calls, int count, int in_flight_max)
{
	int   slot_count = Min(count, Max(in_flight_max, 1));
	Slot *slots = palloc0(sizeof(Slot) * (size_t) Max(slot_count, 1));
	int   next = 0;
	long  wait_ms;

	for (int i = 0; i < slot_count; i++)
		slots[i].context = CurrentMemoryContext;
	PG_TRY();
	{
		while (fill_slots(slots, slot_count, calls, count, &next, &wait_ms) > 0)
		{
			ice_net_loop_turn(wait_ms);
			hand_out();
		}
	}
	PG_FINALLY();
	{
		for (int i = 0; i < slot_count; i++)
			release(&slots[i]);
		ice_net_loop_leave();
	}
	PG_END_TRY();
	pfree(slots);
}
