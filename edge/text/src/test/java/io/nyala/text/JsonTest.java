package io.nyala.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Goal: scripts can read what is written, whatever is in it. Method: values against the text they must become. */
final class JsonTest {
    @Test
    void writesMapsAndListsOnOneLine() {
        Map<String, @Nullable Object> value = new LinkedHashMap<>();
        value.put("name", "a");
        value.put("rows", 7L);
        value.put("isOpen", true);
        value.put("parts", Arrays.asList(1, null, List.of()));
        assertEquals("{\"name\": \"a\", \"rows\": 7, \"isOpen\": true, \"parts\": [1,null,[]]}", Json.line(value));
    }

    @Test
    void indentsWhatPeopleLookAt() {
        assertEquals("[\n  {\n    \"a\": 1\n  }\n]", Json.text(List.of(Map.of("a", 1))));
    }

    @Test
    void escapesQuotesBackslashesAndWhatCannotBeSeen() {
        assertEquals("[\n  \"\\\"\\\\\\n\\u0001\\u0009</script>\"\n]", Json.text(List.of("\"\\\n\u0001\t</script>")));
    }

    @Test
    void decimalsHaveNoExponent() {
        assertEquals("[\n  100000000000000000000\n]", Json.text(List.of(new BigDecimal("1E20"))));
    }
}
