/*
 * sas.c
 *		Shared access signatures of ADLS. See sas.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/sas.h"

#include "vend/vend_uri.h"

#define SAS_VERSION "2021-12-02"

/* In the order that Azure wants. */
static const char *
permissions(IceVendAccess access)
{
	return access == ICE_VEND_WRITE ? "racwdl" : "rl";
}

static const char *
protocol(const IceSas *sas)
{
	return sas->http ? "https,http" : "https";
}

/* How many folders deep the place is. */
static int
depth(const IceVendPlace *place)
{
	int depth = 1;

	for (const char *c = place->key; *c != '\0'; c++)
	{
		ice_step();
		depth += *c == '/';
	}
	return depth;
}

static void
append_lines(StringInfo out, const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		appendStringInfo(out, "%s\n", lines[i] != NULL ? lines[i] : "");
}

char *
ice_sas_text(const IceSas *sas)
{
	StringInfoData out;
	const char    *first[] = {
		   permissions(sas->access), sas->starts_at, sas->expires_at,
		   psprintf("/blob/%s/%s/%s", sas->account, sas->place->bucket, sas->place->key)};
	const char *delegation[] = {sas->object_id,
								sas->tenant_id,
								sas->key_starts_at,
								sas->key_expires_at,
								sas->key_service,
								sas->key_version,
								NULL,
								NULL,
								NULL};
	const char *identifier[] = {NULL};
	/* Address, protocol, version, kind, snapshot, encryption scope, and four of five headers. */
	const char *last[] = {NULL, protocol(sas), SAS_VERSION, "d",  NULL,
						  NULL, NULL,          NULL,        NULL, NULL};

	initStringInfo(&out);
	append_lines(&out, first, lengthof(first));
	if (sas->object_id != NULL)
		append_lines(&out, delegation, lengthof(delegation));
	else
		append_lines(&out, identifier, lengthof(identifier));
	append_lines(&out, last, lengthof(last));
	return out.data;
}

static void
append_parameter(StringInfo out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(out, "%s%s=", out->len > 0 ? "&" : "", name);
	ice_vend_uri_encode(out, value);
}

char *
ice_sas_query(const IceSas *sas, const char *signature)
{
	StringInfoData out;
	const struct
	{
		const char *name;
		const char *value;
	} fields[] = {
		{"sv", SAS_VERSION},
		{"st", sas->starts_at},
		{"se", sas->expires_at},
		{"sr", "d"},
		{"sdd", psprintf("%d", depth(sas->place))},
		{"sp", permissions(sas->access)},
		{"spr", protocol(sas)},
		{"skoid", sas->object_id},
		{"sktid", sas->tenant_id},
		{"skt", sas->key_starts_at},
		{"ske", sas->key_expires_at},
		{"sks", sas->key_service},
		{"skv", sas->key_version},
		{"sig", signature},
	};

	initStringInfo(&out);
	for (size_t i = 0; i < lengthof(fields); i++)
		append_parameter(&out, fields[i].name, fields[i].value);
	return out.data;
}
