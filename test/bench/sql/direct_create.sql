SELECT icecat.create_table(:warehouse, '{bench}', format('%s_%s_%s', :tag::text, :client_id::bigint, :done::bigint),
	'{"type":"struct","fields":[{"id":1,"name":"id","type":"long","required": true},{"id":2,"name":"name","type":"string","required": false},{"id":3,"name":"at","type":"timestamptz","required": false},{"id":4,"name":"amount","type":"double","required": false}]}',
	p_properties => '{"owner":"bench"}');
\set done :done + 1
