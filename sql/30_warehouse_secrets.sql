-- UPGRADE: changes here need an upgrade script.
-- What a warehouse signs with. Made with the warehouse, never changed, and saved by pg_dump, so that a standby or
-- a restored copy takes what the original handed out.

CREATE TABLE icecat_data.warehouse_secret (
	warehouse_id uuid NOT NULL,
	purpose text NOT NULL,
	secret bytea NOT NULL,
	created_at timestamptz NOT NULL,
	CONSTRAINT warehouse_secret_pkey PRIMARY KEY (warehouse_id, purpose)
);
COMMENT ON TABLE icecat_data.warehouse_secret IS 'Random bytes that sign what a client hands back; no view or function shows them';
COMMENT ON COLUMN icecat_data.warehouse_secret.purpose IS 'page-token: signs the page tokens of the lists; catalog, of the nil uuid as warehouse: what all copies of this catalog are known by (16 bytes); file-channel, of the nil uuid: names the channel of icecat._listen_files() (16 bytes)';
COMMENT ON COLUMN icecat_data.warehouse_secret.secret IS '32 random bytes; of the catalog a uuid';
