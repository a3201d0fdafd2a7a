-- The state part of the step from 0.1.0 to 0.2.0 (see README.md here). Whole new files of sql/ are included; what changes in
-- an existing table is said here, in the IF [NOT] EXISTS forms.

-- include 26_idempotency.sql
-- include 31_config_dump.sql
