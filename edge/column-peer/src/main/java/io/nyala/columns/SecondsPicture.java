package io.nyala.columns;

import java.util.Formatter;
import java.util.Locale;

/**
 * What happened second by second, as a picture: one panel below the other, with the same seconds from left to right.
 * SVG. One thread.
 */
public final class SecondsPicture {
    private static final int WIDTH = 900;
    private static final int LEFT = 90;
    private static final int RIGHT = WIDTH - 10;
    private static final int PANEL_HEIGHT = 150;
    private static final int PANEL_STEP = 200;
    private static final int TOP = 40;

    private final Formatter panels = new Formatter(Locale.ROOT);
    private final int seconds;
    private int panelCount;
    private double most; // Of the last panel, at its upper edge.

    public SecondsPicture(int seconds) {
        this.seconds = seconds;
    }

    /** Draws the next panel, from 0 to the largest value, or to more. */
    public SecondsPicture panel(String title, double[] values, double atLeast) {
        most = Math.max(1, atLeast);
        for (double value : values) {
            most = Math.max(most, value);
        }
        int top = TOP + panelCount * PANEL_STEP;
        int bottom = top + PANEL_HEIGHT;
        panelCount++;
        panels.format("<text x=\"%d\" y=\"%d\">%s</text>%n", LEFT, top - 8, title);
        panels.format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%,.0f</text>%n", LEFT - 6, top + 10, most);
        panels.format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>%n", LEFT - 6, bottom);
        panels.format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d s</text>%n", RIGHT, bottom + 14, seconds);
        panels.format("<path stroke=\"gray\" fill=\"none\" d=\"M%d %dV%dH%d\"/>%n", LEFT, top, bottom, RIGHT);
        panels.format("<polyline fill=\"none\" stroke=\"#0a5\" points=\"");
        for (int i = 0; i < values.length; i++) {
            panels.format("%.1f,%.1f ", x(i), y(values[i]));
        }
        panels.format("\"/>%n");
        return this;
    }

    private double x(int second) {
        return LEFT + (second + 0.5) * (RIGHT - LEFT) / seconds;
    }

    private double y(double value) {
        return TOP + (panelCount - 1) * PANEL_STEP + (1 - value / most) * PANEL_HEIGHT;
    }

    /** A level across the last panel. */
    public SecondsPicture line(double value, String title) {
        panels.format("<path stroke=\"#c33\" stroke-dasharray=\"4 3\" d=\"M%d %.1fH%d\"/>%n", LEFT, y(value), RIGHT);
        panels.format("<text x=\"%d\" y=\"%.1f\" fill=\"#c33\">%s</text>%n", LEFT + 4, y(value) - 3, title);
        return this;
    }

    /** A point in the last panel. */
    public SecondsPicture mark(int second, double value, String title) {
        panels.format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"none\" stroke=\"#c33\"/>%n", x(second), y(value));
        boolean isLeft = second < seconds / 2; // There is room for words on its other side.
        panels.format(
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"#c33\">%s</text>%n",
                x(second) + (isLeft ? 8 : -8), y(value) + 4, isLeft ? "start" : "end", title);
        return this;
    }

    /** All panels. */
    public String svg() {
        return String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\""
                        + " font-size=\"12\">%n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n%s</svg>%n",
                WIDTH,
                TOP + panelCount * PANEL_STEP,
                panels);
    }
}
