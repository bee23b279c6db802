package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntPredicate;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AsyncKuduScanner.RowDataFormat;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduPredicate;
import org.apache.kudu.client.KuduPredicate.ComparisonOp;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduTable;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: each kind of predicate selects the rows that it says, for each type, on keys and on values. Method: a table for
 * each type that has all its values, and each of them as operand of each predicate; our server, with rows in memory and
 * on disk, and a real Kudu must both answer what the order of the values says.
 */
@ExtendWith(Both.Parameter.class)
final class ClientPredicatesTest {
    /** Predicates of one scan, and its rows. */
    private record Case(List<KuduPredicate> predicates, String expected) {}

    @ParameterizedTest
    @EnumSource
    void eachPredicateSelectsWhatItSays(ColumnKind kind, Both both) throws Exception {
        TypedTable typed = new TypedTable(kind, "predicates_");
        KuduTable theirs = typed.create(both.kuduClient());
        KuduTable ours = typed.create(both.ourClient());
        List<Case> cases = new ArrayList<>(ofValues(kind, typed));
        if (kind.mayBeKey()) {
            cases.addAll(ofKeys(kind, typed));
        }
        cases.addAll(conjunctions(kind, typed));
        var real = CompletableFuture.runAsync(() -> check("a real Kudu", both.kuduClient(), theirs, typed, cases));
        check("ours in memory", both.ourClient(), ours, typed, cases);
        both.flushOurs(typed.name());
        check("ours on disk", both.ourClient(), ours, typed, cases);
        real.get();
    }

    private static void check(String whose, KuduClient client, KuduTable table, TypedTable typed, List<Case> cases) {
        for (Case each : cases) {
            try {
                assertEquals(each.expected(), read(client, table, typed, each), () -> whose + ": " + each);
            } catch (KuduException e) {
                throw new AssertionError(whose + ": " + each, e);
            }
        }
    }

    private static List<Case> ofValues(ColumnKind kind, TypedTable typed) {
        List<Case> cases = new ArrayList<>();
        single(kind, typed.schema().getColumn("v"))
                .forEach((predicate, selected) ->
                        cases.add(new Case(List.of(predicate), typed.expected(_ -> true, selected))));
        return cases;
    }

    private static List<Case> ofKeys(ColumnKind kind, TypedTable typed) {
        List<Case> cases = new ArrayList<>();
        single(kind, typed.schema().getColumn("k"))
                .forEach((predicate, selected) ->
                        cases.add(new Case(List.of(predicate), typed.expected(selected, _ -> true))));
        return cases;
    }

    /** Of several predicates on one column, or on two, a row must meet all. */
    private static List<Case> conjunctions(ColumnKind kind, TypedTable typed) {
        ColumnSchema v = typed.schema().getColumn("v");
        Object first = kind.samples().getFirst();
        int last = kind.samples().size() - 1;
        KuduPredicate fromFirst = comparison(v, ComparisonOp.GREATER_EQUAL, first);
        KuduPredicate belowLast =
                comparison(v, ComparisonOp.LESS, kind.samples().getLast());
        KuduPredicate isNull = KuduPredicate.newIsNullPredicate(v);
        List<Case> cases = new ArrayList<>();
        cases.add(new Case(List.of(fromFirst, belowLast), typed.expected(_ -> true, value -> value < last)));
        cases.add(new Case(List.of(fromFirst, isNull), "[]"));
        if (kind.mayBeKey()) {
            KuduPredicate key = comparison(typed.schema().getColumn("k"), ComparisonOp.GREATER, first);
            cases.add(new Case(List.of(belowLast, key), typed.expected(place -> place > 0, value -> value < last)));
            cases.add(new Case(List.of(key, isNull), typed.expected(place -> place > 0, value -> value > last)));
        }
        return cases;
    }

    /** Each kind of predicate with each value; what it selects, by the place among the values, the last being NULL. */
    private static IdentityHashMap<KuduPredicate, IntPredicate> single(ColumnKind kind, ColumnSchema column) {
        int count = kind.samples().size();
        IdentityHashMap<KuduPredicate, IntPredicate> cases = new IdentityHashMap<>();
        for (int i = 0; i < count; i++) {
            int place = i;
            Object operand = kind.samples().get(i);
            for (ComparisonOp operator : ComparisonOp.values()) {
                cases.put(
                        comparison(column, operator, operand), other -> other < count && isMet(operator, other, place));
            }
            List<Object> everyOther = new ArrayList<>();
            for (int j = i; j < count; j += 2) {
                everyOther.add(kind.samples().get(j));
            }
            cases.put(
                    KuduPredicate.newInListPredicate(column, everyOther),
                    other -> other < count && other >= place && (other - place) % 2 == 0);
        }
        cases.put(KuduPredicate.newInListPredicate(column, kind.samples()), other -> other < count);
        cases.put(KuduPredicate.newInListPredicate(column, List.of()), _ -> false);
        cases.put(KuduPredicate.newIsNullPredicate(column), other -> column.isNullable() && other == count);
        cases.put(KuduPredicate.newIsNotNullPredicate(column), other -> other < count);
        return cases;
    }

    private static boolean isMet(ComparisonOp operator, int place, int operandPlace) {
        return switch (operator) {
            case GREATER -> place > operandPlace;
            case GREATER_EQUAL -> place >= operandPlace;
            case EQUAL -> place == operandPlace;
            case LESS -> place < operandPlace;
            case LESS_EQUAL -> place <= operandPlace;
        };
    }

    private static KuduPredicate comparison(ColumnSchema column, ComparisonOp operator, Object operand) {
        return column.getType() == Type.UNIXTIME_MICROS
                ? KuduPredicate.newComparisonPredicate(column, operator, ((Long) operand).longValue())
                : KuduPredicate.newComparisonPredicate(column, operator, operand);
    }

    private static String read(KuduClient client, KuduTable table, TypedTable typed, Case each) throws KuduException {
        KuduScanner.KuduScannerBuilder builder = TypedTable.scan(client, table);
        each.predicates().forEach(builder::addPredicate);
        return typed.read(builder.build(), RowDataFormat.ROWWISE);
    }
}
