# Makes Flink listen on every address: `localhost` becomes 0.0.0.0 for rest.address,
# rest.bind-address, jobmanager.bind-host and taskmanager.bind-host, and taskmanager.host goes,
# in flink-conf.yaml (flat) and config.yaml (nested or flat). Comments and all else stay.

function indent(s) { match(s, /^ */); return RLENGTH }

/^ *(#|$)/ || !/^ *[^ :#][^:]*:( |$)/ { print; next }

{
  i = indent($0)
  while (depth > 0 && at[depth] >= i) depth--
  key = $0; sub(/^ */, "", key); sub(/ *:.*/, "", key)
  value = $0; sub(/^[^:]*: */, "", value); sub(/ *(#.*)?$/, "", value)
  path = (depth > 0 ? name[depth] "." : "") key
  if (value == "") { depth++; at[depth] = i; name[depth] = path }
  if (value == "localhost" && path == "taskmanager.host") next
  if (value == "localhost" && path ~ /^(rest\.address|rest\.bind-address|jobmanager\.bind-host|taskmanager\.bind-host)$/)
    sub(/localhost/, "0.0.0.0")
  print
}
