package io.nyala.rows;

import io.nyala.memory.Notes;

/** Takes notes and forgets them. Stateless. */
final class NoNotes implements Notes {
    @Override
    public void note(long offset, int bytes, String text) {}

    @Override
    public void section(String title) {}

    @Override
    public void endSection() {}
}
