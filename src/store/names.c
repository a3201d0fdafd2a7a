/*
 * names.c
 *		Rules of names, and ranges of an ordered list of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "errors.h"
#include "store/names.h"

/* HTTP takes these for steps in a path, also where they are encoded: who is called so could be
 * made, and never be reached again. */
void
ice_name_check_new(const char *what, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		ice_raise_full(ICE_ERR_BAD_REQUEST, psprintf("Invalid %s name: \"%s\"", what, name),
					   "No path of HTTP can carry it.", NULL);
}

/* No name is empty: all are behind the empty one. */
void
ice_names_read(IceStatement *statement, Datum *values, const IceNameRange *range, IceNames *out)
{
	char  *nulls = palloc0(statement->nargs + 1);
	uint64 rows;

	memset(nulls, ' ', statement->nargs);
	for (int i = 0; i < statement->nargs - 2; i++)
		if (values[i] == (Datum) 0)
			nulls[i] = 'n';
	values[statement->nargs - 2] = ice_spi_cstring_datum(range->after != NULL ? range->after : "");
	values[statement->nargs - 1] = Int64GetDatum(range->limit);
	if (range->limit == 0)
		nulls[statement->nargs - 1] = 'n';
	rows = ice_spi_execute(statement, values, nulls, true);
	out->items = palloc(sizeof(char *) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
		out->items[i] = ice_spi_field_text(i, 1);
	out->count = (int) rows;
}
