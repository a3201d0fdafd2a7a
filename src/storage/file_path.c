/*
 * file_path.c
 *		Paths of file:// locations: their spellings, and the roots of icecat.file_roots.
 *
 * Nothing here opens a file. A path that passes by its letters can still lead elsewhere by a link:
 * storage_file.c sees to that when it opens it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nodes/pg_list.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "guc.h"
#include "storage/file_path.h"

#define ROOTS_KNOWN_MS 1000

/* Collapses "//" and "." of an absolute path; NULL if it has a ".." or is not absolute. */
static char *
normalise(const char *path)
{
	char *result = palloc(strlen(path) + 2);
	char *end = result;

	if (path[0] != '/')
		return NULL;
	while (*path != '\0')
	{
		size_t n;

		while (*path == '/')
			path++;
		n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.')
			return NULL;
		if (n > 0 && !(n == 1 && path[0] == '.'))
		{
			*end++ = '/';
			memcpy(end, path, n);
			end += n;
		}
		path += n;
	}
	if (end == result)
		*end++ = '/';
	*end = '\0';
	return result;
}

/* The path of a location: without "file:" and an empty authority; normalised. */
char *
ice_file_path(const char *location)
{
	const char *path = location;
	char       *result;

	if (pg_strncasecmp(path, "file:", 5) == 0)
	{
		path += 5;
		if (path[0] == '/' && path[1] == '/')
		{
			path += 2;
			if (path[0] != '/')
				ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location names another host: %s", location);
		}
	}
	result = normalise(path);
	if (result == NULL)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION,
				  "Location must be an absolute path without \"..\": %s", location);
	if (strlen(result) >= MAXPGPATH)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location is longer than %d bytes", MAXPGPATH - 1);
	return result;
}

/* Is path the directory root, or below it? Returns the rest (without '/'), or NULL. */
static const char *
below(const char *path, const char *root)
{
	size_t n = strlen(root);

	if (n == 1)
		return path + 1;
	if (strncmp(path, root, n) != 0)
		return NULL;
	if (path[n] == '\0')
		return path + n;
	return path[n] == '/' ? path + n + 1 : NULL;
}

/* -- roots ------------------------------------------------------------------------------------ */

/* Directories of icecat.file_roots, parsed and looked at once a second: which may be used. */
static struct
{
	char         *text; /* of the setting that it was made of; NULL: not made yet */
	TimestampTz   made_at;
	List         *roots;   /* normalised */
	List         *refused; /* the same of those that hold or lie in PostgreSQL's own directories */
	MemoryContext context;
} known;

/* Is one of two paths the other, or below it? */
static bool
overlap(const char *a, const char *b)
{
	return below(a, b) != NULL || below(b, a) != NULL;
}

/* Does a path, links resolved, hold or lie in the directory behind another one? */
static bool
meets(const char *resolved, const char *directory)
{
	char target[PATH_MAX];

	return realpath(directory, target) != NULL && overlap(resolved, target);
}

/* Does it hold or lie in the data directory, the write-ahead log or a tablespace? */
static bool
meets_postgres(const char *resolved)
{
	static const char tablespaces[] = "pg_tblspc"; /* below the data directory, where we stand */
	DIR              *entries;
	struct dirent    *entry;
	bool              found = meets(resolved, ".") || meets(resolved, "pg_wal");

	entries = found ? NULL : opendir(tablespaces);
	while (entries != NULL && !found && (entry = readdir(entries)) != NULL)
		if (entry->d_name[0] != '.')
			found = meets(resolved, psprintf("%s/%s", tablespaces, entry->d_name));
	if (entries != NULL)
		closedir(entries);
	return found;
}

/* One directory of the setting, without blanks around it, normalised; NULL if it is none. */
static char *
parse_root(const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char) *text))
		text++, len--;
	while (len > 0 && isspace((unsigned char) text[len - 1]))
		len--;
	return normalise(pnstrdup(text, len));
}

static void
read_roots(const char *text)
{
	while (*text != '\0')
	{
		size_t n = strcspn(text, ",");
		char  *root = parse_root(text, n);
		char  *resolved = root != NULL ? ice_file_path_resolve(root) : NULL;

		if (root != NULL && meets_postgres(resolved != NULL ? resolved : root))
			known.refused = lappend(known.refused, root);
		else if (root != NULL)
			known.roots = lappend(known.roots, root);
		text += n + (text[n] == ',');
	}
}

/* Reads everything again if the setting has changed or the last look was long ago. */
static void
know_roots(void)
{
	const char   *text = ice_guc_file_roots != NULL ? ice_guc_file_roots : "";
	TimestampTz   now = GetCurrentTimestamp();
	MemoryContext old;

	if (known.text != NULL && strcmp(known.text, text) == 0 &&
		!TimestampDifferenceExceeds(known.made_at, now, ROOTS_KNOWN_MS))
		return;
	if (known.context == NULL)
		known.context = AllocSetContextCreate(TopMemoryContext, "icecat file roots",
											  ALLOCSET_SMALL_SIZES);
	known.text = NULL;
	known.roots = known.refused = NIL;
	MemoryContextReset(known.context);
	old = MemoryContextSwitchTo(known.context);
	read_roots(text);
	known.made_at = now;
	known.text = pstrdup(text);
	MemoryContextSwitchTo(old);
}

List *
ice_file_path_roots(bool resolve)
{
	List     *roots = NIL;
	ListCell *cell;
	char      resolved[PATH_MAX];

	know_roots();
	foreach (cell, known.roots)
	{
		if (!resolve)
			roots = lappend(roots, pstrdup(lfirst(cell)));
		else if (realpath(lfirst(cell), resolved) != NULL)
			roots = lappend(roots, pstrdup(resolved));
	}
	return roots;
}

List *
ice_file_path_refused_roots(void)
{
	List     *roots = NIL;
	ListCell *cell;

	know_roots();
	foreach (cell, known.refused)
		roots = lappend(roots, pstrdup(lfirst(cell)));
	return roots;
}

/* The root that path lies below, with the rest of the path; NULL if there is none. */
char *
ice_file_path_root(const char *path, bool resolve, const char **rest)
{
	ListCell *cell;

	foreach (cell, ice_file_path_roots(resolve))
	{
		*rest = below(path, lfirst(cell));
		if (*rest != NULL)
			return lfirst(cell);
	}
	return NULL;
}

void
ice_file_path_raise_outside(const char *path)
{
	bool        none = ice_guc_file_roots == NULL || ice_guc_file_roots[0] == '\0';
	List       *refused = ice_file_path_refused_roots();
	const char *detail = NULL;

	if (none)
		detail = "icecat.file_roots is empty: file storage is off.";
	else if (refused != NIL)
		detail =
			psprintf("%s is not used, because it holds or lies in a directory of PostgreSQL's.",
					 (char *) linitial(refused));

	ice_raise_full(
		ICE_ERR_FORBIDDEN_LOCATION,
		psprintf("Location is outside the directories that the server may use: %s", path), detail,
		"A superuser can allow a directory with ALTER SYSTEM or ALTER DATABASE ... SET "
		"icecat.file_roots.");
}

/* The location's normalised path; raises unless it is below a root by its letters. */
char *
ice_file_path_checked(const char *location)
{
	char       *path = ice_file_path(location);
	const char *rest;

	if (ice_file_path_root(path, false, &rest) == NULL)
		ice_file_path_raise_outside(path);
	/* Above the root a folder of that name is another's: ./quickstart keeps its warehouse in
	 * one. */
	if (strstr(psprintf("/%s/", rest), "/" ICE_MARK_FOLDER "/") != NULL)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location lies in a folder of icecat's own: %s",
				  location);
	return path;
}

/* The path with its links resolved as far as it exists; NULL and errno if that cannot be told. */
char *
ice_file_path_resolve(const char *path)
{
	char *head = pstrdup(path);
	char  resolved[PATH_MAX];

	while (realpath(head, resolved) == NULL)
	{
		struct stat status;
		char       *slash = strrchr(head, '/');

		/* A link that points nowhere could come to point anywhere. */
		if (errno != ENOENT || slash == head || slash == NULL || lstat(head, &status) == 0)
			return NULL;
		*slash = '\0';
	}
	return normalise(psprintf("%s/%s", resolved, path + strlen(head)));
}

/* Takes ".." back out of an absolute path, by its letters. */
static char *
without_dots(const char *path)
{
	char *result = palloc(strlen(path) + 2);
	char *end = result;

	while (*path != '\0')
	{
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.')
			while (end > result && *--end != '/')
				;
		else if (n > 0 && !(n == 1 && path[0] == '.'))
		{
			*end++ = '/';
			memcpy(end, path, n);
			end += n;
		}
		path += n + (path[n] == '/');
	}
	if (end == result)
		*end++ = '/';
	*end = '\0';
	return result;
}

/* Adds a spelling to a list unless it is there. */
static List *
add_spelling(List *spellings, const char *path)
{
	char     *spelling;
	ListCell *cell;

	if (path == NULL)
		return spellings;
	spelling = psprintf("file://%s", path);
	foreach (cell, spellings)
		if (strcmp(lfirst(cell), spelling) == 0)
			return spellings;
	return lappend(spellings, spelling);
}

/* The path of a location that may be any; NULL for another host's. */
static char *
any_path(const char *location)
{
	const char *path = pg_strncasecmp(location, "file:", 5) == 0 ? location + 5 : location;

	if (path != location && path[0] == '/' && path[1] == '/' && path[2] != '/')
		return NULL;
	return without_dots(path);
}

char *
ice_file_path_spelling(const char *location)
{
	char *path = any_path(location);

	return path != NULL ? psprintf("file://%s", path) : pstrdup(location);
}

/* A link that points nowhere has no second spelling: what it will come to mean nobody knows. */
List *
ice_file_path_spellings(const char *location)
{
	char *path = any_path(location);
	List *spellings = list_make1(ice_file_path_spelling(location));
	char *folder;
	char *slash;

	if (path == NULL)
		return spellings;
	folder = pstrdup(path);
	slash = strrchr(folder, '/');
	if (slash > folder)
	{
		*slash = '\0';
		folder = ice_file_path_resolve(folder);
		if (folder != NULL)
			spellings = add_spelling(spellings, normalise(psprintf("%s/%s", folder, slash + 1)));
	}
	return add_spelling(spellings, ice_file_path_resolve(path));
}
