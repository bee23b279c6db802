package io.nyala.acceptance;

/** Stands where no cluster was started. */
enum NoCluster implements Cluster {
    INSTANCE;

    @Override
    public String masterAddress() {
        throw new IllegalStateException("no cluster was started");
    }

    @Override
    public void close() {}
}
