package io.nyala.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.BlockingIo;
import io.nyala.io.Disk;
import io.nyala.io.DiskFile;
import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: after a power cut at any time, each sector and each name has one of the states it may have by the rules of a
 * disk, and a synced one just that. Method: random operations; the test keeps for each sector the set of versions it
 * may show.
 */
final class SurvivalTest {
    private static final int PAGE = Disk.ALIGNMENT_BYTES;
    private static final int SECTOR = 512;
    private static final int PAGES = 6;
    private static final Path DATA = Path.of("/data");
    private static final Path FILE = DATA.resolve("file");

    @RepeatedTest(40)
    void sectorsShowOnlyWhatTheyMay(@Seed SplittableRandom random) {
        SimulatedDisk disk = new SimulatedDisk(random.split());
        disk.createDirectories(DATA);
        disk.syncDirectory(Path.of("/"));
        List<Set<Integer>> allowed = new ArrayList<>();
        for (int i = 0; i < PAGES * PAGE / SECTOR; i++) {
            allowed.add(new HashSet<>(Set.of(0)));
        }
        int[] latest = new int[allowed.size()];
        int liveBytes = 0;
        int durableBytes = 0;
        try (Arena arena = Arena.ofConfined();
                DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            disk.syncDirectory(DATA);
            MemorySegment memory = arena.allocate((long) PAGES * PAGE, PAGE);
            for (int version = 1; version <= 30; version++) {
                int position = random.nextInt(PAGES) * PAGE;
                int bytes = random.nextInt(1, PAGES - position / PAGE + 1) * PAGE;
                boolean isDurable = random.nextBoolean();
                if (random.nextInt(5) == 0) {
                    io.sync(file);
                    for (int i = 0; i < latest.length; i++) {
                        allowed.set(i, new HashSet<>(Set.of(latest[i])));
                    }
                    durableBytes = liveBytes;
                } else {
                    for (int at = 0; at < bytes; at += Integer.BYTES) {
                        memory.set(ValueLayout.JAVA_INT, at, version);
                    }
                    for (int i = position / SECTOR; i < (position + bytes) / SECTOR; i++) {
                        latest[i] = version;
                        if (isDurable) {
                            allowed.get(i).clear();
                        }
                        allowed.get(i).add(version);
                    }
                    liveBytes = Math.max(liveBytes, position + bytes);
                    if (isDurable) {
                        io.writeDurable(file, position, memory, 0, bytes);
                        durableBytes = Math.max(durableBytes, position + bytes);
                    } else {
                        io.write(file, position, memory, 0, bytes);
                    }
                }
                check(disk.afterPowerCut(random.nextLong()).contents(FILE), allowed, durableBytes, liveBytes);
            }
        }
    }

    private static void check(byte[] contents, List<Set<Integer>> allowed, int bytesMin, int bytesMax) {
        assertTrue(contents.length >= bytesMin && contents.length <= bytesMax, "length " + contents.length);
        MemorySegment seen = MemorySegment.ofArray(contents);
        for (int i = 0; i < contents.length / SECTOR; i++) {
            int version = seen.get(ValueLayout.JAVA_INT_UNALIGNED, (long) i * SECTOR);
            assertTrue(
                    allowed.get(i).contains(version), "sector " + i + " shows " + version + " not " + allowed.get(i));
            for (int at = 0; at < SECTOR; at += Integer.BYTES) {
                assertEquals(version, seen.get(ValueLayout.JAVA_INT_UNALIGNED, (long) i * SECTOR + at));
            }
        }
    }

    @RepeatedTest(40)
    void namesShowOnlyWhatTheyMay(@Seed SplittableRandom random) {
        SimulatedDisk disk = new SimulatedDisk(random.split());
        disk.createDirectories(DATA);
        disk.syncDirectory(Path.of("/"));
        TreeMap<String, Set<Boolean>> allowed = new TreeMap<>();
        TreeSet<String> live = new TreeSet<>();
        List<String> names = List.of("a", "b", "c", "d");
        names.forEach(name -> allowed.put(name, new HashSet<>(Set.of(false))));
        for (int step = 0; step < 40; step++) {
            String name = names.get(random.nextInt(names.size()));
            String other = names.get(random.nextInt(names.size()));
            switch (random.nextInt(5)) {
                case 0 -> {
                    disk.syncDirectory(DATA);
                    names.forEach(each -> allowed.put(each, new HashSet<>(Set.of(live.contains(each)))));
                }
                case 1 -> {
                    if (live.remove(name)) {
                        disk.delete(DATA.resolve(name));
                        allowed.computeIfAbsent(name, _ -> new HashSet<>()).add(false);
                    }
                }
                case 2 -> {
                    if (!name.equals(other) && live.remove(name)) {
                        disk.rename(DATA.resolve(name), DATA.resolve(other));
                        live.add(other);
                        allowed.computeIfAbsent(name, _ -> new HashSet<>()).add(false);
                        allowed.computeIfAbsent(other, _ -> new HashSet<>()).add(true);
                    }
                }
                default -> {
                    if (live.add(name)) {
                        disk.create(DATA.resolve(name)).close();
                        allowed.computeIfAbsent(name, _ -> new HashSet<>()).add(true);
                    }
                }
            }
            assertEquals(live.stream().map(DATA::resolve).toList(), disk.list(DATA));
            SimulatedDisk after = disk.afterPowerCut(random.nextLong());
            for (String each : names) {
                boolean isThere = after.exists(DATA.resolve(each));
                assertTrue(
                        allowed.getOrDefault(each, Set.of()).contains(isThere),
                        each + ": " + isThere + ", not " + allowed);
            }
        }
        assertEquals(0, disk.openFileCount());
    }
}
