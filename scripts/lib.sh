# shellcheck shell=bash
# lib.sh: what ./quickstart and ./check share: packages, the unprivileged user, a private PostgreSQL,
# the gateway.
#
# Nothing of the system's own PostgreSQL is written to. PostgreSQL finds its share and library folders
# relative to its own binary, so a *private tree* (copies of the binaries, links to everything else)
# behaves like an installation of its own into which `make install` puts the extension.
#
# An *instance* lives in one folder, $HOME_DIR:
#   pgroot/     the private tree        pgdata/     the data folder     run/   socket, pid files (0700)
#   warehouse/  tables' files           log/        every log           bin/   the gateway that runs
# When root calls, PostgreSQL and the gateway run as the unprivileged user $SERVER_USER, and pgdata, run,
# log and warehouse belong to it. Processes are ended by their own pid, checked against /proc, only.
#
# SPDX-License-Identifier: PostgreSQL
# shellcheck disable=SC2034  # half of these names are for the scripts that source this file

SOURCE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PG_MAJOR=15
SERVER_USER=            # empty: the caller itself
GATEWAY_SECURE=no       # yes: the gateway speaks TLS and asks for tokens
GATEWAY_USER=icecat_gateway # its login role then
GATEWAY_MORE_ADDRESSES= # for its setting listen, with ", " before each
MORE_ROOTS=             # directories beside the warehouse, with ", " before each, where tables may lie
DB_NAME=icecat
DB_USER=icecat
PORT_FIRST=${ICECAT_PORT_FIRST:-54330}  # where the search for a free PostgreSQL port begins
PORT_TRIES=200
SOCKET_PATH_MAX=85      # bytes; sun_path has 107, the file name takes the rest
START_WAIT_S=60
GATEWAY_STOP_WAIT_S=15

say()  { printf '%s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
step() { printf '==> %s\n' "$*"; }
die()  { printf 'error: %s\n' "$*" >&2; exit 1; }

# quiet LOG CMD…: runs CMD with its output in LOG; on failure shows the end of it and returns its status.
quiet()
{
    local log=$1 status=0
    shift
    "$@" >>"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        printf '%s\n' "--- failed ($status): $*" "--- the end of $log:" >&2
        tail -n 30 "$log" >&2
    fi
    return "$status"
}

# ---- packages -----------------------------------------------------------------------------------------

# NAME WHY, one a line: what a build and a run need. `check` adds its own.
PACKAGES_BASE='
build-essential             compiler and make
pkg-config                  finds the libraries
postgresql-15               the server (its own clusters are left alone)
postgresql-server-dev-15    headers to build the extension
libevent-dev                the event loop of the gateway
libwslay-dev                WebSockets of the gateway
libcurl4-openssl-dev        object stores; keys of those who issue tokens
libjansson-dev              JSON of tokens
libssl-dev                  TLS, signatures of tokens and of requests to stores
zlib1g-dev                  compressed metadata
libzstd-dev                 manifests packed with Zstandard
libsnappy-dev               manifests packed with Snappy
openssl                     certificates of ./quickstart --secure
python3-venv                a place of its own for PyIceberg
acl                         files that you and the server may both write'

PACKAGES_CHECK='
postgresql-15-pgtap         pgTAP suites
curl                        the snippets of ./quickstart --secure
libcmocka-dev               unit tests of the gateway
python3-pytest              tests of the gateway by raw sockets
clang-14                    second compiler
clang-format-14             layout check
libclang-rt-14-dev          sanitizers
libipc-run-perl             TAP suites
pgbouncer                   the gateway behind a pooler
shellcheck                  lint of the shell scripts
default-jdk-headless        runs the compatibility kit
maven                       fetches the compatibility kit'

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -- "$@"
    fi
}

package_installed()
{
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs what is missing of the list "NAME WHY" in $1, and says what and why.
install_packages()
{
    local log=$2 name why missing=()
    command -v dpkg-query >/dev/null ||
        die "this needs Debian's package tools (dpkg, apt). Elsewhere, install what scripts/lib.sh lists."
    while read -r name why; do
        [ -n "$name" ] || continue
        package_installed "$name" && continue
        missing+=("$name")
        note "missing: $(printf '%-26s' "$name") $why"
    done <<<"$1"
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "run this as root once, or: apt-get install ${missing[*]}"
    fi
    run_apt "$log" "${missing[@]}"
}

# A first install of postgresql-common makes and starts a cluster "main". Nobody asked for one, so a
# setting that is taken back right afterwards keeps it from doing so; where PostgreSQL is known
# already, nothing is touched.
run_apt()
{
    local log=$1 snippet='' status=0
    shift
    if ! package_installed postgresql-common; then
        snippet=/etc/postgresql-common/createcluster.d/icecat-no-cluster.conf
        as_root mkdir -p "${snippet%/*}"
        echo 'create_main_cluster = false' | as_root tee "$snippet" >/dev/null
    fi
    if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
        quiet "$log" as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a
    fi
    quiet "$log" as_root apt-get update -q ||
        note "apt-get update failed; trying with the lists that are here"
    quiet "$log" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" || status=$?
    [ -z "$snippet" ] || as_root rm -f "$snippet"
    [ "$status" -eq 0 ] || die "apt-get could not install: $*"
}

# ---- who runs the servers, and where --------------------------------------------------------------------

choose_server_user()
{
    SERVER_USER=
    [ "$(id -u)" -eq 0 ] || return 0
    id postgres >/dev/null 2>&1 || die "there is no user postgres; is the package postgresql-15 installed?"
    SERVER_USER=postgres
}

# as_server CMD…: as the user of the servers, in a folder that this user can enter, and with nothing of the
# caller's environment: its PG* and ICECAT_* variables are meant for clients.
as_server()
(
    clean=(env -i PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8
        HOME="${HOME_DIR:-/}" USER="${SERVER_USER:-$(id -un)}")
    cd "${HOME_DIR:-/}" 2>/dev/null || cd /
    if [ -n "$SERVER_USER" ]; then
        exec setpriv --reuid="$SERVER_USER" --regid="$(id -g "$SERVER_USER")" --init-groups \
            "${clean[@]}" "$@"
    fi
    exec "${clean[@]}" "$@"
)

# Can the servers' user get into folder $1, and can its name go into a socket path and a setting?
fit_for_servers()
{
    case $1 in *[!A-Za-z0-9/._@+-]*) return 1 ;; esac
    [ ${#1} -le $SOCKET_PATH_MAX ] || return 1
    HOME_DIR=/ as_server test -x "$1"
}

# Makes the folders of an instance in $HOME_DIR. Those that the servers write belong to their user.
make_home()
{
    local d
    mkdir -p "$HOME_DIR/bin"
    for d in run log warehouse; do
        mkdir -p "$HOME_DIR/$d"
        [ -z "$SERVER_USER" ] || chown "$SERVER_USER:" "$HOME_DIR/$d"
    done
    chmod 700 "$HOME_DIR/run"
    share_warehouse "$HOME_DIR/warehouse"
}

# Metadata files are written by the servers' user, data files by the user who runs a client; each must be able
# to read and delete the other's. Default ACLs do that without opening the folder to anybody else.
share_warehouse()
{
    local dir=$1 who=("$SERVER_USER" root) u
    chmod 770 "$dir"
    [ -n "$SERVER_USER" ] || return 0
    [ -z "${SUDO_UID:-}" ] || who+=("$SUDO_UID")
    for u in "${who[@]}"; do
        if ! setfacl -m "u:$u:rwx" -m "d:u:$u:rwx" "$dir" 2>/dev/null; then
            note "no ACLs on this file system: files that you write may stay behind after a purge"
            return 0
        fi
    done
    [ -z "${SUDO_UID:-}" ] || setfacl -m "u:$SUDO_UID:x" "$HOME_DIR/run" "$HOME_DIR" 2>/dev/null || :
}

# ---- the private tree -----------------------------------------------------------------------------------

# Sets PGC (the system's pg_config), PGROOT and PGBIN (the private tree and its bin folder).
locate_postgres()
{
    PGC=${PG_CONFIG:-/usr/lib/postgresql/$PG_MAJOR/bin/pg_config}
    [ -x "$PGC" ] || die "no pg_config at $PGC"
    PGROOT=$HOME_DIR/pgroot
    PGBIN=$PGROOT$("$PGC" --bindir)
}

tree_stamp()
{
    local server
    server=$("$PGC" --bindir)/postgres
    "$server" --version
    stat -c '%Y %s' "$server"
}

# Returns 0 when the private tree belongs to the installed PostgreSQL, 1 when it must be made again.
tree_is_current()
{
    [ -f "$PGROOT/.stamp" ] && [ "$(cat "$PGROOT/.stamp")" = "$(tree_stamp)" ]
}

# Makes or refreshes the private tree: real folders, binaries copied (their place decides where they look
# for everything else), the rest linked file by file. The stamp is written last.
make_tree()
{
    local log=$1 dir
    tree_is_current || rm -rf "$PGROOT"
    for dir in --sharedir --pkglibdir; do
        dir=$("$PGC" "$dir")
        mkdir -p "$PGROOT$dir"
        # Links that are there already are refused one by one: that is meant.
        cp -rsn "$dir/." "$PGROOT$dir/" >>"$log" 2>&1 || :
    done
    mkdir -p "$PGROOT$("$PGC" --includedir-server)"
    cp -rsn "$("$PGC" --includedir-server)/." "$PGROOT$("$PGC" --includedir-server)/" >>"$log" 2>&1 || :
    if [ ! -f "$PGROOT/.stamp" ]; then
        mkdir -p "$PGBIN"
        cp -a "$("$PGC" --bindir)/." "$PGBIN/"
        chmod -R go+rX "$PGROOT"
        tree_stamp >"$PGROOT/.stamp"
    fi
    [ "$("$PGBIN/pg_config" --sharedir)" = "$PGROOT$("$PGC" --sharedir)" ] ||
        die "this PostgreSQL does not look for its files beside its binary; set PG_CONFIG to Debian's"
}

# ---- building ---------------------------------------------------------------------------------------------

# Builds the extension and the gateway in $1. A build that was killed may have left half a file with a new
# date, so it leaves a mark, and the next one starts clean.
build_in()
{
    local dir=$1 log=$2 mark=$1/.building
    if [ -e "$mark" ]; then
        quiet "$log" make -C "$dir" PG_CONFIG="$PGC" clean || return 1
        quiet "$log" make -C "$dir/contrib-gateway" clean || return 1
    fi
    : >"$mark"
    # Bitcode for JIT would double the time; nothing here is ever inlined by it.
    quiet "$log" make -C "$dir" PG_CONFIG="$PGC" with_llvm=no || return 1
    quiet "$log" make -C "$dir/contrib-gateway" PG_CONFIG="$PGC" || return 1
    rm -f "$mark"
}

# Installs the build of $1 into the private tree and bin/. Sets EXTENSION_CHANGED and GATEWAY_CHANGED.
install_from()
{
    local dir=$1 log=$2 lib before gateway=$1/contrib-gateway/build/icecat-gateway
    lib=$("$PGBIN/pg_config" --pkglibdir)
    before=$(cksum "$lib"/icecat{,_net}.so 2>/dev/null || :)
    quiet "$log" make -C "$dir" PG_CONFIG="$PGBIN/pg_config" with_llvm=no install || return 1
    EXTENSION_CHANGED=no GATEWAY_CHANGED=no
    [ "$before" = "$(cksum "$lib"/icecat{,_net}.so)" ] || EXTENSION_CHANGED=yes
    if ! cmp -s "$gateway" "$HOME_DIR/bin/icecat-gateway"; then
        # A running binary can't be written to, but it can be replaced.
        install -m 755 "$gateway" "$HOME_DIR/bin/.icecat-gateway.new" || return 1
        mv -f "$HOME_DIR/bin/.icecat-gateway.new" "$HOME_DIR/bin/icecat-gateway"
        GATEWAY_CHANGED=yes
    fi
}

# ---- ports and HTTP -----------------------------------------------------------------------------------------

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a free port at or after $1.
free_port()
{
    local p last=$(($1 + PORT_TRIES))
    for ((p = $1; p < last; p++)); do
        port_open "$p" || { printf '%s\n' "$p"; return 0; }
    done
    die "no free port between $1 and $last"
}

# http_status PORT PATH: prints the status of a GET, or nothing. (A bare machine may have no curl.)
http_status()
(
    if [ "$GATEWAY_SECURE" = yes ]; then
        printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" |
            timeout 5 openssl s_client -quiet -ign_eof -verify_return_error -CAfile "$HOME_DIR/tls/ca.pem" -connect "127.0.0.1:$1" |
            sed -nE '1s/^HTTP.1.1 ([0-9]+) .*/\1/p'
        return
    fi
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
    read -r -t 5 _ status _ <&3 && printf '%s\n' "$status"
) 2>/dev/null

# ---- PostgreSQL ---------------------------------------------------------------------------------------------

# Prints the pid of the postmaster of $HOME_DIR/pgdata, when it runs. A pid file alone proves nothing: the
# number may be somebody else's by now. PostgreSQL's processes live in their data folder.
postmaster_pid()
{
    local pid
    pid=$(head -n 1 "$HOME_DIR/pgdata/postmaster.pid" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$HOME_DIR/pgdata" ] || return 1
    printf '%s\n' "$pid"
}

# Any process that lives in the data folder: children outlive a killed postmaster for a moment.
data_folder_in_use()
{
    local link
    for link in /proc/[0-9]*/cwd; do
        [ "$(readlink "$link" 2>/dev/null)" = "$HOME_DIR/pgdata" ] && return 0
    done
    return 1
}

# Makes the data folder under another name and renames it, so that there is never half of one.
init_postgres()
{
    local log=$1 new=$HOME_DIR/pgdata.new
    [ ! -f "$HOME_DIR/pgdata/PG_VERSION" ] || return 0
    rm -rf "$new" "$HOME_DIR/pgdata"
    mkdir -m 700 "$new"
    [ -z "$SERVER_USER" ] || chown "$SERVER_USER:" "$new"
    quiet "$log" as_server "$PGBIN/initdb" -D "$new" -U postgres -A trust -E UTF8 --no-locale || return 1
    printf "%s\n" "include_if_exists 'icecat.conf'" >>"$new/postgresql.conf"
    # Only the owner of the socket's folder (and root) can reach the socket; over TCP a password is needed.
    printf '%s\n' 'local all all trust' 'local replication all trust' \
        'host all all 127.0.0.1/32 scram-sha-256' >"$new/pg_hba.conf"
    mv "$new" "$HOME_DIR/pgdata"
}

# configure_postgres PORT: writes the settings of this instance.
configure_postgres()
{
    local conf=$HOME_DIR/pgdata/icecat.conf
    cat >"$conf.new" <<-CONF
	# Written at every start; put your own settings into postgresql.auto.conf (ALTER SYSTEM).
	cluster_name = 'icecat'
	port = $1
	listen_addresses = '127.0.0.1'
	unix_socket_directories = '$HOME_DIR/run'
	max_connections = 100
	shared_buffers = 128MB
	log_line_prefix = '%m [%p] %u@%d '
	shared_preload_libraries = 'icecat'
	icecat.worker_databases = '$DB_NAME'
	icecat.file_roots = '$HOME_DIR/warehouse$MORE_ROOTS'
	CONF
    # The group bits of a file with ACLs are the limit of what its named users may do.
    if [ -n "$SERVER_USER" ]; then
        printf '%s\n' "icecat.directory_mode = '0770'" "icecat.file_mode = '0660'" >>"$conf.new"
    fi
    [ -z "$SERVER_USER" ] || chown "$SERVER_USER:" "$conf.new"
    mv "$conf.new" "$conf"
}

# Starts PostgreSQL on the port of before, or on a free one; sets PG_PORT. The pid file and sockets of a
# server that was killed are taken away only when nothing lives in its data folder any more.
start_postgres()
{
    local log=$1 first=${PG_PORT:-$PORT_FIRST} i
    postmaster_pid >/dev/null && return 0
    for ((i = 0; i < START_WAIT_S * 5; i++)); do
        data_folder_in_use || break
        sleep 0.2
    done
    data_folder_in_use && die "processes of a former server still live in $HOME_DIR/pgdata"
    rm -f "$HOME_DIR/pgdata/postmaster.pid" "$HOME_DIR"/run/.s.PGSQL.*
    for i in 1 2 3; do
        PG_PORT=$(free_port "$first")
        configure_postgres "$PG_PORT"
        : >>"$HOME_DIR/log/postgres.log"
        [ -z "$SERVER_USER" ] || chown "$SERVER_USER:" "$HOME_DIR/log/postgres.log"
        if as_server "$PGBIN/pg_ctl" -D "$HOME_DIR/pgdata" -l "$HOME_DIR/log/postgres.log" \
            -t "$START_WAIT_S" -w start >>"$log" 2>&1 </dev/null 9>&-; then
            printf '%s\n' "$PG_PORT" >"$HOME_DIR/pg_port"
            return 0
        fi
        # Somebody may have taken the port in between; anything else fails again at once.
        first=$((PG_PORT + 1))
    done
    tail -n 20 "$HOME_DIR/log/postgres.log" >&2
    die "PostgreSQL did not start"
}

stop_postgres()
{
    postmaster_pid >/dev/null || return 0
    as_server "$PGBIN/pg_ctl" -D "$HOME_DIR/pgdata" -m fast -t "$START_WAIT_S" -w stop >/dev/null 2>&1 9>&- ||
        as_server "$PGBIN/pg_ctl" -D "$HOME_DIR/pgdata" -m immediate -w stop >/dev/null 2>&1 9>&-
}

# run_sql USER DB ARGS…: psql on this instance.
run_sql()
{
    local user=$1 db=$2
    shift 2
    PGOPTIONS='' "$PGBIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$HOME_DIR/run" -p "$PG_PORT" -U "$user" -d "$db" "$@"
}

# Makes the role, the database, the extension and warehouse $1; everything may be there already. The
# role is no superuser: it owns the database, and that is enough.
create_catalog()
{
    local warehouse=$1
    if [ -z "$(run_sql postgres postgres -Atc "SELECT 1 FROM pg_roles WHERE rolname = '$DB_USER'")" ]; then
        run_sql postgres postgres -c "CREATE ROLE $DB_USER LOGIN"
    fi
    if [ -z "$(run_sql postgres postgres -Atc "SELECT 1 FROM pg_database WHERE datname = '$DB_NAME'")" ]; then
        run_sql postgres postgres -c "CREATE DATABASE $DB_NAME OWNER $DB_USER"
    fi
    run_sql "$DB_USER" "$DB_NAME" -v d="$DB_NAME" -v w="$warehouse" \
        -v l="file://$HOME_DIR/warehouse" <<-'SQL' >/dev/null
	SET client_min_messages = warning;
	CREATE EXTENSION IF NOT EXISTS icecat;
	ALTER EXTENSION icecat UPDATE;
	SELECT icecat.create_warehouse(:'w', :'l')
	WHERE :'w' NOT IN (SELECT w FROM icecat.list_warehouses() w);
	-- Iceberg's compatibility kit asks for a warehouse of this name when it is told only the URI.
	SELECT icecat.create_warehouse('rck_warehouse', :'l' || '/rck_warehouse')
	WHERE 'rck_warehouse' NOT IN (SELECT w FROM icecat.list_warehouses() w);
	ALTER DATABASE :"d" SET icecat.default_warehouse = :'w';
	SQL
}

# ---- the gateway ----------------------------------------------------------------------------------------------

# Prints the pids of gateways that run with this instance's configuration, whatever the pid file says.
gateway_pids()
{
    local dir args found=1
    for dir in /proc/[0-9]*; do
        { mapfile -d '' -t args <"$dir/cmdline"; } 2>/dev/null || continue
        [ "${args[0]:-}" = "$HOME_DIR/bin/icecat-gateway" ] || continue
        printf '%s\n' "${dir#/proc/}"
        found=0
    done
    return "$found"
}

gateway_pid() { gateway_pids | head -n 1; }

# make_certificates DIR: an authority, ca.pem, and a certificate of it for this machine, server.pem with server.key. What is there
# and good for a week yet stays. The authority's key is needed no more once it has signed, and is not kept.
make_certificates()
{
    local dir=$1 names=DNS:localhost,IP:127.0.0.1,IP:::1
    mkdir -p "$dir"
    if openssl x509 -in "$dir/server.pem" -noout -checkend $((7 * 86400)) >/dev/null 2>&1 &&
        openssl verify -CAfile "$dir/ca.pem" "$dir/server.pem" >/dev/null 2>&1; then
        return 0
    fi
    (
        set -e
        umask 077
        cd "$dir"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 800 -subj "/CN=icecat on $(uname -n)" \
            -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$names" >server.ext
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 800 -extfile server.ext -out server.pem
        rm -f ca.key ca.srl server.csr server.ext
        chmod 644 ca.pem server.pem
    ) >/dev/null 2>&1 || return 1
    [ -z "$SERVER_USER" ] || chown "$SERVER_USER:" "$dir/server.key"
}

# configure_gateway PORT: with GATEWAY_SECURE=yes it speaks TLS, and asks for tokens that it gives out itself.
configure_gateway()
{
    local conf=$HOME_DIR/gateway.conf listen=127.0.0.1 user=$DB_USER
    if [ "$GATEWAY_SECURE" = yes ]; then
        listen=https://127.0.0.1 user=$GATEWAY_USER
    fi
    cat >"$conf.new" <<-CONF
	# Written at every start of the instance in this folder.
	listen = '$listen$GATEWAY_MORE_ADDRESSES'
	port = $1
	dsn = host=$HOME_DIR/run port=$PG_PORT dbname=$DB_NAME user=$user
	tls_cert_file = $HOME_DIR/tls/server.pem
	tls_key_file = $HOME_DIR/tls/server.key
	CONF
    [ "$GATEWAY_SECURE" != yes ] || echo 'oauth_tokens = on' >>"$conf.new"
    mv "$conf.new" "$conf"
    printf '%s\n' "$1" >"$HOME_DIR/gateway_port"
}

# start_gateway PORT: starts it and waits until it answers that it is ready.
start_gateway()
{
    local port=$1 i status=''
    configure_gateway "$port"
    : >>"$HOME_DIR/log/gateway.log"
    [ -z "$SERVER_USER" ] || chown "$SERVER_USER:" "$HOME_DIR/log/gateway.log"
    as_server setsid "$HOME_DIR/bin/icecat-gateway" --config "$HOME_DIR/gateway.conf" \
        </dev/null >>"$HOME_DIR/log/gateway.log" 2>&1 9>&- &
    disown
    for ((i = 0; i < START_WAIT_S * 5; i++)); do
        status=$(http_status "$port" /ready) || status=
        [ "$status" = 200 ] && break
        [ "$i" -lt 10 ] || [ -n "$(gateway_pid)" ] || break
        sleep 0.2
    done
    if [ "$status" != 200 ] || [ -z "$(gateway_pid)" ]; then
        tail -n 20 "$HOME_DIR/log/gateway.log" >&2
        die "the gateway did not get ready on port $port"
    fi
}

stop_gateway()
{
    local pid i
    for pid in $(gateway_pids); do
        kill "$pid" 2>/dev/null || continue
        for ((i = 0; i < GATEWAY_STOP_WAIT_S * 5; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.2
        done
        kill -9 "$pid" 2>/dev/null || :
    done
}

# ---- Python -----------------------------------------------------------------------------------------------------

# make_venv DIR REQUIREMENTS LOG: a virtual environment with exactly what REQUIREMENTS pins. A mark that is
# written last tells a whole one from one that was interrupted.
make_venv()
{
    local dir=$1 requirements=$2 log=$3 sum try
    sum=$(cksum <"$requirements")
    if [ "$(cat "$dir/.complete" 2>/dev/null)" = "$sum" ] && "$dir/bin/python" -c '' 2>/dev/null; then
        return 0
    fi
    rm -rf "$dir"
    quiet "$log" /usr/bin/python3 -m venv "$dir" || return 1
    for try in 1 2 3; do
        if quiet "$log" "$dir/bin/python" -m pip install --quiet --no-input -r "$requirements"; then
            printf '%s\n' "$sum" >"$dir/.complete"
            return 0
        fi
        note "pip could not fetch everything (try $try of 3)"
    done
    return 1
}
