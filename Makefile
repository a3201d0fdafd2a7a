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

# icecat.so is loaded into the postmaster, so it has no libcurl and no OpenSSL. They are in a library of their own,
# which a session or the worker loads when it first needs it.
NET_OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/net/*.c))) src/errors.o
NET_LINK = -lcurl -lcrypto -Wl,--version-script=src/net/exports.map
OBJS = $(filter-out src/net/%,$(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c))))

# The install script and the steps to this version are printed from the sources; those of released versions are frozen.
UPGRADES    = $(patsubst sql/upgrade/%,sql/build/%,$(wildcard sql/upgrade/icecat--*--*.sql))
DATA_built  = sql/build/icecat--$(EXTVERSION).sql $(UPGRADES)
DATA        = $(filter-out sql/released/icecat--$(EXTVERSION).sql $(patsubst sql/build/%,sql/released/%,$(UPGRADES)),$(wildcard sql/released/*.sql))
SQL_SOURCES = $(sort $(wildcard sql/[0-9][0-9]_*.sql))

REGRESS        = $(shell sed -n 's/^test: *//p' test/regress_schedule)
REGRESS_OPTS   = --inputdir=test --encoding=UTF8 --no-locale --load-extension=icecat
ISOLATION      = $(shell sed -n 's/^test: *//p' test/isolation_schedule)
ISOLATION_OPTS = --inputdir=test --outputdir=. --encoding=UTF8 --no-locale --load-extension=icecat

PG_CPPFLAGS = -Isrc -DICE_VERSION='"$(EXTVERSION)"'
PG_CFLAGS   = -Wall -Wextra -Werror -Wno-declaration-after-statement $(ICE_CFLAGS)
SHLIB_LINK  = -lz -lzstd -lsnappy -Wl,--version-script=src/exports.map
EXTRA_CLEAN = icecat_net.so $(filter src/net/%,$(NET_OBJS)) sql/build results output_iso log tmp_check

# No bitcode: inlining C entries that call SPI gains nothing, and the build needs no second compiler.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PostgreSQL's headers are not written for -Wextra: take them as system headers.
override CPPFLAGS := -Isrc -DICE_VERSION='"$(EXTVERSION)"' -isystem $(shell $(PG_CONFIG) --includedir-server) $(filter-out -I$(includedir_server),$(CPPFLAGS))

$(OBJS) $(NET_OBJS): $(wildcard src/*.h src/*.def src/*/*.h) Makefile
icecat.so: src/exports.map

icecat_net.so: $(NET_OBJS) src/net/exports.map
	$(CC) $(CFLAGS) -o $@ $(NET_OBJS) $(LDFLAGS) $(CFLAGS_SL) -shared $(NET_LINK)

all: icecat_net.so
install: install-net
uninstall: uninstall-net
install-net: icecat_net.so installdirs
	$(INSTALL_SHLIB) icecat_net.so '$(DESTDIR)$(pkglibdir)/icecat_net.so'
uninstall-net:
	rm -f '$(DESTDIR)$(pkglibdir)/icecat_net.so'

# State and behaviour files in order. OR REPLACE is stripped, so that an object planted beforehand cannot
# be taken over by CREATE EXTENSION.
sql/build/icecat--$(EXTVERSION).sql: $(SQL_SOURCES) icecat.control
	@mkdir -p sql/build
	sed -E 's/^CREATE OR REPLACE (FUNCTION|PROCEDURE|VIEW|TRIGGER)/CREATE \1/' $(SQL_SOURCES) > $@.tmp
	mv $@.tmp $@

sql/build/icecat--%.sql: sql/upgrade/icecat--%.sql $(SQL_SOURCES) sql/upgrade/print
	@mkdir -p sql/build
	sql/upgrade/print $< > $@.tmp
	mv $@.tmp $@

#@ Developer targets (each suite starts and stops servers of its own; see docs/develop/development.md):
#@   make gateway              build contrib-gateway
#@   make check-all            everything, the long runs included, with a table at its end (hours; T=30 ROUNDS=1)
#@   make check-SUITE          one suite, as ./check --list names them (check-kit, check-pyiceberg, check-tap …)
#@   make check-clients        the suites of real clients
#@   make unit lint            the pure layers outside the server; the house rules
#@   make check-stores         object stores: the storage layer, warehouses while a store fails, clients; MinIO, fake-gcs-server
#@   make fault ROUNDS=20      kill, stop, cut and fill while clients commit; then count
#@   make redundant            3 writers x 10,000 identical commits, two of them killed midway; lost replies
#@   make check-clients-slow   Spark, Trino, Flink, chDB and iceberg-rust
#@   make mutate               do the cases catch planted faults?
#@   make bench                a table: each operation beside plain PostgreSQL in the same minutes (some minutes; JSON=FILE; docs/performance.md)
#@   make bench-quick          the same in a minute: does it run?
#@   make bench-compare A=FILE B=FILE    two results, row by row
#@   make bench-sizes          loads and commits by the size of the table (SNAPSHOTS="1 1000", ONLY=commits, ONLY=tls)
#@   make updates              100,000 updates of each kind in one request: time and memory (N="1000 10000")
#@   make scale                100,000 tables beside 100: times and plans (some minutes, 6 GB)
#@   make fuzz T=60            the parsers and the pure layers under libFuzzer, T seconds each
#@   make valgrind             the regress suite under valgrind
#@   make docs                 print the reference documents from the code
#@   make dev psql             a private running catalog; psql in it
#@   make format               what clang-format would break differently; columns stay
#@   make accept TEST=x        take results/x.out as expected, after showing the difference
T ?= 60

gateway:
	$(MAKE) -C contrib-gateway

check-all:
	test/check_all T=$(if $(filter file,$(origin T)),600,$(T)) ROUNDS=$(or $(ROUNDS),20)

check-clients:
	./check pyiceberg duckdb polars iceberg-go concurrency

check-stores:
	./check stores s3 s3-clients s3-vend stores-gcs stores-adls adls minio

check-%:
	./check $*

unit:
	$(MAKE) -C test/unit check

lint:
	test/lint/run

fault:
	test/fault/run
redundant:
	test/fault/run redundant COMMITS=$(or $(COMMITS),10000)

check-clients-slow:
	./check spark trino flink chdb iceberg-rust

valgrind:
	test/valgrind/run

mutate:
	test/mutate/run

bench:
	test/bench/run

bench-quick:
	test/bench/run --quick

bench-compare:
	test/bench/compare $(A) $(B)

bench-sizes:
	test/bench/sizes

scale:
	test/scale/run

updates:
	test/bench/updates

fuzz:
	test/fuzz/run T=$(T)

docs:
	docs/tools/print

dev:
	./quickstart --no-demo

psql:
	./quickstart psql

format:
	test/lint/check_format --fix

accept:
	-diff -u expected/$(TEST).out results/$(TEST).out
	cp results/$(TEST).out expected/$(TEST).out

help:
	@sed -n 's/^#@ //p' Makefile

.PHONY: install-net uninstall-net gateway check-all check-clients check-clients-slow fault redundant valgrind unit lint mutate bench bench-quick bench-compare bench-sizes scale updates fuzz docs dev psql format accept help
