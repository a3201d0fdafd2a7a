# icecat: an Apache Iceberg REST catalog inside PostgreSQL.
#
#   make; make install; make installcheck      as with every PGXS extension
#   make help                                  the developer targets
#
# PG_CONFIG chooses the PostgreSQL to build for, CC the compiler.

EXTENSION   = icecat
EXTVERSION  = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" icecat.control)
MODULE_big  = icecat
PGFILEDESC  = "icecat - an Apache Iceberg REST catalog inside PostgreSQL"

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))

DATA_built  = sql/build/icecat--$(EXTVERSION).sql
SQL_SOURCES = $(sort $(wildcard sql/[0-9][0-9]_*.sql))

REGRESS        = $(shell sed -n 's/^test: *//p' test/regress_schedule)
REGRESS_OPTS   = --inputdir=test --encoding=UTF8 --no-locale --load-extension=icecat
ISOLATION      = $(shell sed -n 's/^test: *//p' test/isolation_schedule)
ISOLATION_OPTS = --inputdir=test --outputdir=. --encoding=UTF8 --no-locale --load-extension=icecat

PG_CPPFLAGS = -Isrc -DICE_VERSION='"$(EXTVERSION)"'
PG_CFLAGS   = -Wall -Wextra -Werror -Wno-declaration-after-statement $(ICE_CFLAGS)
SHLIB_LINK  = -lz -Wl,--version-script=src/exports.map
EXTRA_CLEAN = sql/build results output_iso log tmp_check

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

override with_llvm = no

# PostgreSQL's headers are not written for -Wextra: take them as system headers.
override CPPFLAGS := -Isrc -DICE_VERSION='"$(EXTVERSION)"' -isystem $(shell $(PG_CONFIG) --includedir-server) $(filter-out -I$(includedir_server),$(CPPFLAGS))

$(OBJS): $(wildcard src/*.h src/*.def src/*/*.h) Makefile
icecat.so: src/exports.map

# State and behaviour files in order. OR REPLACE is stripped, so that an object planted beforehand cannot
# be taken over by CREATE EXTENSION.
sql/build/icecat--$(EXTVERSION).sql: $(SQL_SOURCES) icecat.control
	@mkdir -p sql/build
	sed -E 's/^CREATE OR REPLACE (FUNCTION|PROCEDURE|VIEW)/CREATE \1/' $(SQL_SOURCES) > $@.tmp
	mv $@.tmp $@

gateway:
	$(MAKE) -C contrib-gateway

help:
	@sed -n 's/^#@ //p' Makefile

.PHONY: gateway help
