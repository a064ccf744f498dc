#!/usr/bin/env bash
# taskmanager.sh start-foreground [args]
if [ "${1:-}" != start-foreground ]; then echo "Usage: taskmanager.sh start-foreground [args]" >&2; exit 1; fi
exec "$(dirname "$0")/flink-console.sh" taskexecutor "${@:2}"
