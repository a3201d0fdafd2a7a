# shellcheck shell=bash
# store.sh: an S3 store of an instance (versitygw), on loopback, and a warehouse in it. Sourced after lib.sh.
#
# $HOME_DIR/store has its data, $HOME_DIR/store.port and store.secret (mode 0600) say how it is reached; the program is in
# $HOME_DIR/bin. The keys that icecat encrypts the secret with are in the data folder of PostgreSQL, as icecat.keys.
#
# SPDX-License-Identifier: PostgreSQL

STORE_PORT_FIRST=17070
STORE_ACCESS_KEY=icecat
STORE_BUCKET=lake
STORE_REGION=us-east-1

# Prints the pids of stores that run with this instance's program.
store_pids()
{
    local dir args found=1
    for dir in /proc/[0-9]*; do
        { mapfile -d '' -t args <"$dir/cmdline"; } 2>/dev/null || continue
        [ "${args[0]:-}" = "$HOME_DIR/bin/versitygw" ] || continue
        printf '%s\n' "${dir#/proc/}"
        found=0
    done
    return "$found"
}

random_hex() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }

# install_store FOLDER LOG: the program, fetched and built into FOLDER where it is not there yet.
install_store()
{
    local folder=$1 log=$2
    quiet "$log" "$(dirname "${BASH_SOURCE[0]}")/../test/stores/install" "$folder" versitygw || return 1
    cmp -s "$folder/versitygw" "$HOME_DIR/bin/versitygw" && return 0
    install -m 755 "$folder/versitygw" "$HOME_DIR/bin/.versitygw.new" && mv -f "$HOME_DIR/bin/.versitygw.new" "$HOME_DIR/bin/versitygw"
}

# start_store LOG: on the port of before, or on a free one; sets STORE_PORT.
start_store()
{
    local log=$1 d sidecar=() i
    for d in store store/iam store/sidecar store/data "store/data/$STORE_BUCKET"; do
        mkdir -p "$HOME_DIR/$d"
        [ -z "$SERVER_USER" ] || chown "$SERVER_USER:" "$HOME_DIR/$d"
    done
    [ -s "$HOME_DIR/store.secret" ] || (umask 077 && random_hex 20 >"$HOME_DIR/store.secret")
    if [ -n "$(store_pids)" ]; then
        STORE_PORT=$(cat "$HOME_DIR/store.port")
        return 0
    fi
    setfattr -n user.icecat_probe -v 1 "$HOME_DIR/store/data" 2>/dev/null || sidecar=(--sidecar "$HOME_DIR/store/sidecar")
    STORE_PORT=$(free_port "$(cat "$HOME_DIR/store.port" 2>/dev/null || echo "$STORE_PORT_FIRST")")
    printf '%s\n' "$STORE_PORT" >"$HOME_DIR/store.port"
    # The secret is in the environment of the store alone; as_server has the caller's cleared.
    # shellcheck disable=SC2016
    as_server setsid sh -c 'ROOT_SECRET_KEY=$(cat); export ROOT_SECRET_KEY; exec "$@"' sh env ROOT_ACCESS_KEY="$STORE_ACCESS_KEY" \
        "$HOME_DIR/bin/versitygw" --port "127.0.0.1:$STORE_PORT" --iam-dir "$HOME_DIR/store/iam" --quiet posix "${sidecar[@]}" "$HOME_DIR/store/data" \
        <"$HOME_DIR/store.secret" >>"$log" 2>&1 9>&- &
    disown
    for ((i = 0; i < START_WAIT_S * 5; i++)); do
        port_open "$STORE_PORT" && return 0
        sleep 0.2
    done
    die "the object store did not start; its output is in $log"
}

stop_store()
{
    local pid
    for pid in $(store_pids); do
        kill "$pid" 2>/dev/null || :
    done
}

# A file of keys for PostgreSQL, which is told of it.
make_secret_key()
{
    local keys=$HOME_DIR/pgdata/icecat.keys
    if [ ! -s "$keys" ]; then
        (umask 077 && printf 'k1 %s\n' "$(random_hex 32)" >"$keys.new") || return 1
        [ -z "$SERVER_USER" ] || chown "$SERVER_USER:" "$keys.new"
        mv "$keys.new" "$keys"
    fi
    run_sql postgres postgres <<-'SQL' >/dev/null
	LOAD 'icecat';
	ALTER SYSTEM SET icecat.secret_key_file = 'icecat.keys';
	SELECT pg_reload_conf();
	SQL
}

# create_store_warehouse NAME: with a storage profile of the same name. Both may be there already; the port may be another one.
create_store_warehouse()
{
    make_secret_key || return 1
    run_sql "$DB_USER" "$DB_NAME" -v w="$1" -v root="s3://$STORE_BUCKET" -v key="$STORE_ACCESS_KEY" -v file="$HOME_DIR/store.secret" \
        -v endpoint="http://127.0.0.1:$STORE_PORT" -v region="$STORE_REGION" <<-'SQL' >/dev/null
	\set secret `cat :'file'`
	SELECT json_build_object('endpoint', :'endpoint', 'region', :'region', 'allow-private-endpoints', 'true') AS options,
	    json_build_object('access-key-id', :'key', 'secret-access-key', :'secret') AS secrets,
	    EXISTS (SELECT FROM icecat.storage_profiles WHERE storage_profile = :'w') AS there \gset
	\if :there
	SELECT icecat.alter_storage_profile(:'w', p_options => :'options', p_secrets => :'secrets');
	\else
	SELECT icecat.create_storage_profile(:'w', :'root', :'options', :'secrets');
	SELECT icecat.create_warehouse(:'w', :'root' || '/' || :'w', p_storage_profile => :'w');
	\endif
	SQL
}

# What a client needs to reach the store, as the properties of PyIceberg, in JSON.
store_properties()
{
    printf '{"s3.endpoint": "http://127.0.0.1:%s", "s3.region": "%s", "s3.access-key-id": "%s", "s3.secret-access-key": "%s"}\n' \
        "$STORE_PORT" "$STORE_REGION" "$STORE_ACCESS_KEY" "$(cat "$HOME_DIR/store.secret")"
}
