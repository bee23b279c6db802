package io.nyala.peer;

import java.util.List;

/** A cluster whose servers are processes of this machine. One thread. */
public interface ProcessCluster extends Cluster {
    /** Its servers' processes. */
    List<ProcessHandle> processes();

    /** Ends them as an operator would, by SIGTERM, and waits until they have. */
    void stop() throws InterruptedException;
}
