/*
 * store_profile.c
 *		Rows of icecat_data.storage_profile and storage_secret. See store_profile.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "errors.h"
#include "guc.h"
#include "storage/secret_key.h"
#include "storage/storage.h"
#include "store/delegation_mode.h"
#include "store/store_counters.h"
#include "store/store_profile.h"
#include "store/table_watch.h"
#include "store/uuid.h"

#define COLUMNS "p.profile_id, p.tenant_id, p.name, p.root, p.options, p.revision"
#define FIND_SQL                                                \
	"SELECT " COLUMNS " FROM icecat_data.storage_profile AS p " \
	"WHERE p.warehouse_id = $1 AND p.tenant_id = $2 AND p.name = $3 FOR "

static IceStatement find_any = {
	"SELECT 1 FROM icecat_data.storage_profile WHERE warehouse_id = $1 LIMIT 1",
	1,
	{UUIDOID},
	NULL};

static IceStatement find_shared = {FIND_SQL "KEY SHARE", 3, {UUIDOID, UUIDOID, TEXTOID}, NULL};
static IceStatement find_for_update = {FIND_SQL "UPDATE", 3, {UUIDOID, UUIDOID, TEXTOID}, NULL};

static IceStatement find_all = {"SELECT " COLUMNS " FROM icecat_data.storage_profile AS p "
								"WHERE p.warehouse_id = $1 ORDER BY p.profile_id",
								1,
								{UUIDOID},
								NULL};

static IceStatement of_warehouse = {
	"SELECT " COLUMNS " FROM icecat_data.warehouse AS w JOIN icecat_data.storage_profile AS p "
	"ON p.warehouse_id = $1 AND p.profile_id = w.storage_profile_id WHERE w.warehouse_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement insert_profile = {
	"INSERT INTO icecat_data.storage_profile (warehouse_id, profile_id, tenant_id, name, root, "
	"options, revision, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7) "
	"ON CONFLICT (warehouse_id, tenant_id, name) DO NOTHING",
	7,
	{UUIDOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, JSONOID, TIMESTAMPTZOID},
	NULL};

static IceStatement update_profile = {
	"UPDATE icecat_data.storage_profile SET name = $3, options = $4, revision = revision + 1, "
	"changed_at = $5 WHERE warehouse_id = $1 AND profile_id = $2",
	5,
	{UUIDOID, UUIDOID, TEXTOID, JSONOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_secrets = {
	"DELETE FROM icecat_data.storage_secret WHERE warehouse_id = $1 AND profile_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement delete_profile = {
	"DELETE FROM icecat_data.storage_profile WHERE warehouse_id = $1 AND profile_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement count_warehouses = {
	"SELECT pg_catalog.count(*) FROM icecat_data.warehouse WHERE storage_profile_id = $1",
	1,
	{UUIDOID},
	NULL};

static IceStatement count_vended = {
	"SELECT pg_catalog.count(*) FROM icecat_data.warehouse WHERE storage_profile_id = $1 "
	"AND properties::pg_catalog.json ->> '" ICE_DELEGATION_PROPERTY "' = 'vend'",
	1,
	{UUIDOID},
	NULL};

static IceStatement count_of_tenant = {
	"SELECT pg_catalog.count(*) FROM icecat_data.storage_profile "
	"WHERE warehouse_id = $1 AND tenant_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement give_profile = {
	"UPDATE icecat_data.warehouse SET storage_profile_id = $2 WHERE warehouse_id = $1",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement find_secrets = {"SELECT name, key_id, sealed FROM icecat_data.storage_secret "
									"WHERE warehouse_id = $1 AND profile_id = $2 ORDER BY name",
									2,
									{UUIDOID, UUIDOID},
									NULL};

static IceStatement put_secret = {
	"INSERT INTO icecat_data.storage_secret (warehouse_id, profile_id, name, key_id, sealed, "
	"changed_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (warehouse_id, profile_id, name) "
	"DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed, "
	"changed_at = excluded.changed_at",
	6,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID, BYTEAOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_secret = {
	"DELETE FROM icecat_data.storage_secret WHERE warehouse_id = $1 AND profile_id = $2 "
	"AND name = $3",
	3,
	{UUIDOID, UUIDOID, TEXTOID},
	NULL};

static IceStatement find_stale = {
	"SELECT DISTINCT profile_id FROM icecat_data.storage_secret WHERE warehouse_id = $1 "
	"AND key_id <> $2",
	2,
	{UUIDOID, TEXTOID},
	NULL};

/* What belongs to no warehouse, or to no tenant. */
static const pg_uuid_t nil = {{0}};

static IceTableWatch watch = {.table = "storage_profile"};

bool
ice_profiles_exist(void)
{
	Datum values[1] = {UUIDPGetDatum(&nil)};

	return ice_table_watch_any(&watch, &find_any, values);
}

/* Fills a row from one of the last result. */
static void
read_row(uint64 row, IceProfileRow *out)
{
	out->id = ice_spi_field_uuid(row, 1);
	out->tenant_id = ice_spi_field_uuid(row, 2);
	out->name = ice_spi_field_text(row, 3);
	out->root = ice_spi_field_text(row, 4);
	out->options = ice_spi_field_text(row, 5);
	out->revision = ice_spi_field_int64(row, 6);
}

/* -- secrets ---------------------------------------------------------------------------------- */

/* What a secret is bound to, so that it opens as no other. */
static char *
belongs_to(const pg_uuid_t *profile_id, const char *name)
{
	return psprintf("%s/%s", ice_uuid_text(profile_id), name);
}

typedef struct SealedSecret
{
	const char *name;
	const char *key_id;
	const char *sealed;
	size_t      len;
} SealedSecret;

/* Read before they are opened, which is no matter of the database. */
static List *
sealed_secrets(const pg_uuid_t *profile_id)
{
	Datum  values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(profile_id)};
	uint64 rows = ice_spi_execute(&find_secrets, values, NULL, false);
	List  *secrets = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		SealedSecret *secret = palloc(sizeof(SealedSecret));

		secret->name = ice_spi_field_text(i, 1);
		secret->key_id = ice_spi_field_text(i, 2);
		secret->sealed = ice_spi_field_bytes(i, 3, &secret->len);
		secrets = lappend(secrets, secret);
	}
	return secrets;
}

IceJson *
ice_profile_secrets(const pg_uuid_t *profile_id)
{
	IceJson  *object = NULL;
	ListCell *cell;

	foreach (cell, sealed_secrets(profile_id))
	{
		const SealedSecret *secret = lfirst(cell);
		char *plain = ice_secret_key_open(secret->key_id, belongs_to(profile_id, secret->name),
										  (const uint8 *) secret->sealed, secret->len);

		if (object == NULL)
			object = ice_json_make_object();
		ice_json_set(object, secret->name, ice_json_make_string(plain));
		explicit_bzero(plain, strlen(plain));
	}
	return object;
}

static void
put_one(const pg_uuid_t *profile_id, const char *name, const char *secret)
{
	size_t len;
	uint8 *sealed = ice_secret_key_seal(belongs_to(profile_id, name), secret, &len);
	Datum  key_id = ice_spi_cstring_datum(ice_secret_key_current());
	bytea *value = palloc(VARHDRSZ + len);
	Datum  values[6] = {UUIDPGetDatum(&nil),         UUIDPGetDatum(profile_id),
						ice_spi_cstring_datum(name), key_id,
						PointerGetDatum(value),      TimestampTzGetDatum(GetCurrentTimestamp())};

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), sealed, len);
	(void) ice_spi_execute_waiting(&put_secret, values, NULL);
}

void
ice_profile_put_secrets(const pg_uuid_t *profile_id, const IceJson *secrets)
{
	for (int i = 0; i < secrets->count; i++)
	{
		const IceJsonMember *member = &secrets->members[i];
		Datum                values[3] = {UUIDPGetDatum(&nil), UUIDPGetDatum(profile_id),
										  ice_spi_cstring_datum(member->key)};

		if (member->value->kind == ICE_JSON_NULL)
			(void) ice_spi_execute_waiting(&delete_secret, values, NULL);
		else
			put_one(profile_id, member->key, member->value->string);
	}
}

int64
ice_profile_rotate_secrets(void)
{
	Datum     values[2] = {UUIDPGetDatum(&nil), ice_spi_cstring_datum(ice_secret_key_current())};
	uint64    rows = ice_spi_execute(&find_stale, values, NULL, false);
	int64     count = 0;
	List     *profiles = NIL;
	ListCell *cell;

	for (uint64 i = 0; i < rows; i++)
	{
		pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

		*id = ice_spi_field_uuid(i, 1);
		profiles = lappend(profiles, id);
	}
	foreach (cell, profiles)
	{
		IceJson *secrets = ice_profile_secrets(lfirst(cell));

		ice_profile_put_secrets(lfirst(cell), secrets);
		count += secrets->count;
	}
	return count;
}

/* -- profiles --------------------------------------------------------------------------------- */

/* The text of a value: of a string, a number or a boolean. NULL: there is none. */
static const char *
text_of(const IceJson *object, const char *name)
{
	const IceJson *value = object != NULL ? ice_json_get(object, name) : NULL;

	if (value == NULL)
		return NULL;
	return value->kind == ICE_JSON_STRING ? value->string : ice_json_text(value);
}

IceStorageProfile *
ice_profile_of_texts(const IceProfileRow *row, const IceJson *secrets)
{
	int                kind = ice_profile_kind(row->root);
	IceStorageProfile *profile = ice_profile_make((IceStoreKind) kind, row->root);
	IceJson *said = ice_json_parse(row->options, strlen(row->options), ICE_JSON_DEPTH_STORED);
	const IceProfileOption *option;

	profile->id = row->id;
	profile->revision = row->revision;
	profile->name = pstrdup(row->name);
	for (int i = 0; (option = ice_profile_option_at(i)) != NULL; i++)
	{
		const char *value = text_of(option->type == ICE_PROFILE_SECRET ? secrets : said,
									option->name);

		if (value != NULL && (option->kinds & (1 << kind)))
			ice_profile_set(profile, option, value);
	}
	ice_profile_complete(profile);
	return profile;
}

static void
forget_profile(void *arg)
{
	ice_profile_forget(arg);
}

/* The texts of the secrets on the way to the struct are in SPI's memory, or the caller's: they are
 * wiped here, too. */
static void
wipe(IceJson *secrets)
{
	for (int i = 0; secrets != NULL && i < secrets->count; i++)
		explicit_bzero(unconstify(char *, secrets->members[i].value->string),
					   strlen(secrets->members[i].value->string));
}

const IceStorageProfile *
ice_profile_open(const IceProfileRow *row)
{
	IceJson               *secrets = ice_profile_secrets(&row->id);
	IceStorageProfile     *profile = ice_profile_of_texts(row, secrets);
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = forget_profile;
	callback->arg = profile;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	wipe(secrets);
	return profile;
}

bool
ice_profile_of_warehouse(const pg_uuid_t *warehouse_id, IceProfileRow *out)
{
	Datum values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(warehouse_id)};

	if (!ice_profiles_exist() || ice_spi_execute_latest(&of_warehouse, values) == 0)
		return false;
	read_row(0, out);
	return true;
}

/* The row of the profile that reaches a location; false: there is none. */
static bool
find_reaching(const pg_uuid_t *warehouse_id, const char *location, IceProfileRow *row)
{
	return !ice_storage_is_local(location) && ice_profile_of_warehouse(warehouse_id, row) &&
		   ice_profile_kind(location) == ice_profile_kind(row->root) &&
		   ice_storage_is_below(ice_storage_spelling(location), row->root);
}

bool
ice_profile_reaches(const pg_uuid_t *warehouse_id, const char *location)
{
	IceProfileRow row;

	return find_reaching(warehouse_id, location, &row);
}

const IceStorageProfile *
ice_profile_of(const pg_uuid_t *warehouse_id, const char *location)
{
	IceProfileRow row;

	return find_reaching(warehouse_id, location, &row) ? ice_profile_open(&row) : NULL;
}

List *
ice_profile_all(void)
{
	Datum  values[1] = {UUIDPGetDatum(&nil)};
	uint64 rows = ice_profiles_exist() ? ice_spi_execute(&find_all, values, NULL, false) : 0;
	List  *profiles = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		IceProfileRow *row = palloc(sizeof(IceProfileRow));

		read_row(i, row);
		profiles = lappend(profiles, row);
	}
	return profiles;
}

/* -- names ------------------------------------------------------------------------------------ */

static bool
find_named(const pg_uuid_t *tenant_id, const char *name, bool for_update, IceProfileRow *out)
{
	Datum values[3] = {UUIDPGetDatum(&nil), UUIDPGetDatum(tenant_id), ice_spi_cstring_datum(name)};

	if (ice_spi_execute_waiting(for_update ? &find_for_update : &find_shared, values, NULL) == 0)
		return false;
	read_row(0, out);
	return true;
}

/* What is behind the name of a tenant and a slash; the name itself where it does not begin so. */
static const char *
behind(const char *name, const char *tenant)
{
	size_t len = strlen(tenant);

	return strncmp(name, tenant, len) == 0 && name[len] == '/' ? name + len + 1 : name;
}

bool
ice_profile_find(const char *name, bool for_update, IceProfileRow *out)
{
	IceTenancy own;
	IceTenant  tenant;

	if (ice_access_tenant(&own))
		return find_named(&own.id, behind(name, NameStr(own.name)), for_update, out) ||
			   find_named(&nil, name, for_update, out);
	if (ice_tenant_named(name, &tenant))
		return find_named(&tenant.id, behind(name, tenant.name), for_update, out);
	return find_named(&nil, name, for_update, out);
}

void
ice_profile_of_new(const char *name, IceProfileRow *out)
{
	IceTenancy own;
	IceTenant  tenant;

	out->tenant_id = nil;
	out->name = name;
	if (ice_access_tenant(&own))
	{
		out->tenant_id = own.id;
		out->name = behind(name, NameStr(own.name));
	}
	else if (ice_tenant_named(name, &tenant))
	{
		out->tenant_id = tenant.id;
		out->name = behind(name, tenant.name);
	}
	if (*out->name == '\0' || strlen(out->name) > (size_t) ice_guc_name_bytes_max ||
		strchr(out->name, '/') != NULL)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "The name of a storage profile has 1 to %d bytes, and no slash",
				  ice_guc_name_bytes_max);
}

/* -- writing ---------------------------------------------------------------------------------- */

bool
ice_profile_insert(IceProfileRow *row)
{
	row->id = ice_uuid_v7();
	row->revision = 1;

	Datum values[7] = {UUIDPGetDatum(&nil),
					   UUIDPGetDatum(&row->id),
					   UUIDPGetDatum(&row->tenant_id),
					   ice_spi_cstring_datum(row->name),
					   ice_spi_cstring_datum(row->root),
					   ice_spi_cstring_datum(row->options),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	if (ice_spi_execute_waiting(&insert_profile, values, NULL) == 0)
		return false;
	ice_table_watch_changed(&watch);
	return true;
}

bool
ice_profile_update(const IceProfileRow *row)
{
	Datum         options = ice_spi_cstring_datum(row->options);
	Datum         values[5] = {UUIDPGetDatum(&nil), UUIDPGetDatum(&row->id),
							   ice_spi_cstring_datum(row->name), options,
							   TimestampTzGetDatum(GetCurrentTimestamp())};
	IceProfileRow other;

	if (find_named(&row->tenant_id, row->name, false, &other) &&
		memcmp(&other.id, &row->id, UUID_LEN) != 0)
		return false;
	(void) ice_spi_execute_waiting(&update_profile, values, NULL);
	ice_table_watch_changed(&watch);
	return true;
}

void
ice_profile_delete(const pg_uuid_t *profile_id)
{
	Datum values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(profile_id)};

	(void) ice_spi_execute_waiting(&delete_secrets, values, NULL);
	(void) ice_spi_execute_waiting(&delete_profile, values, NULL);
	ice_store_counters_drop(profile_id);
	ice_table_watch_changed(&watch);
}

int64
ice_profile_count_warehouses(const pg_uuid_t *profile_id)
{
	Datum values[1] = {UUIDPGetDatum(profile_id)};

	(void) ice_spi_execute_latest(&count_warehouses, values);
	return ice_spi_field_int64(0, 1);
}

bool
ice_profile_is_vended_from(const pg_uuid_t *profile_id)
{
	Datum values[1] = {UUIDPGetDatum(profile_id)};

	(void) ice_spi_execute_latest(&count_vended, values);
	return ice_spi_field_int64(0, 1) > 0;
}

int64
ice_profile_count_of_tenant(const pg_uuid_t *tenant_id)
{
	Datum values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(tenant_id)};

	if (!ice_profiles_exist())
		return 0;
	(void) ice_spi_execute_latest(&count_of_tenant, values);
	return ice_spi_field_int64(0, 1);
}

void
ice_profile_give(const pg_uuid_t *warehouse_id, const pg_uuid_t *profile_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id),
					   profile_id != NULL ? UUIDPGetDatum(profile_id) : (Datum) 0};

	(void) ice_spi_execute_waiting(&give_profile, values, profile_id == NULL ? " n" : NULL);
}
