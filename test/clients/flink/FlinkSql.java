// FlinkSql: Flink's SQL for the suite beside it. Reads one command a line from standard input and answers one line of JSON.
//
//   sql STATEMENT      waits for it, and answers {"rows": [[…], …]} or {"error": "…"}; what writes answers no rows
//   mode batch|stream  the next statements run in a new environment of this mode; catalogs are to be made again
//   take N SELECT …    the first N rows of a query that need not end; then it is cancelled
//   set KEY=VALUE      an option of the present environment
//
// Values are numbers, booleans, null, or the text that Flink prints of them. It ends with its standard input.
//
// SPDX-License-Identifier: PostgreSQL

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

public class FlinkSql {
    private static final long LIMIT_S = 120;
    private static TableEnvironment environment;

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);    // what libraries print is no answer
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = commands.readLine()) != null; ) {
            String answer;
            try {
                String[] command = line.split(" ", 2);
                answer = "{\"rows\":" + run(command[0], command[1]) + "}";
            } catch (Throwable error) {
                answer = "{\"error\":" + text(causes(error)) + "}";
            }
            answers.println(answer);
        }
    }

    private static String run(String verb, String rest) throws Exception {
        switch (verb) {
            case "mode":
                EnvironmentSettings.Builder settings = EnvironmentSettings.newInstance();
                environment = TableEnvironment.create(
                        (rest.equals("batch") ? settings.inBatchMode() : settings.inStreamingMode()).build());
                return "[]";
            case "set":
                String[] option = rest.split("=", 2);
                environment.getConfig().set(option[0], option[1]);
                return "[]";
            case "take":
                String[] query = rest.split(" ", 2);
                return rows(environment.executeSql(query[1]), Integer.parseInt(query[0]));
            case "sql":
                TableResult result = environment.executeSql(rest);
                boolean writes = result.getJobClient().isPresent() && !rest.startsWith("SELECT");
                if (!writes) {
                    return rows(result, Integer.MAX_VALUE);
                }
                finish(result);
                return "[]";
            default:
                throw new IllegalArgumentException(verb);
        }
    }

    private static void finish(TableResult written) throws Exception {
        try {
            written.await(LIMIT_S, TimeUnit.SECONDS);
        } catch (TimeoutException late) {
            written.getJobClient().get().cancel().get();
            throw late;
        }
    }

    private static String rows(TableResult result, int limit) throws Exception {
        List<String> rows = new ArrayList<>();
        try (CloseableIterator<Row> found = result.collect()) {
            while (rows.size() < limit && found.hasNext()) {
                Row row = found.next();
                List<String> values = new ArrayList<>();
                for (int i = 0; i < row.getArity(); i++) {
                    values.add(value(row.getField(i)));
                }
                rows.add("[" + String.join(",", values) + "]");
            }
        }
        return "[" + String.join(",", rows) + "]";
    }

    private static String value(Object value) {
        boolean plain = value == null || value instanceof Number || value instanceof Boolean;
        return plain ? String.valueOf(value) : text(value.toString());
    }

    private static String text(String value) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    private static String causes(Throwable error) {
        StringBuilder told = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            told.append(cause.getClass().getSimpleName()).append(": ").append(cause.getMessage()).append('\n');
        }
        return told.toString();
    }
}
