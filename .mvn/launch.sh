# For bash, sourced by ./nyala, perf/run and .ci/run: finds a JDK 25, builds a module when it is missing or older than its
# sources, runs a class of it with the flags of the parent pom. What it derives lies in .nyala/, which may be removed.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
java_version=25

# Whether $1 is a JDK of our version. Reads its release file: starting it would take longer than the command.
is_jdk() {
    [[ -x $1/bin/java && -x $1/bin/javac && -r $1/release ]] || return 1
    local line
    while IFS= read -r line; do
        [[ $line =~ ^JAVA_VERSION=\"$java_version([.\"+-]|$) ]] && return 0
    done <"$1/release"
    return 1
}

find_jdk() {
    local home
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* /opt/* /opt/java/* \
        /usr/java/* /usr/local/openjdk-* /Library/Java/JavaVirtualMachines/*/Contents/Home \
        /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
        if is_jdk "$home"; then
            jdk=$home
            return 0
        fi
    done
    if home=$(type -P javac) && home=$(realpath "$home") && is_jdk "${home%/bin/javac}"; then
        jdk=${home%/bin/javac}
        return 0
    fi
    if [[ -x /usr/libexec/java_home ]] && home=$(/usr/libexec/java_home -v $java_version 2>/dev/null) && is_jdk "$home"; then
        jdk=$home
        return 0
    fi
    return 1
}

no_jdk() {
    cat >&2 <<TEXT
nyala: no JDK $java_version found; looked at JAVA_HOME (${JAVA_HOME:-not set}), PATH, /usr/lib/jvm, ~/.sdkman, ~/.jdks, /opt. Install one:
  Debian, Ubuntu   apt install openjdk-$java_version-jdk    (or temurin-$java_version-jdk from Adoptium)
  Fedora           dnf install java-$java_version-openjdk-devel
  macOS            brew install openjdk@$java_version
or set JAVA_HOME to one that is installed elsewhere.
TEXT
    exit 2
}

# Whether every jar is there and newer than its sources.
up_to_date() {
    [[ -r $state/classpath && -r $state/modules && -r $state/flags && -r $state/jdk && -e $state/stamp ]] || return 1
    [[ $(<"$state/jdk") == "$jdk" && ! $jdk/release -nt $state/stamp ]] || return 1
    local IFS=: jar needed
    for jar in $(<"$state/classpath"); do
        [[ -e $jar ]] || return 1
    done
    local places=("$root/pom.xml")
    IFS=$'\n'
    for needed in $(<"$state/modules"); do
        [[ -e $root/$needed ]] || return 1
        places+=("$root/$needed/pom.xml" "$root/$needed/src/main")
    done
    [[ -z $(find "${places[@]}" -newer "$state/stamp" -print -quit) ]]
}

# Follows Maven's output: the module it is at, on one line of a terminal, else a line each.
progress() {
    local line
    while IFS= read -r line; do
        if [[ $line =~ ^\[INFO\]\ Building\ ([^ ]+)\ .*\[([0-9]+)/([0-9]+)\] ]]; then
            local text="building ${BASH_REMATCH[1]} (${BASH_REMATCH[2]} of ${BASH_REMATCH[3]})"
            if [[ -t 2 ]]; then
                printf '\r\033[K%s' "$text" >&2
            else
                echo "$text" >&2
            fi
        fi
    done
    if [[ -t 2 ]]; then
        printf '\r\033[K' >&2
    fi
}

build() {
    if ! command -v mvn >/dev/null; then
        echo "nyala: the first run builds from source and needs Maven 3.8 or newer (Debian: apt install maven; macOS: brew install maven)" >&2
        exit 2
    fi
    local started=$SECONDS
    : >"$state/stamp.new" # What changes while we build is newer.
    if ! (cd "$root" && JAVA_HOME=$jdk mvn -B -ntp -Plauncher -pl "$module" -am package) 2>&1 | tee "$state/build.log" | progress; then
        echo "nyala: the build failed; the end of $state/build.log:" >&2
        grep -E '^\[ERROR\]' "$state/build.log" | head -20 >&2 || tail -20 "$state/build.log" >&2
        exit 1
    fi
    printf '%s:%s' "$(echo "$root/$module"/target/launcher/${module##*/}-*.jar)" "$(<"$root/$module/target/launcher/classpath")" >"$state/classpath"
    tr ':' '\n' <"$state/classpath" | sed -n "s|^$root/\(.*\)/target/launcher/[^/]*\.jar$|\1|p" >"$state/modules"
    sed -n -e 's|.*<jvm\.flags>\(.*\)</jvm\.flags>.*|\1|p' -e 's|.*<jvm\.run\.flags>\(.*\)</jvm\.run\.flags>.*|\1|p' \
        "$root/pom.xml" | tr ' ' '\n' >"$state/flags"
    # Start-up: archive the classes that any command loads (docs/decisions/0003).
    rm -f "$state/classes.jsa"
    "$jdk/bin/java" "@$state/flags" -XX:ArchiveClassesAtExit="$state/classes.jsa" -cp "$(<"$state/classpath")" \
        "$main" $warm_up >"$state/archive.log" 2>&1 || rm -f "$state/classes.jsa"
    echo "$jdk" >"$state/jdk"
    mv "$state/stamp.new" "$state/stamp"
    echo "built in $((SECONDS - started)) s" >&2
}

# launch MODULE MAIN_CLASS WARM_UP ARGUMENT...: becomes the Java process. WARM_UP are the arguments of a run that loads the
# classes to archive.
launch() {
    module=$1
    main=$2
    warm_up=$3
    shift 3
    state=$root/.nyala/${module##*/}
    find_jdk || no_jdk
    mkdir -p "$state"
    if ! up_to_date; then
        if command -v flock >/dev/null; then
            exec 8>"$root/.nyala/lock" # One for all modules: they share what lies under them.
            flock 8 # Another terminal may be building: look again when it is done.
            up_to_date || build
            exec 8>&-
        else
            build
        fi
    fi

    local options=(-XX:SharedArchiveFile="$state/classes.jsa" -Xshare:auto -Xlog:cds=off -Xlog:aot=off)
    if [[ ${NYALA_JAVA_OPTS:-} == *-XX:+Use*GC* ]]; then
        options+=(-XX:-UseSerialGC) # Another collector was asked for, and two are refused.
    fi
    # shellcheck disable=SC2086 # Several options in one variable.
    exec "$jdk/bin/java" "@$state/flags" "${options[@]}" ${NYALA_JAVA_OPTS:-} -cp "$(<"$state/classpath")" "$main" "$@"
}
