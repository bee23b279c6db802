package io.nyala.compaction;

import static io.nyala.compaction.MergedLayout.key;

import io.nyala.compaction.MergePolicy.Choice;
import io.nyala.compaction.MergePolicy.Kind;
import io.nyala.compaction.RowSetShape.DeltaFileShape;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** A tablet of which there are only figures: it does what the policy says, and counts the bytes that this moves. */
final class PlayedTablet {
    private final List<RowSetShape> rowSets = new ArrayList<>();
    private final Map<Kind, Long> moved = new EnumMap<>(Kind.class);
    private final MergePolicy.Budget budget;
    private final long rowSetBytes;
    private long nextId = 1;

    /** {@code rowSetBytes}: of each that comes out of a merge of several. */
    PlayedTablet(MergePolicy.Budget budget, long rowSetBytes) {
        this.budget = budget;
        this.rowSetBytes = rowSetBytes;
    }

    List<RowSetShape> rowSets() {
        return rowSets;
    }

    /** Without changes. */
    void add(int from, int to, long rowCount, long bytes) {
        add(new RowSetShape(nextId, rowCount, bytes, 0, key(from), key(to), List.of(), 0, false));
    }

    void add(RowSetShape rowSet) {
        rowSets.add(rowSet);
        nextId = Math.max(nextId, rowSet.fileId() + 1);
        rowSet.deltaFiles().forEach(file -> nextId = Math.max(nextId, file.fileId() + 1));
    }

    /** A delta file beside a rowset. */
    void flush(int index, long bytes) {
        RowSetShape rowSet = rowSets.get(index);
        List<DeltaFileShape> files = new ArrayList<>(rowSet.deltaFiles());
        files.add(new DeltaFileShape(nextId++, bytes));
        rowSets.set(index, with(rowSet, rowSet.bytes(), rowSet.changeBytes() + bytes, files));
    }

    private static RowSetShape with(RowSetShape rowSet, long bytes, long changeBytes, List<DeltaFileShape> files) {
        long forgotten = files.isEmpty() ? 0 : rowSet.forgottenBytes();
        return new RowSetShape(
                rowSet.fileId(),
                rowSet.rowCount(),
                bytes,
                changeBytes,
                rowSet.minKey(),
                rowSet.maxKey(),
                files,
                forgotten,
                false);
    }

    RowSetShape rowSet(long fileId) {
        return rowSets.stream()
                .filter(each -> each.fileId() == fileId)
                .findFirst()
                .orElseThrow();
    }

    Choice choose() {
        return CompactionPolicy.choose(rowSets, budget);
    }

    double height() {
        return new KeySpace(rowSets).height();
    }

    /** Bytes that were read and written again by what was done of a kind. */
    long moved(Kind kind) {
        return moved.getOrDefault(kind, 0L);
    }

    /** Does what was chosen; answers the bytes that it moves. */
    long apply(Choice choice) {
        RowSetShape first = rowSet(choice.fileIds().getFirst());
        long bytes =
                switch (choice.kind()) {
                    case NOTHING -> throw new AssertionError(choice.reason());
                    case SEVERAL -> mergeSeveral(choice.fileIds());
                    case MAJOR -> {
                        long left = Math.max(1, first.bytes() - (choice.isForSpace() ? first.forgottenBytes() : 0));
                        rowSets.set(rowSets.indexOf(first), with(first, left, 0, List.of()));
                        yield first.cost();
                    }
                    case MINOR -> mergeDeltas(first, choice.deltaFileIds());
                };
        moved.merge(choice.kind(), bytes, Long::sum);
        return bytes;
    }

    private long mergeSeveral(List<Long> fileIds) {
        List<RowSetShape> inputs = fileIds.stream().map(this::rowSet).toList();
        rowSets.removeAll(inputs);
        MergedLayout.of(inputs, rowSetBytes, this::add);
        return inputs.stream().mapToLong(RowSetShape::cost).sum();
    }

    private long mergeDeltas(RowSetShape rowSet, List<Long> fileIds) {
        List<DeltaFileShape> files = new ArrayList<>(rowSet.deltaFiles());
        int at = files.stream().map(DeltaFileShape::fileId).toList().indexOf(fileIds.getFirst());
        List<DeltaFileShape> inputs = files.subList(at, at + fileIds.size());
        if (!inputs.stream().map(DeltaFileShape::fileId).toList().equals(fileIds)) {
            throw new AssertionError(fileIds + " do not lie one behind another in " + files);
        }
        long bytes = inputs.stream().mapToLong(DeltaFileShape::bytes).sum();
        inputs.clear();
        files.add(at, new DeltaFileShape(nextId++, bytes));
        rowSets.set(rowSets.indexOf(rowSet), with(rowSet, rowSet.bytes(), rowSet.changeBytes(), files));
        return bytes;
    }
}
