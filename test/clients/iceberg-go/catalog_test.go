// Package icecat runs iceberg-go against a catalog that is up, given by ICECAT_URL and ICECAT_WAREHOUSE.
// Every test works in a namespace of its own and removes it.
//
// SPDX-License-Identifier: PostgreSQL
package icecat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/catalog/rest"
	_ "github.com/apache/iceberg-go/io/gocloud/s3"
	"github.com/apache/iceberg-go/table"
)

var ctx = context.Background()

var peopleSchema = iceberg.NewSchema(0,
	iceberg.NestedField{ID: 1, Name: "id", Type: iceberg.PrimitiveTypes.Int64, Required: true},
	iceberg.NestedField{ID: 2, Name: "name", Type: iceberg.PrimitiveTypes.String},
)

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

// must fails the test on an error and returns the value otherwise.
func must[T any](t *testing.T) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		ok(t, err)
		return value
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, what string, found, expected T) {
	t.Helper()
	if f, e := fmt.Sprint(found), fmt.Sprint(expected); f != e {
		t.Fatalf("%s: expected %s, found %s", what, e, f)
	}
}

func connect(t *testing.T) *rest.Catalog {
	t.Helper()
	options := []rest.Option{rest.WithWarehouseLocation(env("ICECAT_WAREHOUSE", "demo"))}
	if credential := env("ICECAT_CREDENTIAL", ""); credential != "" {
		options = append(options, rest.WithCredential(credential))
	}
	if file := env("ICECAT_S3_FILE", ""); file != "" {
		props := iceberg.Properties{"header.X-Iceberg-Access-Delegation": "vended-credentials"}
		if env("ICECAT_S3_HOW", "keys") == "keys" {
			text := must[[]byte](t)(os.ReadFile(file))
			ok(t, json.Unmarshal(text, &props))
		}
		options = append(options, rest.WithAdditionalProps(props))
	}
	c := must[*rest.Catalog](t)(rest.NewCatalog(ctx, "icecat", env("ICECAT_URL", "http://127.0.0.1:8181"), options...))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// setup returns a catalog and a namespace that is removed, with its tables, at the end of the test.
func setup(t *testing.T) (*rest.Catalog, table.Identifier) {
	t.Helper()
	c := connect(t)
	ns := table.Identifier{fmt.Sprintf("go_%x", rand.Uint64())}
	ok(t, c.CreateNamespace(ctx, ns, nil))
	t.Cleanup(func() {
		for ident, err := range c.ListTables(ctx, ns) {
			if err == nil {
				_ = c.DropTable(ctx, ident)
			}
		}
		_ = c.DropNamespace(ctx, ns)
	})
	return c, ns
}

func in(ns table.Identifier, name string) table.Identifier {
	return append(slices.Clone(ns), name)
}

func people(t *testing.T, c *rest.Catalog, ident table.Identifier, opts ...catalog.CreateTableOpt) *table.Table {
	t.Helper()
	return must[*table.Table](t)(c.CreateTable(ctx, ident, peopleSchema, opts...))
}

// rows is an Arrow table of the ids first … first+count-1.
func rows(first, count int64) arrow.Table {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := first; i < first+count; i++ {
		b.Field(0).(*array.Int64Builder).Append(i)
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("n%d", i))
	}
	return array.NewTableFromRecords(schema, []arrow.RecordBatch{b.NewRecordBatch()})
}

func appendRows(t *testing.T, tbl *table.Table, first, count int64) *table.Table {
	t.Helper()
	return must[*table.Table](t)(tbl.AppendTable(ctx, rows(first, count), 1000, nil))
}

// ids reads a scan and returns the sorted ids.
func ids(t *testing.T, scan *table.Scan) []int64 {
	t.Helper()
	read := must[arrow.Table](t)(scan.ToArrowTable(ctx))
	defer read.Release()
	var found []int64
	for _, chunk := range read.Column(read.Schema().FieldIndices("id")[0]).Data().Chunks() {
		found = append(found, chunk.(*array.Int64).Int64Values()...)
	}
	slices.Sort(found)
	return found
}

func load(t *testing.T, c *rest.Catalog, ident table.Identifier) *table.Table {
	t.Helper()
	return must[*table.Table](t)(c.LoadTable(ctx, ident))
}

func tableNames(t *testing.T, c *rest.Catalog, ns table.Identifier) []string {
	t.Helper()
	var names []string
	for ident, err := range c.ListTables(ctx, ns) {
		ok(t, err)
		names = append(names, ident[len(ident)-1])
	}
	slices.Sort(names)
	return names
}

func TestNamespaces(t *testing.T) {
	c, ns := setup(t)
	child := in(ns, "with space/and slash")
	ok(t, c.CreateNamespace(ctx, child, iceberg.Properties{"owner": "go"}))
	props := must[iceberg.Properties](t)(c.LoadNamespaceProperties(ctx, child))
	equal(t, "owner", props["owner"], "go")
	listed := must[[]table.Identifier](t)(c.ListNamespaces(ctx, ns))
	equal(t, "children", len(listed), 1)
	equal(t, "child", listed[0][len(listed[0])-1], child[1])
	summary := must[catalog.PropertiesUpdateSummary](t)(c.UpdateNamespaceProperties(ctx, child,
		[]string{"owner", "absent"}, iceberg.Properties{"new": "1"}))
	equal(t, "summary", summary, catalog.PropertiesUpdateSummary{
		Removed: []string{"owner"}, Updated: []string{"new"}, Missing: []string{"absent"}})
	if err := c.CreateNamespace(ctx, child, nil); !errors.Is(err, catalog.ErrNamespaceAlreadyExists) {
		t.Fatalf("creating it twice: %v", err)
	}
	ok(t, c.DropNamespace(ctx, child))
	equal(t, "exists after drop", must[bool](t)(c.CheckNamespaceExists(ctx, child)), false)
	if err := c.DropNamespace(ctx, child); !errors.Is(err, catalog.ErrNoSuchNamespace) {
		t.Fatalf("dropping it twice: %v", err)
	}
}

func TestCreateAppendRead(t *testing.T) {
	c, ns := setup(t)
	tbl := people(t, c, in(ns, "t"), catalog.WithProperties(iceberg.Properties{"note": "go"}))
	tbl = appendRows(t, tbl, 1, 3)
	tbl = appendRows(t, tbl, 4, 2)
	loaded := load(t, c, in(ns, "t"))
	equal(t, "ids", ids(t, loaded.Scan()), []int64{1, 2, 3, 4, 5})
	equal(t, "snapshots", len(loaded.Metadata().Snapshots()), 2)
	equal(t, "property", loaded.Properties()["note"], "go")
	equal(t, "location", loaded.MetadataLocation(), tbl.MetadataLocation())
	filtered := loaded.Scan(table.WithRowFilter(iceberg.GreaterThan(iceberg.Reference("id"), int64(3))))
	equal(t, "filtered ids", ids(t, filtered), []int64{4, 5})
	first := loaded.Metadata().Snapshots()[0].SnapshotID
	equal(t, "ids of the first snapshot", ids(t, loaded.Scan(table.WithSnapshotID(first))), []int64{1, 2, 3})
}

func TestFormatVersions(t *testing.T) {
	c, ns := setup(t)
	for _, version := range []string{"1", "2", "3"} {
		tbl := people(t, c, in(ns, "v"+version), catalog.WithProperties(iceberg.Properties{"format-version": version}))
		appendRows(t, tbl, 1, 3)
		appendRows(t, load(t, c, in(ns, "v"+version)), 4, 1)
		loaded := load(t, c, in(ns, "v"+version))
		equal(t, "format version", fmt.Sprint(loaded.Metadata().Version()), version)
		equal(t, "ids", ids(t, loaded.Scan()), []int64{1, 2, 3, 4})
	}
	equal(t, "next row id", load(t, c, in(ns, "v3")).Metadata().NextRowID(), int64(4))
}

func TestOverwriteAndDelete(t *testing.T) {
	c, ns := setup(t)
	tbl := appendRows(t, people(t, c, in(ns, "t")), 1, 5)
	tbl = must[*table.Table](t)(tbl.Delete(ctx, iceberg.LessThan(iceberg.Reference("id"), int64(3)), nil))
	equal(t, "ids after delete", ids(t, load(t, c, in(ns, "t")).Scan()), []int64{3, 4, 5})
	must[*table.Table](t)(tbl.OverwriteTable(ctx, rows(10, 2), 1000, nil))
	equal(t, "ids after overwrite", ids(t, load(t, c, in(ns, "t")).Scan()), []int64{10, 11})
}

func TestSchemaEvolution(t *testing.T) {
	c, ns := setup(t)
	tbl := appendRows(t, people(t, c, in(ns, "t")), 1, 2)
	tx := tbl.NewTransaction()
	ok(t, tx.UpdateSchema(true, false).
		AddColumn([]string{"extra"}, iceberg.PrimitiveTypes.Int32, "why", false, nil).
		RenameColumn([]string{"name"}, "label").
		Commit())
	must[*table.Table](t)(tx.Commit(ctx))
	tx = load(t, c, in(ns, "t")).NewTransaction()
	ok(t, tx.UpdateSchema(true, false).
		UpdateColumn([]string{"extra"}, table.ColumnUpdate{FieldType: iceberg.Optional[iceberg.Type]{
			Val: iceberg.PrimitiveTypes.Int64, Valid: true}}).
		Commit())
	must[*table.Table](t)(tx.Commit(ctx))
	loaded := load(t, c, in(ns, "t"))
	var names []string
	for _, f := range loaded.Schema().Fields() {
		names = append(names, f.Name+" "+f.Type.String())
	}
	equal(t, "columns", strings.Join(names, ", "), "id long, label string, extra long")
	equal(t, "schemas", len(loaded.Schemas()), 3)
	equal(t, "ids", ids(t, loaded.Scan()), []int64{1, 2})
}

func TestPartitionEvolution(t *testing.T) {
	c, ns := setup(t)
	spec := iceberg.NewPartitionSpec(iceberg.PartitionField{
		SourceIDs: []int{1}, FieldID: 1000, Name: "id_bucket", Transform: iceberg.BucketTransform{NumBuckets: 4}})
	tbl := appendRows(t, people(t, c, in(ns, "t"), catalog.WithPartitionSpec(&spec)), 1, 8)
	tx := tbl.NewTransaction()
	ok(t, tx.UpdateSpec(true).RemoveField("id_bucket").AddIdentity("name").Commit())
	must[*table.Table](t)(tx.Commit(ctx))
	appendRows(t, load(t, c, in(ns, "t")), 9, 2)
	loaded := load(t, c, in(ns, "t"))
	equal(t, "partition specs", len(loaded.Metadata().PartitionSpecs()), 2)
	equal(t, "ids", len(ids(t, loaded.Scan())), 10)
}

func TestBranchesAndTags(t *testing.T) {
	c, ns := setup(t)
	tbl := appendRows(t, people(t, c, in(ns, "t")), 1, 2)
	first := tbl.CurrentSnapshot().SnapshotID
	must2 := func(_ table.Metadata, _ string, err error) { t.Helper(); ok(t, err) }
	must2(c.CommitTable(ctx, in(ns, "t"),
		[]table.Requirement{table.AssertTableUUID(tbl.Metadata().TableUUID()), table.AssertRefSnapshotID("v1", nil)},
		[]table.Update{
			table.NewSetSnapshotRefUpdate("v1", first, table.TagRef, 1000, 0, 0),
			table.NewSetSnapshotRefUpdate("dev", first, table.BranchRef, 2000, 3000, 4),
		}))
	tx := load(t, c, in(ns, "t")).NewTransactionOnBranch("dev")
	ok(t, tx.AppendTable(ctx, rows(10, 1), 1000, nil))
	must[*table.Table](t)(tx.Commit(ctx))
	loaded := load(t, c, in(ns, "t"))
	equal(t, "ids of main", ids(t, loaded.Scan()), []int64{1, 2})
	equal(t, "ids of dev", ids(t, must[*table.Scan](t)(loaded.Scan().UseRef("dev"))), []int64{1, 2, 10})
	equal(t, "ids of v1", ids(t, must[*table.Scan](t)(loaded.Scan().UseRef("v1"))), []int64{1, 2})
	_, _, err := c.CommitTable(ctx, in(ns, "t"),
		[]table.Requirement{table.AssertRefSnapshotID("v1", nil)},
		[]table.Update{table.NewRemoveSnapshotRefUpdate("dev")})
	if !errors.Is(err, rest.ErrCommitFailed) {
		t.Fatalf("a tag that must not exist, but does: %v", err)
	}
	must2(c.CommitTable(ctx, in(ns, "t"), nil, []table.Update{
		table.NewRemoveSnapshotRefUpdate("dev"), table.NewRemoveSnapshotRefUpdate("v1")}))
	refs := maps.Collect(load(t, c, in(ns, "t")).Metadata().Refs())
	equal(t, "refs left", slices.Collect(maps.Keys(refs)), []string{"main"})
}

func TestProperties(t *testing.T) {
	c, ns := setup(t)
	tx := people(t, c, in(ns, "t")).NewTransaction()
	ok(t, tx.SetProperties(iceberg.Properties{"a": "1", "b": "2"}))
	ok(t, tx.RemoveProperties([]string{"a"}))
	must[*table.Table](t)(tx.Commit(ctx))
	props := load(t, c, in(ns, "t")).Properties()
	equal(t, "b", props["b"], "2")
	if _, there := props["a"]; there {
		t.Fatal("a is still there")
	}
}

func TestStaleWriterIsRefused(t *testing.T) {
	c, ns := setup(t)
	stale := people(t, c, in(ns, "t"), catalog.WithProperties(iceberg.Properties{"commit.retry.num-retries": "0"}))
	appendRows(t, load(t, c, in(ns, "t")), 1, 1)
	_, _, err := c.CommitTable(ctx, in(ns, "t"),
		[]table.Requirement{table.AssertRefSnapshotID("main", nil)},
		[]table.Update{table.NewSetPropertiesUpdate(iceberg.Properties{"late": "yes"})})
	if !errors.Is(err, rest.ErrCommitFailed) {
		t.Fatalf("expected %v, found %v", rest.ErrCommitFailed, err)
	}
	equal(t, "stale table's location", stale.Location(), load(t, c, in(ns, "t")).Location())
	equal(t, "late", load(t, c, in(ns, "t")).Properties()["late"], "")
}

func TestTwoTablesInOneTransaction(t *testing.T) {
	c, ns := setup(t)
	var commits []table.TableCommit
	for _, name := range []string{"left", "right"} {
		tx := people(t, c, in(ns, name)).NewTransaction()
		ok(t, tx.SetProperties(iceberg.Properties{"together": "yes"}))
		commits = append(commits, must[table.TableCommit](t)(tx.TableCommit()))
	}
	ok(t, c.CommitTransaction(ctx, commits))
	for _, name := range []string{"left", "right"} {
		equal(t, name, load(t, c, in(ns, name)).Properties()["together"], "yes")
	}
}

func TestRenameDropPurgeRegister(t *testing.T) {
	c, ns := setup(t)
	tbl := appendRows(t, people(t, c, in(ns, "t")), 1, 3)
	renamed := must[*table.Table](t)(c.RenameTable(ctx, in(ns, "t"), in(ns, "renamed")))
	equal(t, "uuid", renamed.Metadata().TableUUID(), tbl.Metadata().TableUUID())
	equal(t, "tables", tableNames(t, c, ns), []string{"renamed"})
	location := renamed.MetadataLocation()
	ok(t, c.DropTable(ctx, in(ns, "renamed")))
	if _, err := c.LoadTable(ctx, in(ns, "renamed")); !errors.Is(err, catalog.ErrNoSuchTable) {
		t.Fatalf("loading a dropped table: %v", err)
	}
	registered := must[*table.Table](t)(c.RegisterTable(ctx, in(ns, "again"), location))
	equal(t, "ids", ids(t, registered.Scan()), []int64{1, 2, 3})
	ok(t, c.PurgeTable(ctx, in(ns, "again")))
	equal(t, "exists after purge", must[bool](t)(c.CheckTableExists(ctx, in(ns, "again"))), false)
	equal(t, "tables", len(tableNames(t, c, ns)), 0)
}

func TestCreateTwiceIsRefused(t *testing.T) {
	c, ns := setup(t)
	people(t, c, in(ns, "t"))
	if _, err := c.CreateTable(ctx, in(ns, "t"), peopleSchema); !errors.Is(err, catalog.ErrTableAlreadyExists) {
		t.Fatalf("expected %v, found %v", catalog.ErrTableAlreadyExists, err)
	}
	missing := table.Identifier{"missing_" + ns[0], "t"}
	if _, err := c.CreateTable(ctx, missing, peopleSchema); !errors.Is(err, catalog.ErrNoSuchNamespace) {
		t.Fatalf("expected %v, found %v", catalog.ErrNoSuchNamespace, err)
	}
}
