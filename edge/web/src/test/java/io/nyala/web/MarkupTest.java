package io.nyala.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** Goal: no text of users becomes markup, and nothing of it is lost. Method: texts of signs that mean something. */
final class MarkupTest {
    private static final String SIGNS = "<>&\"'/=;- \n\tabc#x0\u0000\u001b\u202e\u2066\u200f\ufffe\u00e4\ud83d\ude00";

    private static String escaped(String text) {
        StringBuilder target = new StringBuilder();
        Markup.escape(text, target);
        return target.toString();
    }

    @Test
    void escapesWhatEndsATextOrAnAttribute() {
        assertEquals("&lt;a b=&quot;c&quot;&gt;&#39;&amp;amp;", escaped("<a b=\"c\">'&amp;"));
        assertEquals("\ufffd\ufffd\n", escaped("\u0000\u202e\n"));
    }

    @RepeatedTest(32)
    void isReadBackAsItWas(@Seed SplittableRandom random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(200); i > 0; i--) {
            text.append(SIGNS.charAt(random.nextInt(SIGNS.length())));
        }
        String escaped = escaped(text.toString());
        for (String sign : new String[] {"<", ">", "\"", "'", "\u0000", "\u202e", "\u2066"}) {
            assertFalse(escaped.contains(sign), escaped);
        }
        String back = escaped.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&");
        assertEquals(text.toString().replaceAll("[\u0000\u001b\u202e\u2066\u200f\ufffe]", "\ufffd"), back);
    }
}
