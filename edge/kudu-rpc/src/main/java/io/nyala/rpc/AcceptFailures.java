package io.nyala.rpc;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.lang.System.Logger.Level;
import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * What becomes of a connection that cannot be taken: mostly the process has as many files open as it may. It stays with
 * the system, which would offer it again at once and for ever; so nothing is taken for a while, and each client waits,
 * as it does when many come. Belongs to the event loop of the port.
 */
final class AcceptFailures extends ChannelInboundHandlerAdapter {
    /** Long enough to cost nothing, and no longer than clients wait before they ask again. */
    static final long PAUSE_MILLIS = 1_000;

    private final QuietLog log;

    AcceptFailures(QuietLog log) {
        this.log = log;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        Channel port = context.channel();
        SocketAddress address = port.localAddress();
        log.log(
                Level.WARNING,
                () -> "cannot take connections at " + address + ": " + cause + "; tries again every " + PAUSE_MILLIS
                        + " ms. If too many files are open, raise the limit of the process (ulimit -Hn)");
        if (port.config().isAutoRead()) {
            port.config().setAutoRead(false);
            var _ = port.eventLoop()
                    .schedule(() -> port.config().setAutoRead(true), PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        }
    }
}
