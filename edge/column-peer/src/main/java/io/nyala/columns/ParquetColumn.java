package io.nyala.columns;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.duckdb.DuckDBAppender;
import org.duckdb.DuckDBConnection;

/**
 * A sample as a column of a Parquet file with ZSTD, written from a table in memory and read by DuckDB, one thread.
 *
 * <p>Owns the file and the connection.
 */
final class ParquetColumn implements AutoCloseable {
    private final DuckDBConnection connection;
    private final Path file;
    private final String write;
    private final String read;

    ParquetColumn(ColumnSample sample) throws IOException {
        file = Files.createTempFile("column", ".parquet");
        connection = Duck.connect("");
        String type = sample.isBinary()
                ? "varchar"
                : sample.isDouble() ? "double" : sample.cellBytes() == Integer.BYTES ? "integer" : "bigint";
        Duck.execute(connection, "create table c (v " + type + " not null)");
        try (DuckDBAppender appender = connection.createAppender("c")) {
            for (int row = 0; row < sample.rows(); row++) {
                append(appender.beginRow(), sample, row).endRow();
            }
        } catch (SQLException e) {
            throw Duck.failed(e);
        }
        write = "copy c to '" + file + "' (format parquet, compression zstd)";
        // Something that needs each value, and takes next to nothing of the time.
        String value = sample.isBinary() ? "strlen(v)" : sample.isDouble() ? "v" : "v & 255";
        read = "select cast(sum(" + value + ") as bigint) from read_parquet('" + file + "')";
        write();
    }

    private static DuckDBAppender append(DuckDBAppender appender, ColumnSample sample, int row) throws SQLException {
        if (sample.isBinary()) {
            return appender.append(sample.text(row));
        }
        long number = sample.number(row);
        if (sample.isDouble()) {
            return appender.append(Double.longBitsToDouble(number));
        }
        return sample.cellBytes() == Integer.BYTES ? appender.append((int) number) : appender.append(number);
    }

    /** Writes the file; answers its bytes. */
    long write() {
        Duck.execute(connection, write);
        return file.toFile().length();
    }

    /** Reads the file; answers a sum of its values. */
    long read() {
        return number(read);
    }

    /** Of the column in the file. */
    long bytes() {
        return number("select sum(total_compressed_size) from parquet_metadata('" + file + "')");
    }

    private long number(String sql) {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        } catch (SQLException e) {
            throw Duck.failed(e);
        }
    }

    @Override
    public void close() throws IOException {
        try {
            connection.close();
        } catch (SQLException e) {
            throw Duck.failed(e);
        } finally {
            Files.delete(file);
        }
    }
}
