#!/usr/bin/env bash
# about: db_bench: fills, overwrites, reads, scans, merges and compacts a database with a block cache, four threads
# needs: db_bench
# timeout: 120
prepare() { :; }
run() {
  # The figures are times; which benchmarks ran, how many keys were found, and the exit codes are not.
  local common=(--db=db --num=100000 --value_size=200 --seed=7 --cache_size=8388608 --write_buffer_size=2097152 --max_background_jobs=2
    --compression_type=none --statistics=0 --histogram=0 --disable_wal=1)
  db_bench "${common[@]}" --benchmarks=fillseq,overwrite,compact,readseq,readrandom --threads=1 2>&1 | facts
  echo "exit ${PIPESTATUS[0]}"
  db_bench "${common[@]}" --use_existing_db=1 --benchmarks=readrandom,seekrandom,multireadrandom,readwhilewriting,checksum --threads=4 --duration=0 --reads=10000 2>&1 | facts
  echo "exit ${PIPESTATUS[0]}"
  db_bench "${common[@]}" --db=merges --benchmarks=mergerandom,readrandommergerandom,compact --merge_operator=put --threads=2 --num=20000 2>&1 | facts
  echo "exit ${PIPESTATUS[0]}"
  db_bench --db=db --benchmarks=nothing 2>&1 | tail -n 1
}
facts() { sed -nE 's/^([a-z]+) +: .*micros.*(\([0-9]+ of [0-9]+ found\)).*/\1 \2/p; t; s/^([a-z]+) +: .*/\1/p'; }
"$1"
