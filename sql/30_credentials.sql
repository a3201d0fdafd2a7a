-- UPGRADE: changes here need an upgrade script.
-- Who may log in at the gateway's own token endpoint, or by an API key, and what the gateways sign tokens with. Secrets are 256 random
-- bits that nobody chooses; rows have a salted SHA-256 of them (decision 23). All are those of the whole database: warehouse_id is the nil uuid.
--
-- signing_key is the one table whose rows are not dumped (31_config_dump.sql): a restored copy signs with keys of its own, which the first
-- gateway that needs one makes, and tokens of the one database are worth nothing in the other.

CREATE TABLE icecat_data.client (
	warehouse_id uuid NOT NULL,
	client_id text COLLATE "C" NOT NULL,
	role regrole NOT NULL,
	disabled boolean NOT NULL,
	session_id uuid NOT NULL,
	secret_salt bytea NOT NULL,
	secret_hash bytea NOT NULL,
	secret_expires_at timestamptz,
	previous_salt bytea,
	previous_hash bytea,
	previous_expires_at timestamptz,
	created_at timestamptz NOT NULL,
	changed_at timestamptz NOT NULL,
	CONSTRAINT client_pkey PRIMARY KEY (warehouse_id, client_id)
);
COMMENT ON TABLE icecat_data.client IS 'Programs that log in by an id and a secret; icecat.create_client() and its like write it';
COMMENT ON COLUMN icecat_data.client.warehouse_id IS 'The nil uuid: a client is the same in all warehouses';
COMMENT ON COLUMN icecat_data.client.client_id IS 'What it logs in as';
COMMENT ON COLUMN icecat_data.client.role IS 'Role that its calls run under';
COMMENT ON COLUMN icecat_data.client.disabled IS 'True: it gets no token, and those that it has are refused';
COMMENT ON COLUMN icecat_data.client.session_id IS 'Tokens carry it; those with another one are refused';
COMMENT ON COLUMN icecat_data.client.secret_salt IS '16 random bytes before the secret';
COMMENT ON COLUMN icecat_data.client.secret_hash IS 'SHA-256 of salt and secret';
COMMENT ON COLUMN icecat_data.client.secret_expires_at IS 'From when on the secret is not taken; NULL: never';
COMMENT ON COLUMN icecat_data.client.previous_salt IS 'Of the secret before, while that is taken, too; else NULL';
COMMENT ON COLUMN icecat_data.client.previous_hash IS 'As secret_hash, of the secret before';
COMMENT ON COLUMN icecat_data.client.previous_expires_at IS 'From when on the secret before is not taken';
COMMENT ON COLUMN icecat_data.client.created_at IS 'When it was made';
COMMENT ON COLUMN icecat_data.client.changed_at IS 'When it was changed last';

CREATE TABLE icecat_data.api_key (
	warehouse_id uuid NOT NULL,
	prefix text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	role regrole NOT NULL,
	salt bytea NOT NULL,
	hash bytea NOT NULL,
	expires_at timestamptz,
	revoked_at timestamptz,
	created_at timestamptz NOT NULL,
	CONSTRAINT api_key_pkey PRIMARY KEY (warehouse_id, prefix)
);
COMMENT ON TABLE icecat_data.api_key IS 'Keys that programs send with each request; icecat.create_api_key() and its like write it';
COMMENT ON COLUMN icecat_data.api_key.warehouse_id IS 'The nil uuid: a key is the same in all warehouses';
COMMENT ON COLUMN icecat_data.api_key.prefix IS 'The part of the key that may be shown, by which it is found';
COMMENT ON COLUMN icecat_data.api_key.name IS 'What it is for; keys that replace each other share it';
COMMENT ON COLUMN icecat_data.api_key.role IS 'Role that its calls run under';
COMMENT ON COLUMN icecat_data.api_key.salt IS '16 random bytes before the key';
COMMENT ON COLUMN icecat_data.api_key.hash IS 'SHA-256 of salt and key';
COMMENT ON COLUMN icecat_data.api_key.expires_at IS 'From when on it is not taken; NULL: never';
COMMENT ON COLUMN icecat_data.api_key.revoked_at IS 'When it was revoked; NULL: it was not';
COMMENT ON COLUMN icecat_data.api_key.created_at IS 'When it was made';

CREATE TABLE icecat_data.signing_key (
	warehouse_id uuid NOT NULL,
	key_id text COLLATE "C" NOT NULL,
	seed bytea NOT NULL,
	signs_from_at timestamptz NOT NULL,
	verifies_until_at timestamptz,
	created_at timestamptz NOT NULL,
	CONSTRAINT signing_key_pkey PRIMARY KEY (warehouse_id, key_id)
);
COMMENT ON TABLE icecat_data.signing_key IS 'Keys (Ed25519) that all gateways of this database sign tokens with; not saved by pg_dump. icecat.rotate_signing_key() writes it';
COMMENT ON COLUMN icecat_data.signing_key.warehouse_id IS 'The nil uuid: keys are those of the database';
COMMENT ON COLUMN icecat_data.signing_key.key_id IS 'What a token says it was signed with';
COMMENT ON COLUMN icecat_data.signing_key.seed IS 'The private key: 32 random bytes';
COMMENT ON COLUMN icecat_data.signing_key.signs_from_at IS 'The key with the latest of these that is over signs';
COMMENT ON COLUMN icecat_data.signing_key.verifies_until_at IS 'From when on no token of it is good; NULL: it has no successor yet';
COMMENT ON COLUMN icecat_data.signing_key.created_at IS 'When it was made';
