/*
 * mark.c
 *		Which copy of a catalog a root of storage belongs to.
 *
 * What a mark holds: the system identifier (another one after initdb and pg_upgrade), the
 * database's oid (after a dump or from a template), the timeline (after a promotion or a recovery
 * to a point in time), and number and birth of the inode of global/pg_control (after any copy of
 * the files). A restart, a crash and its recovery change none of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "errors.h"
#include "guc.h"
#include "storage/file_path.h"
#include "storage/mark.h"
#include "storage/profile.h"
#include "storage/storage.h"
#include "storage/store_call.h"
#include "storage/store_probe.h"
#include "storage/store_probe.h"

/* below the data directory, where every process stands */
#define CONTROL_FILE   "global/pg_control"
#define MARK_BYTES_MAX 512

/* -- what this database is -------------------------------------------------------------------- */

/* Number and time of birth of the control file's inode; where no birth is known, its device. */
static char *
control_file(void)
{
	struct stat status;
#ifdef STATX_BTIME
	struct statx more;

	if (statx(AT_FDCWD, CONTROL_FILE, 0, STATX_INO | STATX_BTIME, &more) == 0 &&
		(more.stx_mask & STATX_BTIME))
		return psprintf("%llu born %lld.%09u", (unsigned long long) more.stx_ino,
						(long long) more.stx_btime.tv_sec, more.stx_btime.tv_nsec);
#endif
	if (stat(CONTROL_FILE, &status) != 0)
		elog(ERROR, "could not stat file \"%s\": %m", CONTROL_FILE);
	return psprintf("%llu on %llu", (unsigned long long) status.st_ino,
					(unsigned long long) status.st_dev);
}

static char *
own_text(void)
{
	return psprintf(
		"icecat mark 1: only this database deletes files here, see icecat.adopt_storage()\n"
		"system " UINT64_FORMAT "\ndatabase %u\ntimeline %u\ncontrol file %s\n",
		GetSystemIdentifier(), MyDatabaseId, GetWALInsertionTimeLine(), control_file());
}

/* -- reading ---------------------------------------------------------------------------------- */

static int
open_marks(const char *folder)
{
	return open(psprintf("%s/%s", folder, ICE_MARK_FOLDER),
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The mark of one folder (a path). What is there and cannot be read is another's. */
static IceMark
look_at(const char *folder, const char *catalog, const char *own)
{
	char    text[MARK_BYTES_MAX];
	int     directory = open_marks(folder);
	int     fd;
	ssize_t n;

	if (directory < 0)
		return ICE_MARK_NONE;
	fd = openat(directory, catalog, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
	{
		bool none = errno == ENOENT;

		close(directory);
		return none ? ICE_MARK_NONE : ICE_MARK_OTHER;
	}
	n = read(fd, text, sizeof(text));
	close(fd);
	close(directory);
	return n == (ssize_t) strlen(own) && memcmp(text, own, (size_t) n) == 0 ? ICE_MARK_OWN
																			: ICE_MARK_OTHER;
}

/* Cuts the last component off a path; false if it was the root directory. */
static bool
go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || path[1] == '\0')
		return false;
	slash[slash == path ? 1 : 0] = '\0';
	return true;
}

static char *
path_of(const char *folder)
{
	return pstrdup(strncmp(folder, "file://", 7) == 0 ? folder + 7 : folder);
}

IceMark
ice_mark_look(const char *folder, const char *catalog, char **where)
{
	char   *path = path_of(folder);
	char   *own = own_text();
	IceMark found = ICE_MARK_NONE;

	do
	{
		IceMark mark = look_at(path, catalog, own);

		if (mark == ICE_MARK_OTHER)
		{
			*where = psprintf("%s/%s/%s", path, ICE_MARK_FOLDER, catalog);
			return mark;
		}
		if (mark == ICE_MARK_OWN)
			found = mark;
	} while (go_up(path));
	return found;
}

/* -- writing ---------------------------------------------------------------------------------- */

/* Writes a new file in an open folder; an errno, or 0. */
static int
write_file(int directory, const char *name, const char *text)
{
	size_t len = strlen(text);
	int    error = 0;
	int    fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	errno = ENOSPC;
	if (write(fd, text, len) != (ssize_t) len || fchmod(fd, (mode_t) ice_guc_file_mode) < 0 ||
		pg_fsync(fd) < 0)
		error = errno;
	close(fd);
	return error;
}

/* Puts the own mark into a folder, as a whole; with replace, over another one. An errno, or 0. */
static int
put(const char *folder, const char *catalog, bool replace)
{
	char *temporary = psprintf("%s.%d", catalog, MyProcPid);
	char *marks = psprintf("%s/%s", folder, ICE_MARK_FOLDER);
	int   directory;
	int   error;

	if (mkdir(marks, 0700) == 0)
		(void) chmod(marks, (mode_t) ice_guc_directory_mode);
	directory = open_marks(folder);
	if (directory < 0)
		return errno;
	(void) unlinkat(directory, temporary, 0);
	error = write_file(directory, temporary, own_text());
	if (error == 0 && (replace ? renameat(directory, temporary, directory, catalog)
							   : linkat(directory, temporary, directory, catalog, 0)) < 0)
		error = errno;
	(void) unlinkat(directory, temporary, 0);
	(void) pg_fsync(directory);
	close(directory);
	return error;
}

void
ice_mark_make(const char *location, const char *catalog)
{
	char *canonical = ice_storage_is_local(location) ? ice_storage_canonical(location, NULL) : NULL;
	char *where;
	const char *rest;
	char       *root;

	if (canonical == NULL || ice_mark_look(canonical, catalog, &where) != ICE_MARK_NONE)
		return;
	root = ice_file_path_root(path_of(canonical), false, &rest);
	if (root != NULL && put(root, catalog, false) != 0)
		ereport(DEBUG1, (errmsg("could not mark \"%s\"", root)));
}

void
ice_mark_adopt(const char *folder, const char *catalog)
{
	char       *path = path_of(folder);
	char       *own = own_text();
	const char *rest;
	char       *root = ice_file_path_root(path, false, &rest);

	do
	{
		int error;

		if (look_at(path, catalog, own) != ICE_MARK_OTHER &&
			(root == NULL || strcmp(path, root) != 0))
			continue;
		error = put(path, catalog, true);
		if (error != 0)
			ice_raise(ICE_ERR_STORAGE, "could not write file \"%s/%s/%s\": %s", path,
					  ICE_MARK_FOLDER, catalog, strerror(error));
	} while (go_up(path));
}

/* -- object stores ---------------------------------------------------------------------------- */

static char *
mark_location(const IceStorageProfile *profile, const char *catalog)
{
	return psprintf("%s/%s/%s", profile->root, ICE_MARK_FOLDER, catalog);
}

/* The mark's bytes. False: there is none. */
static bool
read_mark(const IceStorageProfile *profile, const char *location, StringInfo out)
{
	const IceStorage *storage = ice_storage_open(location, profile);
	MemoryContext     context = CurrentMemoryContext;
	bool volatile found = true;

	PG_TRY();
	{
		storage->read(storage, location, MARK_BYTES_MAX, out);
	}
	PG_CATCH();
	{
		if (ice_error_of_sqlstate(unpack_sql_state(geterrcode())) != ICE_ERR_NO_SUCH_FILE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		found = false;
	}
	PG_END_TRY();
	return found;
}

IceMark
ice_mark_look_in_store(const IceStorageProfile *profile, const char *catalog, char **where)
{
	char          *own = own_text();
	StringInfoData text;

	initStringInfo(&text);
	*where = mark_location(profile, catalog);
	if (!read_mark(profile, *where, &text))
		return ICE_MARK_NONE;
	return (size_t) text.len == strlen(own) && memcmp(text.data, own, (size_t) text.len) == 0
			   ? ICE_MARK_OWN
			   : ICE_MARK_OTHER;
}

/* Is there no mark, as far as the store tells? Who may not list is refused what is not there: that
 * is so where another object that is not there is refused, too. A store that knows the condition of
 * a new file keeps a mark that is there all the same. */
static bool
looks_free(const IceStorageProfile *profile, const char *catalog)
{
	MemoryContext context = CurrentMemoryContext;
	bool volatile is_free = false;
	char *volatile problem = NULL;
	char *where;
	char *said;

	PG_TRY();
	{
		is_free = ice_mark_look_in_store(profile, catalog, &where) == ICE_MARK_NONE;
	}
	PG_CATCH();
	{
		if (!profile->conditional_writes)
			PG_RE_THROW();
		problem = ice_store_call_caught(context);
	}
	PG_END_TRY();
	if (problem == NULL)
		return is_free;
	if (ice_store_probe(profile, false, &said) != ICE_STORE_REFUSES)
		ice_raise(ICE_ERR_STORAGE, "%s", problem);
	return true;
}

void
ice_mark_make_in_store(const IceStorageProfile *profile, const char *catalog, bool adopt)
{
	char             *location = mark_location(profile, catalog);
	const IceStorage *storage = ice_storage_open(location, profile);
	char             *own = own_text();

	if (adopt)
		storage->write_atomic(storage, location, own, strlen(own));
	else if (looks_free(profile, catalog))
		(void) storage->write_new(storage, location, own, strlen(own));
}
