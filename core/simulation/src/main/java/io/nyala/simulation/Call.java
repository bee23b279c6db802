package io.nyala.simulation;

import java.nio.file.Path;

/**
 * One call of a {@link SimulatedDisk}. Immutable.
 *
 * @param index how many calls came before it since the disk was made; of a query, {@code -1} less how many queries
 *     came before it
 * @param operation what was asked for
 * @param path of the file or directory; the present name of a renamed one
 * @param position first byte of a transfer, the new length of a file, or 0
 * @param bytes of a transfer or a hole, or 0
 */
public record Call(long index, Operation operation, Path path, long position, long bytes) {
    /** The last name of the path, by which tests tell kinds of files apart. */
    public String fileName() {
        return String.valueOf(path.getFileName());
    }

    @Override
    public String toString() {
        String where = operation.isTransfer() ? " [" + position + ", " + (position + bytes) + ")" : "";
        return "#" + index + " " + operation + " " + path + where;
    }
}
