package io.nyala.catalog;

import io.nyala.partition.PartitionLimits;
import io.nyala.rows.Limits;

/** Every limit of the catalog, with its reason. */
public final class CatalogLimits {
    /** Tables of a host, also dropped ones that can be recalled: the catalog is in memory, and read at each open. */
    public static final int TABLES_MAX = 10_000;

    /** Tablets of a host: each has a place in the memory of its writer, and asks maintenance for work. */
    public static final int TABLETS_MAX = 100_000;

    /** Tablets of one table. */
    public static final int TABLETS_PER_TABLE_MAX = PartitionLimits.TABLETS_MAX;

    /** Name of a table, in UTF-8, as Kudu. */
    public static final int NAME_BYTES_MAX = Limits.NAME_BYTES_MAX;

    /** Owner of a table, in UTF-8, as Kudu. */
    public static final int OWNER_BYTES_MAX = 128;

    /** Comment of a table, in UTF-8, as Kudu. */
    public static final int COMMENT_BYTES_MAX = Limits.COMMENT_BYTES_MAX;

    /** Settings of a table; Kudu has three. */
    public static final int SETTINGS_MAX = 64;

    /** Name of a setting, in UTF-8. */
    public static final int SETTING_NAME_BYTES_MAX = 128;

    /** Value of a setting, in UTF-8: a number or a word. */
    public static final int SETTING_BYTES_MAX = 256;

    /** Named snapshots of a table: each may keep history that nobody needs any more. */
    public static final int SNAPSHOTS_MAX = 64;

    /** Name of a snapshot, in UTF-8. */
    public static final int SNAPSHOT_NAME_BYTES_MAX = 128;

    /** What describes a table, its schema above all: an edit has it and some tablets. */
    public static final int DESCRIPTION_BYTES_MAX = 512 << 10;

    /** One edit is one record of the storage log, whose segments have 1 MiB. */
    public static final int EDIT_BYTES_MAX = 960 << 10;

    /** Where a checkpoint begins the next edit with tablets, rowsets or delta files. */
    static final int PART_BYTES = 256 << 10;

    private CatalogLimits() {}
}
