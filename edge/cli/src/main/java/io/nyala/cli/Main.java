package io.nyala.cli;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The {@code nyala} command: finds the subcommand, prints its errors, answers an exit code.
 *
 * <ul>
 *   <li>0: done, and every check held.
 *   <li>1: an operation or a check failed; the message says what, where and what to do.
 *   <li>2: the arguments make no sense; nothing was done.
 * </ul>
 *
 * A subcommand is a class with {@code @Command} that implements {@code Callable<Integer>} and is named below; it
 * answers {@link #OK} or {@link #FAILED}, or throws. One thread.
 */
@Command(
        name = "nyala",
        description = "A tablet storage engine: durable rows in, columns out.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {
            DemoCommand.class,
            ServeCommand.class,
            ListCommand.class,
            DescribeCommand.class,
            AlterCommand.class,
            ScanCommand.class,
            DumpCommand.class,
            VerifyCommand.class,
            CountersCommand.class,
            ExplainCommand.class,
            UpkeepCommand.Flush.class,
            UpkeepCommand.Compact.class,
            UpkeepCommand.Vacuum.class,
            SnapshotCommand.class,
            CrashWriterCommand.class
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  nyala demo                         rows in, changed, queried, checked",
            "  nyala demo --data data             the same, and the data stays",
            "  nyala serve --data data            for any client of Kudu",
            "  nyala ls --data data               what tables there are",
            "  nyala scan lineitem --data data --where 'l_quantity < 5' --limit 10",
            "  nyala verify data                  read everything, check every checksum",
            "  nyala explain lineitem --data data which rowsets would be merged, and why",
            "  nyala compact --data data          fewer rowsets, so that reads ask fewer files",
            "  nyala COMMAND --help               options and examples of a command"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done, and every check held",
            "1:something failed",
            "2:the arguments make no sense",
            "3:a part was left undone, and is named"
        })
public final class Main implements Runnable {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;
    static final int LEFT = 3;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = {"--stacktrace", "--debug"},
            scope = CommandLine.ScopeType.INHERIT,
            description = "Print where in the code a failure arose.")
    private boolean stacktrace;

    private Main() {}

    /** Runs a command and ends the process with its exit code. */
    public static void main(String[] arguments) {
        Logging.quiet();
        PrintWriter out = new PrintWriter(System.out, true, System.out.charset());
        PrintWriter err = new PrintWriter(System.err, true, System.err.charset());
        System.exit(command(out, err).execute(arguments));
    }

    /** The command and its subcommands, to be executed in this process. */
    static CommandLine command(PrintWriter out, PrintWriter err) {
        return new CommandLine(new Main())
                .setOut(out)
                .setErr(err)
                .setExecutionExceptionHandler((e, command, _) -> report(e, command))
                .setParameterExceptionHandler((e, _) -> reportUsage(e))
                .setCaseInsensitiveEnumValuesAllowed(true);
    }

    /** Without a subcommand there is nothing to do. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "name a command, such as demo or serve");
    }

    /** What is wrong, and where help is: the help itself would push that off the screen. */
    private static int reportUsage(ParameterException failure) {
        CommandLine command = failure.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("nyala: " + failure.getMessage());
        CommandLine.UnmatchedArgumentException.printSuggestions(failure, err);
        err.println("try `" + command.getCommandSpec().qualifiedName() + " --help`");
        return USAGE;
    }

    /** Says why a command ends without having done what it was to do; answers the exit code. */
    static int report(Exception failure, CommandLine command) {
        CommandSpec root = command.getCommandSpec().root();
        PrintWriter err = root.commandLine().getErr();
        Main main = (Main) root.userObject();
        if (main.stacktrace) {
            failure.printStackTrace(err);
        } else {
            String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
            err.println("nyala: " + message);
        }
        return failure instanceof UsageException ? USAGE : FAILED;
    }

    /** What {@code --version} prints. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            String java = "Java " + Runtime.version() + " on " + System.getProperty("os.arch");
            return new String[] {"nyala " + (version == null ? "of the source tree" : version), java};
        }
    }
}
