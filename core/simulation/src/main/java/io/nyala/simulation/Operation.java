package io.nyala.simulation;

/** What a {@link SimulatedDisk} is asked to do; each call of one of these is counted and can be made to fail. */
public enum Operation {
    CREATE("create"),
    OPEN("open"),
    DELETE("delete"),
    RENAME("rename"),
    LIST("list"),
    CREATE_DIRECTORIES("create directory"),
    SYNC_DIRECTORY("sync"),
    LOCK("lock"),
    NEW_QUEUE("new queue"),
    TRUNCATE("truncate"),
    ALLOCATE("allocation"),
    PUNCH_HOLE("hole"),
    READ("read"),
    WRITE("write"),
    WRITE_DURABLE("durable write"),
    SYNC("sync"),
    EXISTS("existence query"),
    USABLE_BYTES("free space query"),
    LENGTH("length query"),
    CLOSE("close");

    private final String text;

    Operation(String text) {
        this.text = text;
    }

    /** Promises that something survives a power cut. */
    public boolean isSync() {
        return this == SYNC || this == WRITE_DURABLE || this == SYNC_DIRECTORY;
    }

    /** Changes nothing on the disk, and is the same before and after a power cut. */
    public boolean isQuery() {
        return this == EXISTS || this == USABLE_BYTES || this == LENGTH || this == CLOSE;
    }

    /** Gives a file another length. */
    public boolean isOfLength() {
        return this == TRUNCATE || this == ALLOCATE;
    }

    /** Moves bytes between a file and memory. */
    public boolean isTransfer() {
        return this == READ || this == WRITE || this == WRITE_DURABLE;
    }

    @Override
    public String toString() {
        return text;
    }
}
