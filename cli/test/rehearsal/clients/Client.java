import com.databricks.internal.fasterxml.jackson.databind.JsonNode;
import com.databricks.internal.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.sql.*;
import java.util.*;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Runs the common cases with Databricks' own JDBC driver, and prints the outcome of each as a line of JSON. */
class Client {
  static final ObjectMapper JSON = new ObjectMapper();
  final Connection connection;
  final Path folder;

  Client(JsonNode given) throws Exception {
    folder = Files.createTempDirectory("jdbc");
    KeyStore trusted = KeyStore.getInstance("JKS");
    trusted.load(null, null);
    try (var ca = Files.newInputStream(Path.of(given.get("caFile").asText()))) {
      trusted.setCertificateEntry("rehearsal", CertificateFactory.getInstance("X.509").generateCertificate(ca));
    }
    Path store = folder.resolve("trusted.jks");
    try (var out = Files.newOutputStream(store)) {
      trusted.store(out, "changeit".toCharArray());
    }
    Properties settings = new Properties();
    settings.put("PWD", given.get("token").asText());
    settings.put("SSLTrustStore", store.toString());
    settings.put("SSLTrustStorePwd", "changeit");
    settings.put("VolumeOperationAllowedLocalPaths", folder.toString());
    // The rehearsal's certificate authority is created at each start and has no revocation list.
    settings.put("CheckCertRevocation", "0");
    settings.put("EnableTelemetry", "0");
    settings.put("timezone", "UTC");
    String url = "jdbc:databricks://" + given.get("host").asText() + ":" + given.get("port").asInt()
        + "/default;AuthMech=3;UID=token;httpPath=" + given.get("httpPath").asText();
    connection = new com.databricks.client.jdbc.Driver().connect(url, settings);
  }

  /** A value as text, or as a list if it is nested. */
  static Object plain(Object value) throws SQLException {
    if (value == null) return null;
    if (value instanceof byte[] bytes) return HexFormat.of().formatHex(bytes);
    if (value instanceof java.sql.Array array) return plainAll(Arrays.asList((Object[]) array.getArray()));
    if (value instanceof Struct struct) return plainAll(Arrays.asList(struct.getAttributes()));
    if (value instanceof List<?> list) return plainAll(list);
    if (value instanceof Map<?, ?> map) {
      List<Object> pairs = new ArrayList<>();
      for (var entry : map.entrySet()) pairs.add(plainAll(Arrays.asList(entry.getKey(), entry.getValue())));
      return pairs;
    }
    if (value instanceof Timestamp timestamp) {
      String text = timestamp.toString();
      // A date parameter is returned as a timestamp, so midnight stands for a date.
      if (text.endsWith(" 00:00:00.0")) return text.substring(0, 10);
      return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
    if (value instanceof BigDecimal number) return number.toPlainString();
    return value.toString();
  }

  static List<Object> plainAll(List<?> values) throws SQLException {
    List<Object> all = new ArrayList<>();
    for (Object value : values) all.add(plain(value));
    return all;
  }

  static List<Object> all(ResultSet rows, List<Integer> columns) throws SQLException {
    List<Object> found = new ArrayList<>();
    while (rows.next()) {
      List<Object> row = new ArrayList<>();
      for (int column : columns) row.add(plain(rows.getObject(column)));
      found.add(row);
    }
    return found;
  }

  static List<Object> all(ResultSet rows) throws SQLException {
    List<Integer> columns = new ArrayList<>();
    for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) columns.add(i);
    return all(rows, columns);
  }

  PreparedStatement prepared(JsonNode test) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(test.get("sql").asText());
    int i = 0;
    for (JsonNode parameter : test.path("positional")) {
      i++;
      String value = parameter.get(1).isNull() ? null : parameter.get(1).asText();
      switch (parameter.get(0).asText()) {
        case "BOOLEAN" -> statement.setBoolean(i, Boolean.parseBoolean(value));
        case "INT" -> statement.setInt(i, Integer.parseInt(value));
        case "BIGINT" -> statement.setLong(i, Long.parseLong(value));
        case "DOUBLE" -> statement.setDouble(i, Double.parseDouble(value));
        case "DECIMAL" -> statement.setBigDecimal(i, new BigDecimal(value));
        case "STRING" -> statement.setString(i, value);
        case "DATE" -> statement.setDate(i, java.sql.Date.valueOf(value));
        case "TIMESTAMP" -> statement.setTimestamp(i, Timestamp.valueOf(value));
        default -> statement.setNull(i, Types.VARCHAR);
      }
    }
    return statement;
  }

  Object rows(JsonNode test) throws SQLException {
    try (PreparedStatement statement = prepared(test)) {
      return all(statement.executeQuery());
    }
  }

  Object large(JsonNode test) throws SQLException {
    long count = 0, sum = 0, nulls = 0;
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(test.get("sql").asText())) {
      while (rows.next()) {
        count++;
        sum += rows.getLong(1);
        if (rows.getString(2) == null) nulls++;
      }
    }
    return List.of(List.of("" + count, "" + sum, "" + nulls));
  }

  Object update(JsonNode test) throws SQLException {
    try (PreparedStatement statement = prepared(test)) {
      return statement.executeUpdate();
    }
  }

  Object error(String sql) {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
      return null;
    } catch (SQLException error) {
      return Map.of("state", "" + error.getSQLState(), "message", "" + error.getMessage());
    }
  }

  Object metadata(JsonNode test) throws SQLException {
    DatabaseMetaData about = connection.getMetaData();
    String catalog = text(test, "catalog"), schema = text(test, "schema"), table = text(test, "table");
    ResultSet rows = switch (test.get("call").asText()) {
      case "catalogs" -> about.getCatalogs();
      case "schemas" -> about.getSchemas(catalog, schema);
      case "tables" -> about.getTables(catalog, schema, table, null);
      case "columns" -> about.getColumns(catalog, schema, table, null);
      case "tableTypes" -> about.getTableTypes();
      default -> about.getPrimaryKeys(catalog, schema, table);
    };
    List<Integer> columns = new ArrayList<>();
    for (JsonNode name : test.get("columns")) columns.add(rows.findColumn(name.asText()));
    return all(rows, columns);
  }

  static String text(JsonNode test, String name) {
    return test.hasNonNull(name) ? test.get(name).asText() : null;
  }

  Object together(JsonNode test) throws Exception {
    AtomicInteger done = new AtomicInteger();
    AtomicReference<String> wrong = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      String sql = test.get("sql").asText().replace("ID", "" + i);
      Thread thread = new Thread(() -> {
        try (Statement statement = connection.createStatement()) {
          all(statement.executeQuery(sql));
          done.incrementAndGet();
        } catch (SQLException error) {
          wrong.set(error.getMessage());
        }
      });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) thread.join();
    if (wrong.get() != null) throw new SQLException(wrong.get());
    return done.get();
  }

  Object cancel(JsonNode test) throws Exception {
    Statement statement = connection.createStatement();
    AtomicReference<String> ended = new AtomicReference<>("still runs");
    Thread thread = new Thread(() -> {
      try {
        all(statement.executeQuery(test.get("sql").asText()));
        ended.set("completed");
      } catch (SQLException error) {
        ended.set("cancelled");
      }
    });
    thread.start();
    Thread.sleep(6000);
    long started = System.nanoTime();
    statement.cancel();
    thread.join(60_000);
    double seconds = (System.nanoTime() - started) / 1e9;
    try (Statement after = connection.createStatement()) {
      return Map.of("ended", ended.get(), "seconds", seconds, "after", all(after.executeQuery("select count(*) as one from range(1)")));
    }
  }

  Object volume(JsonNode test) throws Exception {
    Path up = folder.resolve("up"), down = folder.resolve("down");
    byte[] content = new byte[300_000];
    new Random(1).nextBytes(content);
    Files.write(up, content);
    String path = test.get("path").asText();
    try (Statement statement = connection.createStatement()) {
      for (String sql : List.of("PUT '" + up + "' INTO '" + path + "' OVERWRITE", "GET '" + path + "' TO '" + down + "'",
          "REMOVE '" + path + "'", "REMOVE '" + path + "'")) {
        try (ResultSet rows = statement.executeQuery(sql)) {
          while (rows.next()) {}
        }
      }
    }
    return Arrays.equals(Files.readAllBytes(down), content);
  }

  Object run(JsonNode test) throws Exception {
    return switch (test.get("do").asText()) {
      case "rows" -> rows(test);
      case "large" -> large(test);
      case "update" -> update(test);
      case "error" -> error(test.get("sql").asText());
      case "metadata" -> metadata(test);
      case "together" -> together(test);
      case "cancel" -> cancel(test);
      case "volume" -> volume(test);
      default -> error("GET '" + test.get("path").asText() + "' TO '" + folder.resolve("none") + "'");
    };
  }

  public static void main(String[] args) throws Exception {
    JsonNode given = JSON.readTree(System.in);
    Client client = new Client(given);
    for (JsonNode test : given.get("cases")) {
      Map<String, Object> outcome = new LinkedHashMap<>();
      outcome.put("name", test.get("name").asText());
      try {
        for (JsonNode sql : test.path("before"))
          try (Statement statement = client.connection.createStatement()) {
            statement.execute(sql.asText());
          }
        outcome.put("outcome", client.run(test));
      } catch (Exception | LinkageError error) {
        outcome.put("failed", error.toString());
      }
      System.out.println(new String(JSON.writeValueAsBytes(outcome), StandardCharsets.UTF_8));
    }
    client.connection.close();
    System.exit(0);
  }
}
