/*
 * tls_files.h
 *		The files that the settings of TLS name: may they be used, and have they changed?
 *
 * A change is acted on when the files have stayed as they are from one look to the next: a
 * certificate and its key are replaced one after the other.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_TLS_FILES_H
#define GW_TLS_FILES_H

#include "base/conf.h"

/* Is the key a file that only its owner may read? As PostgreSQL asks of ssl_key_file: the owner is
 * this user, or root, whose group may read it then. What is wrong is appended to the error. */
extern bool gw_tls_files_key_is_safe(const char *path, GwText *error);

/* Takes the files as they are now for those that are in use. */
extern void gw_tls_files_note(const GwConf *conf);

/* Have they changed since, and come to rest? Called about once a second. */
extern bool gw_tls_files_changed(const GwConf *conf);

#endif
