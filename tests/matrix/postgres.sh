#!/usr/bin/env bash
# about: initdb, and a session on a unix socket: tables, indexes, parallel queries, PL/pgSQL, an error, a dump, a restart
# needs: psql perl sha256sum
# timeout: 120
prepare() {
  local folder
  for folder in /usr/lib/postgresql/*/bin "$(pg_config --bindir 2>/dev/null)"; do
    [[ -x $folder/initdb ]] && { echo "$folder" >bin; return 0; }
  done
  echo "no initdb: postgresql's server is not installed"
  return 1
}
run() {
  local bin
  bin=$(<"$MATRIX_INPUT/bin")
  chmod 1777 .
  # The server refuses to run as root. perl becomes the server, which a signal then reaches.
  user=()
  ((EUID != 0)) || user=(perl -e '$) = "65534 65534"; $( = 65534; $< = $> = 65534; exec @ARGV or die $!')
  "${user[@]}" "$bin/initdb" -D data -U matrix --no-locale -E UTF8 -A trust --no-sync | grep -v -e '^fixing' -e 'selecting d' -e '^$' -e pg_ctl
  echo "initdb ${PIPESTATUS[0]}"
  session
  session again
  find data/base -type f | wc -l
}
session() {
  "${user[@]}" "$bin/postgres" -D data -c listen_addresses= -c unix_socket_directories="$PWD" -c max_parallel_workers_per_gather=2 \
    -c min_parallel_table_scan_size=0 -c parallel_setup_cost=0 -c fsync=off -c autovacuum=off -c shared_buffers=16MB -c work_mem=1MB >>log 2>&1 &
  server=$!
  trap 'kill -9 "$server" 2>/dev/null' EXIT
  local tries
  for ((tries = 0; tries < 400; tries++)); do
    "$bin/pg_isready" -q -h "$PWD" && break
    sleep 0.05
  done
  if [[ -z ${1:-} ]]; then
    psql -X -q -h "$PWD" -U matrix -d postgres -A -t <<'END'
CREATE TABLE t AS SELECT i AS id, i * 7919 % 10007 AS a, md5(i::text) AS b, repeat('x', i % 700) AS c FROM generate_series(1, 150000) i;
CREATE INDEX ON t (a); CREATE INDEX ON t USING gin (to_tsvector('english', b)); ANALYZE t;
SELECT count(*), sum(a), max(b), sum(length(c)) FROM t;
SELECT x.a, count(*) FROM t x JOIN t y ON x.a = y.a AND x.id < y.id GROUP BY x.a ORDER BY 2 DESC, 1 LIMIT 5;
SELECT md5(string_agg(b, ',' ORDER BY b DESC)) FROM t;
SELECT sum(r) FROM (SELECT rank() OVER (PARTITION BY a % 100 ORDER BY b) AS r FROM t) q;
DO $$ DECLARE n int := 0; r record; BEGIN FOR r IN SELECT * FROM t LIMIT 20000 LOOP n := n + length(r.b); END LOOP; RAISE NOTICE 'n %', n; END $$;
BEGIN; DELETE FROM t WHERE a % 2 = 1; ROLLBACK;
UPDATE t SET c = c || 'y' WHERE id % 10 = 0; VACUUM FULL t;
SELECT * FROM nothing;
SELECT jsonb_object_agg(id, a)->>'77' FROM t WHERE id < 5000;
SELECT 1 / 0;
END
  fi
  psql -X -h "$PWD" -U matrix -d postgres -A -t -c 'SELECT count(*), md5(string_agg(c, id::text ORDER BY id)) FROM t'
  "$bin/pg_dump" -h "$PWD" -U matrix postgres | grep -v -e '^--' -e '^.restrict' -e '^.unrestrict' | sha256sum
  kill -INT "$server"
  wait "$server"
  echo "server $?"
  trap - EXIT
}
"$1"
