\set table :client_id * :rotate + :done % :rotate
SELECT icecat.commit_table(:warehouse, '{bench}', 't' || :table, '[]',
	format('[{"action":"set-properties","updates":{"bench.client-%s":"%s"}}]', :client_id::bigint, :done::bigint)::json);
\set done :done + 1
