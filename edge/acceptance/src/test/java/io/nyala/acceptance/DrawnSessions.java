package io.nyala.acceptance;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduTable;

/**
 * Two sessions that write to one table in turns, in any two modes: one has operations that it has not sent while those
 * of the other are done, and scans between see what was sent only. Immutable.
 */
final class DrawnSessions {
    private final DrawnWrites first;
    private final DrawnWrites second;

    /** Whether the second session is of another client, which hears of the time of the first one's writes. */
    private final boolean isElsewhere;

    private final List<Turn> turns;
    private final DrawnScan scan;

    private enum Turn {
        FIRST_APPLIES,
        SECOND_APPLIES,
        FIRST_FLUSHES,
        SECOND_FLUSHES,
        READ
    }

    private DrawnSessions(
            DrawnWrites first, DrawnWrites second, boolean isElsewhere, List<Turn> turns, DrawnScan scan) {
        this.first = first;
        this.second = second;
        this.isElsewhere = isElsewhere;
        this.turns = turns;
        this.scan = scan;
    }

    static DrawnSessions draw(DrawnTable table, SplittableRandom random) {
        DrawnWrites first = DrawnWrites.draw(table, random);
        DrawnWrites second = DrawnWrites.draw(table, random);
        List<Turn> turns = new ArrayList<>();
        int left = first.count();
        int right = second.count();
        while (left + right > 0) {
            boolean isFirst = random.nextInt(left + right) < left;
            turns.add(isFirst ? Turn.FIRST_APPLIES : Turn.SECOND_APPLIES);
            left -= isFirst ? 1 : 0;
            right -= isFirst ? 0 : 1;
            switch (random.nextInt(12)) {
                case 0 -> turns.add(Turn.FIRST_FLUSHES);
                case 1 -> turns.add(Turn.SECOND_FLUSHES);
                case 2 -> turns.add(Turn.READ);
                default -> {}
            }
        }
        turns.add(random.nextBoolean() ? Turn.FIRST_FLUSHES : Turn.SECOND_FLUSHES);
        turns.add(Turn.READ);
        return new DrawnSessions(first, second, random.nextBoolean(), turns, DrawnScan.draw(table, 0, random));
    }

    /** Answers what the scans saw, and what became of the operations of both. */
    String run(ClusterRun run, String name) throws KuduException {
        StringBuilder seen = new StringBuilder();
        KuduTable table = run.open(name);
        KuduTable elsewhere = isElsewhere ? run.otherClient().openTable(name) : table;
        KuduClient other = isElsewhere ? run.otherClient() : run.client();
        try (DrawnWrites.Sending left = first.start(run.client(), table);
                DrawnWrites.Sending right = second.start(other, elsewhere)) {
            for (Turn turn : turns) {
                switch (turn) {
                    case FIRST_APPLIES -> left.applyNext();
                    case SECOND_APPLIES -> right.applyNext();
                    case FIRST_FLUSHES -> left.flush();
                    case SECOND_FLUSHES -> right.flush();
                    case READ -> seen.append(scan.run(run, table)).append('\n');
                }
                run.tellClients();
            }
            seen.append(left.end()).append('\n').append(right.end());
        }
        run.tellClients();
        return seen.toString();
    }

    @Override
    public String toString() {
        return "by a session " + first + " and one " + (isElsewhere ? "of another client " : "") + second + " in turns "
                + turns + ", read " + scan;
    }
}
