package io.nyala.io;

/** What a file is opened for. */
public enum Access {
    READ,
    READ_WRITE
}
