package io.nyala.engine;

import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.table.BatchParts;
import io.nyala.table.HostedTablet;
import io.nyala.tablet.TabletWrite;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * What a batch does in one tablet: as a whole, at one time. The tablet has decided all of it before anything of it can
 * be seen, or be found after a crash.
 */
final class ModelPart {
    private final ModelTablet tablet;
    private final Schema schema;
    private final SortedMap<Integer, ModelOperation> operations;
    private final boolean isAtomic;
    private final ModelRequests.@Nullable Request request;
    private final BatchParts.Part part;
    private final HostedTablet hosted;
    private @Nullable Decided decided;
    private boolean isTaken;
    private boolean isForgettable;

    /**
     * @param operations by their index in the batch
     * @param request that it is a part of; null if that has no name
     */
    ModelPart(
            ModelTablet tablet,
            Schema schema,
            SortedMap<Integer, ModelOperation> operations,
            boolean isAtomic,
            ModelRequests.@Nullable Request request,
            BatchParts.Part part) {
        this.tablet = tablet;
        this.schema = schema;
        this.operations = operations;
        this.isAtomic = isAtomic;
        this.request = request;
        this.part = part;
        this.hosted = part.target();
    }

    /**
     * What the tablet said.
     *
     * @param operations by their index in the batch
     * @param isAtomic whether all of them happen or none
     * @param errors of those that were refused
     * @param time at which the others took effect
     */
    record Decided(
            Schema schema,
            SortedMap<Integer, ModelOperation> operations,
            boolean isAtomic,
            Map<Integer, RowErrorCode> errors,
            long time) {}

    ModelTablet tablet() {
        return tablet;
    }

    SortedMap<Integer, ModelOperation> operations() {
        return operations;
    }

    /** The request that it is a part of; null if that has no name. */
    ModelRequests.@Nullable Request request() {
        return request;
    }

    /** Whether it is an answer that was given before. */
    boolean isRepeated() {
        return request != null && request.isRepeated(this);
    }

    /** Whether it is the same as another, of a request that was made twice. */
    boolean isSame(ModelPart other) {
        return request != null && request == other.request && tablet == other.tablet && time() == other.time();
    }

    /** Whether so much time has passed since that the answer may have been forgotten. */
    boolean isForgettable() {
        return isForgettable;
    }

    void forgettable() {
        isForgettable = true;
    }

    /** What the tablet said; null as long as it has said nothing. Stays the same from then on. */
    @Nullable
    Decided decided() {
        TabletWrite write = part.write();
        if (decided == null && write.isDecided()) {
            Map<Integer, RowErrorCode> errors = new HashMap<>();
            for (int i = 0; i < write.errorCount(); i++) {
                errors.put(write.errorIndex(i), write.errorCode(i));
            }
            decided = new Decided(schema, operations, isAtomic, errors, write.timestamp());
        }
        return decided;
    }

    Decided existing() {
        Decided existing = decided();
        if (existing == null) {
            throw new AssertionError("the tablet has not decided " + operations);
        }
        return existing;
    }

    long time() {
        return existing().time();
    }

    /** Whether whoever reads the newest state sees it. */
    boolean isVisible() {
        return decided() != null && hosted.tablet().visible() >= time();
    }

    /** Why it failed; null if it did not, or has no answer yet. */
    @Nullable
    RuntimeException failure() {
        return part.failure();
    }

    /** Whether the model has it. */
    boolean isTaken() {
        return isTaken;
    }

    void taken() {
        isTaken = true;
    }

    @Override
    public String toString() {
        return operations.size() + " operations in tablet " + tablet.id() + (decided == null ? "" : " at " + time());
    }
}
