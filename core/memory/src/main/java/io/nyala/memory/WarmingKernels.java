package io.nyala.memory;

import java.lang.foreign.MemorySegment;

/**
 * Scalar kernels, and vector ones for operations that are called often, once they are compiled.
 *
 * <p>Until the optimizing compiler has been at it, a vector kernel is some hundred times slower than the scalar one and
 * allocates; and to compile it costs as much as half a million scalar calls. So an operation that is called rarely
 * never is vector. One that is called often gives every so many-th call to the vector kernel, which is compiled after
 * some hundreds of them, and then all. Results are the same bit for bit: nobody sees the change.
 *
 * <pre>{@code
 *   call    0 ........... start ........................... start + step * runs ...
 *   kernel  scalar        one in step vector, else scalar   vector
 * }</pre>
 *
 * <p>Thread-safe: a count that is lost between threads makes the change a little later.
 */
final class WarmingKernels extends Kernels {
    private final Turns unpack;
    private final Turns unpackInt;
    private final Turns runningSumsLong;
    private final Turns runningSumsInt;
    private final Turns scaleToDouble;
    private final Turns rangeLong;
    private final Turns rangeInt;
    private final Turns rangeDouble;
    private final Turns rangeFloat;
    private final Turns rangePacked;
    private final Turns bitmapToSelection;
    private final Turns sumLong;
    private final Turns sumDouble;
    private final Turns minLong;
    private final Turns maxLong;
    private final Turns minDouble;
    private final Turns maxDouble;

    WarmingKernels(WarmUp warmUp) {
        this.unpack = new Turns(warmUp);
        this.unpackInt = new Turns(warmUp);
        this.runningSumsLong = new Turns(warmUp);
        this.runningSumsInt = new Turns(warmUp);
        this.scaleToDouble = new Turns(warmUp);
        this.rangeLong = new Turns(warmUp);
        this.rangeInt = new Turns(warmUp);
        this.rangeDouble = new Turns(warmUp);
        this.rangeFloat = new Turns(warmUp);
        this.rangePacked = new Turns(warmUp);
        this.bitmapToSelection = new Turns(warmUp);
        this.sumLong = new Turns(warmUp);
        this.sumDouble = new Turns(warmUp);
        this.minLong = new Turns(warmUp);
        this.maxLong = new Turns(warmUp);
        this.minDouble = new Turns(warmUp);
        this.maxDouble = new Turns(warmUp);
    }

    /**
     * When the change comes, in calls of one operation.
     *
     * @param start calls before it begins, all of them scalar
     * @param step of so many calls one is vector then, so that a scan becomes a little slower, not a lot
     * @param runs vector calls after which the compiler is done
     */
    record WarmUp(int start, int step, int runs) {
        /**
         * As many calls before it begins as pay for it later, half of them. The compiler asks for 600 runs, and takes
         * its time then. See {@code docs/decisions/0008}.
         */
        static final WarmUp USUAL = new WarmUp(1 << 18, 1 << 7, 1 << 10);

        int calls() {
            return Math.addExact(start, Math.multiplyExact(step, runs));
        }
    }

    /** Whose turn it is, in one operation. */
    static final class Turns {
        private final int start;
        private final int step;
        private final int end;
        private int calls;

        Turns(WarmUp warmUp) {
            this.start = warmUp.start();
            this.step = warmUp.step();
            this.end = warmUp.calls();
        }

        boolean isVectors() {
            int before = calls;
            if (before >= end) {
                return true;
            }
            calls = before + 1;
            return before >= start && (before - start) % step == 0;
        }
    }

    private static Kernels next(Turns turns) {
        return turns.isVectors() ? KernelChoice.Vectors.OR_SCALAR : KernelChoice.SCALAR;
    }

    @Override
    public String name() {
        return "scalar, then vector";
    }

    @Override
    public void unpack(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long base,
            MemorySegment target,
            long targetOffset) {
        next(unpack).unpack(source, sourceOffset, width, count, base, target, targetOffset);
    }

    @Override
    public void unpackInt(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            int base,
            MemorySegment target,
            long targetOffset) {
        next(unpackInt).unpackInt(source, sourceOffset, width, count, base, target, targetOffset);
    }

    @Override
    public void runningSumsLong(MemorySegment values, long valuesOffset, int count) {
        next(runningSumsLong).runningSumsLong(values, valuesOffset, count);
    }

    @Override
    public void runningSumsInt(MemorySegment values, long valuesOffset, int count) {
        next(runningSumsInt).runningSumsInt(values, valuesOffset, count);
    }

    @Override
    public void scaleToDouble(MemorySegment values, long valuesOffset, int count, double factor, double fraction) {
        next(scaleToDouble).scaleToDouble(values, valuesOffset, count, factor, fraction);
    }

    @Override
    public void rangeLong(
            MemorySegment values,
            long valuesOffset,
            int count,
            long low,
            long high,
            MemorySegment bitmap,
            long bitmapOffset) {
        next(rangeLong).rangeLong(values, valuesOffset, count, low, high, bitmap, bitmapOffset);
    }

    @Override
    public void rangeInt(
            MemorySegment values,
            long valuesOffset,
            int count,
            int low,
            int high,
            MemorySegment bitmap,
            long bitmapOffset) {
        next(rangeInt).rangeInt(values, valuesOffset, count, low, high, bitmap, bitmapOffset);
    }

    @Override
    public void rangeDouble(
            MemorySegment values,
            long valuesOffset,
            int count,
            double low,
            double high,
            MemorySegment bitmap,
            long bitmapOffset) {
        next(rangeDouble).rangeDouble(values, valuesOffset, count, low, high, bitmap, bitmapOffset);
    }

    @Override
    public void rangeFloat(
            MemorySegment values,
            long valuesOffset,
            int count,
            float low,
            float high,
            MemorySegment bitmap,
            long bitmapOffset) {
        next(rangeFloat).rangeFloat(values, valuesOffset, count, low, high, bitmap, bitmapOffset);
    }

    @Override
    public void rangePacked(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long low,
            long high,
            MemorySegment bitmap,
            long bitmapOffset) {
        next(rangePacked).rangePacked(source, sourceOffset, width, count, low, high, bitmap, bitmapOffset);
    }

    @Override
    public int bitmapToSelection(
            MemorySegment bitmap, long bitmapOffset, int count, MemorySegment selection, long selectionOffset) {
        return next(bitmapToSelection).bitmapToSelection(bitmap, bitmapOffset, count, selection, selectionOffset);
    }

    @Override
    public long sumLong(MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        return next(sumLong).sumLong(values, valuesOffset, count, bitmap, bitmapOffset);
    }

    @Override
    public double sumDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        return next(sumDouble).sumDouble(values, valuesOffset, count, bitmap, bitmapOffset);
    }

    @Override
    public long minLong(MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        return next(minLong).minLong(values, valuesOffset, count, bitmap, bitmapOffset);
    }

    @Override
    public long maxLong(MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        return next(maxLong).maxLong(values, valuesOffset, count, bitmap, bitmapOffset);
    }

    @Override
    public double minDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        return next(minDouble).minDouble(values, valuesOffset, count, bitmap, bitmapOffset);
    }

    @Override
    public double maxDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        return next(maxDouble).maxDouble(values, valuesOffset, count, bitmap, bitmapOffset);
    }
}
