-- A client appends to its own :rotate tables in turn. What it asserts and writes follows from its last commit, as with a real client.
\set table :client_id * :rotate + :done % :rotate
\set seq 1 + :done / :rotate
\set next :seq + 1
SELECT icecat.commit_table(:warehouse, '{bench}', 't' || :table,
	format('[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":%s}]', :seq::bigint)::json,
	format('[{"action":"add-snapshot","snapshot":{"snapshot-id":%s,"parent-snapshot-id":%s,"sequence-number":%s,"timestamp-ms":%s,"manifest-list":"%s/t%s/metadata/snap-%s-1-5f4ce0f1-3d2b-4e0a-9a55-0d3c1b6d9c7e.avro","summary":{"operation":"append","added-data-files":"4","added-records":"4000","added-files-size":"123456","total-data-files":"4","total-records":"4000"},"schema-id":0}},{"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":%s}]',
		:next::bigint, :seq::bigint, :next::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, :place::text, :table::bigint, :next::bigint, :next::bigint)::json);
\set done :done + 1
