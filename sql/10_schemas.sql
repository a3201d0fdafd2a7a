-- UPGRADE: changes here need an upgrade script.
-- The two schemas. icecat is the contract: functions and views. icecat_data is the truth: tables that
-- only the functions write. Both belong to the role that ran CREATE EXTENSION, so that a database
-- owner without superuser rights can install and run the catalog.

CREATE SCHEMA icecat AUTHORIZATION @extowner@;
CREATE SCHEMA icecat_data AUTHORIZATION @extowner@;
COMMENT ON SCHEMA icecat IS 'Iceberg catalog: functions (one per REST operation) and views';
COMMENT ON SCHEMA icecat_data IS 'Iceberg catalog: the tables behind schema icecat; written by its functions only';
