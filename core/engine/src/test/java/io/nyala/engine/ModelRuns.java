package io.nyala.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs of a {@link ModelRun}. When one fails it is repeated with steps left out, as long as it still fails, and what is
 * left is told.
 */
final class ModelRuns {
    /** Repetitions to make a failure small, each of which takes as long as the run took. */
    private static final int REPETITIONS_MAX = Integer.getInteger("nyala.model.repetitions", 200);

    /** Properties that name a run to be repeated. */
    static final String SEED = "nyala.model.seed";

    static final String STEPS = "nyala.model.steps";

    private ModelRuns() {}

    /** Runs so many steps. Answers how often what was done. */
    static ModelTally run(long seed, int steps) {
        Attempt attempt = attempt(seed, IntStream.range(0, steps).boxed().toList());
        if (attempt.failure() != null) {
            throw smallest(seed, attempt, steps);
        }
        return attempt.tally();
    }

    /** What came of some steps; those that were done, the last of which failed if there is a failure. */
    private record Attempt(
            List<Integer> steps,
            List<String> trace,
            @Nullable Throwable failure,
            ModelTally tally) {}

    private static Attempt attempt(long seed, List<Integer> steps) {
        List<Integer> done = new ArrayList<>();
        var run = new ModelRun(seed);
        try {
            for (int step : steps) {
                done.add(step);
                run.step(step);
            }
            run.end();
            return new Attempt(done, run.trace(), null, run.tally());
        } catch (RuntimeException | Error failure) {
            try {
                run.abandon();
            } catch (RuntimeException | Error e) {
                failure.addSuppressed(e);
            }
            return new Attempt(done, run.trace(), failure, run.tally());
        }
    }

    /** Leaves out runs of steps, long ones first, as long as what is left fails too. */
    private static AssertionError smallest(long seed, Attempt failed, int stepCount) {
        String what =
                "the run with seed " + seed + " fails after " + failed.steps().size() + " steps: " + failed.failure()
                        + "\nRepeat it with: mvn test -Psoak -pl core/engine -am"
                        + " -Dtest=EngineModelTest#answersWhatTheModelAnswersOnceMore -D" + SEED + "=" + seed
                        + " -D" + STEPS + "=" + stepCount;
        System.out.println(what); // At once, since it may take long to find out which steps suffice.
        Attempt smallest = failed;
        int repetitions = 0;
        for (int length = failed.steps().size() / 2; length > 0; length /= 2) {
            int first = 0;
            while (first < smallest.steps().size() && repetitions < REPETITIONS_MAX) {
                List<Integer> steps = new ArrayList<>(smallest.steps());
                steps.subList(first, Math.min(first + length, steps.size())).clear();
                Attempt attempt = attempt(seed, steps);
                repetitions++;
                if (attempt.failure() != null) {
                    smallest = attempt;
                } else {
                    first += length;
                }
            }
        }
        return new AssertionError(
                what
                        + "\nThese " + smallest.steps().size() + " of them suffice " + smallest.steps() + ", for: "
                        + smallest.failure() + "\n  "
                        + String.join("\n  ", smallest.trace()),
                smallest.failure());
    }
}
