/*
 * JdbcClient.java
 *		Iceberg's JdbcCatalog at work, for test_sql_catalog.py.
 *
 *   JdbcClient operations NAMESPACE      every kind of call; prints "ok NAME" for each that did what it says
 *   JdbcClient append NAMESPACE TABLE    appends the data files named on stdin ("PATH BYTES ROWS"), one commit each;
 *                                        prints "appended PATH" when the commit was acknowledged
 *
 * The catalog is given by the environment: JDBC_URI, JDBC_USER, JDBC_PASSWORD, CATALOG, WAREHOUSE.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.NamespaceNotEmptyException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.types.Types;

public class JdbcClient {
  private static final Schema SCHEMA =
      new Schema(
          Types.NestedField.required(1, "id", Types.LongType.get()),
          Types.NestedField.optional(2, "name", Types.StringType.get()));

  interface Check {
    boolean run() throws Exception;
  }

  private static JdbcCatalog connect() {
    Map<String, String> env = System.getenv();
    JdbcCatalog catalog = new JdbcCatalog();
    catalog.setConf(new Configuration());
    catalog.initialize(
        env.get("CATALOG"),
        Map.of(
            "uri", env.get("JDBC_URI"),
            "jdbc.user", env.get("JDBC_USER"),
            "jdbc.password", env.get("JDBC_PASSWORD"),
            "warehouse", env.get("WAREHOUSE")));
    return catalog;
  }

  private static void check(String name, Check check) {
    String result;
    try {
      result = check.run() ? "ok" : "FAILED";
    } catch (Exception e) {
      e.printStackTrace();
      result = "FAILED";
    }
    System.out.println(result + " " + name);
  }

  private static boolean raises(Class<? extends Exception> type, Check check) throws Exception {
    try {
      check.run();
    } catch (Exception e) {
      if (type.isInstance(e)) {
        return true;
      }
      throw e;
    }
    return false;
  }

  private static boolean done(Runnable work) {
    work.run();
    return true;
  }

  private static void namespaces(JdbcCatalog catalog, Namespace top) {
    Namespace inner = Namespace.of(top.level(0), "inner");
    check("create-namespace", () -> done(() -> catalog.createNamespace(top, Map.of("owner", "ann"))));
    check("create-namespace-again",
        () -> raises(AlreadyExistsException.class, () -> done(() -> catalog.createNamespace(top))));
    check("create-nested-namespace", () -> done(() -> catalog.createNamespace(inner)));
    check("list-namespaces", () -> catalog.listNamespaces().contains(top));
    check("list-nested-namespaces", () -> catalog.listNamespaces(top).equals(List.of(inner)));
    check("load-namespace", () -> "ann".equals(catalog.loadNamespaceMetadata(top).get("owner")));
    check("set-properties",
        () -> catalog.setProperties(top, Map.of("owner", "bob", "color", "red"))
            && "bob".equals(catalog.loadNamespaceMetadata(top).get("owner"))
            && "red".equals(catalog.loadNamespaceMetadata(top).get("color")));
    check("remove-properties",
        () -> catalog.removeProperties(top, Set.of("color", "nothing"))
            && !catalog.loadNamespaceMetadata(top).containsKey("color"));
    check("drop-namespace-not-empty",
        () -> raises(NamespaceNotEmptyException.class, () -> catalog.dropNamespace(top)));
    check("drop-namespace", () -> catalog.dropNamespace(inner) && !catalog.namespaceExists(inner));
    check("drop-namespace-again", () -> !catalog.dropNamespace(inner));
  }

  private static void tables(JdbcCatalog catalog, Namespace namespace) {
    TableIdentifier name = TableIdentifier.of(namespace, "made_by_java");
    TableIdentifier renamed = TableIdentifier.of(namespace, "renamed");
    TableIdentifier implied = TableIdentifier.of(Namespace.of(namespace.level(0), "implied"), "t");
    check("create-table", () -> catalog.createTable(name, SCHEMA) != null);
    check("create-table-again",
        () -> raises(AlreadyExistsException.class, () -> catalog.createTable(name, SCHEMA) != null));
    check("list-tables", () -> catalog.listTables(namespace).equals(List.of(name)));
    check("evolve-schema",
        () -> done(() -> catalog.loadTable(name).updateSchema()
            .addColumn("amount", Types.DoubleType.get()).commit())
            && catalog.loadTable(name).schema().findField("amount") != null);
    check("evolve-spec",
        () -> done(() -> catalog.loadTable(name).updateSpec().addField("id").commit())
            && catalog.loadTable(name).spec().isPartitioned());
    check("set-table-properties",
        () -> done(() -> catalog.loadTable(name).updateProperties().set("k", "v").commit())
            && "v".equals(catalog.loadTable(name).properties().get("k")));
    check("retry-after-conflict", () -> {
      Table first = catalog.loadTable(name);
      Table second = catalog.loadTable(name);
      first.updateProperties().set("by", "first").commit();
      second.updateProperties().set("and", "second").commit();
      return "first".equals(catalog.loadTable(name).properties().get("by"));
    });
    check("stale-commit-is-refused", () -> {
      catalog.loadTable(name).updateProperties().set("commit.retry.num-retries", "0").commit();
      Transaction stale = catalog.loadTable(name).newTransaction();
      catalog.loadTable(name).updateSchema().addColumn("late", Types.LongType.get()).commit();
      stale.updateSchema().addColumn("stale", Types.LongType.get()).commit();
      return raises(CommitFailedException.class, () -> done(stale::commitTransaction));
    });
    check("upgrade-format",
        () -> done(() -> catalog.loadTable(name).updateProperties().set("format-version", "3").commit()));
    check("replace-table",
        () -> done(() -> catalog.newReplaceTableTransaction(name, SCHEMA, true).commitTransaction())
            && catalog.loadTable(name).schema().columns().size() == SCHEMA.columns().size());
    check("rename-table", () -> done(() -> catalog.renameTable(name, renamed)) && catalog.tableExists(renamed));
    check("rename-table-that-is-gone",
        () -> raises(NoSuchTableException.class, () -> done(() -> catalog.renameTable(name, renamed))));
    check("create-in-implied-namespace",
        () -> catalog.createTable(implied, SCHEMA) != null && catalog.namespaceExists(implied.namespace()));
    check("register-table", () -> {
      String location = ((org.apache.iceberg.HasTableOperations) catalog.loadTable(renamed))
          .operations().current().metadataFileLocation();
      catalog.dropTable(renamed, false);
      return catalog.registerTable(renamed, location) != null && catalog.tableExists(renamed);
    });
    check("drop-table", () -> catalog.dropTable(renamed, true) && catalog.dropTable(implied, true));
    check("drop-table-again", () -> !catalog.dropTable(renamed, false));
    check("drop-last-namespaces",
        () -> catalog.dropNamespace(implied.namespace()) && catalog.dropNamespace(namespace));
  }

  private static void views(JdbcCatalog catalog, Namespace namespace) {
    TableIdentifier name = TableIdentifier.of(namespace, "view_by_java");
    TableIdentifier renamed = TableIdentifier.of(namespace, "view_renamed");
    check("create-view",
        () -> catalog.buildView(name).withSchema(SCHEMA).withDefaultNamespace(namespace)
            .withQuery("spark", "SELECT 1").create() != null);
    check("list-views", () -> catalog.listViews(namespace).equals(List.of(name))
        && catalog.listTables(namespace).isEmpty());
    check("table-of-a-views-name",
        () -> raises(AlreadyExistsException.class, () -> catalog.createTable(name, SCHEMA) != null));
    check("replace-view",
        () -> catalog.loadView(name).replaceVersion().withSchema(SCHEMA).withDefaultNamespace(namespace)
            .withQuery("spark", "SELECT 2").apply() != null
            && catalog.buildView(name).withSchema(SCHEMA).withDefaultNamespace(namespace)
                .withQuery("spark", "SELECT 2").replace().currentVersion().versionId() == 2
            && catalog.loadView(name).sqlFor("spark").sql().equals("SELECT 2"));
    check("set-view-properties",
        () -> done(() -> catalog.loadView(name).updateProperties().set("k", "v").commit())
            && "v".equals(catalog.loadView(name).properties().get("k")));
    check("rename-view", () -> done(() -> catalog.renameView(name, renamed)) && catalog.viewExists(renamed));
    check("drop-view", () -> catalog.dropView(renamed) && !catalog.dropView(renamed));
  }

  private static void append(JdbcCatalog catalog, TableIdentifier name) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    Table table = catalog.loadTable(name);
    System.out.println("ready");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] file = line.split(" ");
      table.newAppend()
          .appendFile(DataFiles.builder(table.spec())
              .withPath(file[0])
              .withFileSizeInBytes(Long.parseLong(file[1]))
              .withRecordCount(Long.parseLong(file[2]))
              .build())
          .commit();
      System.out.println("appended " + file[0]);
    }
  }

  public static void main(String[] arguments) throws Exception {
    Namespace namespace = Namespace.of(arguments[1]);
    try (JdbcCatalog catalog = connect()) {
      if (arguments[0].equals("append")) {
        append(catalog, TableIdentifier.of(namespace, arguments[2]));
        return;
      }
      namespaces(catalog, namespace);
      views(catalog, namespace);
      tables(catalog, namespace);
    }
  }
}
