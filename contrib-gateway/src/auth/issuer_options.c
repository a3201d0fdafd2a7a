/*
 * issuer_options.c
 *		Lists of "alias=value"; see issuer_options.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/issuer_options.h"

#include <stdlib.h>

#include "base/text.h"

/* Cuts the next item off, without the spaces around it; NULL at the end. */
static char *
next_item(char **list)
{
	char *item = strsep(list, ",");

	if (item == NULL)
		return NULL;
	item += strspn(item, " ");
	item[strcspn(item, " ")] = '\0';
	return *item == '\0' && *list == NULL ? NULL : item;
}

char *
gw_issuer_options_find(const char *list, const char *alias)
{
	char  *copy = gw_strdup(list);
	char  *next = copy;
	char  *item;
	char  *value = NULL;
	size_t len = strlen(alias);

	while (value == NULL && (item = next_item(&next)) != NULL)
		if (strncmp(item, alias, len) == 0 && item[len] == '=')
			value = gw_strdup(item + len + 1);
	free(copy);
	return value;
}

/* Is the alias in the list with each of its items; in how many? */
static int
count_alias(const char *list, const char *alias)
{
	char  *copy = gw_strdup(list);
	char  *next = copy;
	char  *item;
	size_t len = strlen(alias);
	int    count = 0;

	while ((item = next_item(&next)) != NULL)
		count += strncmp(item, alias, len) == 0 && item[len] == '=';
	free(copy);
	return count;
}

/* Does every item have the form, and its alias stand in the other list, once if that is asked
 * for? */
static bool
check_items(const char *list, const char *other, bool once)
{
	char *copy = gw_strdup(list);
	char *next = copy;
	char *item;
	bool  good = true;

	while (good && (item = next_item(&next)) != NULL)
	{
		char *value = strchr(item, '=');
		int   count;

		good = value != NULL && value != item && value[1] != '\0';
		if (!good)
			break;
		*value = '\0';
		count = count_alias(other, item);
		good = once ? count == 1 : count > 0;
	}
	free(copy);
	return good;
}

bool
gw_issuer_options_valid(const char *list)
{
	return check_items(list, list, true);
}

bool
gw_issuer_options_within(const char *list, const char *issuers)
{
	return check_items(list, issuers, false);
}
