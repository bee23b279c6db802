package io.nyala.simulation;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Decides, by a seed, what of the unsynced survives one power cut. Each cut draws how much survives in general, so that
 * all, nothing and everything between come up. Belongs to one thread.
 */
final class Fate {
    static final int SECTOR_BYTES = 512;

    private static final double[] SURVIVAL = {0, 0.1, 0.5, 0.9, 1};

    private final SplittableRandom random;
    private final double survival;
    private final Set<Node> visited = Collections.newSetFromMap(new IdentityHashMap<>());

    Fate(SplittableRandom random) {
        this.random = random;
        this.survival = SURVIVAL[random.nextInt(SURVIVAL.length)];
    }

    boolean survives() {
        return random.nextDouble() < survival;
    }

    boolean coin() {
        return random.nextBoolean();
    }

    /** Whether a write that did not survive whole has left parts; never in the extremes of nothing and all. */
    boolean isTorn() {
        return survival > 0 && random.nextInt(3) == 0;
    }

    /** In which units a write is torn: sectors of the device, or pages of the kernel. */
    int tornUnitBytes() {
        return random.nextBoolean() ? SECTOR_BYTES : Inode.PAGE_BYTES;
    }

    /** Passes a cut on to a node, once, however many names it has. */
    void cutPower(Node node) {
        if (visited.add(node)) {
            switch (node) {
                case Inode inode -> inode.cutPower(this);
                case Directory directory -> directory.cutPower(this);
            }
        }
    }
}
