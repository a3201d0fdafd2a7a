-- Nobody but the owner gets a right by default. To let a role work with the catalog:
--   GRANT USAGE ON SCHEMA icecat TO someone;
--   GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO someone;
--   GRANT SELECT ON ALL TABLES IN SCHEMA icecat TO someone;
-- Rights on icecat_data are never needed: functions and views reach it as their owner.

REVOKE ALL ON SCHEMA icecat, icecat_data FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA icecat, icecat_data FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA icecat, icecat_data FROM PUBLIC;
