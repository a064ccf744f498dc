#!/usr/bin/env bash
# The entrypoint of a Flink image: prepares plugins and configuration from the environment, then
# starts what it was told to. Keeps the contract of the official images.

set -euo pipefail

FLINK_HOME=${FLINK_HOME:-/opt/flink}
export FLINK_HOME

note() { printf 'docker-entrypoint.sh: %s\n' "$*" >&2; }
die() { note "$@"; exit 1; }

usage() {
  cat <<'U'
Usage: docker-entrypoint.sh COMMAND [args]
  jobmanager        a JobManager of a session cluster
  taskmanager       a TaskManager
  standalone-job    a JobManager that runs one job (args: --job-classname CLASS [args])
  history-server    the history server
  native-k8s        what Flink 1.12's native Kubernetes mode starts, one line for a shell
  help              this text
  anything else     is run as it is

Environment:
  JOB_MANAGER_RPC_ADDRESS            the JobManager's host (default: this host's name)
  TASK_MANAGER_NUMBER_OF_TASK_SLOTS  slots of a TaskManager
  FLINK_PROPERTIES                   configuration, one "key: value" a line
  ENABLE_BUILT_IN_PLUGINS            JARs of opt/ to enable: "a.jar;b.jar"
  DISABLE_JEMALLOC                   "true": glibc's malloc instead of jemalloc
U
}

# --- user ---------------------------------------------------------------------------------------

# root becomes flink; any other user stays who it is.
drop_root() {
  [ "$(id -u)" = 0 ] || return 0
  export HOME=$FLINK_HOME
  if command -v setpriv >/dev/null; then
    exec setpriv --reuid=flink --regid=flink --init-groups -- "$0" "$@"
  elif command -v gosu >/dev/null; then
    exec gosu flink "$0" "$@"
  elif command -v su-exec >/dev/null; then
    exec su-exec flink "$0" "$@"
  fi
  die "started as root, and neither setpriv nor gosu nor su-exec is here to become flink"
}

# --- plugins ------------------------------------------------------------------------------------

# Each JAR gets a folder of its own under plugins/; before there were plugins (Flink 1.8), lib/.
link_plugins() {
  local jar folder jars
  IFS=';' read -r -a jars <<<"${ENABLE_BUILT_IN_PLUGINS:-}"
  for jar in "${jars[@]}"; do
    jar=$(trim "$jar")
    [ -n "$jar" ] || continue
    [ -e "$FLINK_HOME/opt/$jar" ] ||
      die "ENABLE_BUILT_IN_PLUGINS: there is no $FLINK_HOME/opt/$jar. Here are:" "$(ls "$FLINK_HOME/opt" 2>/dev/null | tr '\n' ' ')"
    folder=$FLINK_HOME/lib
    if [ -d "$FLINK_HOME/plugins" ]; then folder=$FLINK_HOME/plugins/${jar%.jar}; fi
    { mkdir -p "$folder" && ln -sfn "$FLINK_HOME/opt/$jar" "$folder/$jar"; } ||
      die "ENABLE_BUILT_IN_PLUGINS: cannot link $jar into $folder as user $(id -u)"
    note "enabled $jar in ${folder#"$FLINK_HOME"/}"
  done
}

# --- configuration ------------------------------------------------------------------------------

trim() {
  local s=$1
  s=${s#"${s%%[![:space:]]*}"}
  printf '%s' "${s%"${s##*[![:space:]]}"}"
}

keys=()
values=()

# set_option KEY VALUE: the last one wins.
set_option() {
  local i
  for i in "${!keys[@]}"; do
    if [ "${keys[$i]}" = "$1" ]; then values[$i]=$2; return; fi
  done
  keys+=("$1")
  values+=("$2")
}

# FLINK_PROPERTIES: "key: value" lines; nested YAML mappings are understood as well.
# Spaces inside a value are kept.
read_properties() {
  local line text key value level indents=() prefixes=()
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    text=$(trim "$line")
    case $text in '' | '#'* | ---) continue ;; esac
    if [[ ! $text =~ ^([^:[:space:]]+)[[:space:]]*:(.*)$ ]]; then
      note "FLINK_PROPERTIES: left out a line that is not \"key: value\": $text"
      continue
    fi
    key=${BASH_REMATCH[1]}
    value=$(trim "${BASH_REMATCH[2]}")
    level=${line%%[![:space:]]*}
    while [ ${#indents[@]} -gt 0 ] && [ "${indents[-1]}" -ge ${#level} ]; do
      unset 'indents[-1]' 'prefixes[-1]'
    done
    if [ ${#prefixes[@]} -gt 0 ]; then key=${prefixes[-1]}.$key; fi
    if [ -z "$value" ]; then
      indents+=("${#level}")
      prefixes+=("$key")
    else
      set_option "$key" "$value"
    fi
  done <<<"${FLINK_PROPERTIES:-}"
}

# A YAML scalar's text: without its comment and its quotes.
scalar() {
  local v=$1
  case $v in
    \"*\")
      v=${v#\"} v=${v%\"}
      v=${v//\\\"/\"}
      v=${v//\\\\/\\}
      ;;
    \'*\')
      v=${v#\'} v=${v%\'}
      v=${v//\'\'/\'}
      ;;
    *) if [[ $v =~ ^(.*[^[:space:]])[[:space:]]+#.*$ ]]; then v=${BASH_REMATCH[1]}; fi ;;
  esac
  printf '%s' "$v"
}

# flink-conf.yaml: flat. A key that is set here loses its old lines.
write_flat() {
  local file=$1 new i
  new=$(
    printf '%s\n' "${keys[@]}" | awk '
      NR == FNR { set[$0] = 1; next }
      { key = $0; sub(/^[ \t]*/, "", key); sub(/[ \t]*:.*$/, "", key); if (!(key in set)) print }
    ' - "$file"
    for i in "${!keys[@]}"; do printf '%s: %s\n' "${keys[$i]}" "${values[$i]}"; done
  )
  if command -v envsubst >/dev/null; then new=$(envsubst <<<"$new"); fi
  printf '%s\n' "$new" >"$file"
}

# config.yaml: real YAML, nested or flat, where a key may be there once only. Flink's own parser
# reads it, sets the options and writes it again.
write_yaml() {
  local file=$1 args=() i dist output errors
  for i in "${!keys[@]}"; do args+=("-D${keys[$i]}=$(scalar "${values[$i]}")"); done
  dist=$(find "$FLINK_HOME/lib" -name 'flink-dist*.jar' | head -n 1)
  errors=$(mktemp)
  if ! output=$("${JAVA_HOME:+$JAVA_HOME/bin/}java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
    -classpath "$FLINK_HOME/bin/bash-java-utils.jar:$dist" \
    org.apache.flink.runtime.util.bash.BashJavaUtils UPDATE_AND_GET_FLINK_CONFIGURATION \
    --configDir "${file%/*}" "${args[@]}" 2>"$errors") || [[ $output != *BASH_JAVA_UTILS_EXEC_RESULT:* ]]; then
    printf '%s\n' "$output" >&2
    cat "$errors" >&2
    rm -f "$errors"
    die "Flink cannot read $file, or set in it: ${keys[*]}"
  fi
  rm -f "$errors"
  sed -n 's/^BASH_JAVA_UTILS_EXEC_RESULT://p' <<<"$output" >"$file"
}

# The file that this Flink reads: up to 1.20 flink-conf.yaml, wherever it is present.
conf_file() {
  if [ -e "$1/flink-conf.yaml" ] && ! compgen -G "$FLINK_HOME/lib/flink-dist-[2-9]*.jar" >/dev/null; then echo "$1/flink-conf.yaml"
  elif [ -e "$1/config.yaml" ]; then echo "$1/config.yaml"
  fi
}

# Is the folder, or a file in it, mounted from outside?
mounted() { awk -v d="$1" '$5 == d || index($5, d "/") == 1 { found = 1 } END { exit !found }' /proc/self/mountinfo; }

configure() {
  local conf=${FLINK_CONF_DIR:-$FLINK_HOME/conf} file own=yes
  file=$(conf_file "$conf")
  if [ -z "$file" ]; then
    note "warning: neither flink-conf.yaml nor config.yaml is in $conf: FLINK_PROPERTIES and the like have no effect"
    return
  fi
  if [ ! -w "$file" ] && mounted "$conf"; then
    # Whoever mounts a configuration read only means it: no defaults on top of it.
    own=no
    if [ -z "${FLINK_PROPERTIES:-}${JOB_MANAGER_RPC_ADDRESS:-}${TASK_MANAGER_NUMBER_OF_TASK_SLOTS:-}" ]; then
      note "warning: $conf is read only: it is used as it is"
      return
    fi
  fi
  if [ "$own" = yes ] || [ -n "${JOB_MANAGER_RPC_ADDRESS:-}" ]; then
    set_option jobmanager.rpc.address "${JOB_MANAGER_RPC_ADDRESS:-$(hostname -f 2>/dev/null || hostname)}"
  fi
  if [ "$own" = yes ]; then
    set_option blob.server.port 6124
    set_option query.server.port 6125
  fi
  if [ -n "${TASK_MANAGER_NUMBER_OF_TASK_SLOTS:-}" ]; then
    set_option taskmanager.numberOfTaskSlots "$TASK_MANAGER_NUMBER_OF_TASK_SLOTS"
  fi
  read_properties
  [ ${#keys[@]} -gt 0 ] || return 0

  if [ ! -w "$file" ]; then
    local copy
    copy=$(mktemp -d "${TMPDIR:-/tmp}/flink-conf.XXXXXX")
    cp -RL "$conf"/[!.]* "$copy/"
    chmod -R u+w "$copy"
    note "warning: $conf is not writable: a copy of it in $copy is used, with ${#keys[@]} options set"
    export FLINK_CONF_DIR=$copy
    file=$copy/${file##*/}
  fi
  case $file in
    */flink-conf.yaml) write_flat "$file" ;;
    *) write_yaml "$file" ;;
  esac
}

# --- native Kubernetes --------------------------------------------------------------------------

# Flink 1.12 starts its pods with a line that names FLINK_CLASSPATH. Earlier and later versions
# start a script of their own.
class_path() {
  # Flink's own scripts are not written for these.
  set +euo pipefail
  # config.sh would look for itself by the path of this script.
  _FLINK_HOME_DETERMINED=true
  . "$FLINK_HOME/bin/config.sh"
  FLINK_CLASSPATH=$(constructFlinkClassPath):$INTERNAL_HADOOP_CLASSPATHS
  export FLINK_CLASSPATH
  set -euo pipefail
}

# --- the rest -----------------------------------------------------------------------------------

preload_jemalloc() {
  local lib
  [ "${DISABLE_JEMALLOC:-false}" != true ] || return 0
  for lib in /usr/lib/*/libjemalloc.so.2 /usr/lib/libjemalloc.so.2 /usr/lib64/libjemalloc.so.2; do
    if [ -e "$lib" ]; then
      export LD_PRELOAD=${LD_PRELOAD:+$LD_PRELOAD:}$lib
      return
    fi
  done
  note "warning: no libjemalloc.so.2 here: glibc's malloc is used, which may take more memory"
}

if [ "${1:-help}" = help ]; then usage; exit 0; fi

drop_root "$@"
link_plugins
configure
if [ -d "$FLINK_HOME/log" ] && [ ! -w "$FLINK_HOME/log" ] && [ -z "${FLINK_LOG_DIR:-}" ]; then
  FLINK_LOG_DIR=$(mktemp -d "${TMPDIR:-/tmp}/flink-log.XXXXXX")
  export FLINK_LOG_DIR
fi
preload_jemalloc

command=$1
shift
case $command in
  jobmanager) exec "$FLINK_HOME/bin/jobmanager.sh" start-foreground "$@" ;;
  taskmanager) exec "$FLINK_HOME/bin/taskmanager.sh" start-foreground "$@" ;;
  standalone-job) exec "$FLINK_HOME/bin/standalone-job.sh" start-foreground "$@" ;;
  native-k8s)
    class_path
    exec bash -c "$*"
    ;;
  history-server) exec "$FLINK_HOME/bin/historyserver.sh" start-foreground "$@" ;;
  *) exec "$command" "$@" ;;
esac
