package io.nyala.cfile;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** A page of the cache between its reader and whoever evicts or loads it; run by {@code RacesTest}. */
public final class CachedPageRaces {
    private static final Slab SLAB = MemoryBudget.open(PageSource.jdk(), 2 << 20)
            .account("races", 0)
            .take(4096); // Of the whole process: its content does not matter.

    private CachedPageRaces() {}

    @SuppressWarnings("NullAway") // The section is only for whoever evicts.
    private static CachedPage loadedPage() {
        CachedPage page = new CachedPage(null, 0);
        page.loaded(SLAB);
        page.unpin();
        return page;
    }

    /** A page that is evicted is pinned by nobody. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "pinned, so it stays")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "gone, so it is not pinned")
    @Outcome(id = "1, 1", expect = FORBIDDEN, desc = "gone while it is pinned")
    @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "neither")
    public static class PinningBesideAnEviction {
        private final CachedPage page = loadedPage();

        @Actor
        public void reader(II_Result result) {
            result.r1 = page.tryPin() ? 1 : 0;
        }

        @Actor
        public void evictor(II_Result result) {
            result.r2 = page.tryRetire() ? 1 : 0;
        }
    }

    /** What was read under a pin was read before the eviction's doings. */
    @JCStressTest
    @State
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "intact, or not pinned")
    @Outcome(id = "1", expect = FORBIDDEN, desc = "overwritten under a pin")
    public static class ReadingBesideAnEviction {
        private final CachedPage page = loadedPage();
        private int content; // Plain, as memory is.

        @Actor
        public void reader(I_Result result) {
            if (page.tryPin()) {
                result.r1 = content;
                page.unpin();
            }
        }

        @Actor
        public void evictor() {
            if (page.tryRetire()) {
                content = 1;
            }
        }
    }

    /** Who pins a page finds it loaded. */
    @JCStressTest
    @State
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "not yet there")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "there, with its memory")
    @Outcome(id = "2", expect = FORBIDDEN, desc = "there, without its memory")
    public static class PinningBesideTheLoading {
        @SuppressWarnings("NullAway") // The section is only for whoever evicts.
        private final CachedPage page = new CachedPage(null, 0);

        @Actor
        public void loader() {
            page.loaded(SLAB);
        }

        @Actor
        public void reader(I_Result result) {
            if (page.tryPin()) {
                result.r1 = page.memory().byteSize() == SLAB.bytes() ? 1 : 2;
            }
        }
    }
}
