package io.nyala.columns;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/** Goal: the drivers do not rot. Method: runs them with few values; they check what they read back themselves. */
final class ColumnFiguresTest {
    @Test
    void schemesAreMeasured() throws IOException {
        SchemeFigures.print(1_500, 1);
    }

    @Test
    void theCacheIsMeasured() throws IOException {
        CacheFigures.print(2_000);
    }
}
