package io.nyala.diskrowset;

import io.nyala.io.Disk;
import java.nio.file.Path;

/**
 * Where the file of a rowset is, and who it should be.
 *
 * @param fileId unique on its host, never used again
 * @param ownerId one tablet of one host, whose rows it has
 */
public record RowSetFile(Disk disk, Path path, long fileId, long ownerId) {}
