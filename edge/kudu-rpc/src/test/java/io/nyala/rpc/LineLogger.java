package io.nyala.rpc;

import java.util.List;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/** A logger that keeps its lines in a list. */
final class LineLogger implements System.Logger {
    private final List<String> lines;

    LineLogger(List<String> lines) {
        this.lines = lines;
    }

    @Override
    public String getName() {
        return "lines";
    }

    @Override
    public boolean isLoggable(Level level) {
        return level.compareTo(Level.DEBUG) >= 0;
    }

    @Override
    public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String text, @Nullable Throwable e) {
        lines.add(String.valueOf(text));
    }

    @Override
    public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String format, Object... values) {
        lines.add(String.valueOf(format));
    }
}
