package io.nyala.rpc;

/**
 * How far a server holds its clients back. Immutable.
 *
 * @param busyCount calls that were told to come again since it was started, as too much was under way
 * @param lastBusy what the last of them was told; empty if there was none
 * @param isWaiting whether requests wait now for the memory of others, or of answers that clients have not taken
 */
public record RpcLoad(long busyCount, String lastBusy, boolean isWaiting) {
    /** That of two servers together. */
    public RpcLoad and(RpcLoad other) {
        return new RpcLoad(
                busyCount + other.busyCount,
                lastBusy.isEmpty() ? other.lastBusy : lastBusy,
                isWaiting || other.isWaiting);
    }
}
