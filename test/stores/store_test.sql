-- The functions of store_test.c; :lib is the library.
CREATE FUNCTION store_write(root text, options text[], location text, data bytea, how text) RETURNS text LANGUAGE c STRICT AS :'lib';
CREATE FUNCTION store_write_many(root text, options text[], folder text, files integer, bytes integer) RETURNS text LANGUAGE c STRICT AS :'lib';
CREATE FUNCTION store_read(root text, options text[], location text, bytes_max integer) RETURNS bytea LANGUAGE c STRICT AS :'lib';
CREATE FUNCTION store_range(root text, options text[], location text, start bigint, bytes integer) RETURNS text LANGUAGE c STRICT AS :'lib';
CREATE FUNCTION store_exists(root text, options text[], location text) RETURNS boolean LANGUAGE c STRICT AS :'lib';
CREATE FUNCTION store_list(root text, options text[], folder text, files_max integer) RETURNS text[] LANGUAGE c STRICT AS :'lib';
CREATE FUNCTION store_remove(root text, options text[], location text) RETURNS boolean LANGUAGE c STRICT AS :'lib';
CREATE FUNCTION store_remove_many(root text, options text[], locations text[]) RETURNS text[] LANGUAGE c STRICT AS :'lib';
CREATE FUNCTION store_login(root text, options text[]) RETURNS text LANGUAGE c STRICT AS :'lib';
