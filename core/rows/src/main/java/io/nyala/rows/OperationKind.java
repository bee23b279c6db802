package io.nyala.rows;

/** What a write does to a row. The {@code _IGNORE} forms count a duplicate or missing row instead of failing. */
public enum OperationKind {
    INSERT(1),
    UPSERT(5),
    UPDATE(2),
    DELETE(3),
    INSERT_IGNORE(10),
    UPSERT_IGNORE(13),
    UPDATE_IGNORE(11),
    DELETE_IGNORE(12);

    private static final OperationKind[] BY_CODE = new OperationKind[14];

    static {
        for (OperationKind kind : values()) {
            BY_CODE[kind.code] = kind;
        }
    }

    private final int code;

    OperationKind(int code) {
        this.code = code;
    }

    static OperationKind ofCode(int code) {
        OperationKind kind = code < 0 || code >= BY_CODE.length ? null : BY_CODE[code];
        if (kind == null) {
            throw new IllegalArgumentException("no operation has the code " + code);
        }
        return kind;
    }

    /** Stable; Kudu's number. */
    public int code() {
        return code;
    }

    /** Whether it may make a new row, and so needs a value for every column that has no default. */
    public boolean mayInsert() {
        return switch (this) {
            case INSERT, UPSERT, INSERT_IGNORE, UPSERT_IGNORE -> true;
            case UPDATE, DELETE, UPDATE_IGNORE, DELETE_IGNORE -> false;
        };
    }

    public boolean isUpdate() {
        return this == UPDATE || this == UPDATE_IGNORE;
    }

    public boolean isDelete() {
        return this == DELETE || this == DELETE_IGNORE;
    }
}
