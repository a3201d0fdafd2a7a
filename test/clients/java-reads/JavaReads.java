/*
 * JavaReads.java
 *		Iceberg's Java library reads every metadata document that the cases of test/data give.
 *
 *   JavaReads FOLDER REFUSED [WAREHOUSE]
 *
 * FOLDER has documents as table+FOLDER+CASE.json and view+FOLDER+CASE.json. Each is read, written by Java, and read
 * again. REFUSED lists the cases that Java refuses, with the reason why the catalog takes them; one that Java reads
 * does not belong there. Below WAREHOUSE all metadata files, which other suites left there, are read likewise. Ends
 * with "N passed, N failed".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.view.ViewMetadataParser;

public class JavaReads {
  private static int passed = 0;
  private static int failed = 0;

  /** Reads a document, and what Java makes of it. Snapshots are read as a table scan would. */
  private static void read(String json) {
    if (json.contains("\"view-uuid\"")) {
      ViewMetadataParser.fromJson(ViewMetadataParser.toJson(ViewMetadataParser.fromJson(json)));
      return;
    }
    TableMetadata table = TableMetadataParser.fromJson(json);
    table.snapshots().forEach(snapshot -> table.schemasById().get(snapshot.schemaId()));
    TableMetadataParser.fromJson(TableMetadataParser.toJson(table));
  }

  /** The first word of each line that is no comment. */
  private static Set<String> firstWords(Path file) throws Exception {
    return Files.readAllLines(file).stream()
        .filter(line -> !line.isBlank() && !line.startsWith("#"))
        .map(line -> line.split("\\s+")[0])
        .collect(Collectors.toCollection(HashSet::new));
  }

  private static String text(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      InputStream plain = file.toString().endsWith(".gz.metadata.json") ? new GZIPInputStream(in) : in;
      return new String(plain.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Null: Java reads it; otherwise what it says. */
  private static String refusal(Path file) throws IOException {
    try {
      read(text(file));
      return null;
    } catch (RuntimeException e) {
      return e.toString();
    }
  }

  private static void judge(String name, String refusal, boolean expected) {
    if (expected == (refusal != null)) {
      passed++;
      return;
    }
    failed++;
    System.out.println("FAILED " + name + ": " + (refusal != null ? refusal : "Java reads it"));
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(path -> path.toString().endsWith(".json")).sorted().collect(Collectors.toList());
    }
  }

  public static void main(String[] args) throws Exception {
    Set<String> refused = firstWords(Path.of(args[1]));
    for (Path file : files(Path.of(args[0]))) {
      String name = file.getFileName().toString().replaceFirst("^\\w+\\+", "").replaceFirst("\\.json$", "");
      name = name.replace('+', '/');
      judge(name, refusal(file), refused.remove(name));
    }
    for (String name : refused) {
      judge(name, null, true);
    }
    if (args.length > 2) {
      for (Path file : files(Path.of(args[2]))) {
        if (file.toString().endsWith(".metadata.json")) {
          judge(file.toString(), refusal(file), false);
        }
      }
    }
    System.out.println(passed + " passed, " + failed + " failed");
    System.exit(failed == 0 && passed > 0 ? 0 : 1);
  }
}
