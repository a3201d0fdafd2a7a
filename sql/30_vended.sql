-- UPGRADE: changes here need an upgrade script.
-- Credentials that were vended and are still good for others who may have the same: a cache, so that one table that many load does
-- not ask the token service each time. It is encrypted as the secrets of storage profiles are, and lost in a crash.

CREATE UNLOGGED TABLE icecat_data.vended_credential (
	warehouse_id uuid NOT NULL,
	scope bytea NOT NULL,
	key_id text COLLATE "C" NOT NULL,
	sealed bytea NOT NULL,
	fresh_until timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	CONSTRAINT vended_credential_pkey PRIMARY KEY (warehouse_id, scope)
);
CREATE INDEX vended_credential_expires_idx ON icecat_data.vended_credential (warehouse_id, expires_at);
COMMENT ON TABLE icecat_data.vended_credential IS 'Cache of vended credentials, encrypted; no view or function shows it';
COMMENT ON COLUMN icecat_data.vended_credential.warehouse_id IS 'The warehouse whose tables they are for';
COMMENT ON COLUMN icecat_data.vended_credential.scope IS 'SHA-256 of what was asked for: profile and its revision, places, access';
COMMENT ON COLUMN icecat_data.vended_credential.key_id IS 'Key of icecat.secret_key_file that encrypted it';
COMMENT ON COLUMN icecat_data.vended_credential.sealed IS 'AES-256-GCM: nonce, ciphertext and tag; bound to warehouse and scope';
COMMENT ON COLUMN icecat_data.vended_credential.fresh_until IS 'Half of their life: from then on new ones are asked for';
COMMENT ON COLUMN icecat_data.vended_credential.expires_at IS 'Their end: until then they are given while no new ones are to be had';
