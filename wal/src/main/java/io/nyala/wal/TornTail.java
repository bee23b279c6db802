package io.nyala.wal;

import java.nio.file.Path;

/**
 * What was cut off a log that was not closed: writes that the process did not live to see completed, so that nobody was
 * told that they are durable. Immutable.
 *
 * @param file where the log ends now
 * @param position in the file
 * @param bytes from there to the end of what can be recognized as records of this log; 0 if there is nothing
 * @param reason why the log ends there
 */
public record TornTail(Path file, long position, long bytes, String reason) {}
