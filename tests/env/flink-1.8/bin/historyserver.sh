#!/usr/bin/env bash
# historyserver.sh start-foreground [args]
if [ "${1:-}" != start-foreground ]; then echo "Usage: historyserver.sh start-foreground [args]" >&2; exit 1; fi
exec "$(dirname "$0")/flink-console.sh" historyserver "${@:2}"
