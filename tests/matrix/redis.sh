#!/usr/bin/env bash
# about: redis-server (which is linked with jemalloc) on a unix socket: strings, sets, scripts, a fork that saves, a restart
# needs: redis-server redis-cli redis-benchmark
# timeout: 60
# short: yes
prepare() { :; }
ask() { redis-cli -s socket "$@"; }
start() {
  redis-server --port 0 --unixsocket "$PWD/socket" --dir "$PWD" --save '' --appendonly no --activedefrag no --io-threads 2 \
    --hash-max-listpack-entries 16 --logfile "$PWD/log" --daemonize no &
  server=$!
  trap 'kill -9 "$server" 2>/dev/null' EXIT
  local tries
  for ((tries = 0; tries < 200; tries++)); do
    [[ $(ask ping 2>/dev/null) == PONG ]] && return 0
    sleep 0.05
  done
  echo "the server does not answer"
}
stop() {
  ask shutdown nosave
  wait "$server"
  echo "server ended with $?"
}
run() {
  local requests=60000 keys=20000 kinds=lpush,sadd,spop,hset,zadd,mset
  [[ -z $MATRIX_SHORT ]] || requests=5000 keys=3000 kinds=lpush
  start
  ask eval "for i = 1, $keys do redis.call('set', 'k' .. i, string.rep('x', i % 2000)) redis.call('hset', 'h' .. (i % 50), 'f' .. i, i)
    redis.call('zadd', 'z', i * 7 % 1000, i) redis.call('rpush', 'l' .. (i % 9), i) end return redis.call('dbsize')" 0
  redis-benchmark -s socket -q -n "$requests" -c 20 -r 1000 -d 700 -t "$kinds" >/dev/null 2>&1
  echo "benchmark $?"
  # It pushes and pops at random.
  ask del mylist myset myhash myzset >/dev/null
  ask eval "for i = 1, $keys, 2 do redis.call('del', 'k' .. i) end return redis.call('scard', 'none')" 0
  ask --raw keys 'k[0-9]*' | sort | sha256sum
  ask zrange z 0 10
  ask strlen k1998
  ask eval "local t = {} for i = 1, 20000 do t[i] = tostring(i) .. 'v' end return #table.concat(t)" 0
  ask memory purge
  ask lastsave >/dev/null
  ask bgsave
  local tries
  for ((tries = 0; tries < 400; tries++)); do
    ask info persistence | grep -q 'rdb_bgsave_in_progress:0' && break
    sleep 0.05
  done
  ask info persistence | grep -o 'rdb_last_bgsave_status:[a-z]*'
  ask eval "local keys = redis.call('keys', 'key:*') for _, k in ipairs(keys) do redis.call('del', k) end return 1" 0
  stop
  start
  ask --raw eval "local n = 0 for _, k in ipairs(redis.call('keys', 'k[0-9]*')) do n = n + redis.call('strlen', k) end return n" 0
  ask flushall async
  stop
}
"$1"
