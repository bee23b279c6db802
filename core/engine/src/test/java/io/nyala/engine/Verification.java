package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.io.Disk;
import io.nyala.tablet.MissingRowSet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What `nyala verify` finds in a directory. One thread. */
final class Verification implements DirectoryInspection.Findings {
    private final List<Path> checked = new ArrayList<>();
    private final List<Path> deltaFiles = new ArrayList<>();
    private final List<RuntimeException> defects = new ArrayList<>();
    private final List<Path> setAside = new ArrayList<>();

    private Verification() {}

    /** Looks at a directory that nobody has open. */
    static Verification of(Path directory, Disk disk) {
        var verification = new Verification();
        try (DirectoryInspection inspection = DirectoryInspection.of(directory, disk)) {
            inspection.verify(verification);
        }
        return verification;
    }

    @Override
    public void checked(Path file, String about, @Nullable RuntimeException defect) {
        checked.add(file);
        if (about.startsWith("delta file")) {
            deltaFiles.add(file);
        }
        if (defect != null) {
            defects.add(defect);
        }
    }

    @Override
    public void setAside(MissingRowSet rowSet) {
        setAside.add(rowSet.file());
    }

    /** Logs, rowsets and delta files that were looked at, in order. */
    List<Path> checked() {
        return checked;
    }

    /** Those of what was looked at that are files of changes. */
    List<Path> deltaFiles() {
        return deltaFiles;
    }

    List<RuntimeException> defects() {
        return defects;
    }

    /** Rowsets that cannot be opened. */
    List<Path> setAside() {
        return setAside;
    }

    void assertAllInOrder() {
        assertEquals(List.of(), defects, "verify finds defects where an engine can be opened");
        assertEquals(List.of(), setAside, "verify sets aside what an engine can open");
    }
}
