/*
 * secret_key.c
 *		Encrypts secrets with the keys of icecat.secret_key_file. See secret_key.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errors.h"
#include "guc.h"
#include "storage/net.h"
#include "storage/secret_key.h"
#include "pg_compat.h"

#define KEY_BYTES      32
#define FILE_BYTES_MAX 16384

typedef struct SecretKey
{
	char  id[ICE_SECRET_KEY_ID_MAX + 1];
	uint8 bytes[KEY_BYTES];
} SecretKey;

/* -- the file --------------------------------------------------------------------------------- */

static void
pg_attribute_noreturn() refuse_file(const char *why)
{
	ice_raise_full(ICE_ERR_STORAGE, "The file of icecat.secret_key_file cannot be used", why, NULL);
}

/* The server's own, or root's and of a group that may only read it: as PostgreSQL wants the key of
 * its certificate. */
static void
check_file(const struct stat *status)
{
	bool own = status->st_uid == geteuid();

	if (!S_ISREG(status->st_mode))
		refuse_file("It is no regular file.");
	if (!own && status->st_uid != 0)
		refuse_file("It belongs to another user than the server's, and not to root.");
	if (status->st_mode & (own ? S_IRWXG | S_IRWXO : S_IWGRP | S_IXGRP | S_IRWXO))
		refuse_file("Others may read it: its mode must be 0600, or 0640 where it is root's.");
	if (status->st_size > FILE_BYTES_MAX)
		refuse_file(psprintf("It is longer than %d bytes.", FILE_BYTES_MAX));
}

/* Reads the file into a buffer of FILE_BYTES_MAX + 1 bytes. */
static void
read_file(char *text)
{
	struct stat      status;
	volatile ssize_t len = -1;
	int fd = open(ice_guc_secret_key_file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		refuse_file(psprintf("It could not be opened: %s.", strerror(errno)));
	if (fstat(fd, &status) < 0)
		memset(&status, 0, sizeof(status));
	PG_TRY();
	{
		check_file(&status);
		len = read(fd, text, FILE_BYTES_MAX);
	}
	PG_FINALLY();
	{
		close(fd);
	}
	PG_END_TRY();
	if (len < 0)
		refuse_file("It could not be read.");
	text[len] = '\0';
}

static int
digit(char c)
{
	return isdigit((unsigned char) c) ? c - '0' : pg_tolower((unsigned char) c) - 'a' + 10;
}

/* A line's key. False: the line is empty or a comment. Its text is in no message. */
static bool
parse_line(const char *line, int number, SecretKey *out)
{
	size_t      id_len;
	const char *hex;

	line += strspn(line, " \t\r");
	if (*line == '\0' || *line == '#')
		return false;
	id_len = strcspn(line, " \t\r");
	hex = line + id_len + strspn(line + id_len, " \t");
	if (id_len > ICE_SECRET_KEY_ID_MAX || strspn(hex, "0123456789abcdefABCDEF") != 2 * KEY_BYTES ||
		hex[2 * KEY_BYTES + strspn(hex + 2 * KEY_BYTES, " \t\r")] != '\0')
		refuse_file(psprintf("Line %d is not an id, a blank and 64 hexadecimal digits.", number));
	memcpy(out->id, line, id_len);
	out->id[id_len] = '\0';
	for (int i = 0; i < KEY_BYTES; i++)
		out->bytes[i] = (uint8) (digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return true;
}

/* The key of an id in a text, which is cut up; NULL: the first. */
static bool
find_in(char *text, const char *id, SecretKey *out)
{
	char *rest = text;
	char *line;
	int   number = 0;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (parse_line(line, ++number, out) && (id == NULL || strcmp(out->id, id) == 0))
			return true;
	return false;
}

/* False: the file has no such key. */
static bool
find_key(const char *id, SecretKey *out)
{
	char *text = palloc(FILE_BYTES_MAX + 1);
	bool  found = false;

	if (*ice_guc_secret_key_file == '\0')
		ice_raise_full(ICE_ERR_UNSUPPORTED, "There is no key that secrets are encrypted with", NULL,
					   "Set icecat.secret_key_file.");
	PG_TRY();
	{
		read_file(text);
		found = find_in(text, id, out);
	}
	PG_FINALLY();
	{
		explicit_bzero(text, FILE_BYTES_MAX + 1);
		pfree(text);
	}
	PG_END_TRY();
	return found;
}

/* -- secrets ---------------------------------------------------------------------------------- */

static void
get_first(SecretKey *out)
{
	if (!find_key(NULL, out))
		refuse_file("There is no key in it.");
}

char *
ice_secret_key_current(void)
{
	SecretKey key;

	get_first(&key);
	explicit_bzero(key.bytes, sizeof(key.bytes));
	return pstrdup(key.id);
}

uint8 *
ice_secret_key_seal(const char *belongs_to, const char *secret, size_t *len)
{
	const IceNet *net = ice_net();
	SecretKey     key;
	uint8        *sealed;

	get_first(&key);
	sealed = net->seal(key.bytes, belongs_to, strlen(belongs_to), secret, strlen(secret), len);
	explicit_bzero(&key, sizeof(key));
	if (sealed == NULL)
		elog(ERROR, "could not encrypt a secret");
	return sealed;
}

char *
ice_secret_key_open(const char *id, const char *belongs_to, const uint8 *sealed, size_t len)
{
	const IceNet *net = ice_net();
	SecretKey     key;
	uint8        *plain;
	size_t        plain_len;

	if (!find_key(id, &key))
		ice_raise_full(ICE_ERR_STORAGE, "A secret of a storage profile cannot be decrypted",
					   psprintf("The file of icecat.secret_key_file has no key \"%s\".", id), NULL);
	plain = net->open(key.bytes, belongs_to, strlen(belongs_to), sealed, len, &plain_len);
	explicit_bzero(&key, sizeof(key));
	if (plain == NULL)
		ice_raise_full(
			ICE_ERR_STORAGE, "A secret of a storage profile cannot be decrypted",
			psprintf("It was not encrypted by the key \"%s\" of this file, or was changed "
					 "since.",
					 id),
			NULL);
	return (char *) plain;
}
