/*
 * refused_calls.c
 *		Notes of refused calls become rows of the audit log. See refused_calls.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "maint/refused_calls.h"
#include "store/audit.h"
#include "store/refusals.h"
#include "store/store_tenant.h"

static const char *
text_or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

/* One note as a row; what it names is as the role said it. */
static void
write_note(const IceRefusalNote *note)
{
	const IceRefusal *refusal = &note->refusal;
	IceAuditActor     actor = {.role = NameStr(refusal->role),
							   .login = NameStr(refusal->login),
							   .source = "sql",
							   .principal = text_or_null(refusal->principal),
							   .request_id = text_or_null(refusal->request_id),
							   .client_address = text_or_null(refusal->client_address)};
	IceAuditRow       row = {.action = refusal->action,
							 .outcome = refusal->sqlstate,
							 .status = refusal->status,
							 .name = text_or_null(refusal->name),
							 .at = note->at,
							 .actor = &actor};

	row.warehouse = ice_tenant_name_said_by(text_or_null(refusal->warehouse), actor.role);
	if (refusal->namespace_array[0] != '\0')
		row.namespace_levels = OidInputFunctionCall(F_ARRAY_IN, pstrdup(refusal->namespace_array),
													TEXTOID, -1);
	if (note->count > 1)
		row.details = psprintf("{\"repeated\":%u}", note->count - 1);
	ice_audit_insert(&row);
}

int
ice_refused_calls_write(bool wait)
{
	IceRefusalNote *notes = NULL;
	uint32          dropped;
	int             count;

	if (!ice_audit_is_on() || (wait && ice_refusals_due() > GetCurrentTimestamp()))
		return 0;
	count = ice_refusals_take(&notes, &dropped);
	for (int i = 0; i < count; i++)
		write_note(&notes[i]);
	if (dropped > 0)
	{
		ice_audit_insert(&(IceAuditRow){.action = "refused-calls",
										.object_kind = "catalog",
										.outcome = "",
										.details = psprintf("{\"dropped\":%u}", dropped)});
		count++;
	}
	return count;
}
