-- UPGRADE: changes here need an upgrade script.
-- Commit policies: functions of users that may refuse a change of a namespace, table or view, on a part of the tree (decision 22).
--
-- function is a regprocedure: it follows a function that is renamed, and another one that takes the name of a dropped one is not
-- called. pg_dump writes its name, and leaves out the rows of functions that are gone (31_config_dump.sql).

CREATE TABLE icecat_data.commit_policy (
	warehouse_id uuid NOT NULL,
	name text COLLATE "C" NOT NULL,
	object_id uuid NOT NULL,
	object_kind text NOT NULL CONSTRAINT commit_policy_object_kind
		CHECK (object_kind IN ('warehouse', 'namespace', 'table', 'view')),
	function regprocedure NOT NULL,
	timing text COLLATE "C" NOT NULL CONSTRAINT commit_policy_timing CHECK (timing IN ('before', 'after')),
	created_by text NOT NULL,
	created_at timestamptz NOT NULL,
	CONSTRAINT commit_policy_pkey PRIMARY KEY (warehouse_id, name)
);
COMMENT ON TABLE icecat_data.commit_policy IS 'Functions that are asked before a change of a namespace, table or view commits; made by icecat.create_commit_policy()';
COMMENT ON COLUMN icecat_data.commit_policy.name IS 'Of the policy; unique in the warehouse';
COMMENT ON COLUMN icecat_data.commit_policy.object_id IS 'Warehouse, namespace, table or view: it holds for all that is in it';
COMMENT ON COLUMN icecat_data.commit_policy.object_kind IS 'warehouse, namespace, table or view';
COMMENT ON COLUMN icecat_data.commit_policy.function IS 'Takes json, returns text: why the change is refused, or NULL. SECURITY DEFINER: it runs as its owner';
COMMENT ON COLUMN icecat_data.commit_policy.timing IS 'Asked before the rows of the change are written, or after it, at the end of the call; always in its transaction';
COMMENT ON COLUMN icecat_data.commit_policy.created_by IS 'Role that made it';
