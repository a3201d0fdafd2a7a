/*
 * operation.c
 *		The operations; see operation.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/operation.h"

#include <assert.h>

#include "base/counters.h"

static const GwPage *pages;
static int	page_count;

void
gw_operation_add_pages(const GwPage *table, int count)
{
	assert(page_count == 0 && GW_OPERATION_PAGES + count <= GW_OPERATIONS_MAX);
	pages = table;
	page_count = count;
}

int
gw_operation_count(void)
{
	return GW_OPERATION_PAGES + page_count;
}

const char *
gw_operation_name(int operation)
{
	if (operation < GW_ROUTE_COUNT)
		return gw_routes[operation].operation;
	return operation == GW_OPERATION_NONE ? "none" : gw_operation_page(operation)->operation;
}

int
gw_operation_of_page(GwSlice path)
{
	for (int i = 0; i < page_count; i++)
		if (gw_slice_is(path, pages[i].path))
			return GW_OPERATION_PAGES + i;
	return GW_OPERATION_NONE;
}

const GwPage *
gw_operation_page(int operation)
{
	assert(operation >= GW_OPERATION_PAGES && operation < gw_operation_count());
	return &pages[operation - GW_OPERATION_PAGES];
}
