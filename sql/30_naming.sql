-- UPGRADE: changes here need an upgrade script.
-- Naming rules: patterns that names of new namespaces, tables and views must match, in a tenant, a warehouse or a namespace.

CREATE TABLE icecat_data.naming_rule (
	warehouse_id uuid NOT NULL,
	object_id uuid NOT NULL,
	kind text COLLATE "C" NOT NULL CONSTRAINT naming_rule_kind CHECK (kind IN ('namespace', 'table', 'view')),
	object_kind text COLLATE "C" NOT NULL CONSTRAINT naming_rule_object_kind CHECK (object_kind IN ('tenant', 'warehouse', 'namespace')),
	pattern text COLLATE "C" NOT NULL,
	set_by text NOT NULL,
	set_at timestamptz NOT NULL,
	CONSTRAINT naming_rule_pkey PRIMARY KEY (warehouse_id, object_id, kind)
);
COMMENT ON TABLE icecat_data.naming_rule IS 'Patterns that names of what is made in a tenant, warehouse or namespace must match; written by icecat.set_naming_rule()';
COMMENT ON COLUMN icecat_data.naming_rule.warehouse_id IS 'The warehouse; of a tenant''s rule the nil uuid';
COMMENT ON COLUMN icecat_data.naming_rule.object_id IS 'The tenant, warehouse or namespace';
COMMENT ON COLUMN icecat_data.naming_rule.kind IS 'What the names are of: namespace (its last level), table or view';
COMMENT ON COLUMN icecat_data.naming_rule.object_kind IS 'tenant, warehouse or namespace: it holds for all that is made in it, at any depth';
COMMENT ON COLUMN icecat_data.naming_rule.pattern IS 'See icecat.set_naming_rule()';
COMMENT ON COLUMN icecat_data.naming_rule.set_by IS 'Role that set it';
COMMENT ON COLUMN icecat_data.naming_rule.set_at IS 'When';
