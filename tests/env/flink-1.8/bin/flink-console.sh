#!/usr/bin/env bash
# flink-console.sh standalonesession|standalonejob|taskexecutor|historyserver [args]
# Starts a service of Flink 1.8 in the foreground. Maven's repository has no scripts of it.
set -euo pipefail

home=$(cd "$(dirname "$0")/.." && pwd -P)
conf=${FLINK_CONF_DIR:-$home/conf}
service=$1
shift

setting() { sed -n "s/^[ ]*$1[ ]*: *\([^#]*\).*/\1/p" "$conf/flink-conf.yaml" | sed 's/ *$//' | tail -n 1; }
or() { if [ -n "$1" ]; then printf '%s\n' "$1"; else printf '%s\n' "$2"; fi; }

# lib/ in alphabetical order, recursively, flink-dist last
classpath=
dist=
while IFS= read -r -d '' jar; do
  case $jar in
    */flink-dist*.jar) dist=${dist:+$dist:}$jar ;;
    *) classpath=$classpath$jar: ;;
  esac
done < <(find "$home/lib" ! -type d -name '*.jar' -print0 | LC_ALL=C sort -z)
case $dist in
  '') echo "flink-console.sh: no flink-dist*.jar in $home/lib" >&2; exit 1 ;;
  *:*) echo "flink-console.sh: more than one flink-dist*.jar in $home/lib: $dist" >&2; exit 1 ;;
esac

heap=$(or "$(setting jobmanager.heap.size)" 1024m)
memory=(-Xms"$heap" -Xmx"$heap")
opts=$(setting env.java.opts.jobmanager)
case $service in
  standalonesession) class=org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint ;;
  standalonejob) class=org.apache.flink.container.entrypoint.StandaloneJobClusterEntryPoint ;;
  historyserver)
    class=org.apache.flink.runtime.webmonitor.history.HistoryServer
    opts=$(setting env.java.opts.historyserver)
    ;;
  taskexecutor)
    class=org.apache.flink.runtime.taskexecutor.TaskManagerRunner
    heap=$(or "$(setting taskmanager.heap.size)" 1024m)
    memory=(-Xms"$heap" -Xmx"$heap" -XX:MaxDirectMemorySize=8388607T)
    opts=$(setting env.java.opts.taskmanager)
    ;;
  *) echo "flink-console.sh: unknown service '$service'" >&2; exit 1 ;;
esac

echo "Starting $service as a console application on host $(hostname)."
# shellcheck disable=SC2086
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" "${memory[@]}" $(setting env.java.opts) $opts ${JVM_ARGS:-} \
  "-Dlog4j.configuration=file:$conf/log4j-console.properties" \
  -classpath "$classpath$dist${HADOOP_CLASSPATH:+:$HADOOP_CLASSPATH}${HADOOP_CONF_DIR:+:$HADOOP_CONF_DIR}" \
  "$class" --configDir "$conf" "$@"
