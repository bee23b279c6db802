package io.nyala.server;

import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.rpc.RpcException;
import io.nyala.web.OpenScanner;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The scanners of a tablet server that clients will come back to, by id. One that nobody asks for a while is closed.
 * Thread-safe.
 */
final class Scanners {
    /**
     * A client that reads on comes within that time. One that does not holds no memory for its next answer, which may
     * be many MiB: there are thousands of scanners.
     */
    private static final long BLOCKS_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Map<String, Scanner> scanners = new ConcurrentHashMap<>();
    private final LongSupplier nanoTime;
    private final long idleNanos;
    private final int scannersMax;
    private final long predicateBytesMax;
    private final AtomicLong predicateBytes = new AtomicLong(); // Of those counted.
    private final AtomicInteger count = new AtomicInteger(); // Of those in the map, and those about to be.
    private volatile boolean isClosing;

    /**
     * @param nanoTime a clock that never steps back
     * @param idleMillis how long one is kept that nobody asks
     * @param scannersMax how many there may be
     * @param predicateBytesMax of the heap, that the predicates of all of them may take
     */
    Scanners(LongSupplier nanoTime, int idleMillis, int scannersMax, long predicateBytesMax) {
        this.nanoTime = nanoTime;
        this.idleNanos = TimeUnit.MILLISECONDS.toNanos(idleMillis);
        this.scannersMax = scannersMax;
        this.predicateBytesMax = predicateBytesMax;
    }

    /** A scanner that has more than went into its first answer; the caller has it still. Answers its id. */
    String add(Scanner scanner) {
        if (!tryCount(scanner)) {
            closeIdle();
            if (!tryCount(scanner)) {
                throw TryAgain.tooBusy("as many scanners are open as may be, " + scannersMax
                        + ", or as many bytes of predicates as theirs may have, " + predicateBytesMax);
            }
        }
        ThreadLocalRandom random = ThreadLocalRandom.current();
        String id =
                HexFormat.of().toHexDigits(random.nextLong()) + HexFormat.of().toHexDigits(random.nextLong());
        scanner.open(nanoTime.getAsLong());
        scanners.put(id, scanner);
        return id;
    }

    private boolean tryCount(Scanner scanner) {
        int scannersNow = count.incrementAndGet();
        long bytesNow = predicateBytes.addAndGet(scanner.predicateBytes());
        boolean isWithin = scannersNow <= scannersMax && bytesNow <= predicateBytesMax;
        if (!isWithin) {
            uncount(scanner);
        }
        return isWithin;
    }

    private void uncount(Scanner scanner) {
        count.decrementAndGet();
        predicateBytes.addAndGet(-scanner.predicateBytes());
    }

    /**
     * The scanner of that id, for the caller alone until {@link #giveBack} or {@link #remove}.
     *
     * @throws TabletException if there is none, or if another call has it
     * @throws RpcException if it is another user's, as in Kudu
     */
    Scanner take(String id, String user) {
        Scanner scanner = find(id, user);
        if (!scanner.tryTake()) {
            throw new TabletException(
                    Code.INVALID_SCAN_CALL_SEQ_ID,
                    ErrorCode.INVALID_ARGUMENT,
                    "Scanner " + id + " is answering another request");
        }
        if (scanner.isClosed()) {
            throw notFound(id);
        }
        if (scanner.isUnwanted()) { // Just now, and nobody else will close it.
            remove(id, scanner);
            throw notFound(id);
        }
        return scanner;
    }

    private Scanner find(String id, String user) {
        Scanner scanner = scanners.get(id);
        if (scanner == null || scanner.isUnwanted() || closeIfIdle(id, scanner, nanoTime.getAsLong())) {
            throw notFound(id);
        }
        if (!scanner.user().equals(user)) {
            throw notAuthorized(id, user);
        }
        return scanner;
    }

    private static RpcException notAuthorized(String id, String user) {
        return new RpcException(
                RpcErrorCode.FATAL_UNAUTHORIZED, "Not authorized: User " + user + " doesn't own scanner " + id);
    }

    private static TabletException notFound(String id) {
        return new TabletException(
                Code.SCANNER_EXPIRED, ErrorCode.NOT_FOUND, "Scanner " + id + " not found (it may have expired)");
    }

    /** Others may take it again; but if it, or all, were closed meanwhile, it is closed. */
    void giveBack(String id, Scanner scanner) {
        scanner.touch(nanoTime.getAsLong());
        letGo(id, scanner);
    }

    private void letGo(String id, Scanner scanner) {
        scanner.letGo();
        if ((isClosing || scanner.isUnwanted()) && scanner.tryTake()) {
            remove(id, scanner);
        }
    }

    /** Its client is still there. One whose time is over is left to {@link #closeIdle}: this must not take long. */
    void keepAlive(String id, String user) {
        Scanner scanner = scanners.get(id);
        long now = nanoTime.getAsLong();
        if (scanner == null || scanner.isUnwanted() || isIdle(id, scanner, now)) {
            throw notFound(id);
        }
        if (!scanner.user().equals(user)) {
            throw notAuthorized(id, user);
        }
        scanner.touch(now);
    }

    private boolean isIdle(String id, Scanner scanner, long now) {
        boolean isIdle = now - scanner.touched() > idleNanos && scanner.tryTake(); // Else a call has it.
        if (isIdle) {
            letGo(id, scanner);
        }
        return isIdle;
    }

    /** Forgets a scanner that the caller has, and closes it. */
    void remove(String id, Scanner scanner) {
        if (scanners.remove(id, scanner)) {
            uncount(scanner);
        }
        scanner.close();
    }

    /**
     * Closes a scanner whose client needs no more of it; nothing happens if there is none. Of one that a call has, no
     * other call hears any more, and it is closed when that call gives it back.
     *
     * @throws RpcException if it is another user's
     */
    void close(String id, String user) {
        @Nullable Scanner scanner = scanners.get(id);
        if (scanner != null && !scanner.user().equals(user)) {
            throw notAuthorized(id, user);
        }
        if (scanner == null) {
            return;
        }
        scanner.setUnwanted(); // First: who gives it back now sees it.
        if (scanner.tryTake()) {
            remove(id, scanner);
        }
    }

    /** Those that are open now, by id. */
    List<OpenScanner> list() {
        long now = nanoTime.getAsLong();
        List<OpenScanner> open = new ArrayList<>();
        scanners.forEach((id, scanner) -> open.add(scanner.describe(id, now)));
        open.sort(Comparator.comparing(OpenScanner::id));
        return open;
    }

    int count() {
        return scanners.size();
    }

    /** Closes those whose time is over, and takes memory from those that nobody asks for the moment. */
    void closeIdle() {
        long now = nanoTime.getAsLong();
        scanners.forEach((id, scanner) -> {
            if (!closeIfIdle(id, scanner, now) && now - scanner.touched() > BLOCKS_NANOS) {
                scanner.closeBlocks();
            }
        });
    }

    private boolean closeIfIdle(String id, Scanner scanner, long now) {
        boolean isIdle = now - scanner.touched() > idleNanos && scanner.tryTake();
        if (isIdle) {
            remove(id, scanner);
        }
        return isIdle;
    }

    /** Closes all; those that a call has, when it gives them back. */
    void closeAll() {
        isClosing = true;
        scanners.forEach((id, scanner) -> {
            if (scanner.tryTake()) {
                remove(id, scanner);
            }
        });
    }
}
