#!/usr/bin/env bash
# about: tables, indexes, joins, recursive queries, a rollback, a dump, on disk and in memory
# needs: sqlite3 sha256sum
# timeout: 60
# short: yes
prepare() { :; }
run() {
  local rows=200000
  [[ -z $MATRIX_SHORT ]] || rows=30000
  local where
  for where in database.db :memory:; do
    sqlite3 "$where" <<END
PRAGMA cache_size = 200;
CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
  INSERT INTO t SELECT i, i * 7919 % 10007, hex(i * i), zeroblob(i % 300) FROM n;
CREATE INDEX ta ON t (a);
CREATE INDEX tb ON t (b, a);
SELECT count(*), sum(a), max(b), sum(length(c)) FROM t;
SELECT x.a, count(*) FROM t x JOIN t y ON x.a = y.a AND x.id < y.id GROUP BY x.a ORDER BY 2 DESC, 1 LIMIT 5;
BEGIN; DELETE FROM t WHERE a % 2; SELECT changes(); ROLLBACK;
UPDATE t SET b = b || '-' || a WHERE id % 3 = 0;
SELECT length(group_concat(b)) FROM t;
SELECT sum(rank) FROM (SELECT rank() OVER (PARTITION BY a % 100 ORDER BY b) AS rank FROM t);
PRAGMA integrity_check;
SELECT count(*) FROM (SELECT json_extract(json_object('k', a, 'l', json_array(a, b)), '\$.l[1]') AS v FROM t) WHERE v LIKE '%7%';
END
  done
  sqlite3 database.db .dump | sha256sum
  sqlite3 database.db 'VACUUM; SELECT * FROM nothing;'
}
"$1"
