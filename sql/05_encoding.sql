-- Iceberg's texts are UTF-8. In a database of another encoding names and metadata would be stored as something else.

DO $icecat$
BEGIN
	IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
		RAISE EXCEPTION USING ERRCODE = 'IC304',
			MESSAGE = pg_catalog.format('icecat needs a database with encoding UTF8; this one has %s', pg_catalog.getdatabaseencoding()),
			HINT = 'CREATE DATABASE name TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C''';
	END IF;
END
$icecat$;
