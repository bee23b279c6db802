package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.nyala.testkit.Seed;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: names on the wire lead back to what they name, and no others do. Method: random numbers, and names that are
 * none.
 */
final class ServerIdsTest {
    @Test
    void namesLeadBack(@Seed SplittableRandom random) {
        for (int i = 0; i < 1000; i++) {
            ServerIds ids = new ServerIds(random.nextLong());
            long number = random.nextLong();
            assertEquals(number, ids.tableNumber(ids.table(number)));
            assertEquals(number, ids.tabletNumber(ids.tablet(number)));
            assertNull(ids.tabletNumber(ids.table(number)));
            assertNull(ids.tableNumber(ids.tablet(number)));
            assertNull(new ServerIds(ids.hostId() + 100).tableNumber(ids.table(number)), "of another server");
        }
    }

    @Test
    void eachThingHasItsOwnName() {
        ServerIds ids = new ServerIds(7);
        Set<String> names = new HashSet<>(
                List.of(ids.cluster(), ids.master(), ids.tabletServer(), ids.table(0), ids.tablet(0), ids.table(1)));
        assertEquals(6, names.size());
        names.forEach(name -> assertEquals(32, name.length()));
    }

    @Test
    void whatIsNoNameLeadsNowhere() {
        ServerIds ids = new ServerIds(0xabcdef0123456789L);
        String name = ids.table(3);
        for (String wrong : List.of(
                "",
                "3",
                "x".repeat(32),
                name.substring(1),
                name + "0",
                name.toUpperCase(Locale.ROOT),
                "\u00e9".repeat(32))) {
            assertNull(ids.tableNumber(wrong), wrong);
        }
    }
}
