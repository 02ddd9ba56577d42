#!/bin/bash
# Postrider for the wider harness that measures several servers: copy this to its peers/ours.sh.
# Called as ours.sh start|reset|info|version, with BIN, PORT, SINKPORT, SCEN (hold, relay, local, idle, tls) and MAXCONN set;
# what each means is written in that harness's template.
. "$(dirname "$0")/common.sh"
BIN=${BIN:?the server to measure}
folder=$PEERS/ours
config=$folder/postrider.toml
new=$folder/mail/bench.test/user/new
made=$(cd "$(dirname "$0")/../bin" && pwd)  # by the harness's build.sh

case $1 in
start)
  case $SCEN in
  hold | idle | tls) route='domain = "*"
via = "hold"' ;;
  relay) route='domain = "sink.test"
via = "smtp://127.0.0.1:'$SINKPORT'"' ;;
  local) route='domain = "held.test"
via = "hold"' ;;
  *) echo "Postrider has nothing for the scenario $SCEN yet" >&2; exit 1 ;;
  esac
  tls=none
  certificate=
  if [[ $SCEN == tls ]]; then
    tls=starttls
    certificate="[tls]
certificate = \"$made/cert.pem\"
key = \"$made/key.pem\""
  fi
  rm -rf "$folder"
  mkdir -p "$new"
  cat > "$config" <<END
hostname = "mx.bench.test"
data_dir = "$folder"
networks = ["127.0.0.0/8"]

[log]
level = "warning"

[limits]
connections_per_client = $((MAXCONN + 200))

[[listener]]
address = "127.0.0.1:$PORT"
tls = "$tls"

$certificate

[[domain]]
name = "bench.test"
users = ["user"]

[[route]]
$route
END
  exec "$BIN" serve --config "$config" >> "$folder/log" 2>&1
  ;;
reset)
  "$BIN" queue remove --all --yes --config "$config" > /dev/null 2>&1  # 1: nothing was there
  wipe "$new"
  ;;
info) echo "MAILDIR=$new" ;;
version) "$BIN" --version ;;
esac
exit 0
