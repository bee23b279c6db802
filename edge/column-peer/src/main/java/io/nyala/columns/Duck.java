package io.nyala.columns;

import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import org.duckdb.DuckDBConnection;

/** Connections to DuckDB in this process, of one thread. Stateless. */
final class Duck {
    private Duck() {}

    /** With a file of its own, or with none if the name is empty. */
    static DuckDBConnection connect(String file) {
        try {
            DuckDBConnection connection =
                    DriverManager.getConnection("jdbc:duckdb:" + file).unwrap(DuckDBConnection.class);
            execute(connection, "set threads = 1");
            return connection;
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    static void execute(DuckDBConnection connection, String sql) {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    static IllegalStateException failed(SQLException cause) {
        return new IllegalStateException("DuckDB: " + cause.getMessage(), cause);
    }
}
