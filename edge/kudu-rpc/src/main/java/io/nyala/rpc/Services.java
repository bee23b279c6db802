package io.nyala.rpc;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The services of a server, found by the bytes of their names, so that a call of a known method makes no garbage.
 * Thread-safe.
 */
final class Services {
    private final Service[] services;

    Services(List<RpcService> offered) {
        List<Service> list = new ArrayList<>();
        for (RpcService service : offered) {
            String name = service.name();
            Check.that(list.stream().noneMatch(s -> s.name().equals(name)), "two services are named " + name);
            list.add(new Service(service));
        }
        services = list.toArray(Service[]::new);
    }

    /** The service whose name lies there, or null. */
    @Nullable
    Service find(MemorySegment frame, long at, int bytes) {
        for (Service service : services) {
            if (isSame(service.nameBytes, frame, at, bytes)) {
                return service;
            }
        }
        return null;
    }

    private static boolean isSame(MemorySegment name, MemorySegment frame, long at, int bytes) {
        return name.byteSize() == bytes && MemorySegment.mismatch(name, 0, bytes, frame, at, at + bytes) < 0;
    }

    private static MemorySegment bytes(String name) {
        return MemorySegment.ofArray(name.getBytes(StandardCharsets.UTF_8));
    }

    /** A service, and those of its methods that have been called. */
    static final class Service {
        private final RpcService service;
        private final String name;
        private final MemorySegment nameBytes;
        private volatile Method[] known = {};

        private Service(RpcService service) {
            this.service = service;
            this.name = service.name();
            this.nameBytes = bytes(name);
        }

        String name() {
            return name;
        }

        boolean hasFeature(int feature) {
            return service.hasFeature(feature);
        }

        /** The method whose name lies there, or null. The service is asked once for each that it has. */
        @Nullable
        Method find(MemorySegment frame, long at, int bytes) {
            for (Method method : known) {
                if (isSame(method.nameBytes, frame, at, bytes)) {
                    return method;
                }
            }
            String methodName = RequestHeader.text(frame, at, bytes);
            RpcMethod code = service.method(methodName);
            return code == null ? null : remember(new Method(this, methodName, code));
        }

        /** No more than the service has: what it does not know is not kept. */
        private synchronized Method remember(Method method) {
            for (Method before : known) {
                if (before.name.equals(method.name)) {
                    return before;
                }
            }
            Method[] more = Arrays.copyOf(known, known.length + 1);
            more[known.length] = method;
            known = more;
            return method;
        }
    }

    /** A method, and what it is called in messages. */
    static final class Method {
        private final Service service;
        private final String name;
        private final MemorySegment nameBytes;
        private final RpcMethod code;

        /** Calls that are on a thread, be it that they run or wait there. */
        private final AtomicInteger onThreads = new AtomicInteger();

        private Method(Service service, String name, RpcMethod code) {
            this.service = service;
            this.name = name;
            this.nameBytes = bytes(name);
            this.code = code;
        }

        Service service() {
            return service;
        }

        String name() {
            return name;
        }

        RpcMethod code() {
            return code;
        }

        boolean isQuick() {
            return code.isQuick();
        }

        /** Answers how many calls have a thread now, with this one; {@link #leavesThread} follows. */
        int takesThread() {
            return onThreads.incrementAndGet();
        }

        void leavesThread() {
            onThreads.decrementAndGet();
        }

        /** {@code kudu.tserver.TabletServerService.Write}. */
        @Override
        public String toString() {
            return service.name + "." + name;
        }
    }
}
