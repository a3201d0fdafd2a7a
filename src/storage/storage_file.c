/*
 * storage_file.c
 *		file:// storage: whole files below the directories of icecat.file_roots.
 *
 * file_place.c opens the directories. Only regular files are read.
 *
 * A file is written under a temporary name in its directory, fsync'd, renamed, and the directory is
 * fsync'd (all of it following the server's fsync setting). Of many files each of these steps is
 * done for all before the next one begins, and a directory is fsync'd once: the disk has more to do
 * at a time, and less in all. Modes are set explicitly: the server's umask would hide the files
 * from other engines.
 *
 * Descriptors are plain ones, open only inside one call, and closed on every way out.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "budget_server.h"
#include "errors.h"
#include "guc.h"
#include "storage/file_path.h"
#include "storage/file_place.h"
#include "storage/file_prune.h"
#include "storage/storage_file.h"
#include "pg_compat.h"

#define TEMPORARY_RANDOM_BYTES 8
#define READ_CHUNK_BYTES       (256 * 1024)
/* files of a batch that are open at once, and as many directories */
#define BATCH_FILES 64

static void raise_os(const char *action, const char *path, int error) pg_attribute_noreturn();

static void
raise_os(const char *action, const char *path, int error)
{
	ice_raise(ICE_ERR_STORAGE, "could not %s \"%s\": %s", action, path, strerror(error));
}

static char *
file_canonical(const IceStorage *storage pg_attribute_unused(), const char *location)
{
	return psprintf("file://%s", ice_file_path_checked(location));
}

/* Opens a regular file for reading; -1 and errno. */
static int
open_file(const char *path, struct stat *status)
{
	IcePlace place;
	int      fd = -1;
	int      error;

	ice_file_place_open(path, false, &place);
	if (place.directory < 0)
		return -1;
	fd = ice_file_place_open_at(place.directory, place.leaf, O_RDONLY | O_NONBLOCK, 0);
	error = errno;
	ice_file_place_close(&place);
	if (fd >= 0 && fstat(fd, status) == 0 && !S_ISREG(status->st_mode))
	{
		close(fd);
		fd = -1;
		error = S_ISDIR(status->st_mode) ? EISDIR : EINVAL;
	}
	errno = error;
	return fd;
}

/* As open_file; a link as the last component is followed to a place below a root. */
static int
open_file_resolved(const char *path, struct stat *status)
{
	int   fd = open_file(path, status);
	char *resolved;

	if (fd >= 0 || errno != ELOOP)
		return fd;
	resolved = ice_file_path_resolve(path);
	if (resolved == NULL)
	{
		errno = ELOOP;
		return -1;
	}
	return open_file(resolved, status);
}

/* Reads to the end of the file; the size it had when it was opened says nothing certain. */
static void
file_read(const IceStorage *storage pg_attribute_unused(), const char *location, size_t limit,
		  StringInfo out)
{
	char        *path = ice_file_path_checked(location);
	struct stat  status;
	size_t       start = out->len;
	volatile int fd = open_file_resolved(path, &status);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		ice_raise(ICE_ERR_NO_SUCH_FILE, "File does not exist: %s", location);
	if (fd < 0)
		raise_os("open file", path, errno);
	PG_TRY();
	{
		ssize_t n;

		do
		{
			CHECK_FOR_INTERRUPTS();
			ice_budget_enlarge(out, READ_CHUNK_BYTES);
			n = read(fd, out->data + out->len, READ_CHUNK_BYTES);
			if (n < 0 && errno != EINTR)
				raise_os("read file", path, errno);
			out->len += n > 0 ? (int) n : 0;
			if ((size_t) out->len - start > limit)
				ice_raise(ICE_ERR_LIMIT_EXCEEDED, "File is larger than the limit of %zu bytes: %s",
						  limit, location);
		} while (n != 0);
		out->data[out->len] = '\0';
	}
	PG_FINALLY();
	{
		close(fd);
	}
	PG_END_TRY();
}

/* -- writing ---------------------------------------------------------------------------------- */

/* A file on its way: under a temporary name in its directory. */
typedef struct Writing
{
	IcePlace place;
	bool     owns_directory; /* or has that of one before it */
	char     name[NAMEDATALEN];
	int      fd;
	int      error; /* errno, or 0 */
} Writing;

static void
temporary_name(char *name, size_t size)
{
	uint8 random[TEMPORARY_RANDOM_BYTES];
	char  hex[2 * TEMPORARY_RANDOM_BYTES + 1];

	if (!pg_strong_random(random, sizeof(random)))
		elog(ERROR, "could not generate random bytes");
	for (int i = 0; i < TEMPORARY_RANDOM_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", random[i]);
	snprintf(name, size, ICE_TEMPORARY_PREFIX "%s" ICE_TEMPORARY_SUFFIX, hex);
}

/* The open directory of path among those of the files before it; -1 if none has it. */
static int
directory_of_another(const char *path, const Writing *before, int count)
{
	size_t n = strrchr(path, '/') - path + 1;

	for (int i = count - 1; i >= 0; i--)
		if (before[i].place.directory >= 0 && strncmp(before[i].place.path, path, n) == 0 &&
			strchr(before[i].place.path + n, '/') == NULL)
			return before[i].place.directory;
	return -1;
}

/* Finds the place of a file. Raises what is wrong with the location, and what the system says about
 * its directory. */
static void
writing_open(Writing *w, const char *location, const Writing *before, int count)
{
	char *path = ice_file_path_checked(location);

	temporary_name(w->name, sizeof(w->name));
	w->place.directory = directory_of_another(path, before, count);
	w->owns_directory = w->place.directory < 0;
	if (w->owns_directory)
		ice_file_place_open(path, true, &w->place);
	else
	{
		w->place.path = path;
		w->place.leaf = pstrdup(strrchr(path, '/') + 1);
	}
	if (w->place.directory < 0)
		raise_os("open the directory of", path, errno);
}

/* Writes all bytes; an errno, or 0. */
static int
write_bytes(int fd, const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : ENOSPC;
		data += n;
		len -= (size_t) n;
	}
	return fchmod(fd, (mode_t) ice_guc_file_mode) < 0 ? errno : 0;
}

/* Writes the temporary file, and has the system begin to store it: so that the disk works on many
 * of them at once. */
static void
writing_write(Writing *w, const char *data, size_t len)
{
	w->fd = ice_file_place_open_at(w->place.directory, w->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	w->error = w->fd < 0 ? errno : write_bytes(w->fd, data, len);
	if (w->error == 0)
		pg_flush_data(w->fd, 0, (off_t) len);
}

static void
writing_sync(Writing *w)
{
	if (w->fd < 0)
		return;
	if (w->error == 0 && pg_fsync(w->fd) < 0)
		w->error = errno;
	if (close(w->fd) < 0 && w->error == 0)
		w->error = errno;
}

/* Gives the file its name, or takes what was written away. */
static void
writing_rename(Writing *w)
{
	const IcePlace *place = &w->place;

	if (w->fd >= 0 && w->error == 0 &&
		renameat(place->directory, w->name, place->directory, place->leaf) < 0)
		w->error = errno;
	if (w->error != 0 && w->fd >= 0)
		(void) unlinkat(place->directory, w->name, 0);
}

/* Makes the names in a directory durable, once for all files of the batch that lie there. */
static void
sync_directory(Writing *all, int count, int owner)
{
	int directory = all[owner].place.directory;

	if (pg_fsync(directory) < 0)
		for (int i = owner; i < count; i++)
			if (all[i].place.directory == directory && all[i].error == 0)
				all[i].error = errno;
}

/* Writes what is open, durably, and closes it. Raises nothing. */
static void
write_all(Writing *all, int count, const IceFileWrite *files)
{
	for (int i = 0; i < count; i++)
		if (all[i].place.directory >= 0)
			writing_write(&all[i], files[i].data, files[i].len);
	for (int i = 0; i < count; i++)
		writing_sync(&all[i]);
	for (int i = 0; i < count; i++)
		writing_rename(&all[i]);
	for (int i = 0; i < count; i++)
		if (all[i].owns_directory && all[i].place.directory >= 0)
		{
			sync_directory(all, count, i);
			ice_file_place_close(&all[i].place);
		}
}

static void
file_write_atomic(const IceStorage *storage pg_attribute_unused(), const char *location,
				  const char *data, size_t len)
{
	Writing      w = {.fd = -1};
	IceFileWrite file = {.location = location, .data = data, .len = len};

	writing_open(&w, location, NULL, 0);
	write_all(&w, 1, &file);
	if (w.error != 0)
		raise_os("write file", w.place.path, w.error);
}

/* writing_open() with its error as text: there is nothing to roll back. */
static void
try_open(Writing *all, int i, IceFileWrite *file)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		writing_open(&all[i], file->location, all, i);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		all[i].place.directory = -1;
		file->error = error->message;
	}
	PG_END_TRY();
}

/* Some files at a time, each step of all of them. */
static void
file_write_batch(const IceStorage *storage pg_attribute_unused(), IceFileWrite *files, int count)
{
	while (count > 0)
	{
		Writing all[BATCH_FILES];
		int     n = Min(count, BATCH_FILES);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
		{
			all[i] = (Writing){.place = {.directory = -1}, .fd = -1};
			try_open(all, i, &files[i]);
		}
		write_all(all, n, files);
		for (int i = 0; i < n; i++)
			if (all[i].error != 0)
				files[i].error = psprintf("could not write file \"%s\": %s", all[i].place.path,
										  strerror(all[i].error));
		files += n;
		count -= n;
	}
}

/* Also takes away the checksum file that Hadoop's local file system puts beside a file. */
static bool
file_remove(const IceStorage *storage pg_attribute_unused(), const char *location)
{
	char    *path = ice_file_path_checked(location);
	IcePlace place;
	int      error = 0;
	char    *checksum;

	ice_file_place_open(path, false, &place);
	if (place.directory < 0 && (errno == ENOENT || errno == ENOTDIR))
		return false;
	if (place.directory < 0)
		raise_os("open the directory of", path, errno);
	checksum = psprintf(".%s.crc", place.leaf);
	if (unlinkat(place.directory, place.leaf, 0) < 0)
		error = errno;
	if (error == 0 || error == ENOENT)
		(void) unlinkat(place.directory, checksum, 0);
	ice_file_place_close(&place);
	pfree(checksum);
	if (error != 0 && error != ENOENT)
		raise_os("delete file", path, error);
	return error == 0;
}

/* file_remove() with its error as text. */
static void
try_remove(const IceStorage *storage, IceFileRemoval *file)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		file->removed = file_remove(storage, file->location);
	}
	PG_CATCH();
	{
		ErrorData *error;

		/* A path that was checked and a system call: nothing to roll back. */
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		file->error = error->message;
	}
	PG_END_TRY();
}

static void
file_remove_batch(const IceStorage *storage, IceFileRemoval *files, int count)
{
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		try_remove(storage, &files[i]);
	}
}

static void
file_make_directory(const IceStorage *storage pg_attribute_unused(), const char *location)
{
	char *path = ice_file_path_checked(location);
	int   fd = ice_file_place_open_directory(path, true);

	if (fd < 0)
		raise_os("make directory", path, errno);
	close(fd);
}

static bool
file_exists(const IceStorage *storage pg_attribute_unused(), const char *location)
{
	char *path = ice_file_path_checked(location);

	if (access(path, F_OK) == 0)
		return true;
	if (errno != ENOENT && errno != ENOTDIR)
		raise_os("look for file", path, errno);
	return false;
}

static bool
file_missing(const IceStorage *storage pg_attribute_unused(), const char *location)
{
	char       *path = ice_file_path(location);
	const char *rest;

	return ice_file_path_root(path, false, &rest) != NULL && access(path, F_OK) != 0 &&
		   (errno == ENOENT || errno == ENOTDIR);
}

static const IceStorage file_storage = {
	.is_local = true,
	.canonical = file_canonical,
	.read = file_read,
	.write_atomic = file_write_atomic,
	.write_batch = file_write_batch,
	.remove = file_remove,
	.remove_batch = file_remove_batch,
	.make_directory = file_make_directory,
	.exists = file_exists,
	.missing = file_missing,
	.prune = ice_file_prune,
};

const IceStorage *
ice_storage_file_open(void)
{
	return &file_storage;
}
