package io.nyala.rpc;

/** How sockets are polled. */
public enum RpcTransport {
    /** epoll where it loads, which is Linux on x86-64, else NIO. */
    BEST,
    /** Linux' epoll by native code, or an exception that says why not. */
    EPOLL,
    /** The JDK's selectors, on any system. */
    NIO
}
