#!/usr/bin/env bash
# standalone-job.sh start-foreground [args]
if [ "${1:-}" != start-foreground ]; then echo "Usage: standalone-job.sh start-foreground [args]" >&2; exit 1; fi
exec "$(dirname "$0")/flink-console.sh" standalonejob "${@:2}"
