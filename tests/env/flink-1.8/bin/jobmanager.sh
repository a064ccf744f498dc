#!/usr/bin/env bash
# jobmanager.sh start-foreground [args]
if [ "${1:-}" != start-foreground ]; then echo "Usage: jobmanager.sh start-foreground [args]" >&2; exit 1; fi
exec "$(dirname "$0")/flink-console.sh" standalonesession "${@:2}"
