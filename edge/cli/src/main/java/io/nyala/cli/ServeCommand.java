package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.server.NyalaServer;
import io.nyala.server.ServerConfig;
import io.nyala.text.Figures;
import io.nyala.web.WebConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
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

    /** Enough for an engine with all else as usual. */
    static final long MEMORY_MIB_MIN = 112;

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
                    "Memory outside the heap for rows, cache and scans, 112 or more (default: ${DEFAULT-VALUE} MiB).")
    private long memoryMib = 1024;

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        checkRange("--web-port", webPort, 0, 65_535); // 0 is none here, and any to a host program.
        checkRange("--memory", memoryMib, MEMORY_MIB_MIN, MEMORY_MIB_MAX);
        ServerConfig config = config();
        checkPorts(config);
        CountDownLatch stop = new CountDownLatch(1);
        CountDownLatch stopped = new CountDownLatch(1);
        Thread hook = new Thread(() -> awaitStop(stop, stopped), "nyala-stop");
        try {
            serve(out, config, stop, hook);
            tell(out, "stopped");
        } catch (RuntimeException e) {
            if (stop.getCount() > 0) {
                throw e;
            }
            return Main.report(e, spec.commandLine()); // Now: the process ends when the hook returns.
        } finally {
            stopped.countDown();
        }
        return Main.OK;
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
            throw new UncheckedIOException(
                    "cannot listen at " + config.address(port) + ": " + e.getMessage()
                            + "; stop what listens there, choose"
                            + " another port by " + option + " (" + zero + "), or another address of this machine by"
                            + " --host",
                    e);
        }
    }

    private void serve(PrintWriter out, ServerConfig config, CountDownLatch stop, Thread hook)
            throws InterruptedException {
        EngineConfig engineConfig = EngineConfig.in(directory).withMemoryBytes(memoryMib * MIB);
        tell(
                out,
                "opening " + directory.toAbsolutePath() + "; what its log has beyond the tables is replayed, and up to "
                        + Figures.bytes(engineConfig.logSegmentBytes()) + " of spare log are written");
        try (Engine engine = Engine.open(engineConfig)) {
            try (NyalaServer server = NyalaServer.start(engine, config, line -> tell(out, line))) {
                Runtime.getRuntime().addShutdownHook(hook);
                welcome(out, directory, config, engine, server);
                stop.await();
            }
            LastFlush.of(line -> tell(out, line)).run(engine);
        }
    }

    /** Runs when the process is told to end, which it does when this returns. */
    private static void awaitStop(CountDownLatch stop, CountDownLatch stopped) {
        stop.countDown();
        try {
            stopped.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
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
