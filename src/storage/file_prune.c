/*
 * file_prune.c
 *		Takes away the empty folders of file storage. See file_prune.h.
 *
 * Failures are passed over: what cannot be removed just stays.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "storage/file_path.h"
#include "storage/file_place.h"
#include "storage/file_prune.h"

#define DEPTH_MAX 64

/* A directory that is being read. */
typedef struct Level
{
	DIR *entries;
	char name[NAME_MAX + 1]; /* in the directory above; not of the first */
} Level;

struct IceStorageWalk
{
	MemoryContextCallback callback;
	int                   depth; /* levels that are open */
	Level                 levels[DEPTH_MAX];
};

static void
close_walk(void *arg)
{
	IceStorageWalk *walk = arg;

	while (walk->depth > 0)
		closedir(walk->levels[--walk->depth].entries);
}

static bool
is_temporary(const char *name)
{
	size_t n = strlen(name);
	size_t m = strlen(ICE_TEMPORARY_SUFFIX);

	return strncmp(name, ICE_TEMPORARY_PREFIX, strlen(ICE_TEMPORARY_PREFIX)) == 0 && n > m &&
		   strcmp(name + n - m, ICE_TEMPORARY_SUFFIX) == 0;
}

/* Goes on in an open directory, which it closes if that is too deep. */
static void
enter(IceStorageWalk *walk, int fd, const char *name)
{
	DIR *entries = walk->depth < DEPTH_MAX ? fdopendir(fd) : NULL;

	if (entries == NULL)
	{
		close(fd);
		return;
	}
	strlcpy(walk->levels[walk->depth].name, name, sizeof(walk->levels[walk->depth].name));
	walk->levels[walk->depth++].entries = entries;
}

/* Takes away a directory that was read to its end. That of the walk itself is left for the last. */
static void
leave(IceStorageWalk *walk)
{
	Level *level = &walk->levels[--walk->depth];

	closedir(level->entries);
	if (walk->depth > 0)
		(void) unlinkat(dirfd(walk->levels[walk->depth - 1].entries), level->name, AT_REMOVEDIR);
}

static void
look_at(IceStorageWalk *walk, int directory, const char *name)
{
	int child;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ICE_MARK_FOLDER) == 0)
		return;
	if (is_temporary(name))
	{
		(void) unlinkat(directory, name, 0);
		return;
	}
	child = ice_file_place_open_subdirectory(directory, name);
	if (child >= 0)
		enter(walk, child, name);
}

/* The next entry of the deepest directory. */
static void
step(IceStorageWalk *walk)
{
	DIR           *entries = walk->levels[walk->depth - 1].entries;
	struct dirent *entry = readdir(entries);

	if (entry == NULL)
		leave(walk);
	else
		look_at(walk, dirfd(entries), entry->d_name);
}

static IceStorageWalk *
begin(void)
{
	IceStorageWalk *walk = palloc0(sizeof(IceStorageWalk));

	walk->callback = (MemoryContextCallback){.func = close_walk, .arg = walk};
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &walk->callback);
	return walk;
}

bool
ice_file_prune(const IceStorage *storage pg_attribute_unused(), const char *location,
			   IceStorageWalk **walk, int entries)
{
	char       *path = ice_file_path_checked(location);
	const char *rest;
	IcePlace    place;
	int         fd;

	(void) ice_file_path_root(path, false, &rest);
	if (*rest == '\0')
		return true;
	ice_file_place_open(path, false, &place);
	if (place.directory < 0)
		return true;
	fd = *walk == NULL ? ice_file_place_open_subdirectory(place.directory, place.leaf) : -1;
	if (*walk == NULL)
		*walk = begin();
	if (fd >= 0)
		enter(*walk, fd, "");
	while (entries-- > 0 && (*walk)->depth > 0)
		step(*walk);
	if ((*walk)->depth == 0)
		(void) unlinkat(place.directory, place.leaf, AT_REMOVEDIR);
	ice_file_place_close(&place);
	return (*walk)->depth == 0;
}
