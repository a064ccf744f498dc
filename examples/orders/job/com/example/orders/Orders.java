package com.example.orders;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Makes up orders, scores each with the UDF, and writes those at risk to a sink.
 *
 * <pre>
 * --rows N          how many orders; 0: without end (default 1000)
 * --threshold N     the score from which an order is at risk (default 60)
 * --sink print | kafka | jdbc | filesystem       (default print)
 * --brokers HOST:PORT --topic NAME               kafka
 * --url JDBC-URL --table NAME                    jdbc
 * --path URI                                     filesystem: s3://bucket/orders, oss://...
 * </pre>
 */
public final class Orders {

    private Orders() {}

    public static void main(String[] args) throws Exception {
        Map<String, String> options = options(args);
        TableEnvironment tables =
                TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().build());
        tables.executeSql(
                "CREATE TEMPORARY SYSTEM FUNCTION risk_score AS 'com.example.risk.RiskScore'");
        tables.executeSql(orders(Long.parseLong(options.getOrDefault("rows", "1000"))));
        tables.executeSql("CREATE TABLE at_risk (id BIGINT, amount DOUBLE, risk INT) WITH (" + sink(options) + ")");
        tables.executeSql(
                        "INSERT INTO at_risk SELECT id, amount, risk FROM ("
                                + "SELECT id, amount, risk_score(amount, country) AS risk FROM orders) AS scored "
                                + "WHERE risk >= "
                                + Integer.parseInt(options.getOrDefault("threshold", "60")))
                .await();
    }

    private static String orders(long rows) {
        String bound = rows == 0 ? "" : ", 'number-of-rows' = '" + rows + "'";
        return "CREATE TABLE orders (id BIGINT, amount DOUBLE, country STRING) WITH ("
                + "'connector' = 'datagen', 'rows-per-second' = '1000', 'fields.id.min' = '1',"
                + " 'fields.amount.min' = '1', 'fields.amount.max' = '2000', 'fields.country.length' = '2'"
                + bound
                + ")";
    }

    private static String sink(Map<String, String> options) {
        String sink = options.getOrDefault("sink", "print");
        switch (sink) {
            case "print":
                return "'connector' = 'print'";
            case "kafka":
                return "'connector' = 'kafka', 'format' = 'json', 'properties.bootstrap.servers' = "
                        + quoted(options, "brokers")
                        + ", 'topic' = "
                        + quoted(options, "topic");
            case "jdbc":
                return "'connector' = 'jdbc', 'url' = " + quoted(options, "url") + ", 'table-name' = " + quoted(options, "table");
            case "filesystem":
                return "'connector' = 'filesystem', 'format' = 'json', 'path' = " + quoted(options, "path");
            default:
                throw new IllegalArgumentException("--sink " + sink + ": print, kafka, jdbc or filesystem");
        }
    }

    private static String quoted(Map<String, String> options, String name) {
        String value = options.get(name);
        if (value == null) {
            throw new IllegalArgumentException("--" + name + " is missing");
        }
        return "'" + value.replace("'", "''") + "'";
    }

    private static Map<String, String> options(String[] args) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i < args.length; i += 2) {
            if (!args[i].startsWith("--") || i + 1 == args.length) {
                throw new IllegalArgumentException("not an option with a value: " + args[i]);
            }
            options.put(args[i].substring(2), args[i + 1]);
        }
        return options;
    }
}
