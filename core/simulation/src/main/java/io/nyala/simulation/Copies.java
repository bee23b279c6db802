package io.nyala.simulation;

import java.util.IdentityHashMap;

/** Copies a tree of nodes so that what was one node stays one. Belongs to one thread. */
final class Copies {
    private final IdentityHashMap<Node, Node> copies = new IdentityHashMap<>();

    Inode of(Inode inode) {
        return (Inode) copies.computeIfAbsent(inode, _ -> inode.copy());
    }

    Node of(Node node) {
        Node known = copies.get(node);
        if (known != null) {
            return known;
        }
        Node copy =
                switch (node) {
                    case Inode inode -> of(inode);
                    case Directory directory -> directory.copy(this);
                };
        copies.put(node, copy);
        return copy;
    }
}
