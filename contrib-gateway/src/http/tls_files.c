/*
 * tls_files.c
 *		Looks at the files of TLS; see tls_files.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/tls_files.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 4

/* What tells one state of a file from another. */
typedef struct Look
{
	dev_t           device;
	ino_t           inode;
	off_t           size;
	struct timespec modified;
	struct timespec changed;
} Look;

static Look in_use[FILES];
static Look before[FILES];

bool
gw_tls_files_key_is_safe(const char *path, GwText *error)
{
	struct stat status;
	mode_t      others = S_IRWXG | S_IRWXO;

	if (stat(path, &status) != 0)
		gw_text_printf(error, "private key \"%s\": %s\n", path, strerror(errno));
	else if (!S_ISREG(status.st_mode))
		gw_text_printf(error, "private key \"%s\" is not a regular file\n", path);
	else if (status.st_uid != geteuid() && status.st_uid != 0)
		gw_text_printf(
			error, "private key \"%s\" must belong to the user of the gateway, or to root\n", path);
	else if ((status.st_mode & (status.st_uid == 0 ? others & ~S_IRGRP : others)) != 0)
		gw_text_printf(error,
					   "private key \"%s\" may be read or changed by others: chmod 0600, or 0640 "
					   "where it belongs to root\n",
					   path);
	else
		return true;
	return false;
}

static Look
look_at(const char *path)
{
	struct stat status;

	if (path[0] == '\0' || stat(path, &status) != 0)
		return (Look){0};
	return (Look){status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
}

static void
look_at_all(const GwConf *conf, Look out[FILES])
{
	memset(out, 0, FILES * sizeof(*out));
	out[0] = look_at(conf->tls_cert_file);
	out[1] = look_at(conf->tls_key_file);
	out[2] = look_at(conf->tls_client_ca_file);
	out[3] = look_at(conf->tls_crl_file);
}

static bool
same(const Look *a, const Look *b)
{
	for (int i = 0; i < FILES; i++)
		if (a[i].device != b[i].device || a[i].inode != b[i].inode || a[i].size != b[i].size ||
			a[i].modified.tv_sec != b[i].modified.tv_sec ||
			a[i].modified.tv_nsec != b[i].modified.tv_nsec ||
			a[i].changed.tv_sec != b[i].changed.tv_sec ||
			a[i].changed.tv_nsec != b[i].changed.tv_nsec)
			return false;
	return true;
}

void
gw_tls_files_note(const GwConf *conf)
{
	look_at_all(conf, in_use);
	memcpy(before, in_use, sizeof(before));
}

bool
gw_tls_files_changed(const GwConf *conf)
{
	Look now[FILES];
	bool at_rest;

	look_at_all(conf, now);
	at_rest = same(now, before);
	memcpy(before, now, sizeof(before));
	return at_rest && !same(now, in_use);
}
