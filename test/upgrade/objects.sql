-- Every object of the extension as one line of text: two databases have the same extension if these lines are
-- the same. The place of a column in a table is left out, as a column that an upgrade adds comes last; so
-- are partitions, which are made at run time, and the version.
--
-- SPDX-License-Identifier: PostgreSQL
SET search_path = pg_catalog;
WITH n AS MATERIALIZED (
	SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname IN ('icecat', 'icecat_data')
), c AS MATERIALIZED (
	SELECT c.* FROM pg_class AS c JOIN n ON c.relnamespace = n.oid
	WHERE NOT c.relispartition AND c.relkind <> 'i'
)
SELECT format('schema %I owner %s acl %s comment %L', nspname, nspowner::regrole,
	(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(nspacl) AS a), obj_description(oid, 'pg_namespace'))
FROM n
UNION ALL
SELECT format('relation %s kind %s persistence %s owner %s acl %s options %s security %s %s key %L view %L comment %L', oid::regclass,
	relkind, relpersistence, relowner::regrole, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(relacl) AS a),
	reloptions, relrowsecurity, relreplident, CASE WHEN relkind = 'p' THEN pg_get_partkeydef(oid) END,
	CASE WHEN relkind = 'v' THEN pg_get_viewdef(oid) END, obj_description(oid, 'pg_class'))
FROM c
UNION ALL
SELECT format('column %s.%I type %s %s place %s not null %s default %L collation %s storage %s compression %s options %s acl %s comment %L',
	c.oid::regclass, a.attname, a.atttypid::regtype, a.atttypmod, CASE WHEN c.relkind = 'v' THEN a.attnum END, a.attnotnull,
	pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation, a.attstorage, a.attcompression,
	(SELECT string_agg(o, ' ' ORDER BY o) FROM unnest(a.attoptions) AS o WHERE o ~ '^n_distinct'), a.attacl,
	col_description(c.oid, a.attnum))
FROM c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
UNION ALL
SELECT format('constraint %s.%I %s validated %s comment %L', c.oid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated,
	obj_description(k.oid, 'pg_constraint'))
FROM c JOIN pg_constraint AS k ON k.conrelid = c.oid
UNION ALL
SELECT format('index %s valid %s options %s comment %L', pg_get_indexdef(i.indexrelid), i.indisvalid, x.reloptions,
	obj_description(x.oid, 'pg_class'))
FROM c JOIN pg_index AS i ON i.indrelid = c.oid JOIN pg_class AS x ON x.oid = i.indexrelid
UNION ALL
SELECT format('trigger %s', pg_get_triggerdef(t.oid)) FROM c JOIN pg_trigger AS t ON t.tgrelid = c.oid AND NOT t.tgisinternal
UNION ALL
SELECT format('function %s owner %s acl %s cost %s rows %s comment %L %s', p.oid::regprocedure, p.proowner::regrole,
	(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(p.proacl) AS a), p.procost, p.prorows,
	obj_description(p.oid, 'pg_proc'), pg_get_functiondef(p.oid))
FROM pg_proc AS p JOIN n ON p.pronamespace = n.oid
UNION ALL
SELECT format('member %s', pg_describe_object(d.classid, d.objid, d.objsubid))
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'icecat' AND d.deptype = 'e' AND NOT EXISTS (SELECT FROM pg_class AS x
	WHERE d.classid = 'pg_class'::regclass AND x.oid = d.objid AND x.relispartition)
UNION ALL
SELECT format('initial acl of %s: %s', pg_describe_object(i.classoid, i.objoid, i.objsubid),
	(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(i.initprivs) AS a))
FROM pg_init_privs AS i JOIN pg_depend AS d ON d.classid = i.classoid AND d.objid = i.objoid AND d.deptype = 'e'
JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'icecat'
UNION ALL
SELECT format('dumped %s where %L', t.id::oid::regclass, t.condition)
FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS t (id, condition) WHERE e.extname = 'icecat'
UNION ALL
SELECT format('extension owner %s schema %s comment %L', extowner::regrole, extnamespace::regnamespace, obj_description(oid, 'pg_extension'))
FROM pg_extension WHERE extname = 'icecat';
