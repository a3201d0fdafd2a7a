-- getConfig: which warehouse a client gets, and what it is told.
SELECT icecat.get_config('rc_none');
\echo :SQLSTATE
SELECT icecat.create_warehouse('rc b', 's3://bucket/b') ->> 'name' AS made;
SELECT icecat.get_config('rc b') -> 'defaults' AS defaults, icecat.get_config('rc b') -> 'overrides' AS overrides;
SELECT json_array_elements_text(icecat.get_config('rc b') -> 'endpoints') AS endpoint;
SELECT json_object_keys(icecat.get_config('rc b'));

-- By location, with or without a slash at its end; a name goes first.
SELECT icecat.get_config('s3://bucket/b/') -> 'overrides' AS by_location;
SELECT icecat.create_warehouse('s3://bucket/b', '/elsewhere') ->> 'name' AS made;
SELECT icecat.get_config('s3://bucket/b') -> 'overrides' AS by_name, icecat.get_config('s3://bucket/b/') -> 'overrides' AS by_location;
SELECT icecat.create_warehouse('rc/ü?#%~.-_', 's3://bucket/b') ->> 'name' AS made;
SELECT icecat.get_config('s3://bucket/b/') -> 'overrides' AS first_by_name;
SELECT icecat.get_config('rc/ü?#%~.-_') -> 'overrides' AS encoded;

-- None named.
SELECT icecat.get_config();
\echo :SQLSTATE
SET icecat.default_warehouse = 'rc b';
SELECT icecat.get_config() -> 'overrides' AS of_the_setting, icecat.get_config('') -> 'overrides' AS empty_is_none;
SET icecat.default_warehouse = 'rc_none';
SELECT icecat.get_config(NULL);
RESET icecat.default_warehouse;
SELECT icecat.drop_warehouse('s3://bucket/b'), icecat.drop_warehouse('rc/ü?#%~.-_');

-- In a database with one warehouse it is that; with none there is nothing to say.
BEGIN;
SELECT count(icecat.drop_warehouse(name)) >= 0 AS others_set_aside FROM icecat.list_warehouses() AS name WHERE name <> 'rc b';
SELECT icecat.get_config() -> 'overrides' AS the_only_one;
SELECT icecat.drop_warehouse('rc b');
SELECT icecat.get_config();
\echo :SQLSTATE
ROLLBACK;
SELECT icecat.drop_warehouse('rc b');

-- The library and the SQL objects are of one version.
SELECT icecat.version() = extversion AS one_version FROM pg_extension WHERE extname = 'icecat';
