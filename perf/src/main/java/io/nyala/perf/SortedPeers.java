package io.nyala.perf;

import io.nyala.perf.FreshRows.SortedRows;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.h2.mvstore.MVStore;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/** The peers among {@link SortedRows}. */
final class SortedPeers {
    private SortedPeers() {}

    static SortedRows skipList() {
        return new OfMap("ConcurrentSkipListMap", new ConcurrentSkipListMap<>(), () -> {});
    }

    /** H2's B-tree, in memory. */
    static SortedRows mvStore() {
        MVStore store = MVStore.open(null);
        return new OfMap("H2 MVStore", store.openMap("rows"), store::closeImmediately);
    }

    /** RocksDB's MemTable: its log is off, and no flush is to come. */
    static SortedRows rocksDb(Path parent) {
        return new OfRocksDb(parent);
    }

    private static final class OfMap implements SortedRows {
        private final String name;
        private final Map<Object, Long> map;
        private final Runnable onClose;
        private final byte[] text = new byte[Keys.STRINGS.bytes];

        OfMap(String name, Map<Object, Long> map, Runnable onClose) {
            this.name = name;
            this.map = map;
            this.onClose = onClose;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public void insert(Keys keys, long first, long last) {
            for (long i = first; i < last; i++) {
                map.put(key(keys, i), i);
            }
        }

        @Override
        public boolean contains(Keys keys, long number) {
            return map.containsKey(key(keys, number));
        }

        private Object key(Keys keys, long index) {
            if (keys == Keys.STRINGS) {
                keys.writeText(index, text);
                return new String(text, StandardCharsets.ISO_8859_1);
            }
            return keys.number(index);
        }

        @Override
        public long scan() {
            long count = 0;
            for (Map.Entry<Object, Long> entry : map.entrySet()) {
                count += entry.getKey() == null || entry.getValue() < 0 ? 0 : 1;
            }
            return count;
        }

        @Override
        public double overheadBytes(Keys keys, long rows) {
            return -1;
        }

        @Override
        public void close() {
            onClose.run();
        }
    }

    private static final class OfRocksDb implements SortedRows {
        private static final long MEMTABLE_BYTES = 8L << 30;
        private static final int BATCH_ROWS = 1_000;

        private final Path directory;
        private final Options options = new Options()
                .setCreateIfMissing(true)
                .setWriteBufferSize(MEMTABLE_BYTES)
                .setAllowConcurrentMemtableWrite(false); // There is one writer; faster for it.
        private final WriteOptions unlogged = new WriteOptions().setDisableWAL(true);
        private final ReadOptions reading = new ReadOptions();
        private final WriteBatch batch = new WriteBatch();
        private final RocksDB database;
        private final byte[] text = new byte[Keys.STRINGS.bytes];
        private final ByteBuffer key = ByteBuffer.allocateDirect(Keys.STRINGS.bytes);
        private final ByteBuffer value = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());

        OfRocksDb(Path parent) {
            try {
                directory = Files.createTempDirectory(parent, "rocksdb");
                database = RocksDB.open(options, directory.toString());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (RocksDBException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public String name() {
            return "RocksDB MemTable";
        }

        @Override
        public void insert(Keys keys, long first, long last) {
            try {
                for (long at = first; at < last; at += BATCH_ROWS) {
                    batch.clear();
                    for (long i = at; i < Math.min(last, at + BATCH_ROWS); i++) {
                        putKey(keys, i);
                        batch.put(key, value.clear().putLong(0, i));
                    }
                    database.write(unlogged, batch);
                }
            } catch (RocksDBException e) {
                throw new IllegalStateException(e);
            }
        }

        private void putKey(Keys keys, long index) {
            key.clear();
            if (keys == Keys.STRINGS) {
                keys.writeText(index, text);
                key.put(text);
            } else {
                key.putLong(keys.number(index) ^ Long.MIN_VALUE);
            }
            key.flip();
        }

        @Override
        public boolean contains(Keys keys, long number) {
            try {
                putKey(keys, number);
                return database.get(reading, key, value.clear()) != RocksDB.NOT_FOUND;
            } catch (RocksDBException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public long scan() {
            long count = 0;
            try (RocksIterator iterator = database.newIterator(reading)) {
                for (iterator.seekToFirst(); iterator.isValid(); iterator.next()) {
                    iterator.key(key.clear());
                    iterator.value(value.clear());
                    count++;
                }
            }
            return count;
        }

        @Override
        public double overheadBytes(Keys keys, long rows) {
            try {
                long used = database.getLongProperty("rocksdb.cur-size-active-mem-table");
                return (double) used / rows - keys.bytes - Long.BYTES;
            } catch (RocksDBException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() {
            batch.close();
            reading.close();
            unlogged.close();
            database.close();
            options.close();
            LineItems.delete(directory);
        }
    }
}
