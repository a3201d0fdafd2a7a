/*
 * s3_session.c
 *		Asks for temporary keys. See s3_session.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "storage/fd.h"

#include "errors.h"
#include "json/json.h"
#include "storage/s3_call.h"
#include "storage/s3_session.h"
#include "xml/xml.h"

#define TOKEN_BYTES_MAX   16384
#define INSTANCE_ENDPOINT "http://169.254.169.254"
#define CONTAINER_HOST    "http://169.254.170.2"
#define ROLES_PATH        "/latest/meta-data/iam/security-credentials/"
#define JSON_DEPTH_MAX    16
#define HEADERS_MAX       2

/* A request for a key, or for what leads to one. */
typedef struct Ask
{
	IceStoreCall       call; /* first */
	const char        *method;
	const char        *url;
	const char        *body;
	IceNetPair         headers[HEADERS_MAX];
	int                header_count;
	const IceSigv4Key *key; /* that signs it; NULL: not signed */
} Ask;

/* -- environment ------------------------------------------------------------------------------- */

const char *
ice_s3_session_variable(const char *name)
{
	const char *value = getenv(name);

	return value == NULL || value[0] == '\0' ? NULL : value;
}

char *
ice_s3_session_file(const char *path)
{
	char  *text = palloc(TOKEN_BYTES_MAX + 1);
	FILE  *file = AllocateFile(path, "r");
	size_t len;

	if (file == NULL)
		ice_raise(ICE_ERR_STORAGE, "could not open \"%s\": %s", path, strerror(errno));
	len = fread(text, 1, TOKEN_BYTES_MAX + 1, file);
	FreeFile(file);
	while (len > 0 && isspace((unsigned char) text[len - 1]))
		len--;
	if (len == 0 || len > TOKEN_BYTES_MAX || memchr(text, '\0', len) != NULL)
		ice_raise(ICE_ERR_STORAGE, "\"%s\" does not hold a token", path);
	text[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (text[i] < '!' || text[i] > '~')
			ice_raise(ICE_ERR_STORAGE, "\"%s\" does not hold a token", path);
	return text;
}

/* -- requests ---------------------------------------------------------------------------------- */

static void
ask_prepare(IceStoreCall *call)
{
	Ask            *ask = (Ask *) call;
	IceNetPair      added[ICE_SIGV4_PAIRS];
	char            hash[2 * ICE_SHA256_BYTES + 1];
	uint8           digest[ICE_SHA256_BYTES];
	const char     *host = strstr(ask->url, "://") + 3;
	IceNetPair      host_header = {"host", pnstrdup(host, strcspn(host, "/"))};
	IceSigv4Request request = {.method = ask->method,
							   .path = "/",
							   .headers = &host_header,
							   .header_count = 1,
							   .payload_hash = hash,
							   .now_s = (int64) time(NULL)};
	int             count;

	call->net.method = ask->method;
	call->net.url = ask->url;
	call->net.body = ask->body;
	call->net.body_len = ask->body == NULL ? 0 : strlen(ask->body);
	for (int i = 0; i < ask->header_count; i++)
		ice_store_call_header(call, ask->headers[i].name, ask->headers[i].value);
	if (ask->key == NULL)
		return;
	ice_net()->sha256(ask->body, strlen(ask->body), digest);
	for (int i = 0; i < ICE_SHA256_BYTES; i++)
		snprintf(hash + 2 * i, 3, "%02x", digest[i]);
	count = ice_net()->sigv4_headers(ask->key, &request, added);
	for (int i = 0; i < count; i++)
		ice_store_call_header(call, added[i].name, added[i].value);
}

/* What a server of tokens answers to what it refuses: a code of OAuth's, and one that begins the
 * words of Microsoft's. The words themselves are not shown: they may hold what was sent. */
static char *
describe_oauth(const IceStoreCall *call)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
	MemoryContext     context = CurrentMemoryContext;
	char *volatile code = NULL;

	PG_TRY();
	{
		IceJson    *answer = ice_json_parse(call->net.answer, call->net.answer_len, JSON_DEPTH_MAX);
		const char *error = ice_json_opt_string(answer, "error");
		const char *words = ice_json_opt_string(answer, "error_description");
		size_t      len = words != NULL && strncmp(words, "AADSTS", 6) == 0
							  ? 6 + Min(strspn(words + 6, "0123456789"), 10)
							  : 0;

		if (error != NULL && strlen(error) <= 40 && strspn(error, letters) == strlen(error))
			code = len == 0 ? pstrdup(error) : psprintf("%s, %.*s", error, (int) len, words);
	}
	PG_CATCH();
	{
		/* Not JSON: then only the status is told. */
		(void) ice_store_call_caught(context);
	}
	PG_END_TRY();
	return code;
}

/* What a token service answers to what it refuses; others say nothing that can be shown. */
static char *
ask_describe(const IceStoreCall *call)
{
	MemoryContext context = CurrentMemoryContext;
	char *volatile code = NULL;
	char *volatile message = NULL;

	if (call->net.answer_len == 0 || call->net.answer[0] != '<')
		return call->net.answer_len == 0 ? NULL : describe_oauth(call);
	PG_TRY();
	{
		IceXml xml;

		ice_xml_begin(&xml, call->net.answer, call->net.answer_len);
		while (ice_xml_next(&xml))
		{
			if (ice_xml_is_leaf(&xml, "ErrorResponse/Error/Code") ||
				ice_xml_is_leaf(&xml, "Error/Code"))
				code = ice_store_call_quote(xml.text.data);
			if (ice_xml_is_leaf(&xml, "ErrorResponse/Error/Message") ||
				ice_xml_is_leaf(&xml, "Error/Message"))
				message = ice_store_call_quote(xml.text.data);
		}
	}
	PG_CATCH();
	{
		/* Not XML: then only the status is told. */
		(void) ice_store_call_caught(context);
	}
	PG_END_TRY();
	return code == NULL ? NULL : psprintf("%s: %s", code, message != NULL ? message : "");
}

static const IceStoreDialect ask_dialect = {.prepare = ask_prepare, .describe = ask_describe};

static void
begin_ask(Ask *ask, const IceStorageProfile *profile, const char *method, const char *url)
{
	*ask = (Ask){.method = method, .url = url};
	ice_store_call_begin(&ask->call, &ask_dialect, profile, "get a key for", profile->root);
}

/* What the environment names was chosen by those who start the server: it may be anywhere. */
static void
begin_local_ask(Ask *ask, const IceStorageProfile *profile, const char *method, const char *url)
{
	begin_ask(ask, profile, method, url);
	ask->call.net.reach = ICE_NET_PRIVATE | ICE_NET_METADATA;
	ask->call.net.ca_file = NULL;
}

static void
add_header(Ask *ask, const char *name, const char *value)
{
	Assert(ask->header_count < HEADERS_MAX);
	ask->headers[ask->header_count++] = (IceNetPair){name, value};
}

/* Runs it; what is answered, which must be of status 200. */
static char *
run_ask(Ask *ask)
{
	IceStoreCall *call = &ask->call;

	ice_store_call_run(&call, 1);
	if (call->error != NULL || call->net.status != 200)
		ice_store_call_raise(call);
	return call->net.answer != NULL ? call->net.answer : pstrdup("");
}

char *
ice_s3_session_ask(const IceStorageProfile *profile, bool is_local, const char *method,
				   const char *url, const IceNetPair *header, const char *body, size_t *len)
{
	Ask   ask;
	char *answer;

	if (is_local)
		begin_local_ask(&ask, profile, method, url);
	else
		begin_ask(&ask, profile, method, url);
	ask.body = body;
	add_header(&ask, header->name, header->value);
	answer = run_ask(&ask);
	*len = ask.call.net.answer_len;
	return answer;
}

/* -- the token service ------------------------------------------------------------------------- */

static const char *
sts_endpoint(const IceStorageProfile *profile)
{
	const char *region = profile->region != NULL ? profile->region : "us-east-1";

	if (profile->endpoint_sts != NULL)
		return profile->endpoint_sts;
	if (profile->endpoint != NULL)
		return profile->endpoint;
	return psprintf("https://sts.%s.amazonaws.com%s", region,
					strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

/* Reads the member of the result's credentials, if it is one. */
static void
read_member(const IceXml *xml, const char *action, IceS3Session *session)
{
	const char *prefix = psprintf("%sResponse/%sResult/Credentials/", action, action);
	const char *name = xml->path.data + strlen(prefix);
	char       *text;

	if (!xml->is_leaf || strncmp(xml->path.data, prefix, strlen(prefix)) != 0)
		return;
	text = pstrdup(xml->text.data);
	if (strcmp(name, "AccessKeyId") == 0)
		session->access_key = text;
	else if (strcmp(name, "SecretAccessKey") == 0)
		session->secret_key = text;
	else if (strcmp(name, "SessionToken") == 0)
		session->session_token = text;
	else if (strcmp(name, "Expiration") == 0)
		session->expires_s = ice_list_answer_time(text);
}

/* Raises unless all of it is there. */
static void
check_session(const IceS3Session *session, const char *who)
{
	if (session->access_key == NULL || session->secret_key == NULL ||
		session->session_token == NULL || session->expires_s < 0)
		ice_raise(ICE_ERR_STORAGE, "The answer of the %s is no temporary key", who);
}

void
ice_s3_session_sts(const IceStorageProfile *profile, const char *action, const char *form,
				   const IceSigv4Key *key, IceS3Session *session)
{
	Ask         ask;
	char       *answer;
	IceSigv4Key signer;
	IceXml      xml;

	*session = (IceS3Session){.expires_s = -1};
	begin_ask(&ask, profile, "POST",
			  psprintf("%.*s/", (int) strcspn(sts_endpoint(profile) + 8, "/") + 8,
					   sts_endpoint(profile)));
	if (key != NULL)
	{
		signer = *key;
		signer.service = "sts";
		ask.key = &signer;
	}
	ask.body = form;
	add_header(&ask, "content-type", "application/x-www-form-urlencoded");
	answer = run_ask(&ask);
	ice_xml_begin(&xml, answer, ask.call.net.answer_len);
	while (ice_xml_next(&xml))
		read_member(&xml, action, session);
	check_session(session, "token service");
}

/* -- metadata ---------------------------------------------------------------------------------- */

static char *
optional_copy(const IceJson *object, const char *name)
{
	const char *text = ice_json_opt_string(object, name);

	return text == NULL ? NULL : pstrdup(text);
}

/* The JSON that instances and containers answer. */
static void
read_json(const char *answer, size_t len, const char *who, IceS3Session *session)
{
	IceJson *object = ice_json_parse(answer, len, JSON_DEPTH_MAX);
	char    *expiration = optional_copy(object, "Expiration");

	*session = (IceS3Session){.access_key = optional_copy(object, "AccessKeyId"),
							  .secret_key = optional_copy(object, "SecretAccessKey"),
							  .session_token = optional_copy(object, "Token"),
							  .expires_s = expiration == NULL ? -1
															  : ice_list_answer_time(expiration)};
	check_session(session, who);
}

/* A token first, which a request that was forged through a proxy cannot get; then the name of the
 * role, and its key. */
void
ice_s3_session_instance(const IceStorageProfile *profile, IceS3Session *session)
{
	const char *endpoint = ice_s3_session_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	char       *token;
	char       *role;
	char       *answer;
	Ask         ask;

	if (endpoint == NULL)
		endpoint = INSTANCE_ENDPOINT;
	endpoint = pnstrdup(endpoint, strlen(endpoint) - (endpoint[strlen(endpoint) - 1] == '/'));
	begin_local_ask(&ask, profile, "PUT", psprintf("%s/latest/api/token", endpoint));
	add_header(&ask, "x-aws-ec2-metadata-token-ttl-seconds", "300");
	token = run_ask(&ask);
	token[strcspn(token, "\r\n")] = '\0';

	begin_local_ask(&ask, profile, "GET", psprintf("%s" ROLES_PATH, endpoint));
	add_header(&ask, "x-aws-ec2-metadata-token", token);
	role = run_ask(&ask);
	role[strcspn(role, "\r\n")] = '\0';
	if (role[0] == '\0')
		ice_raise(ICE_ERR_STORAGE, "The machine has no role: login instance");

	begin_local_ask(&ask, profile, "GET",
					psprintf("%s" ROLES_PATH "%s", endpoint, ice_s3_call_encode(role, false)));
	add_header(&ask, "x-aws-ec2-metadata-token", token);
	answer = run_ask(&ask);
	read_json(answer, ask.call.net.answer_len, "instance's metadata", session);
}

void
ice_s3_session_container(const IceStorageProfile *profile, IceS3Session *session)
{
	const char *full = ice_s3_session_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *relative = ice_s3_session_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *token = ice_s3_session_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *token_file = ice_s3_session_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	char       *answer;
	Ask         ask;

	if (relative != NULL && relative[0] == '/')
		full = psprintf(CONTAINER_HOST "%s", relative);
	if (full == NULL || strstr(full, "://") == NULL)
		ice_raise(ICE_ERR_STORAGE, "Login container needs AWS_CONTAINER_CREDENTIALS_FULL_URI or "
								   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI in the environment of "
								   "the server");
	begin_local_ask(&ask, profile, "GET", full);
	if (token_file != NULL)
		token = ice_s3_session_file(token_file);
	if (token != NULL)
		add_header(&ask, "authorization", token);
	answer = run_ask(&ask);
	read_json(answer, ask.call.net.answer_len, "container's agent", session);
}
