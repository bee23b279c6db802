package io.nyala.server;

import io.nyala.rpc.Addresses;
import io.nyala.web.OpenScanner;
import io.nyala.web.WebHost;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What the web pages show of a server besides its engine. Thread-safe.
 *
 * @param ids names on the wire
 * @param self where the server is
 * @param openScanners of clients, now
 */
record ServerPages(ServerIds ids, Supplier<Identity> self, Supplier<List<OpenScanner>> openScanners)
        implements WebHost {
    @Override
    public String version() {
        String version = NyalaServer.class.getPackage().getImplementationVersion();
        return (version == null ? "of the source tree" : version) + ", to clients " + Identity.SOFTWARE_VERSION;
    }

    @Override
    public Map<String, String> addresses() {
        Identity known = self.get();
        Map<String, String> addresses = new LinkedHashMap<>();
        addresses.put("master", Addresses.text(known.host(), known.masterPort()));
        addresses.put("tablet server", Addresses.text(known.host(), known.tabletServerPort()));
        return addresses;
    }

    @Override
    public List<OpenScanner> scanners() {
        return openScanners.get();
    }

    @Override
    public String tableId(long number) {
        return ids.table(number);
    }

    @Override
    public String tabletId(long number) {
        return ids.tablet(number);
    }
}
