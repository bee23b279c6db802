package io.nyala.server;

/**
 * What clients have of a server at a moment. Immutable.
 *
 * @param connections to both of its ports
 * @param callsUnderWay that are not answered yet
 * @param scanners that clients may come back to
 * @param batches that are being filled or committed
 * @param networkBytes of requests and answers on their way
 */
public record ServerUse(int connections, int callsUnderWay, int scanners, int batches, long networkBytes) {}
