package io.nyala.engine;

import io.nyala.engine.ModelTally.Kind;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import java.nio.file.Path;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Workers of maintenance that hang in a call of the disk, mostly for so long that others take what they have; then they
 * come back to it. Meanwhile all others go on, within that call, since there is one thread.
 */
final class ModelHangs {
    /** More than what maintenance waits for a worker. */
    private static final long LONG_MICROS = 61_000_000;

    private static final int STEPS_MAX = 1_200;
    private static final int ACTS_MAX = 3;

    /** Such as those, and no transfers: queues are not shared by workers, but here these have one thread. */
    private static final Set<Operation> HANGING =
            Set.of(Operation.CREATE, Operation.OPEN, Operation.DELETE, Operation.SYNC_DIRECTORY);

    private static final Path ROWSETS = World.DIRECTORY.resolve("rowsets");

    private final ModelHost host;
    private final Consumer<SplittableRandom> act;
    private boolean isHanging;

    /** {@code act} does something that waits for nobody. */
    ModelHangs(ModelHost host, Consumer<SplittableRandom> act) {
        this.host = host;
        this.act = act;
    }

    /** One of the next calls of a worker hangs. */
    void arm(SplittableRandom random) {
        SplittableRandom own = random.split();
        int[] before = {own.nextInt(4)};
        host.world().disk().hangNext(call -> fits(call) && before[0]-- == 0, () -> hang(own));
    }

    /**
     * Not while a batch is handed over: the model takes batches in this order, and others would come before it. Nor
     * within the step of an agent that waits: that would wait for the end of the hang, too, as no thread does.
     */
    private boolean fits(Call call) {
        boolean isOfRowSet = call.path().startsWith(ROWSETS);
        return !isHanging
                && !host.writes().isHandingOver()
                && isOfRowSet
                && HANGING.contains(call.operation())
                && host.agents().role().startsWith("maintenance");
    }

    private void hang(SplittableRandom random) {
        boolean isLong = random.nextInt(8) > 0;
        host.note(host.agents().role() + " hangs" + (isLong ? " for long" : ""));
        host.tally().count(Kind.HANG);
        isHanging = true;
        try {
            if (isLong) {
                host.world().clock().advanceMicros(LONG_MICROS);
            }
            for (int acts = random.nextInt(ACTS_MAX + 1); acts >= 0; acts--) {
                steps(random.nextInt(STEPS_MAX));
                act.accept(random);
            }
            steps(random.nextInt(STEPS_MAX));
        } finally {
            isHanging = false;
        }
    }

    private void steps(int count) {
        for (int i = 0; i < count; i++) {
            host.agents().step();
        }
    }
}
