package io.nyala.cli;

import io.nyala.cfile.KeyFilter;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.server.NyalaServer;
import io.nyala.server.ServerConfig;
import io.nyala.text.Figures;
import io.nyala.text.TextTable;
import io.nyala.web.WebConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code nyala serve}: tables of a directory for the clients of Kudu, until it is told to stop. */
@Command(
        name = "serve",
        description = {
            "Serve the tables of a directory to any client of Kudu, until Ctrl-C or SIGTERM.",
            "Master and tablet server run in this process. The directory is created if it is missing.",
            "Web pages and metrics are at http://127.0.0.1:8050/."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  nyala serve                                     ./data, for this machine",
            "  nyala serve --data /srv/nyala --host 0.0.0.0    for other machines, too",
            "  nyala serve --host 0.0.0.0 --advertise db1.example.org   which find it by that name",
            "  nyala serve --web-port 0                        without web pages",
            "  nyala serve --master-port 0 --tserver-port 0    at any ports that are free",
            "  kudu table list 127.0.0.1                       from another terminal"
        })
final class ServeCommand implements Callable<Integer> {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss");
    private static final long MIB = 1L << 20;
    private static final int PORT_MAX = 65_535;

    /** Enough for an engine with all else as usual. */
    static final long MEMORY_MIB_MIN = 128;

    private static final long MEMORY_MIB_MAX = 1L << 20;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "${NYALA_DATA:-data}",
            description = "Directory of the tables (NYALA_DATA, else data).")
    private Path directory = Path.of("data");

    @Option(names = "--host", paramLabel = "HOST", description = "Address to listen at (default: ${DEFAULT-VALUE}).")
    private String host = ServerConfig.standard().host();

    @Option(
            names = "--advertise",
            paramLabel = "HOST",
            description = {
                "Host that clients are told to come to, as they reach it (default: the address of --host,",
                "or the machine's name if that is 0.0.0.0)."
            })
    private @Nullable String advertisedHost;

    @Option(
            names = "--master-port",
            paramLabel = "PORT",
            description = "Port of the master, 0 for any (default: ${DEFAULT-VALUE}).")
    private int masterPort = ServerConfig.MASTER_PORT;

    @Option(
            names = "--tserver-port",
            paramLabel = "PORT",
            description = "Port of the tablet server, 0 for any (default: ${DEFAULT-VALUE}).")
    private int tabletServerPort = ServerConfig.TABLET_SERVER_PORT;

    @Option(
            names = "--web-port",
            paramLabel = "PORT",
            description = "Port of the web pages, 0 for none (default: ${DEFAULT-VALUE}).")
    private int webPort = WebConfig.PORT;

    @Option(
            names = "--memory",
            paramLabel = "MIB",
            description =
                    "Memory outside the heap for rows, cache and scans, 128 or more (default: ${DEFAULT-VALUE} MiB).")
    private long memoryMib = 1024;

    @Option(
            names = "--log-max",
            paramLabel = "MIB",
            description = {
                "Most write-ahead log on disk, 768 or more (default: 8192 MiB). Long before, rows are flushed to let",
                "go of it; at that, writes wait, or fail if it does not help."
            })
    private @Nullable Long logMaxMib;

    @Option(
            names = "--filter-rate",
            paramLabel = "RATE",
            description = {
                "Part of the keys that a rowset does not have which its filter lets through, 0.000001 to 0.1",
                "(default: 0.0001, which takes 3 bytes a row): for rowsets that are written from now on."
            })
    private double filterRate = KeyFilter.RATE_DEFAULT;

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        checkRange("--master-port", masterPort, 0, PORT_MAX);
        checkRange("--tserver-port", tabletServerPort, 0, PORT_MAX);
        checkRange("--web-port", webPort, 0, PORT_MAX); // 0 is none here, and any to a host program.
        checkRange("--memory", memoryMib, MEMORY_MIB_MIN, MEMORY_MIB_MAX);
        EngineConfig engineConfig = engineConfig();
        ServerConfig config = config();
        checkPorts(config);
        Stop stop = new Stop(line -> tell(out, line));
        Thread hook = new Thread(stop::ask, "nyala-stop");
        Logging.lastUntil(stop.over);
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            serve(out, engineConfig, config, stop);
            tell(out, "stopped");
        } catch (RuntimeException e) {
            if (!stop.isAsked()) {
                throw e;
            }
            return Main.report(e, spec.commandLine()); // Now: the process ends when the hook returns.
        } finally {
            stop.end();
            forget(hook, stop);
        }
        return Main.OK;
    }

    /** Unless the process ends, which is what the hook is for. */
    private static void forget(Thread hook, Stop stop) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
            stop.over.countDown(); // Nobody will ask.
        } catch (IllegalStateException _) {
            // It runs.
        }
    }

    EngineConfig engineConfig() {
        checkFilterRate();
        EngineConfig config =
                EngineConfig.in(directory).withMemoryBytes(memoryMib * MIB).withFilterRate(filterRate);
        if (logMaxMib == null) {
            return config;
        }
        long segmentMib = config.logSegmentBytes() / MIB;
        long minMib = EngineConfig.LOG_SEGMENTS_MIN * segmentMib;
        checkRange("--log-max", logMaxMib, minMib, EngineConfig.LOG_SEGMENTS_MAX * segmentMib);
        return config.withLogSegmentsMax((int) (logMaxMib / segmentMib));
    }

    private void checkFilterRate() {
        try {
            KeyFilter.checkRate(filterRate);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--filter-rate: " + e.getMessage());
        }
    }

    private ServerConfig config() {
        String advertised = advertisedHost;
        if (advertised != null && advertised.isBlank()) {
            throw new UsageException(
                    "--advertise names no host; give the name or number by which clients reach this one,"
                            + " or leave the option out");
        }
        try {
            return ServerConfig.standard()
                    .withHost(host)
                    .withAdvertisedHost(advertised == null ? "" : advertised)
                    .withMasterPort(masterPort)
                    .withTabletServerPort(tabletServerPort)
                    .withWebPort(webPort);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private static void checkRange(String option, long value, long min, long max) {
        if (value < min || value > max) {
            throw new UsageException(
                    String.format(Locale.ROOT, "%s must be between %,d and %,d, was %,d", option, min, max, value));
        }
    }

    /** Before a directory is made, or a log replayed for minutes, for a server that could not listen then. */
    private void checkPorts(ServerConfig config) {
        checkApart("--master-port", masterPort, "--tserver-port", tabletServerPort);
        checkApart("--web-port", webPort, "--master-port", masterPort);
        checkApart("--web-port", webPort, "--tserver-port", tabletServerPort);
        checkFree(config, "--master-port", masterPort, "0 for any that is free");
        checkFree(config, "--tserver-port", tabletServerPort, "0 for any that is free");
        if (webPort != ServerConfig.NO_WEB) {
            checkFree(config, "--web-port", webPort, "0 for no web pages");
        }
    }

    private static void checkApart(String option, int port, String otherOption, int otherPort) {
        if (port == otherPort && port != 0) {
            throw new UsageException(option + " and " + otherOption + " are both " + port + "; each needs its own");
        }
    }

    private static void checkFree(ServerConfig config, String option, int port, String zero) {
        InetSocketAddress address = new InetSocketAddress(config.host(), port);
        if (address.isUnresolved()) {
            throw new IllegalStateException("cannot listen at " + config.address(port)
                    + ": no address is known of that host; name one of this machine by --host");
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true); // As the server does: what clients of an earlier one left does not count.
            socket.bind(address);
        } catch (IOException e) {
            String what = isOurs(address)
                    ? e.getMessage() + "; stop what listens there, choose another port by " + option + " (" + zero
                            + "), or another address of this machine by --host"
                    : "this machine has no such address; name one that it has by --host (127.0.0.1 for this machine"
                            + " only, 0.0.0.0 for all that it has), and the one that clients reach by --advertise";
            throw new UncheckedIOException("cannot listen at " + config.address(port) + ": " + what, e);
        }
    }

    /** Unless the system says that it is not. */
    private static boolean isOurs(InetSocketAddress address) {
        InetAddress host = address.getAddress();
        try {
            return host.isAnyLocalAddress()
                    || host.isLoopbackAddress()
                    || NetworkInterface.getByInetAddress(host) != null;
        } catch (SocketException _) {
            return true;
        }
    }

    private void serve(PrintWriter out, EngineConfig engineConfig, ServerConfig config, Stop stop)
            throws InterruptedException {
        boolean isNew = !Files.exists(directory.resolve("storage"));
        String spare = Figures.bytes(engineConfig.logSegmentBytes());
        tell(
                out,
                (isNew ? "making " : "opening ")
                        + directory.toAbsolutePath()
                        + (isNew
                                ? "; " + spare + " of log are written"
                                : "; what its log has beyond the tables is replayed, and up to " + spare
                                        + " of spare log are written"));
        try (Logging.Progress _ = Logging.progress(line -> tell(out, line));
                Engine engine = open(engineConfig)) {
            NyalaServer server = NyalaServer.start(engine, config, line -> tell(out, line));
            if (!stop.start()) {
                server.close(); // The process is about to end.
                return;
            }
            try {
                welcome(out, directory, config, engine, server);
                stop.await();
            } finally {
                LastFlush.of(line -> tell(out, line)).runAfter(server::close, engine);
            }
        }
    }

    /** The first time its log is written, which takes seconds on a slow disk: a terminal shows how far it is. */
    private Engine open(EngineConfig config) {
        if (Files.exists(directory)) {
            return Engine.open(config);
        }
        ProgressBar progress = ProgressBar.on(spec.commandLine().getErr(), "writing the log", "MiB");
        return progress.during(
                () -> bytesIn(directory) / MIB, config.logSegmentBytes() / MIB, () -> Engine.open(config));
    }

    /** Of all files; 0 if they come and go too fast to say. */
    static long bytesIn(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        } catch (IOException | UncheckedIOException _) {
            return 0;
        }
    }

    /**
     * The end of a server, asked for by whoever ends the process. Until it serves nobody has to wait for it: what it
     * has replayed is in the log still, so the process ends at once and nothing is lost. Thread-safe.
     */
    static final class Stop {
        private final CountDownLatch asked = new CountDownLatch(1);
        private final CountDownLatch ended = new CountDownLatch(1);

        /** Open until {@link #ask} has returned: until then there may be lines to log. */
        final CountDownLatch over = new CountDownLatch(1);

        private final Consumer<String> told;
        private boolean isStarted;

        /** @param told hears of an end before the start */
        Stop(Consumer<String> told) {
            this.told = told;
        }

        /** Asks for the end, and waits for it; the process ends when this returns. */
        void ask() {
            try {
                askAndWait();
            } finally {
                over.countDown();
            }
        }

        private void askAndWait() {
            boolean isWaitedFor;
            synchronized (this) {
                asked.countDown();
                isWaitedFor = isStarted;
            }
            if (isWaitedFor) {
                awaitUninterrupted();
            } else if (ended.getCount() > 0) {
                told.accept("stopped while it opened; nothing is lost, and the next start replays what is in the log");
            }
        }

        private void awaitUninterrupted() {
            try {
                ended.await();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }

        /** Says that the server is there from now on. Answers false if it is to stop already, and is not waited for. */
        synchronized boolean start() {
            isStarted = asked.getCount() > 0;
            return isStarted;
        }

        boolean isAsked() {
            return asked.getCount() == 0;
        }

        /** Waits until it is asked for. */
        void await() throws InterruptedException {
            asked.await();
        }

        /** Says that it has ended. */
        void end() {
            ended.countDown();
        }
    }

    /** Where everything is, and what to try next. */
    static void welcome(PrintWriter out, Path directory, ServerConfig config, Engine engine, NyalaServer server) {
        TextTable table = new TextTable("", "");
        table.row("tables", Figures.count(engine.tables().size()) + " in " + directory.toAbsolutePath());
        table.row("log", Figures.count(engine.changesReplayed()) + " changes of rows replayed");
        table.row("disk", engine.diskDescription());
        if (!server.clientHost().equals(config.host())) {
            String told = server.clientHost();
            table.row("listens at", config.host() + "; clients are told to come to " + told + " (--advertise)");
        }
        table.row("master", server.masterAddress() + "   kudu table list " + server.masterAddress());
        table.row("tablet server", server.tabletServerAddress());
        table.row("web pages", server.webUrl().orElse("none"));
        table.print(out);
        tell(out, "serving; Ctrl-C stops");
    }

    private static void tell(PrintWriter out, String line) {
        out.println(LocalTime.now(ZoneId.systemDefault()).format(TIME) + " " + line);
        out.flush();
    }
}
