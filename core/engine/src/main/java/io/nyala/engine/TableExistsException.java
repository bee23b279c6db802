package io.nyala.engine;

/** There is a table of that name already. */
public final class TableExistsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TableExistsException(String name) {
        super("there is a table \"" + name + "\" already; open it with Engine.table, or choose another name");
    }
}
