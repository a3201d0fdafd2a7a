-- icecat: an Apache Iceberg REST catalog inside PostgreSQL.
\echo Use "CREATE EXTENSION icecat" to load this file. \quit
