package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;

/** Goal: an address that is printed can be given to a client. Method: one of each kind. */
final class AddressesTest {
    @Test
    void onlyNumbersOfColonsStandInBrackets() {
        assertEquals("127.0.0.1:7051", Addresses.text("127.0.0.1", 7051));
        assertEquals("db1.example.org:7051", Addresses.text("db1.example.org", 7051));
        assertEquals("[::1]:7051", Addresses.text("::1", 7051));
        assertEquals("db1:7051", Addresses.text(InetSocketAddress.createUnresolved("db1", 7051)));
    }

    @Test
    void numbersAreAsShortAsTheyCanBe() throws UnknownHostException {
        InetAddress loopback = InetAddress.getByName("0:0:0:0:0:0:0:1");
        assertEquals("[::1]:7051", Addresses.text(new InetSocketAddress(loopback, 7051)));
        assertEquals("127.0.0.1", Addresses.number(InetAddress.getLoopbackAddress()));
        assertEquals("fe80::1", Addresses.number(InetAddress.getByName("fe80::1%1")), "on the first interface here");
    }

    @Test
    void bracketsOfPeopleAreTakenAway() {
        assertEquals("::1", Addresses.withoutBrackets("[::1]"));
        assertEquals("::1", Addresses.withoutBrackets("::1"));
        assertEquals("[db1]", Addresses.withoutBrackets("[db1]"), "no number: to be refused as it is");
    }
}
