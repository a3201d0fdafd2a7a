# shellcheck shell=bash
# A throw-away instance for a suite, to be sourced: PostgreSQL (and the gateway) of scripts/lib.sh in a temporary
# folder, with the extension of this tree, stopped and removed when the shell ends.
#
#   private_instance_start [SETTING...]   PostgreSQL; sets HOME_DIR and PGHOST, PGPORT, PGUSER (a superuser), PGDATABASE
#   private_gateway_start                 the catalog database with warehouse $1 and the gateway; sets GATEWAY_PORT
#
# A SETTING is a line of postgresql.conf. Both return non-zero on failure, after saying why.
#
# SPDX-License-Identifier: PostgreSQL
# shellcheck source=../../scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

GATEWAY_PORT_FIRST=18181

# Stops the servers by their own pids and removes the folder.
private_instance_stop()
{
    [ -d "${HOME_DIR:-}" ] || return 0
    stop_gateway
    stop_postgres
    rm -rf "$HOME_DIR"
}

private_instance_start()
{
    HOME_DIR=$(mktemp -d "${TMPDIR:-/tmp}/icecat-suite.XXXXXX") || return 1
    trap private_instance_stop EXIT
    trap 'exit 130' INT TERM
    chmod 755 "$HOME_DIR"
    choose_server_user
    make_home
    locate_postgres
    PRIVATE_LOG=$HOME_DIR/log/suite.log
    make_tree "$PRIVATE_LOG"
    quiet "$PRIVATE_LOG" make -C "$SOURCE_DIR" PG_CONFIG="$PGBIN/pg_config" with_llvm=no install || return 1
    init_postgres "$PRIVATE_LOG" || return 1
    printf '%s\n' "$@" >>"$HOME_DIR/pgdata/postgresql.auto.conf"
    start_postgres "$PRIVATE_LOG" || return 1
    unset PGPASSWORD PGSERVICE PGOPTIONS
    export PGHOST=$HOME_DIR/run PGPORT=$PG_PORT PGUSER=postgres PGDATABASE=postgres
}

private_gateway_start()
{
    quiet "$PRIVATE_LOG" make -C "$SOURCE_DIR/contrib-gateway" PG_CONFIG="$PGC" || return 1
    install_from "$SOURCE_DIR" "$PRIVATE_LOG" || return 1
    create_catalog "$1" || return 1
    GATEWAY_PORT=$(free_port "$GATEWAY_PORT_FIRST")
    start_gateway "$GATEWAY_PORT"
}
