-- UPGRADE: changes here need an upgrade script.
-- Who a verified token is in this database: rows that turn a claim of a token into a role. Principals are those of the whole
-- database, of every warehouse in it.

CREATE TABLE icecat_data.principal_mapping (
	warehouse_id uuid NOT NULL,
	claim text COLLATE "C" NOT NULL,
	value text COLLATE "C" NOT NULL,
	issuer text COLLATE "C" NOT NULL,
	priority integer NOT NULL,
	role regrole NOT NULL,
	created_at timestamptz NOT NULL,
	CONSTRAINT principal_mapping_pkey PRIMARY KEY (warehouse_id, claim, value, issuer)
);
COMMENT ON TABLE icecat_data.principal_mapping IS 'Claims of tokens and the roles they stand for; icecat.map_principal() writes it';
COMMENT ON COLUMN icecat_data.principal_mapping.warehouse_id IS 'The nil uuid: a principal is the same in all warehouses';
COMMENT ON COLUMN icecat_data.principal_mapping.claim IS 'Name of the claim: sub, groups, or a path with points into an object, such as realm_access.roles';
COMMENT ON COLUMN icecat_data.principal_mapping.value IS 'What the claim must be, or hold as an element; * for anything';
COMMENT ON COLUMN icecat_data.principal_mapping.issuer IS 'Alias of the issuer in the gateway''s setting auth_issuers; * for all';
COMMENT ON COLUMN icecat_data.principal_mapping.priority IS 'Of several rows that match, the one with the greatest decides';
COMMENT ON COLUMN icecat_data.principal_mapping.role IS 'The role; a new one with the name of one that was dropped is another';
