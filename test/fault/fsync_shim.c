/*
 * fsync_shim.c
 *		A library to preload into PostgreSQL: fsync and fdatasync of files below one folder fail
 *		with EIO while a flag file exists.
 *
 * ICECAT_FAULT_FSYNC_FLAG names the flag file, ICECAT_FAULT_FSYNC_UNDER the folder.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*SyncFunction)(int);

/* Shall this call fail? */
static int
shall_fail(int fd)
{
	const char *flag = getenv("ICECAT_FAULT_FSYNC_FLAG");
	const char *under = getenv("ICECAT_FAULT_FSYNC_UNDER");
	char        link[64];
	char        path[4096];
	ssize_t     len;

	if (!flag || !under || access(flag, F_OK) != 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return 0;
	path[len] = '\0';
	return strncmp(path, under, strlen(under)) == 0;
}

int
fsync(int fd)
{
	if (shall_fail(fd))
	{
		errno = EIO;
		return -1;
	}
	return ((SyncFunction) dlsym(RTLD_NEXT, "fsync"))(fd);
}

int
fdatasync(int fd)
{
	if (shall_fail(fd))
	{
		errno = EIO;
		return -1;
	}
	return ((SyncFunction) dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
