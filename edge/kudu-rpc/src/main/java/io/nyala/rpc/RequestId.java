package io.nyala.rpc;

/**
 * The name that a client gave a request, so that it is done once however often it is sent.
 *
 * @param clientId who sent it
 * @param seqNo which of its requests
 * @param firstIncompleteSeqNo answers before this one are no longer asked for
 * @param attemptNo which try it is, from 0
 */
public record RequestId(String clientId, long seqNo, long firstIncompleteSeqNo, long attemptNo) {}
