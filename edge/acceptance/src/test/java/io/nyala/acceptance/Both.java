package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.peer.Cluster;
import io.nyala.peer.RealKudu;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A real Kudu and our server, with a client of each, for all tests of this module: started when the first of them needs
 * them, and closed at the end.
 */
final class Both implements AutoCloseable {
    private final Path directory;
    private final Cluster kudu;
    private final OurServer ours;
    private final KuduClient kuduClient;
    private final KuduClient ourClient;

    private Both() {
        try {
            directory = Files.createTempDirectory("nyala-acceptance");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        kudu = RealKudu.start(directory.resolve("kudu"), "--log_preallocate_segments=false"); // Many small tablets.
        boolean isStarted = false;
        try {
            ours = OurServer.start(directory.resolve("nyala"));
            isStarted = true;
        } finally {
            if (!isStarted) {
                kudu.close();
            }
        }
        kuduClient = Clients.of(kudu);
        ourClient = Clients.of(ours);
        try { // A client that has not written knows no time to read at.
            SmallTable.filled(kuduClient, "written_first", 1);
            SmallTable.filled(ourClient, "written_first", 1);
        } catch (KuduException e) {
            throw new IllegalStateException("a client cannot write", e);
        }
    }

    Cluster kudu() {
        return kudu;
    }

    Cluster ours() {
        return ours;
    }

    KuduClient kuduClient() {
        return kuduClient;
    }

    KuduClient ourClient() {
        return ourClient;
    }

    /** What a client does, and what it sees, as text. */
    @FunctionalInterface
    interface Story {
        String tell(KuduClient client) throws Exception;
    }

    /** The story must be the same of both, and a story: it may not end by an error. */
    void same(Story story) throws Exception {
        assertEquals(story.tell(kuduClient), story.tell(ourClient));
    }

    /** The story must be this, of both. */
    void tell(String expected, Story story) throws Exception {
        assertEquals(expected, story.tell(kuduClient), "what a real Kudu answers");
        tellOfOurs(expected, story);
    }

    /** The story of ours must be this; that of a real Kudu, too, but for its words about errors. */
    void tellByCode(String expected, Story story) throws Exception {
        assertEquals(Said.codes(expected), Said.codes(story.tell(kuduClient)), "what a real Kudu answers");
        tellOfOurs(expected, story);
    }

    /** The story must be this, of ours; of a real Kudu it was when it was told before. */
    void tellOfOurs(String expected, Story story) throws Exception {
        assertEquals(expected, story.tell(ourClient), "what our server answers");
    }

    /** Brings the rows of a table of ours, and what changed them, from memory to disk. */
    void flushOurs(String table) {
        ours.engine().table(table).orElseThrow().flush().join();
    }

    /** Has a real Kudu bring rows and what changed them to disk as soon as it can, until this is closed. */
    AutoCloseable flushKuduAtOnce() throws IOException {
        List<String> names = List.of("flush_threshold_mb", "flush_threshold_secs");
        List<String> before = new ArrayList<>();
        try (RawCluster raw = RawCluster.of(kudu)) {
            for (String name : names) {
                before.add(raw.flag(name));
                raw.setFlag(name, "0");
            }
        }
        return () -> {
            try (RawCluster raw = RawCluster.of(kudu)) {
                for (int i = 0; i < names.size(); i++) {
                    raw.setFlag(names.get(i), before.get(i));
                }
            }
        };
    }

    /** How often a real Kudu began to bring rows to disk by itself; a change of a table does so, too, and is none. */
    long kuduFlushes() throws IOException {
        Path log = directory.resolve("kudu").resolve("kudu-tserver").resolve("kudu-tserver.INFO");
        // Names that are no UTF-8 stand in it as they came.
        try (Stream<String> lines = Files.lines(log, StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.contains("Scheduling FlushMRSOp")).count();
        }
    }

    /** The last record of our log that would survive a power cut. */
    long durableUpTo() {
        return ours.engine().view().log().durableUpTo();
    }

    @Override
    public void close() throws IOException {
        try (kudu;
                ours;
                kuduClient;
                ourClient) {
            // In the reverse order, whatever fails.
        } catch (KuduException e) {
            throw new IllegalStateException("a client did not close", e);
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Gives them to tests that have a parameter for them. */
    static final class Parameter implements ParameterResolver {
        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == Both.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return context.getRoot()
                    .getStore(ExtensionContext.Namespace.GLOBAL)
                    .computeIfAbsent(Both.class, _ -> new Both(), Both.class);
        }
    }
}
