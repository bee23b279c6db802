package io.nyala.peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Kudu of one master and one tablet server from its published binary, in a directory of its own. It keeps time by the
 * system's clock, since a test machine has none that is synchronized. One thread.
 */
public final class RealKudu implements ProcessCluster {
    private static final long START_SECONDS = 240;
    private static final Pattern PORT =
            Pattern.compile("\"bound_rpc_addresses\":\\s*\\[\\s*\\{[^}]*\"port\":\\s*(\\d+)");

    private final Path directory;
    private final List<Process> processes = new ArrayList<>();
    private final String masterAddress;

    private RealKudu(Path directory, List<String> options) {
        this.directory = directory;
        boolean isStarted = false;
        try {
            masterAddress = start("kudu-master", List.of("--default_num_replicas=1"), options);
            start("kudu-tserver", List.of("--tserver_master_addrs=" + masterAddress), options);
            awaitTabletServer();
            isStarted = true;
        } finally {
            if (!isStarted) {
                close();
            }
        }
    }

    /**
     * Starts one, and waits until it serves; what an earlier one left in the directory is its.
     *
     * @param options flags of both servers besides those that any needs
     */
    public static RealKudu start(Path directory, String... options) {
        return new RealKudu(directory, List.of(options));
    }

    @Override
    public String masterAddress() {
        return masterAddress;
    }

    private String start(String program, List<String> own, List<String> options) {
        Path home = directory.resolve(program);
        Path addresses = home.resolve("addresses.json");
        List<String> command = new ArrayList<>(List.of(
                KuduBinary.path(program).toString(),
                "--fs_wal_dir=" + home.resolve("wal"),
                "--fs_data_dirs=" + home.resolve("data"),
                "--log_dir=" + home,
                "--rpc_bind_addresses=127.0.0.1:0",
                "--rpc_server_allow_ephemeral_ports",
                "--webserver_enabled=false",
                "--time_source=system_unsync",
                "--unlock_unsafe_flags",
                "--unlock_experimental_flags",
                "--server_dump_info_path=" + addresses,
                "--server_dump_info_format=json"));
        command.addAll(own);
        command.addAll(options);
        try {
            Files.createDirectories(home);
            Files.deleteIfExists(addresses); // An earlier one's.
            Process process = KuduBinary.process(command)
                    .redirectErrorStream(true)
                    .redirectOutput(home.resolve("output").toFile())
                    .start();
            processes.add(process);
            return "127.0.0.1:" + awaitPort(process, home, addresses);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int awaitPort(Process process, Path home, Path addresses) throws IOException {
        for (int i = 0; i < START_SECONDS * 20 && process.isAlive(); i++) {
            if (Files.exists(addresses)) {
                Matcher port = PORT.matcher(Files.readString(addresses));
                if (port.find()) {
                    return Integer.parseInt(port.group(1));
                }
            }
            pause(process);
        }
        throw new IllegalStateException("a real Kudu did not start: " + Files.readString(home.resolve("output")));
    }

    private void awaitTabletServer() {
        for (int i = 0; i < START_SECONDS * 5; i++) {
            KuduTool.Result servers = KuduTool.run("tserver", "list", masterAddress);
            if (servers.exitCode() == 0 && servers.output().contains("127.0.0.1:")) {
                return;
            }
            pause(processes.getFirst());
        }
        throw new IllegalStateException("the tablet server of a real Kudu did not find its master");
    }

    /** A moment, or less if the process ends. */
    private static void pause(Process process) {
        try {
            process.waitFor(50, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while a real Kudu starts", e);
        }
    }

    @Override
    public List<ProcessHandle> processes() {
        return processes.stream().map(Process::toHandle).toList();
    }

    @Override
    public void stop() {
        processes.reversed().forEach(process -> {
            process.destroy();
            process.onExit().join();
        });
    }

    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
        processes.forEach(process -> process.onExit().join());
    }
}
