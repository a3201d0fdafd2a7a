//! catalog.rs: iceberg-rust against a catalog that runs already, named by ICECAT_URL and ICECAT_WAREHOUSE.
//!
//! Every test works in a namespace of its own. One that fails leaves it behind.
//!
//! SPDX-License-Identifier: PostgreSQL

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use futures::TryStreamExt;
use iceberg::arrow::{RecordBatchPartitionSplitter, schema_to_arrow_schema};
use iceberg::io::LocalFsStorageFactory;
use iceberg::spec::{
    DataFile, DataFileFormat, FormatVersion, NestedField, NullOrder, PrimitiveType, Schema, SortDirection, SortField,
    SortOrder, Transform, Type, UnboundPartitionSpec,
};
use iceberg::table::Table;
use iceberg::transaction::{AddColumn, ApplyTransactionAction, Transaction};
use iceberg::writer::base_writer::data_file_writer::DataFileWriterBuilder;
use iceberg::writer::file_writer::ParquetWriterBuilder;
use iceberg::writer::file_writer::location_generator::{DefaultFileNameGenerator, DefaultLocationGenerator};
use iceberg::writer::file_writer::rolling_writer::RollingFileWriterBuilder;
use iceberg::writer::partitioning::PartitioningWriter;
use iceberg::writer::partitioning::fanout_writer::FanoutWriter;
use iceberg::writer::{IcebergWriter, IcebergWriterBuilder};
use iceberg::{Catalog, CatalogBuilder, ErrorKind, NamespaceIdent, TableCreation, TableIdent};
use iceberg_catalog_rest::{REST_CATALOG_PROP_URI, REST_CATALOG_PROP_WAREHOUSE, RestCatalog, RestCatalogBuilder};
use parquet::file::properties::WriterProperties;

// ---- what the tests share -----------------------------------------------------------------------------

fn setting(name: &str, otherwise: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| otherwise.to_string())
}

async fn connect() -> RestCatalog {
    let properties = HashMap::from([
        (REST_CATALOG_PROP_URI.to_string(), setting("ICECAT_URL", "http://127.0.0.1:8181")),
        (REST_CATALOG_PROP_WAREHOUSE.to_string(), setting("ICECAT_WAREHOUSE", "demo")),
    ]);
    RestCatalogBuilder::default()
        .with_storage_factory(Arc::new(LocalFsStorageFactory))
        .load("icecat", properties)
        .await
        .unwrap()
}

fn unique() -> NamespaceIdent {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    NamespaceIdent::new(format!("r_{:x}_{now:x}", std::process::id()))
}

/// A namespace for one test, by a catalog of its own.
async fn namespace() -> (RestCatalog, NamespaceIdent) {
    let (catalog, name) = (connect().await, unique());
    catalog.create_namespace(&name, HashMap::new()).await.unwrap();
    (catalog, name)
}

async fn remove(catalog: &RestCatalog, name: &NamespaceIdent) {
    for table in catalog.list_tables(name).await.unwrap() {
        catalog.drop_table(&table).await.unwrap();
    }
    catalog.drop_namespace(name).await.unwrap();
}

fn schema() -> Schema {
    Schema::builder()
        .with_fields(vec![
            NestedField::required(1, "id", Type::Primitive(PrimitiveType::Long)).into(),
            NestedField::optional(2, "name", Type::Primitive(PrimitiveType::String)).into(),
        ])
        .with_identifier_field_ids(vec![1])
        .build()
        .unwrap()
}

fn named(name: &str) -> TableCreation {
    TableCreation::builder().name(name.to_string()).schema(schema()).build()
}

fn ident(namespace: &NamespaceIdent, name: &str) -> TableIdent {
    TableIdent::new(namespace.clone(), name.to_string())
}

fn batch(table: &Table, ids: std::ops::Range<i64>) -> RecordBatch {
    let arrow = schema_to_arrow_schema(table.metadata().current_schema()).unwrap();
    let names = StringArray::from_iter_values(ids.clone().map(|id| format!("n{id}")));
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(ids)), Arc::new(names)];
    RecordBatch::try_new(Arc::new(arrow), columns).unwrap()
}

/// Writes rows to Parquet files of the table, one for each partition; nothing is committed.
async fn write(table: &Table, rows: RecordBatch) -> Vec<DataFile> {
    let metadata = table.metadata();
    let names = DefaultFileNameGenerator::new(unique().to_url_string(), None, DataFileFormat::Parquet);
    let files = RollingFileWriterBuilder::new_with_default_file_size(
        ParquetWriterBuilder::new(WriterProperties::default(), metadata.current_schema().clone()),
        table.file_io().clone(),
        DefaultLocationGenerator::new(metadata).unwrap(),
        names,
    );
    let builder = DataFileWriterBuilder::new(files);
    let spec = metadata.default_partition_spec().clone();
    if spec.is_unpartitioned() {
        let mut writer = builder.build(None).await.unwrap();
        writer.write(rows).await.unwrap();
        return writer.close().await.unwrap();
    }
    let schema = metadata.current_schema().clone();
    let splitter = RecordBatchPartitionSplitter::try_new_with_computed_values(schema, spec).unwrap();
    let mut writer = FanoutWriter::new(builder);
    for (key, part) in splitter.split(&rows).unwrap() {
        writer.write(key, part).await.unwrap();
    }
    writer.close().await.unwrap()
}

async fn append(catalog: &RestCatalog, table: &Table, ids: std::ops::Range<i64>) -> Table {
    let files = write(table, batch(table, ids)).await;
    let transaction = Transaction::new(table);
    let action = transaction.fast_append().add_data_files(files);
    action.apply(transaction).unwrap().commit(catalog).await.unwrap()
}

/// The sorted ids that a scan finds, of the current snapshot or of the one given.
async fn ids(table: &Table, snapshot: Option<i64>) -> Vec<i64> {
    let mut scan = table.scan().select(["id"]);
    if let Some(id) = snapshot {
        scan = scan.snapshot_id(id);
    }
    let stream = scan.build().unwrap().to_arrow().await.unwrap();
    let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
    let values = batches.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec());
    let mut found: Vec<i64> = values.collect();
    found.sort();
    found
}

fn local(location: &str) -> &Path {
    Path::new(location.strip_prefix("file://").unwrap())
}

// ---- namespaces ---------------------------------------------------------------------------------------

#[tokio::test]
async fn namespaces_and_their_properties() {
    let (catalog, name) = (connect().await, unique());
    assert!(!catalog.namespace_exists(&name).await.unwrap());
    let properties = HashMap::from([("owner".to_string(), "é".to_string())]);
    let made = catalog.create_namespace(&name, properties.clone()).await.unwrap();
    assert_eq!(made.properties().get("owner"), properties.get("owner"));
    assert!(catalog.namespace_exists(&name).await.unwrap());
    let got = catalog.get_namespace(&name).await.unwrap();
    assert_eq!((got.name(), got.properties().get("owner")), (&name, properties.get("owner")));
    assert!(catalog.list_namespaces(None).await.unwrap().contains(&name));
    let again = catalog.create_namespace(&name, HashMap::new()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::NamespaceAlreadyExists);
    catalog.drop_namespace(&name).await.unwrap();
    let gone = catalog.get_namespace(&name).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NamespaceNotFound);
}

#[tokio::test]
async fn nested_namespaces() {
    let (catalog, top) = namespace().await;
    // No slash in the name: this client does not escape one.
    let child = NamespaceIdent::from_strs([top.as_ref()[0].as_str(), "a b é"]).unwrap();
    catalog.create_namespace(&child, HashMap::new()).await.unwrap();
    assert_eq!(catalog.list_namespaces(Some(&top)).await.unwrap(), vec![child.clone()]);
    catalog.create_table(&child, named("t")).await.unwrap();
    assert_eq!(catalog.list_tables(&child).await.unwrap(), vec![ident(&child, "t")]);
    assert!(catalog.list_tables(&top).await.unwrap().is_empty());
    assert!(catalog.drop_namespace(&child).await.is_err());
    remove(&catalog, &child).await;
    remove(&catalog, &top).await;
}

// ---- tables -------------------------------------------------------------------------------------------

#[tokio::test]
async fn create_load_list_drop() {
    let (catalog, name) = namespace().await;
    let table = ident(&name, "t");
    let made = catalog.create_table(&name, named("t")).await.unwrap();
    let loaded = catalog.load_table(&table).await.unwrap();
    assert_eq!(loaded.metadata().uuid(), made.metadata().uuid());
    assert_eq!(loaded.metadata_location(), made.metadata_location());
    assert_eq!(loaded.metadata().current_schema().as_struct(), schema().as_struct());
    assert!(loaded.metadata().current_snapshot().is_none());
    assert!(catalog.table_exists(&table).await.unwrap());
    assert_eq!(catalog.list_tables(&name).await.unwrap(), vec![table.clone()]);
    let again = catalog.create_table(&name, named("t")).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::TableAlreadyExists);
    catalog.drop_table(&table).await.unwrap();
    assert!(!catalog.table_exists(&table).await.unwrap());
    assert_eq!(catalog.load_table(&table).await.unwrap_err().kind(), ErrorKind::TableNotFound);
    remove(&catalog, &name).await;
}

#[tokio::test]
async fn create_with_partition_spec_that_has_no_id() {
    let (catalog, name) = namespace().await;
    let spec = UnboundPartitionSpec::builder()
        .add_partition_field(1, "shard", Transform::Bucket(4))
        .unwrap()
        .add_partition_field(2, "initial", Transform::Truncate(1))
        .unwrap()
        .build();
    assert_eq!(spec.spec_id(), None);
    let key = SortField::builder()
        .source_id(2)
        .transform(Transform::Identity)
        .direction(SortDirection::Descending)
        .null_order(NullOrder::Last)
        .build();
    let order = SortOrder::builder().with_sort_field(key).with_order_id(1).build(&schema()).unwrap();
    let creation = TableCreation::builder()
        .name("t".to_string())
        .schema(schema())
        .partition_spec(spec)
        .sort_order(order)
        .properties([("note".to_string(), "first".to_string())])
        .build();
    let table = catalog.create_table(&name, creation).await.unwrap();
    let fields = table.metadata().default_partition_spec().fields().to_vec();
    let told: Vec<_> = fields.iter().map(|f| (f.source_id, f.field_id, f.name.as_str())).collect();
    assert_eq!(told, vec![(1, 1000, "shard"), (2, 1001, "initial")]);
    assert_eq!(table.metadata().default_sort_order().fields.len(), 1);
    assert_eq!(table.metadata().properties().get("note").unwrap(), "first");
    let table = append(&catalog, &table, 0..20).await;
    assert_eq!(ids(&table, None).await, (0..20).collect::<Vec<_>>());
    remove(&catalog, &name).await;
}

#[tokio::test]
async fn rename() {
    let (catalog, name) = namespace().await;
    let (from, to) = (ident(&name, "t"), ident(&name, "u"));
    let before = catalog.create_table(&name, named("t")).await.unwrap();
    catalog.rename_table(&from, &to).await.unwrap();
    let after = catalog.load_table(&to).await.unwrap();
    assert_eq!(after.metadata().uuid(), before.metadata().uuid());
    assert!(!catalog.table_exists(&from).await.unwrap());
    let missing = catalog.rename_table(&from, &to).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::TableNotFound);
    catalog.create_table(&name, named("t")).await.unwrap();
    let taken = catalog.rename_table(&from, &to).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::TableAlreadyExists);
    remove(&catalog, &name).await;
}

#[tokio::test]
async fn drop_and_register() {
    let (catalog, name) = namespace().await;
    let table = catalog.create_table(&name, named("t")).await.unwrap();
    let table = append(&catalog, &table, 0..3).await;
    let location = table.metadata_location().unwrap().to_string();
    // The file is written behind the commit.
    for _ in 0..300 {
        if local(&location).exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    catalog.drop_table(&ident(&name, "t")).await.unwrap();
    let back = catalog.register_table(&ident(&name, "back"), location).await.unwrap();
    assert_eq!(ids(&back, None).await, vec![0, 1, 2]);
    let back = append(&catalog, &back, 3..5).await;
    assert_eq!(ids(&back, None).await, vec![0, 1, 2, 3, 4]);
    remove(&catalog, &name).await;
}

#[tokio::test]
async fn purge_deletes_the_files() {
    let (catalog, name) = namespace().await;
    let table = catalog.create_table(&name, named("t")).await.unwrap();
    let table = append(&catalog, &table, 0..3).await;
    let list = table.metadata().current_snapshot().unwrap().manifest_list().to_string();
    assert!(local(&list).exists());
    catalog.purge_table(&ident(&name, "t")).await.unwrap();
    assert!(!catalog.table_exists(&ident(&name, "t")).await.unwrap());
    for _ in 0..600 {
        if !local(&list).exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(!local(&list).exists());
    remove(&catalog, &name).await;
}

// ---- commits ------------------------------------------------------------------------------------------

#[tokio::test]
async fn append_scan_and_travel() {
    let (catalog, name) = namespace().await;
    let table = catalog.create_table(&name, named("t")).await.unwrap();
    let one = append(&catalog, &table, 0..10).await;
    let first = one.metadata().current_snapshot().unwrap().snapshot_id();
    let two = append(&catalog, &one, 10..15).await;
    let loaded = catalog.load_table(two.identifier()).await.unwrap();
    assert_eq!(loaded.metadata(), two.metadata());
    assert_eq!(ids(&loaded, None).await, (0..15).collect::<Vec<_>>());
    assert_eq!(ids(&loaded, Some(first)).await, (0..10).collect::<Vec<_>>());
    let current = loaded.metadata().current_snapshot().unwrap();
    assert_eq!((current.parent_snapshot_id(), current.sequence_number()), (Some(first), 2));
    assert_eq!(loaded.metadata().history().len(), 2);
    remove(&catalog, &name).await;
}

#[tokio::test]
async fn append_from_a_stale_table_is_retried() {
    let (catalog, name) = namespace().await;
    let stale = catalog.create_table(&name, named("t")).await.unwrap();
    append(&catalog, &stale, 0..2).await;
    let merged = append(&catalog, &stale, 2..4).await;
    assert_eq!(ids(&merged, None).await, vec![0, 1, 2, 3]);
    remove(&catalog, &name).await;
}

#[tokio::test]
async fn format_version_3() {
    let (catalog, name) = namespace().await;
    let creation = TableCreation::builder()
        .name("t".to_string())
        .schema(schema())
        .format_version(FormatVersion::V3)
        .properties([("format-version".to_string(), "3".to_string())])
        .build();
    let table = catalog.create_table(&name, creation).await.unwrap();
    assert_eq!(table.metadata().format_version(), FormatVersion::V3);
    let table = append(&catalog, &table, 0..4).await;
    let table = append(&catalog, &table, 4..6).await;
    assert_eq!(table.metadata().next_row_id(), 6);
    assert_eq!(table.metadata().current_snapshot().unwrap().first_row_id(), Some(4));
    assert_eq!(ids(&table, None).await, (0..6).collect::<Vec<_>>());
    remove(&catalog, &name).await;
}

#[tokio::test]
async fn update_and_remove_properties() {
    let (catalog, name) = namespace().await;
    let table = catalog.create_table(&name, named("t")).await.unwrap();
    let transaction = Transaction::new(&table);
    let action = transaction.update_table_properties().set("a".into(), "1".into()).set("b".into(), "2".into());
    let table = action.apply(transaction).unwrap().commit(&catalog).await.unwrap();
    assert_eq!(table.metadata().properties().get("a").unwrap(), "1");
    let transaction = Transaction::new(&table);
    let action = transaction.update_table_properties().remove("a".into());
    let table = action.apply(transaction).unwrap().commit(&catalog).await.unwrap();
    assert!(!table.metadata().properties().contains_key("a"));
    assert_eq!(table.metadata().properties().get("b").unwrap(), "2");
    remove(&catalog, &name).await;
}

#[tokio::test]
async fn columns_sort_order_and_upgrade() {
    let (catalog, name) = namespace().await;
    let table = catalog.create_table(&name, named("t")).await.unwrap();
    let table = append(&catalog, &table, 0..3).await;
    let transaction = Transaction::new(&table);
    let column = AddColumn::optional("age", Type::Primitive(PrimitiveType::Int));
    let action = transaction.update_schema().add_column(column).delete_column("name");
    let table = action.apply(transaction).unwrap().commit(&catalog).await.unwrap();
    let fields: Vec<_> = table.metadata().current_schema().as_struct().fields().to_vec();
    let told: Vec<_> = fields.iter().map(|f| (f.id, f.name.as_str())).collect();
    assert_eq!(told, vec![(1, "id"), (3, "age")]);
    let transaction = Transaction::new(&table);
    let action = transaction.replace_sort_order().asc("age", NullOrder::First);
    let table = action.apply(transaction).unwrap().commit(&catalog).await.unwrap();
    assert_eq!(table.metadata().default_sort_order().fields[0].source_id, 3);
    let transaction = Transaction::new(&table);
    let action = transaction.upgrade_table_version().set_format_version(FormatVersion::V3);
    let table = action.apply(transaction).unwrap().commit(&catalog).await.unwrap();
    assert_eq!(table.metadata().format_version(), FormatVersion::V3);
    assert_eq!(ids(&table, None).await, vec![0, 1, 2]);
    remove(&catalog, &name).await;
}

#[tokio::test]
async fn expire_snapshots() {
    let (catalog, name) = namespace().await;
    let mut table = catalog.create_table(&name, named("t")).await.unwrap();
    for first in 0..3 {
        table = append(&catalog, &table, first..first + 1).await;
    }
    let transaction = Transaction::new(&table);
    let action = transaction.expire_snapshots().expire_older_than_ms(i64::MAX / 2).retain_last(1);
    let table = action.apply(transaction).unwrap().commit(&catalog).await.unwrap();
    assert_eq!(table.metadata().snapshots().count(), 1);
    assert_eq!(ids(&table, None).await, vec![0, 1, 2]);
    let loaded = catalog.load_table(table.identifier()).await.unwrap();
    assert_eq!(loaded.metadata().snapshots().count(), 1);
    remove(&catalog, &name).await;
}
