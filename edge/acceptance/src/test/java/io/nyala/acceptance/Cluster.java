package io.nyala.acceptance;

/** What speaks Kudu's protocol: ours, or a real Kudu. */
interface Cluster extends AutoCloseable {
    /** Where clients find its master. */
    String masterAddress();

    @Override
    void close();
}
