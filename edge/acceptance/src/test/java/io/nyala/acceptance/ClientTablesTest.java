package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.regex.Pattern;
import org.apache.kudu.client.ExternalConsistencyMode;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: what a client asks of a cluster beside rows is answered, and what ours has not is refused by name. Method: the
 * same questions to our server and to a real Kudu, where it has an answer.
 */
@ExtendWith(Both.Parameter.class)
final class ClientTablesTest {
    private static final int ROWS = 500;
    private static final Pattern PEER = Pattern.compile("\\[peer [^]]*]");

    @Test
    void aTableThatWasDroppedComesBack(Both both) throws Exception {
        both.tell("[] [recalled] true 500", client -> {
            KuduTable table = SmallTable.filled(client, "recalled", ROWS);
            client.deleteTable("recalled", 600);
            String gone = client.getTablesList("recalled").getTablesList() + " "
                    + client.getSoftDeletedTablesList("recalled").getTablesList();
            client.recallDeletedTable(table.getTableId(), "recalled_again");
            return gone + " " + client.tableExists("recalled_again") + " "
                    + SmallTable.rows(client, client.openTable("recalled_again"))
                            .size();
        });
    }

    @Test
    void serversAndFeaturesAreToldOf(Both both) throws Exception {
        both.tell(
                "1 true true true",
                client -> client.listTabletServers().getTabletServersCount() + " "
                        + client.supportsIgnoreOperations() + " "
                        + client.isCreateTableDone(
                                SmallTable.create(client, "told").getName())
                        + " " + client.isAlterTableDone("told"));
        assertEquals(32, both.ourClient().getClusterId().length());
        KuduTable counted = SmallTable.filled(both.ourClient(), "counted", ROWS);
        assertEquals(
                ROWS, both.ourClient().getTableStatistics(counted.getName()).getLiveRowCount());
    }

    @Test
    void whatIsNotThereIsRefusedPlainly(Both both) throws Exception {
        KuduClient client = both.ourClient();
        KuduTable table = SmallTable.create(client, "refused");
        KuduSession session = client.newSession();
        session.setExternalConsistencyMode(ExternalConsistencyMode.COMMIT_WAIT);
        Status commitWait =
                session.apply(SmallTable.insert(table, 1)).getRowError().getErrorStatus();
        assertTrue(commitWait.isNotSupported(), commitWait::toString);
    }

    /** A Kudu as shipped has no manager of transactions either, and what clients hear is the same. */
    @Test
    void transactionsAreRefusedAsByAKuduThatHasNone(Both both) throws Exception {
        both.tell(
                "Remote error: [peer #] server sent error Not found: service kudu.transactions.TxnManagerService not"
                        + " registered on Master",
                client -> {
                    KuduException refused = assertThrows(KuduException.class, client::newTransaction);
                    return PEER.matcher(refused.getStatus().toString()).replaceAll("[peer #]");
                });
    }
}
