/*
 * adopt.h
 *		Makes this database the one of all copies of its catalog that deletes files.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ADOPT_H
#define ICE_ADOPT_H

#include "postgres.h"

/* Writes the marks of all roots and warehouses' locations; in SPI. Raises STORAGE. */
extern void ice_adopt_storage(void);

/* What is wrong with the roots of file storage, in words, a sentence a line; NULL: nothing. In
 * SPI. */
extern char *ice_adopt_problems(void);
/* Says so in the log, once in a process. In a transaction. */
extern void  ice_adopt_say_problems(void);

#endif
