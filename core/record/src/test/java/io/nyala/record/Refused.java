package io.nyala.record;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Operations that were refused, by index and code, and counts behind them. Immutable. */
record Refused(List<Integer> indexes, List<Integer> codes) implements RequestErrors {
    static final Refused NONE = new Refused(List.of(), List.of());

    /** Up to {@code max} of both together. */
    static Refused draw(SplittableRandom random, int max) {
        List<Integer> indexes = new ArrayList<>();
        List<Integer> codes = new ArrayList<>();
        int index = 0;
        for (int i = random.nextInt(max + 1); i > 0; i--) {
            index += random.nextInt(1, 4);
            indexes.add(index);
            codes.add(random.nextInt(1, 9));
        }
        for (AnswerCount count : AnswerCount.values()) {
            if (indexes.size() < max && random.nextInt(4) == 0) {
                indexes.add(random.nextInt(1, 1000));
                codes.add(count.code());
            }
        }
        return new Refused(indexes, codes);
    }

    /** Those of an answer. */
    static Refused of(RequestErrors errors) {
        List<Integer> indexes = new ArrayList<>();
        List<Integer> codes = new ArrayList<>();
        for (int i = 0; i < errors.errorCount(); i++) {
            indexes.add(errors.errorIndex(i));
            codes.add(errors.errorCodeNumber(i));
        }
        return new Refused(indexes, codes);
    }

    @Override
    public int errorCount() {
        return indexes.size();
    }

    @Override
    public int errorIndex(int error) {
        return indexes.get(error);
    }

    @Override
    public int errorCodeNumber(int error) {
        return codes.get(error);
    }
}
