/*
 * poison.h
 *		Memory that nobody may touch for now: where the address sanitizer watches, it says who does.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_POISON_H
#define GW_POISON_H

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void) (address), (void) (size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void) (address), (void) (size))
#endif

#endif
