package io.nyala.engine;

import io.nyala.compaction.Flush;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memrowset.MemRowSet;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletManifest;

/** What flushes need of an engine. */
final class EngineFlushes implements FlushContext {
    private final OpenEngine engine;

    EngineFlushes(OpenEngine engine) {
        this.engine = engine;
    }

    @Override
    public TabletManifest manifest() {
        return engine.storage();
    }

    @Override
    public Flush newFlush(Tablet tablet, MemRowSet rows) {
        return new Flush(rows.source(engine.memory().flush()), engine.flushTarget(tablet));
    }

    @Override
    public DiskRowSet open(Tablet tablet, long fileId) {
        return engine.openRowSet(tablet.id(), tablet.schema(), fileId);
    }

    @Override
    public Runnable wake() {
        return engine::wakeMaintenance;
    }
}
