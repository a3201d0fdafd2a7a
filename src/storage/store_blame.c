/*
 * store_blame.c
 *		Whom the failure of a request speaks of. See store_blame.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "storage/store_blame.h"

/* Which answers speak of the store: the first line that fits. Codes are those of S3 and of Azure.
 */
static const struct
{
	int         from, to; /* status */
	const char *code;     /* NULL: any */
	bool        of_store;
} answers[] = {
	/* the login is not taken, for whatever object */
	{400, 403, "ExpiredToken", true},
	{400, 403, "ExpiredTokenException", true},
	{400, 403, "TokenRefreshRequired", true},
	{400, 403, "InvalidToken", true},
	{400, 403, "RequestExpired", true},
	{400, 403, "RequestTimeTooSkewed", true},
	{400, 403, "AuthorizationHeaderMalformed", true},
	{400, 403, "InvalidAuthenticationInfo", true},
	{400, 403, "InvalidSecurity", true},
	{400, 403, "InvalidAccessKeyId", true},
	{400, 403, "SignatureDoesNotMatch", true},
	{400, 403, "AuthenticationFailed", true},
	{400, 403, "AccountProblem", true},
	{400, 403, "AllAccessDisabled", true},
	{400, 403, "NotSignedUp", true},
	{400, 403, "AccountIsDisabled", true},
	{401, 401, NULL, true},
	{407, 407, NULL, true},
	/* the bucket is not there, or elsewhere */
	{404, 404, "NoSuchBucket", true},
	{404, 404, "ContainerNotFound", true},
	{404, 404, "ResourceNotFound", true},
	{409, 409, "ContainerBeingDeleted", true},
	{409, 409, "ContainerDisabled", true},
	{300, 399, NULL, true},
	/* not now */
	{400, 499, "SlowDown", true},
	{400, 499, "RequestTimeout", true},
	{408, 408, NULL, true},
	{429, 429, NULL, true},
	/* it does not know how: of this object */
	{501, 501, NULL, false},
	{500, 599, NULL, true},
	/* this object cannot be written, read or deleted */
	{400, 499, NULL, false},
	/* what should not be: a page of something in between */
	{100, 999, NULL, true},
};

static bool
fits(int number, int status, const char *code)
{
	if (status < answers[number].from || status > answers[number].to)
		return false;
	return answers[number].code == NULL ||
		   (code != NULL && strcmp(code, answers[number].code) == 0);
}

/* Azure says it in a header, too: the answer to some requests has no body. */
static char *
code_of(const IceS3Call *s3)
{
	char *code = ice_net()->header(&s3->call.net, "x-ms-error-code");

	return code != NULL ? code : ice_s3_call_code(s3);
}

bool
ice_store_blame_is_stores(const IceS3Call *s3)
{
	const char *code;

	if (s3->call.error != NULL)
		return s3->call.net.fault != ICE_NET_TOO_LARGE;
	code = code_of(s3);
	for (int i = 0; i < (int) lengthof(answers); i++)
		if (fits(i, s3->call.net.status, code))
			return answers[i].of_store;
	return true;
}
