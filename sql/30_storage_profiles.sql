-- UPGRADE: changes here need an upgrade script.
-- Storage profiles: how the server reaches object stores. A profile belongs to a tenant, or to none and then to all; a warehouse
-- has one (warehouse.storage_profile_id), or none. Options are those of src/storage/profile_option.def.
--
-- What is secret has a table of its own, encrypted with a key that is in no database (icecat.secret_key_file): a dump, a standby and a
-- base backup have no secret that can be read without that file. Nobody has a right on either table but the owner.

CREATE TABLE icecat_data.storage_profile (
	warehouse_id uuid NOT NULL,
	profile_id uuid NOT NULL,
	tenant_id uuid NOT NULL,
	name text COLLATE "C" NOT NULL CONSTRAINT storage_profile_name_form CHECK (octet_length(name) BETWEEN 1 AND 255 AND name !~ '/'),
	root text COLLATE "C" NOT NULL,
	options json NOT NULL,
	revision bigint NOT NULL,
	created_at timestamptz NOT NULL,
	changed_at timestamptz NOT NULL,
	CONSTRAINT storage_profile_pkey PRIMARY KEY (warehouse_id, profile_id),
	CONSTRAINT storage_profile_name_key UNIQUE (warehouse_id, tenant_id, name)
);
COMMENT ON TABLE icecat_data.storage_profile IS 'How object stores are reached; made by icecat.create_storage_profile()';
COMMENT ON COLUMN icecat_data.storage_profile.warehouse_id IS 'The nil uuid: a profile is above warehouses';
COMMENT ON COLUMN icecat_data.storage_profile.profile_id IS 'Identity of the profile; survives renames';
COMMENT ON COLUMN icecat_data.storage_profile.tenant_id IS 'The tenant that it belongs to; the nil uuid: to none';
COMMENT ON COLUMN icecat_data.storage_profile.name IS 'Unique among those of its tenant, and among those of none';
COMMENT ON COLUMN icecat_data.storage_profile.root IS 'Canonical URI that all of its locations lie in; never changed';
COMMENT ON COLUMN icecat_data.storage_profile.options IS 'JSON object: what is not secret';
COMMENT ON COLUMN icecat_data.storage_profile.revision IS 'Counts its changes, those of its secrets, too';
COMMENT ON COLUMN icecat_data.storage_profile.created_at IS 'When it was made';
COMMENT ON COLUMN icecat_data.storage_profile.changed_at IS 'When it was changed last';

CREATE TABLE icecat_data.storage_secret (
	warehouse_id uuid NOT NULL,
	profile_id uuid NOT NULL,
	name text COLLATE "C" NOT NULL,
	key_id text COLLATE "C" NOT NULL,
	sealed bytea NOT NULL,
	changed_at timestamptz NOT NULL,
	CONSTRAINT storage_secret_pkey PRIMARY KEY (warehouse_id, profile_id, name)
);
COMMENT ON TABLE icecat_data.storage_secret IS 'Secrets of storage profiles, encrypted; no view or function shows them';
COMMENT ON COLUMN icecat_data.storage_secret.warehouse_id IS 'The nil uuid: a profile is above warehouses';
COMMENT ON COLUMN icecat_data.storage_secret.profile_id IS 'The profile';
COMMENT ON COLUMN icecat_data.storage_secret.name IS 'The option';
COMMENT ON COLUMN icecat_data.storage_secret.key_id IS 'Key of icecat.secret_key_file that encrypted it';
COMMENT ON COLUMN icecat_data.storage_secret.sealed IS 'AES-256-GCM: nonce, ciphertext and tag; bound to the profile and the option';
COMMENT ON COLUMN icecat_data.storage_secret.changed_at IS 'When it was set, or encrypted again';
