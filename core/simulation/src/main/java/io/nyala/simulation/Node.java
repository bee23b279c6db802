package io.nyala.simulation;

/** What a name in a simulated directory stands for. Guarded by the disk's monitor. */
sealed interface Node permits Inode, Directory {}
