/*
 * owner_step.c
 *		Statements of an upgrade script that read or change rows: they run as the owner of the
 *		extension.
 *
 * The script of a trusted extension runs as the bootstrap superuser, and the owner may have
 * attached code to the tables: a trigger, a cast, a default, the expression of an index. So nothing
 * in a script touches rows but through this.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"

#include "store/owner_step.h"
#include "store/spi.h"

static Oid
extension_owner(Oid extension)
{
	Relation    relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple   row;
	Oid         owner;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(relation, ExtensionOidIndexId, true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (!HeapTupleIsValid(row))
		elog(ERROR, "extension %u is not there", extension);
	owner = ((Form_pg_extension) GETSTRUCT(row))->extowner;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return owner;
}

static void
run(const char *statement)
{
	(void) ice_spi_begin();
	if (SPI_execute(statement, false, 0) < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(SPI_result));
	ice_spi_end();
}

/* What the owner's code makes in a step is not a member of the extension. */
static void
run_outside_of_script(const char *statement)
{
	Oid extension = CurrentExtensionObject;

	creating_extension = false;
	CurrentExtensionObject = InvalidOid;
	PG_TRY();
	{
		run(statement);
	}
	PG_FINALLY();
	{
		creating_extension = true;
		CurrentExtensionObject = extension;
	}
	PG_END_TRY();
}

void
ice_owner_step(const char *statement)
{
	IceSandbox outside;
	Oid        owner;

	if (!creating_extension || CurrentExtensionObject != get_extension_oid("icecat", true))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("only an upgrade of icecat may call this")));
	owner = extension_owner(CurrentExtensionObject);
	ice_spi_sandbox_enter(&outside);
	SetUserIdAndSecContext(owner, outside.context | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_RESTRICTED_OPERATION);
	run_outside_of_script(statement);
	ice_spi_sandbox_leave(&outside);
}
