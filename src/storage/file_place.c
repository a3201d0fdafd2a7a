/*
 * file_place.c
 *		Opens the directories of file storage, so that no symbolic link leads out of the roots.
 *
 * A path is first checked by its letters (absolute, no "..", below a root), then opened component
 * by component without following symbolic links. Where a link is met, the path is resolved, its
 * target must lie below a root too, and the resolved path is opened in the same way, so that a link
 * swapped in at the wrong moment is refused instead of followed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"

#include "errors.h"
#include "guc.h"
#include "storage/file_path.h"
#include "storage/file_place.h"

/* openat() that is not disturbed by signals. */
int
ice_file_place_open_at(int directory, const char *name, int flags, int mode)
{
	int fd;

	do
		fd = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* Opens a directory in another without following a link; ELOOP for a link. */
int
ice_file_place_open_subdirectory(int parent, const char *name)
{
	int         fd = ice_file_place_open_at(parent, name, O_RDONLY | O_DIRECTORY, 0);
	struct stat status;

	if (fd >= 0 || errno != ENOTDIR)
		return fd;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
		errno = ELOOP;
	else
		errno = ENOTDIR;
	return -1;
}

/* Makes a directory and gives it the configured mode, durably; opens it. -1 and errno on failure.
 * It is empty: to have it named in its parent is all; what is put into it is made
 * durable by itself. */
static int
make_subdirectory(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0700) < 0)
		return errno == EEXIST ? ice_file_place_open_subdirectory(parent, name) : -1;
	fd = ice_file_place_open_subdirectory(parent, name);
	if (fd < 0)
		return -1;
	if (fchmod(fd, (mode_t) ice_guc_directory_mode) < 0 || pg_fsync(parent) < 0)
	{
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* Opens root, then the directories of rest one by one; with make, missing ones below root are
 * made. */
static int
walk(const char *root, const char *rest, bool make)
{
	char *parts = pstrdup(rest);
	char *state = NULL;
	int   fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (char *part = strtok_r(parts, "/", &state); part != NULL && fd >= 0;
		 part = strtok_r(NULL, "/", &state))
	{
		int next = ice_file_place_open_subdirectory(fd, part);
		int error;

		if (next < 0 && errno == ENOENT && make)
			next = make_subdirectory(fd, part);
		error = errno;
		close(fd);
		errno = error;
		fd = next;
	}
	pfree(parts);
	return fd;
}

/* Opens the directory of a checked path. -1 with errno if it is not there; raises for a forbidden
 * one. */
int
ice_file_place_open_directory(const char *path, bool make)
{
	const char *rest;
	char       *root = ice_file_path_root(path, false, &rest);
	int         fd;
	char       *resolved;

	if (root == NULL)
		ice_file_path_raise_outside(path);
	fd = walk(root, rest, make);
	if (fd >= 0 || errno != ELOOP)
		return fd;
	resolved = ice_file_path_resolve(path);
	root = resolved != NULL ? ice_file_path_root(resolved, true, &rest) : NULL;
	if (root == NULL)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION,
				  "Location leads out of the allowed directories by a symbolic link: %s", path);
	return walk(root, rest, make);
}

/* Opens the place of a file; place->directory is -1, and errno set, where its directory is
 * missing. */
void
ice_file_place_open(const char *path, bool make, IcePlace *place)
{
	char *parent = pstrdup(path);
	char *slash = strrchr(parent, '/');

	place->path = path;
	place->leaf = pstrdup(slash + 1);
	*slash = '\0';
	if (place->leaf[0] == '\0' || strlen(place->leaf) > NAME_MAX)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location is not a file: %s", path);
	place->directory = ice_file_place_open_directory(slash == parent ? "/" : parent, make);
}

void
ice_file_place_close(IcePlace *place)
{
	if (place->directory >= 0)
		close(place->directory);
	place->directory = -1;
}
