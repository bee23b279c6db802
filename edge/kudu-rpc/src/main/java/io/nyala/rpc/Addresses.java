package io.nyala.rpc;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Addresses as clients take them: {@code 127.0.0.1:7051}, {@code db1:7051}, {@code [::1]:7051}. Stateless. */
public final class Addresses {
    private Addresses() {}

    /** Of a host, by name or number, and a port; a number of colons stands in brackets. */
    public static String text(String host, int port) {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }

    public static String text(InetSocketAddress address) {
        InetAddress host = address.getAddress();
        return text(host == null ? address.getHostString() : number(host), address.getPort());
    }

    /** As short as it can be written, and without the name of an interface, which means nothing to others. */
    public static String number(InetAddress host) {
        return NetUtil.toAddressString(host);
    }

    /** A host without the brackets that people write around it. */
    public static String withoutBrackets(String host) {
        boolean isInBrackets = host.startsWith("[") && host.endsWith("]") && host.indexOf(':') > 0;
        return isInBrackets ? host.substring(1, host.length() - 1) : host;
    }
}
