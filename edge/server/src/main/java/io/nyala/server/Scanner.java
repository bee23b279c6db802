package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.engine.Scan;
import io.nyala.memory.MemoryLimitException;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.rows.ColumnBatch;
import io.nyala.web.OpenScanner;
import io.nyala.wire.ResultBlock;
import io.nyala.wire.WireKeys;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A scan of one tablet that a client reads answer by answer. Whoever has taken it is its only user; what
 * {@link Scanners} asks, and the return of blocks, is thread-safe.
 */
final class Scanner implements AutoCloseable {
    /** Few: nothing is known yet of their size. */
    private static final int ROWS_AT_FIRST = 16;

    private final Scan scan;
    private final CatalogView.HostedTablet tablet;
    private final String user;
    private final int predicateBytes;
    private final Supplier<ResultBlock> newBlock;

    /** Blocks whose answer is sent. Mostly one: a client asks again when it has the answer. */
    private final ConcurrentLinkedQueue<ResultBlock> free = new ConcurrentLinkedQueue<>();

    private final AtomicBoolean isTaken = new AtomicBoolean(true);
    private volatile long opened;
    private volatile long touched;
    private volatile boolean isUnwanted;
    private volatile boolean isClosed;

    // Of who has taken it.
    private int nextCall = 1;
    private boolean isAtEnd;
    private boolean isBroken; // A step failed, and the scan has lost its place.
    private int restFrom; // Rows of the present batch, from this one on, found no room in the last answer.
    private int restTo;
    private @Nullable ByteString lastKey;

    /**
     * Takes the scan over. The caller has the scanner.
     *
     * @param tablet that it reads
     * @param predicateBytes of the heap, that its predicates take as long as it is open
     * @param newBlock makes a block of the layout that the client wants, for the columns of the scan
     */
    Scanner(
            Scan scan,
            CatalogView.HostedTablet tablet,
            String user,
            int predicateBytes,
            Supplier<ResultBlock> newBlock) {
        this.scan = scan;
        this.tablet = tablet;
        this.user = user;
        this.predicateBytes = predicateBytes;
        this.newBlock = newBlock;
    }

    String user() {
        return user;
    }

    int predicateBytes() {
        return predicateBytes;
    }

    /** What there is to say of it; any thread. */
    OpenScanner describe(String id, long nanoTime) {
        return new OpenScanner(
                id,
                user,
                tablet.table().name(),
                tablet.place().id(),
                scan.snapshot(),
                TimeUnit.NANOSECONDS.toMillis(nanoTime - opened),
                TimeUnit.NANOSECONDS.toMillis(nanoTime - touched));
    }

    /** Others will see it from now on. */
    void open(long nanoTime) {
        opened = nanoTime;
        touched = nanoTime;
    }

    long touched() {
        return touched;
    }

    void touch(long nanoTime) {
        touched = nanoTime;
    }

    boolean tryTake() {
        return isTaken.compareAndSet(false, true);
    }

    void letGo() {
        isTaken.set(false);
    }

    /** Its client has closed it, perhaps while a call of it was under way; any thread. */
    void setUnwanted() {
        isUnwanted = true;
    }

    boolean isUnwanted() {
        return isUnwanted;
    }

    boolean isClosed() {
        return isClosed;
    }

    /** Hybrid time whose state it reads. */
    long snapshot() {
        return scan.snapshot();
    }

    /** Whether a call is the one that is to come now; counts it. */
    boolean isNext(int call) {
        return call == nextCall++;
    }

    /** What a call is told that is another one. */
    static TabletException outOfSequence() {
        return new TabletException(
                Code.INVALID_SCAN_CALL_SEQ_ID, ErrorCode.INVALID_ARGUMENT, "Invalid call sequence ID in scan request");
    }

    /** The call that came last had no answer, and is to come again. */
    void expectAgain() {
        nextCall--;
    }

    /** Whether it cannot go on: rows would be left out. */
    boolean isBroken() {
        return isBroken;
    }

    // ---- Rows ----

    /** An empty block for the next answer; {@link #sent} takes it back. */
    ResultBlock takeBlock() {
        ResultBlock block = free.poll();
        return block == null ? newBlock.get() : block;
    }

    /** The rows of a block are on their way, and its memory can be used again. */
    void sent(ResultBlock block) {
        block.clear();
        free.add(block);
        if (isClosed) {
            closeBlocks();
        }
    }

    /**
     * Puts the next rows into a block until it has so many bytes, time is up, there are no more, or no memory for more.
     *
     * @throws MemoryLimitException if there is no memory for any; unless the scanner {@link #isBroken}, the same rows
     *     are the next ones again
     */
    void fill(ResultBlock block, long bytesMax, LongSupplier nanoTime, long nanosMax) {
        long start = nanoTime.getAsLong();
        lastKey = null;
        while (!isAtEnd && block.bytes() < bytesMax) {
            if (restFrom < restTo) {
                if (!addRest(block, bytesMax)) {
                    return;
                }
            } else {
                advance();
            }
            if (nanoTime.getAsLong() - start > nanosMax) {
                return;
            }
        }
    }

    /** Answers whether there was memory for them. */
    private boolean addRest(ResultBlock block, long bytesMax) {
        ColumnBatch batch = scan.batch();
        int count = (int) Math.min(restTo - restFrom, rowsIn(block, bytesMax));
        try {
            block.add(batch, restFrom, count);
        } catch (MemoryLimitException e) {
            if (block.rowCount() == 0) {
                throw e;
            }
            return false;
        }
        restFrom += count;
        if (batch.hasKeys()) {
            lastKey = WireKeys.lastKey(batch, restFrom);
        }
        return true;
    }

    /**
     * How many rows to add before the bytes of a block are looked at again: what fits if all rows are alike, but no
     * more than there are, since they may not be.
     */
    private static long rowsIn(ResultBlock block, long bytesMax) {
        if (block.rowCount() == 0) {
            return ROWS_AT_FIRST;
        }
        long rowBytes = Math.max(1, block.bytes() / block.rowCount());
        return Math.clamp((bytesMax - block.bytes()) / rowBytes, 1, block.rowCount());
    }

    /** Adds the next rows to a checksum until time is up, some in any case; answers how many. */
    long addTo(RowChecksum checksum, LongSupplier nanoTime, long nanosMax) {
        long start = nanoTime.getAsLong();
        long rows = 0;
        while (advance()) {
            checksum.add(scan.batch());
            rows += scan.batch().rowCount();
            if (nanoTime.getAsLong() - start > nanosMax) {
                break;
            }
        }
        return rows;
    }

    private boolean advance() {
        isBroken = true; // Unless it comes back.
        isAtEnd = !scan.step();
        isBroken = false;
        restFrom = 0;
        restTo = isAtEnd ? 0 : scan.batch().rowCount();
        return !isAtEnd;
    }

    /** Whether all rows were handed out. */
    boolean isAtEnd() {
        return isAtEnd;
    }

    /** The encoded key of the last row of the last block, of a scan in key order; null if it had none. */
    @Nullable
    ByteString lastKey() {
        return lastKey;
    }

    @Override
    public void close() {
        isClosed = true;
        scan.close();
        closeBlocks();
    }

    /** Gives back memory of blocks that are not on their way; any thread. */
    void closeBlocks() {
        for (ResultBlock block = free.poll(); block != null; block = free.poll()) {
            block.close();
        }
    }
}
