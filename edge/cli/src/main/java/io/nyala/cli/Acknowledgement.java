package io.nyala.cli;

/** Told about each batch when its commit has been acknowledged. Called by the engine's writer: must be short. */
@FunctionalInterface
interface Acknowledgement {
    /**
     * A batch is durable.
     *
     * @param part of the generator, from 0
     * @param batch within the part, from 0
     * @param rows in the batch
     * @param nanos from handing it over to its acknowledgement
     */
    void batch(int part, long batch, int rows, long nanos);
}
