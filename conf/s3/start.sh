#!/bin/sh
# Starts the object store of docker-compose.cluster.yml: the bucket `logs`, and two users of it, one of
# whom only reads. Their keys are in two folders, each the files `access-key` and `secret-key`.
set -eu
user() {
  [ -s "$3/access-key" ] && [ -s "$3/secret-key" ] || { echo "no keys in $3" >&2; exit 1; }
  printf '{"name": "%s", "actions": [%s], "credentials": [{"accessKey": "%s", "secretKey": "%s"}]}' \
    "$1" "$2" "$(cat "$3/access-key")" "$(cat "$3/secret-key")"
}
users=$(user writer '"Read:logs", "Write:logs", "List:logs", "Tagging:logs"' "$WRITER_KEYS")
if [ -n "${READER_KEYS-}" ]; then
  users="$users, $(user reader '"Read:logs", "List:logs"' "$READER_KEYS")"
fi
printf '{"identities": [%s]}' "$users" >/tmp/identities.json

admin() { echo "$1" | weed shell -master=127.0.0.1:9333 -filer=127.0.0.1:8888 2>&1; }
# The health check looks for /tmp/ready, which a start does not find: /tmp is memory.
(
  until admin s3.bucket.list | grep -q '^ *logs'; do
    sleep 1
    admin "s3.bucket.create -name logs" >/dev/null || true
  done
  touch /tmp/ready
) &

exec weed -logtostderr=true server -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 \
  -master.telemetry=false -master.volumeSizeLimitMB=256 -volume.max=0 \
  -s3 -s3.ip.bind=0.0.0.0 -s3.port=8333 -s3.config=/tmp/identities.json \
  -s3.autoCreateBucket=false -s3.port.iceberg=0 -s3.port.lance=0
