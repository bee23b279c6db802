package io.nyala.io;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Something a disk was asked for failed. The message says what, where, why and what to do. Immutable. */
public class DiskException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Kind kind;
    private final String path;
    private final long position;

    protected DiskException(Kind kind, Path path, long position, String message) {
        this(kind, path, position, message, null);
    }

    private DiskException(Kind kind, Path path, long position, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.path = path.toString();
        this.position = position;
    }

    /** A failed operation on a whole file or directory, such as {@code create}. */
    public static DiskException of(String operation, Path path, Kind kind, String reason) {
        return new DiskException(
                kind, path, -1, operation + " of " + path + " failed: " + reason + ". " + kind.whatToDo);
    }

    /** A failed transfer. */
    public static DiskException ofTransfer(
            String operation, Path path, long position, long bytes, Kind kind, String reason) {
        String message = String.format(
                Locale.ROOT,
                "%s of %,d bytes at byte %,d of %s failed: %s. %s",
                operation,
                bytes,
                position,
                path,
                reason,
                kind.whatToDo);
        return new DiskException(kind, path, position, message);
    }

    /** A failed change of the length, or of the room, of a whole file. */
    public static DiskException ofLength(String operation, Path path, long bytes, Kind kind, String reason) {
        return of(toLength(operation, bytes), path, kind, reason);
    }

    /** As above, from the JDK. */
    static DiskException ofLength(String operation, Path path, long bytes, IOException cause) {
        return of(toLength(operation, bytes), path, cause);
    }

    private static String toLength(String operation, long bytes) {
        return String.format(Locale.ROOT, "%s to %,d bytes", operation, bytes);
    }

    /** The JDK's exception, told in ours. */
    static DiskException of(String operation, Path path, IOException cause) {
        String reason = reason(cause);
        Kind kind = kind(cause, reason);
        String message = operation + " of " + path + " failed: " + reason + ". " + kind.whatToDo;
        return new DiskException(kind, path, -1, message, cause);
    }

    static String reason(IOException cause) {
        return switch (cause) {
            case NoSuchFileException _ -> "no such file or directory";
            case FileAlreadyExistsException _ -> "it exists already";
            case AccessDeniedException _ -> "permission denied";
            case NotDirectoryException _ -> "not a directory";
            case java.nio.file.DirectoryNotEmptyException _ -> "the directory is not empty";
            case java.nio.file.FileSystemException e when e.getReason() != null -> e.getReason();
            default -> cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        };
    }

    static Kind kind(IOException cause, String reason) {
        return switch (cause) {
            case NoSuchFileException _ -> Kind.NOT_FOUND;
            case FileAlreadyExistsException _ -> Kind.EXISTS;
            case AccessDeniedException _ -> Kind.ACCESS_DENIED;
            case NotDirectoryException _ -> Kind.NOT_A_DIRECTORY;
            default ->
                switch (reason) {
                    case "No space left on device", "Disk quota exceeded" -> Kind.NO_SPACE;
                    case "Read-only file system" -> Kind.READ_ONLY;
                    case "Operation not permitted", "Permission denied" -> Kind.ACCESS_DENIED;
                    case "Not a directory" -> Kind.NOT_A_DIRECTORY;
                    case "Input/output error" -> Kind.IO_ERROR;
                    default -> Kind.OTHER;
                };
        };
    }

    public Kind kind() {
        return kind;
    }

    /** The file or directory. */
    public Path path() {
        return Path.of(path);
    }

    /** The byte where the failed transfer began, or -1 if it was no transfer. */
    public long position() {
        return position;
    }

    /** What a caller can tell apart. */
    public enum Kind {
        NO_SPACE("Free space, or give it a larger disk or quota."),
        IO_ERROR("The device failed: check it and its log (dmesg), and replace it if it goes on."),
        NOT_FOUND("Check the path."),
        EXISTS("Use another name, or remove it first."),
        READ_ONLY("Remount the file system for writing; after a device error it is remounted read-only."),
        ACCESS_DENIED("Give this user the right to it, or run as its owner."),
        NOT_A_DIRECTORY("Name a directory, or move the file away that has its name."),
        OTHER("The reason is the system's; its log (dmesg) may say more.");

        private final String whatToDo;

        Kind(String whatToDo) {
            this.whatToDo = whatToDo;
        }
    }
}
