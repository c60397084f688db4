#!/bin/sh
# Starts the object store of docker-compose.cluster.yml: the bucket `logs`, and one user of it, whose
# keys are files. Only S3 listens to others; who is not that user gets no answer there.
set -eu
access=$(cat "$ACCESS_KEY_FILE") secret=$(cat "$SECRET_KEY_FILE")
cat >/tmp/identities.json <<END
{"identities": [{
  "name": "logpond",
  "credentials": [{"accessKey": "$access", "secretKey": "$secret"}],
  "actions": ["Read:logs", "Write:logs", "List:logs", "Tagging:logs"]
}]}
END

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
