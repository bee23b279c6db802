package io.nyala.acceptance;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.master.Master.MasterErrorPB;
import java.io.IOException;
import java.util.function.Consumer;

/** Requests for a table of one key column, of which a test changes bytes that a client would check. Stateless. */
final class RawTable {
    private static final int WORDS_MAX = 200;

    private RawTable() {}

    static CreateTableRequestPB.Builder request(String name) {
        CreateTableRequestPB.Builder create =
                CreateTableRequestPB.newBuilder().setName(name).setNumReplicas(1);
        create.getSchemaBuilder()
                .addColumnsBuilder()
                .setName("k")
                .setType(DataType.INT32)
                .setIsKey(true);
        create.getPartitionSchemaBuilder().getRangeSchemaBuilder();
        return create;
    }

    /** What a master says to one. */
    static String create(RawCluster cluster, String name, Consumer<CreateTableRequestPB.Builder> change)
            throws IOException {
        CreateTableRequestPB.Builder create = request(name);
        change.accept(create);
        WireClient.Reply reply = cluster.master().call(WireClient.MASTER, "CreateTable", create.build());
        if (reply.isError()) {
            return "the call fails: " + reply.error().getCode();
        }
        CreateTableResponsePB answer = reply.message(CreateTableResponsePB.parser());
        return answer.hasError() ? told(answer.getError()) : "made";
    }

    /** Of an error; long ones are cut. */
    static String told(MasterErrorPB error) {
        String words = error.getStatus().getMessage().replaceAll("[0-9a-f]{32}", "#");
        return error.getCode() + " " + error.getStatus().getCode() + " "
                + (words.length() > WORDS_MAX ? words.substring(0, WORDS_MAX) : words);
    }

    static ByteString bytes(int... bytes) {
        ByteString.Output all = ByteString.newOutput();
        for (int each : bytes) {
            all.write(each);
        }
        return all.toByteString();
    }
}
