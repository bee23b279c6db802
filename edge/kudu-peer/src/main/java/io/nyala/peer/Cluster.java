package io.nyala.peer;

/** What speaks Kudu's protocol: ours, or a real Kudu. */
public interface Cluster extends AutoCloseable {
    /** Where clients find its master: {@code host:port}. */
    String masterAddress();

    /** Ends it at once. */
    @Override
    void close();
}
