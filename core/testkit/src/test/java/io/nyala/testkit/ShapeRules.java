package io.nyala.testkit;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/** House rules about methods and types, by the JDK's own parser. Stateless. */
final class ShapeRules {
    static final int METHOD_LINES_MAX = 60;
    static final int PARAMETERS_MAX = 6;

    /** Two pointers, each (segment, offset), and four numbers: a record of them would be garbage per vector. */
    static final int KERNEL_PARAMETERS_MAX = 8;

    private static final Set<String> KERNELS = Set.of(
            "Kernels.java",
            "ScalarKernels.java",
            "VectorKernels.java",
            "VectorRanges.java",
            "VectorUnpack.java",
            "WarmingKernels.java");
    private static final String KERNEL_PATH = "core/memory/src/main/java/io/nyala/memory/";

    private ShapeRules() {}

    /** What is wrong in the files, each as {@code path:line: what}. */
    static List<String> problems(List<Source> sources) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<JavaFileObject> files = sources.stream().map(ShapeRules::file).toList();
        JavacTask task = (JavacTask) compiler.getTask(null, null, _ -> {}, List.of("-proc:none"), null, files);
        List<String> problems = new ArrayList<>();
        for (CompilationUnitTree unit : task.parse()) {
            new Scanner(unit, DocTrees.instance(task), problems).scan(unit, null);
        }
        return problems;
    }

    private static JavaFileObject file(Source source) {
        return new SimpleJavaFileObject(URI.create("mem:///" + source.path()), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return source.text();
            }
        };
    }

    private static final class Scanner extends TreePathScanner<@Nullable Void, @Nullable Void> {
        private final CompilationUnitTree unit;
        private final DocTrees trees;
        private final List<String> problems;

        Scanner(CompilationUnitTree unit, DocTrees trees, List<String> problems) {
            this.unit = unit;
            this.trees = trees;
            this.problems = problems;
        }

        @Override
        public @Nullable Void visitClass(ClassTree type, @Nullable Void unused) {
            boolean isTop = getCurrentPath().getParentPath().getLeaf().equals(unit);
            boolean isPublic = type.getModifiers().getFlags().contains(Modifier.PUBLIC);
            if ((isTop || isPublic) && trees.getDocComment(getCurrentPath()) == null) {
                report(type, type.getSimpleName() + " has no Javadoc; its first sentence says what it is for");
            }
            return super.visitClass(type, null);
        }

        @Override
        public @Nullable Void visitMethod(MethodTree method, @Nullable Void unused) {
            long lines = endLine(method) - line(method) + 1;
            if (lines > METHOD_LINES_MAX) {
                report(method, method.getName() + " has " + lines + " lines; " + METHOD_LINES_MAX + " is the limit");
            }
            // A compact constructor has the parameters of its record, which is where a long list belongs.
            long parameters = method.getParameters().stream()
                    .filter(parameter -> line(parameter) >= line(method))
                    .count();
            int max = isKernel() ? KERNEL_PARAMETERS_MAX : PARAMETERS_MAX;
            if (parameters > max) {
                String limit = parameters + " parameters; " + max + " is the limit, beyond is a record";
                report(method, method.getName() + " has " + limit);
            }
            return super.visitMethod(method, null);
        }

        private boolean isKernel() {
            return path().startsWith(KERNEL_PATH) && KERNELS.contains(path().substring(KERNEL_PATH.length()));
        }

        private String path() {
            return unit.getSourceFile().toUri().getPath().substring(1);
        }

        private void report(Tree tree, String problem) {
            problems.add(path() + ":" + line(tree) + ": " + problem);
        }

        private long line(Tree tree) {
            return unit.getLineMap().getLineNumber(positions().getStartPosition(unit, tree));
        }

        private long endLine(Tree tree) {
            return unit.getLineMap().getLineNumber(positions().getEndPosition(unit, tree));
        }

        private SourcePositions positions() {
            return trees.getSourcePositions();
        }
    }
}
