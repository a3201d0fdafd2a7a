/*
 * fetch.c
 *		libcurl's multi interface on libevent; see fetch.h.
 *
 * libcurl says which sockets to watch and when to call it again; each call of
 * curl_multi_socket_action() lets it work, and then what has ended is handed out.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/crypto.h>

#include "base/conf.h"
#include "base/log.h"

#define DOCUMENT_BYTES_MAX 262144
#define TOKEN_BYTES_MAX    16384
#define REDIRECTS_MAX      3L
#define CONNECTIONS_MAX    16L

typedef struct Fetch
{
	CURL     *curl;
	GwText    document;
	char      error[CURL_ERROR_SIZE];
	bool      too_large;
	GwFetched fetched;
	void     *owner;
} Fetch;

static struct event_base *loop;
static CURLM             *multi;
static struct event      *timer;

/* http://127.0.0.1, http://[::1], http://localhost, each with a port and a path or without. */
bool
gw_fetch_is_plain(const char *url)
{
	static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};

	if (strncmp(url, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
	{
		size_t len = strlen(hosts[i]);

		if (strncmp(url + 7, hosts[i], len) == 0 && strchr(":/", url[7 + len]) != NULL)
			return true;
	}
	return false;
}

/* Printable, so that it can stand in the log; without a user or a fragment. */
bool
gw_fetch_allows(const char *url)
{
	bool secure = strncmp(url, "https://", 8) == 0 && url[8] != '\0' && url[8] != '/';

	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("@#\"\\<>^`{|}", *p) != NULL)
			return false;
	return secure || gw_fetch_is_plain(url);
}

/* -- what has ended ---------------------------------------------------------------------------- */

static void
finish(Fetch *fetch, CURLcode code)
{
	GwSlice document = {fetch->document.data ? fetch->document.data : "", fetch->document.len};
	char    why[CURL_ERROR_SIZE + 64];
	long    status = 0;

	curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
	why[0] = '\0';
	if (fetch->too_large)
		snprintf(why, sizeof(why), "it is larger than %d bytes", DOCUMENT_BYTES_MAX);
	else if (code != CURLE_OK)
		snprintf(why, sizeof(why), "%s", fetch->error[0] ? fetch->error : curl_easy_strerror(code));
	else if (status != 200)
		snprintf(why, sizeof(why), "status %ld", status);
	curl_multi_remove_handle(multi, fetch->curl);
	curl_easy_cleanup(fetch->curl);
	fetch->fetched(fetch->owner, document, why[0] ? why : NULL);
	gw_text_free(&fetch->document);
	free(fetch);
}

static void
hand_out(void)
{
	CURLMsg *message;
	int      left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL)
	{
		CURLcode code = message->data.result;
		Fetch   *fetch;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
		finish(fetch, code);
	}
}

/* -- sockets and time -------------------------------------------------------------------------- */

static void
on_socket(evutil_socket_t fd, short what, void *unused)
{
	int running;
	int action = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	(void) unused;
	curl_multi_socket_action(multi, fd, action, &running);
	hand_out();
}

static void
on_timer(evutil_socket_t fd, short what, void *unused)
{
	int running;

	(void) fd;
	(void) what;
	(void) unused;
	curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	hand_out();
}

/* libcurl's: watch this socket in another way, or no more. */
static int
watch(CURL *curl, curl_socket_t fd, int action, void *unused, void *watched)
{
	struct event *event = watched;
	short         what = EV_PERSIST;

	(void) curl;
	(void) unused;
	if (event != NULL)
		event_free(event);
	event = NULL;
	if (action != CURL_POLL_REMOVE)
	{
		what |= action & CURL_POLL_IN ? EV_READ : 0;
		what |= action & CURL_POLL_OUT ? EV_WRITE : 0;
		event = event_new(loop, fd, what, on_socket, NULL);
		event_add(event, NULL);
	}
	curl_multi_assign(multi, fd, event);
	return 0;
}

/* libcurl's: call again after so long. Never from here: it would be called within itself. */
static int
set_timer(CURLM *unused, long timeout_ms, void *also_unused)
{
	struct timeval wait = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	(void) unused;
	(void) also_unused;
	if (timeout_ms < 0)
		event_del(timer);
	else
		event_add(timer, &wait);
	return 0;
}

bool
gw_fetch_start(struct event_base *base)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (multi = curl_multi_init()) == NULL)
		return false;
	loop = base;
	timer = evtimer_new(base, on_timer, NULL);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
	return true;
}

/* -- one fetch --------------------------------------------------------------------------------- */

/* libcurl's: takes what came; less than that ends the fetch. */
static size_t
take(char *data, size_t size, size_t count, void *owner)
{
	Fetch *fetch = owner;

	fetch->too_large = fetch->document.len + size * count > DOCUMENT_BYTES_MAX;
	if (fetch->too_large)
		return 0;
	gw_text_add(&fetch->document, data, size * count);
	return size * count;
}

/* Where it goes, what it may take, and whom it trusts. */
static void
set_options(Fetch *fetch, const char *url)
{
	CURL *curl = fetch->curl;
	bool  plain = gw_fetch_is_plain(url);

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, fetch);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->error);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, plain ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long) gw_conf.auth_fetch_timeout_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "icecat-gateway/" GW_VERSION);
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "identity");
	if (plain)
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	if (gw_conf.auth_ca_file[0] != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, gw_conf.auth_ca_file);
}

/* The token in the file, if it can be one; its server says the rest. Bytes of it are in no
 * message. */
static void
add_token(CURL *curl, const char *path)
{
	char   token[TOKEN_BYTES_MAX + 1];
	FILE  *file = fopen(path, "r");
	size_t len;

	if (file == NULL)
	{
		gw_log(GW_WARNING, "token file \"%s\": %s", path, strerror(errno));
		return;
	}
	len = fread(token, 1, sizeof(token), file);
	fclose(file);
	while (len > 0 && (token[len - 1] == '\n' || token[len - 1] == '\r'))
		len--;
	token[len < sizeof(token) ? len : 0] = '\0';
	if (token[0] == '\0' || strlen(token) != strcspn(token, " \t\r\n"))
		gw_log(GW_WARNING, "token file \"%s\" does not hold a token", path);
	else
	{
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token);
	}
	OPENSSL_cleanse(token, sizeof(token));
}

void
gw_fetch(const char *url, GwFetchFrom from, GwFetched fetched, void *owner)
{
	Fetch *fetch = gw_alloc(sizeof(*fetch));

	*fetch = (Fetch){.curl = curl_easy_init(), .fetched = fetched, .owner = owner};
	set_options(fetch, url);
	if (from.ca_file != NULL)
		curl_easy_setopt(fetch->curl, CURLOPT_CAINFO, from.ca_file);
	if (from.token_file != NULL)
		add_token(fetch->curl, from.token_file);
	curl_multi_add_handle(multi, fetch->curl);
}
