-- Breaks the rules that the tests hold, one object a rule or a few. Only in the scratch database of test/pgtap/run.
CREATE TABLE icecat_data.apples (
	id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT apples_key PRIMARY KEY,
	other_id uuid CONSTRAINT apples_other REFERENCES icecat_data.warehouse (warehouse_id),
	seen_at timestamp DEFAULT now(),
	weight double precision CHECK (weight > 0)
);
CREATE TABLE icecat_data.unkeyed (warehouse_id uuid);
CREATE UNIQUE INDEX by_location ON icecat_data.warehouse (location);
CREATE SEQUENCE icecat_data.number;
GRANT SELECT ON icecat_data.apples TO PUBLIC;
GRANT USAGE ON SCHEMA icecat_data TO PUBLIC;
GRANT CREATE ON SCHEMA icecat TO PUBLIC;
ALTER TABLE icecat_data.unkeyed OWNER TO catalog_owner;
ALTER SCHEMA icecat OWNER TO catalog_owner;

CREATE FUNCTION icecat.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON icecat_data.unkeyed FOR EACH ROW EXECUTE FUNCTION icecat.touch();
CREATE RULE quiet AS ON DELETE TO icecat_data.unkeyed DO INSTEAD NOTHING;

CREATE FUNCTION icecat.lie(name text, body jsonb) RETURNS text LANGUAGE sql IMMUTABLE SECURITY DEFINER
	AS 'SELECT * FROM icecat.list_warehouses()';
COMMENT ON FUNCTION icecat.lie(text, jsonb) IS 'lies';
CREATE FUNCTION icecat_data.definer() RETURNS integer LANGUAGE sql SECURITY DEFINER PARALLEL SAFE AS 'SELECT 1';
CREATE FUNCTION icecat.caller(p_warehouse text) RETURNS text LANGUAGE sql AS 'SELECT * FROM icecat.list_warehouses()';
CREATE FUNCTION icecat.writer(p_warehouse text) RETURNS integer LANGUAGE sql PARALLEL SAFE AS 'SELECT 1';
ALTER FUNCTION icecat.lie(text, jsonb) OWNER TO catalog_owner;
ALTER FUNCTION icecat.load_view(text, text[], text, json) VOLATILE;
ALTER FUNCTION icecat.drop_table(text, text[], text, boolean, boolean) STABLE;
CREATE OR REPLACE FUNCTION icecat.view_exists(p_warehouse text, p_namespace text[], p_view text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
ALTER FUNCTION icecat.list_tables(text, text[], text, integer, boolean) RESET search_path;
ALTER FUNCTION icecat.drop_namespace(text, text[], boolean) PARALLEL SAFE;
ALTER EXTENSION icecat DROP FUNCTION icecat.namespace_exists(text, text[]);
DROP FUNCTION icecat.namespace_exists(text, text[]);
COMMENT ON SCHEMA icecat IS NULL;
CREATE VIEW icecat.plain AS SELECT 1 AS one, 2::bigint AS wait_ms;
COMMENT ON COLUMN icecat.plain.wait_ms IS 'How long';
