-- Commit policies (decision 22). Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.create_commit_policy(
	p_warehouse text,
	p_name text,
	p_function regprocedure,
	p_namespace text[] DEFAULT NULL,
	p_table text DEFAULT NULL,
	p_when text DEFAULT 'before'
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_commit_policy';
COMMENT ON FUNCTION icecat.create_commit_policy(text, text, regprocedure, text[], text, text) IS
'Has a function asked about each change of namespaces, tables and views in a part of the tree, in the transaction of the change and before it commits: create (also staged), register, commit, replace, rename, unregister, drop, undrop; of namespaces create, drop, and changes of properties. A rename is asked about where the table comes from and where it goes.
p_name: of the policy, at most icecat.name_bytes_max bytes; unique in the warehouse. Several are asked in byte order of their names.
p_function: takes one json, returns text: NULL lets the change pass, a text refuses it (IC402, 403) and is what the client reads; so is the message of RAISE EXCEPTION. It must be SECURITY DEFINER: it runs as its owner, whom the caller must be able to become, and who is neither the owner of the extension nor a superuser. It may take icecat.commit_policy_timeout_ms, and cannot change the catalog. One that fails, takes too long or is gone refuses, too; one that goes on for a second when it was told to end is ended with the session.
The json: {"operation": an event_type such as commit-table, or stage-table; "timing": p_when; "kind": namespace, table or view; "warehouse", "namespace", "name": null of a namespace; "role", "principal": who changes it; "source": {"namespace", "name"} of a rename; "old", "new": what it was and is, null where it is not. Of a table {"format-version", "location", "current-snapshot-id", "schema": the current one, "properties"}, of a view {"location", "schema", "version": the current one, "properties"}, of a namespace {"properties"}}.
p_namespace, p_table: a table or view; without p_table the namespace and all below it, without p_namespace the warehouse. p_when: before: the rows of the change are not written yet; after: at the end of the call, when all of its rows are, and a VOLATILE function sees them in the views.
Errors: IC101, IC102, IC103 no such object (404); IC201 the name is taken (409); IC301 not such a function, or p_when is something else (400); IC401 no manage on the object, or not the role of the function''s owner (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.drop_commit_policy(p_warehouse text, p_name text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_commit_policy';
COMMENT ON FUNCTION icecat.drop_commit_policy(text, text) IS
'Ends what icecat.create_commit_policy() began; false: the warehouse has no policy of the name. What is under way may still be asked about.
Errors: IC101 no such warehouse (404); IC401 no manage on what the policy is on (403).
REST: none.';

CREATE OR REPLACE VIEW icecat.commit_policies WITH (security_barrier) AS
SELECT w.name AS warehouse, p.name AS policy_name, p.object_kind, coalesce(n.levels, o.levels) AS namespace, r.name AS table_name, p.function, p.timing,
	f.proowner::regrole AS role_name, p.created_by, p.created_at, p.object_id, p.warehouse_id
FROM icecat_data.commit_policy AS p
JOIN icecat_data.warehouse AS w ON w.warehouse_id = p.warehouse_id
LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = p.warehouse_id AND r.relation_id = p.object_id
LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = p.warehouse_id AND n.namespace_id = p.object_id
LEFT JOIN icecat_data.namespace AS o ON o.warehouse_id = p.warehouse_id AND o.namespace_id = r.namespace_id
LEFT JOIN pg_catalog.pg_proc AS f ON f.oid = p.function
WHERE (SELECT icecat._sees_all('usage')) OR p.warehouse_id IN (SELECT icecat._seen('usage')) OR p.object_id IN (SELECT icecat._seen('usage'))
	OR r.namespace_id IN (SELECT icecat._seen('usage'));
COMMENT ON VIEW icecat.commit_policies IS 'Functions that are asked about changes, on what the role sees';
COMMENT ON COLUMN icecat.commit_policies.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.commit_policies.policy_name IS 'Of the policy; unique in the warehouse';
COMMENT ON COLUMN icecat.commit_policies.object_kind IS 'warehouse, namespace, table or view; it holds for all that is in it';
COMMENT ON COLUMN icecat.commit_policies.namespace IS 'Levels of the namespace, or of that of the table or view';
COMMENT ON COLUMN icecat.commit_policies.table_name IS 'Name of the table or view';
COMMENT ON COLUMN icecat.commit_policies.function IS 'What is asked; a number: it is gone, and all changes there are refused';
COMMENT ON COLUMN icecat.commit_policies.timing IS 'before the rows of a change are written, or after it; always before it commits';
COMMENT ON COLUMN icecat.commit_policies.role_name IS 'Owner of the function, as whom it runs';
COMMENT ON COLUMN icecat.commit_policies.created_by IS 'Role that made the policy';
COMMENT ON COLUMN icecat.commit_policies.created_at IS 'When';
COMMENT ON COLUMN icecat.commit_policies.object_id IS 'Id of the warehouse, namespace, table or view';
COMMENT ON COLUMN icecat.commit_policies.warehouse_id IS 'Id of the warehouse';
