package io.nyala.simulation;

import io.nyala.io.DiskException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Counts and notes the calls of a simulated disk and says which of them fail or lie. Guarded by the disk's monitor. */
final class Faults {
    private static final int TRACED_MAX = 256;

    private final Deque<Call> trace = new ArrayDeque<>();
    private final List<Planned> planned = new ArrayList<>();
    private final List<Planned> plannedOfQueries = new ArrayList<>();
    private final List<Damage> damages = new ArrayList<>();
    private final List<Hang> hangs = new ArrayList<>();
    private final Map<Operation, Long> counts = new EnumMap<>(Operation.class);
    private Predicate<Call> lies = _ -> false;
    private long callCount;
    private long queryCount;
    private long cutAt = Long.MAX_VALUE;
    private long killedAt = Long.MAX_VALUE;

    void failNext(Predicate<Call> which, DiskException.Kind kind) {
        planned.add(new Planned(which, kind));
    }

    void failNextQuery(Predicate<Call> which, DiskException.Kind kind) {
        plannedOfQueries.add(new Planned(which, kind));
    }

    void damageNext(Predicate<Call> which, ReadDamage damage) {
        damages.add(new Damage(which, damage));
    }

    void hangNext(Predicate<Call> which, Runnable meanwhile) {
        hangs.add(new Hang(which, meanwhile));
    }

    void forget() {
        hangs.clear();
        planned.clear();
        plannedOfQueries.clear();
        damages.clear();
        cutAt = Long.MAX_VALUE;
        killedAt = Long.MAX_VALUE;
    }

    void ignoreSyncs(Predicate<Call> which) {
        lies = which;
    }

    void cutPowerAt(long callIndex) {
        cutAt = callIndex;
    }

    void killAt(long callIndex) {
        killedAt = callIndex;
    }

    /** Notes a call. */
    Call next(Operation operation, Path path, long position, long bytes) {
        counts.merge(operation, 1L, Long::sum);
        if (operation.isQuery()) {
            return new Call(-1 - queryCount++, operation, path, position, bytes);
        }
        Call call = new Call(callCount++, operation, path, position, bytes);
        if (trace.size() == TRACED_MAX) {
            trace.removeFirst();
        }
        trace.addLast(call);
        return call;
    }

    boolean cutsPower(Call call) {
        return call.index() == cutAt;
    }

    boolean kills(Call call) {
        return call.index() == killedAt;
    }

    /** How a call shall fail, or null; a planned failure happens once. */
    DiskException.@Nullable Kind failure(Call call) {
        List<Planned> plans = call.operation().isQuery() ? plannedOfQueries : planned;
        for (Iterator<Planned> each = plans.iterator(); each.hasNext(); ) {
            Planned plan = each.next();
            if (plan.which().test(call)) {
                each.remove();
                return plan.kind();
            }
        }
        return null;
    }

    /** What happens while a call hangs, or null; a planned one hangs once. */
    @Nullable
    Runnable hang(Call call) {
        for (Iterator<Hang> each = hangs.iterator(); each.hasNext(); ) {
            Hang plan = each.next();
            if (plan.which().test(call)) {
                each.remove();
                return plan.meanwhile();
            }
        }
        return null;
    }

    /** How a read shall go wrong unseen, or null; planned damage happens once, to a read that finds something. */
    @Nullable
    ReadDamage damage(Call call) {
        for (Iterator<Damage> each = damages.iterator(); each.hasNext(); ) {
            Damage plan = each.next();
            if (plan.which().test(call)) {
                each.remove();
                return plan.damage();
            }
        }
        return null;
    }

    boolean isLie(Call call) {
        return call.operation().isSync() && lies.test(call);
    }

    long callCount() {
        return callCount;
    }

    long queryCount() {
        return queryCount;
    }

    long callCount(Operation operation) {
        return counts.getOrDefault(operation, 0L);
    }

    List<Call> trace() {
        return List.copyOf(trace);
    }

    /** The exception for a failed call. */
    static DiskException exception(Call call, DiskException.Kind kind, String reason) {
        String operation = call.operation().toString();
        if (call.operation().isOfLength()) {
            return DiskException.ofLength(operation, call.path(), call.position(), kind, reason);
        }
        return call.operation().isTransfer() || call.operation() == Operation.PUNCH_HOLE
                ? DiskException.ofTransfer(operation, call.path(), call.position(), call.bytes(), kind, reason)
                : DiskException.of(operation, call.path(), kind, reason);
    }

    private record Planned(Predicate<Call> which, DiskException.Kind kind) {}

    private record Damage(Predicate<Call> which, ReadDamage damage) {}

    private record Hang(Predicate<Call> which, Runnable meanwhile) {}
}
