#!/usr/bin/env bash
# A real Flink cluster of one JobManager and one TaskManager on the loopback interface, without containers.
#
#   flink.sh up FOLDER [OPTION...]     start both, wait until the TaskManager has registered
#     --flink FOLDER     Flink's jars (scripts/setup.sh check fetches them)
#     --classes FOLDER   the tests' compiled classes
#     --java HOME        which Java
#     --config FILE      lines "key: value" on top of what is needed to be up at all
#     --preload FILE     LD_PRELOAD of the TaskManager; its recordings go to FOLDER/recordings
#     --cgroup FOLDER    memory cgroup of the TaskManager
#     --flags "FLAG..."  more flags of the TaskManager's VM
#   flink.sh submit FOLDER NAME=VALUE...   start the tests' job (OrdersJob says which names there are)
#   flink.sh get FOLDER metrics|rest [PATH]    what the TaskManager's Prometheus endpoint or the JobManager's REST endpoint answers
#   flink.sh down FOLDER               end both
#
# The TaskManager runs with the flags and the -D list that this Flink derives from the configuration. FOLDER then has
# taskmanager.{pid,log}, taskmanager.status once it has ended, and the same of the jobmanager.
set -euo pipefail

fail() {
  echo "flink.sh: $*" >&2
  exit 1
}

# What Flink's own scripts give to Java 17 and later.
opens=(--add-exports=java.base/sun.net.util=ALL-UNNAMED --add-exports=java.management/sun.management=ALL-UNNAMED)
for package in java.lang java.net java.io java.nio sun.nio.ch java.lang.reflect java.text java.time java.util java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks; do
  opens+=("--add-opens=java.base/$package=ALL-UNNAMED")
done

free_port() {
  local port
  for _ in {1..50}; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  fail "no free port was found"
}

# start NAME COMMAND...: in the background, with its pid and later its exit status in files.
start() {
  local name=$1
  shift
  (
    "$@" >"$folder/$name.log" 2>&1 </dev/null &
    echo $! >"$folder/$name.pid"
    status=0
    wait $! || status=$?
    echo "$status" >"$folder/$name.status"
  ) >/dev/null 2>&1 </dev/null &
}

await() {
  local name=$1 text=$2
  for _ in {1..600}; do
    ! grep -qsE "$text" "$folder/$name.log" || return 0
    [[ ! -e $folder/$name.status ]] || { tail -n 20 "$folder/$name.log" >&2; fail "the $name ended: $folder/$name.log"; }
    sleep 0.2
  done
  tail -n 20 "$folder/$name.log" >&2
  fail "the $name is not up after two minutes: $folder/$name.log"
}

up() {
  local flink= classes= home= config=/dev/null preload= cgroup= more= java ports
  while (($#)); do
    case $1 in
      --flink) flink=$2 ;;
      --classes) classes=$2 ;;
      --java) home=$2 ;;
      --config) config=$2 ;;
      --preload) preload=$2 ;;
      --cgroup) cgroup=$2 ;;
      --flags) more=$2 ;;
      *) fail "what is $1?" ;;
    esac
    shift 2
  done
  [[ -d $flink && -d $classes && -x $home/bin/java ]] || fail "--flink, --classes and --java must be given and be there"
  mkdir -p "$folder"/{conf,tmp,checkpoints,recordings}
  rm -f "$folder"/*.status
  java=$home/bin/java
  ports=("$(free_port)" "$(free_port)" "$(free_port)")
  {
    cat <<CONFIG
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: ${ports[0]}
jobmanager.bind-host: 127.0.0.1
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: ${ports[1]}
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.resource-id: taskmanager-1
io.tmp.dirs: $folder/tmp
state.backend.type: rocksdb
state.checkpoints.dir: file://$folder/checkpoints
metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory
metrics.reporter.prom.port: "${ports[2]}"
CONFIG
    cat "$config"
  } >"$folder/conf/config.yaml"
  cat >"$folder/conf/log4j.properties" <<CONFIG
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n
CONFIG
  # Flink 1.10 has log4j 1 and knows this file's name only.
  cat >"$folder/conf/log4j-1.properties" <<CONFIG
log4j.rootLogger=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{HH:mm:ss,SSS} %-5p %c{1} - %m%n
CONFIG
  if compgen -G "$flink/flink-runtime_2.*.jar" >/dev/null; then
    { echo "state.backend: rocksdb"; cat "$folder/conf/config.yaml"; } >"$folder/conf/flink-conf.yaml"
  fi
  (cd "$classes" && python3 -c 'import shutil, sys; shutil.make_archive(sys.argv[1], "zip", ".")' "$folder/job")
  mv "$folder/job.zip" "$folder/job.jar"
  {
    printf 'java=%q\nflink=%q\nport=%q\nprometheus=%q\n' "$java" "$flink" "${ports[1]}" "${ports[2]}"
  } >"$folder/cluster"
  local derived
  derived=$("$java" -XX:TieredStopAtLevel=1 "${opens[@]}" "${logging[@]}" -cp "$classes:$flink/*" com.example.orders.DeriveMemory "$folder/conf" 2>"$folder/derive.log" | grep -E '^-(Xm|D)') ||
    { cat "$folder/derive.log" >&2; fail "Flink refuses the configuration"; }
  echo "$derived" >"$folder/memory"
  start jobmanager "$java" -Xmx256m -XX:TieredStopAtLevel=1 "${opens[@]}" "${logging[@]}" -cp "$flink/*" \
    org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint --configDir "$folder/conf" -D metrics.reporters=none
  local -a flags dynamic environment=()
  read -ra flags < <(echo "$(sed -n 1p "$folder/memory") $more")
  read -ra dynamic < <(sed -n 2p "$folder/memory")
  [[ -z $preload ]] || environment=(LD_PRELOAD="$preload" WRACKLINE_OUT="$folder/recordings")
  local -a enter=()
  # shellcheck disable=SC2016
  [[ -z $cgroup ]] || enter=(bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup")
  start taskmanager "${enter[@]}" env "${environment[@]}" "$java" "${flags[@]}" "${opens[@]}" "${logging[@]}" -cp "$flink/*" \
    org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$folder/conf" "${dynamic[@]}"
  await jobmanager 'Rest endpoint listening'
  await taskmanager 'Successful registration at resource manager'
}

submit() {
  # shellcheck disable=SC1091
  source "$folder/cluster"
  # shellcheck disable=SC2154
  "$java" -XX:TieredStopAtLevel=1 "${opens[@]}" "${logging[@]}" -cp "$folder/job.jar:$flink/*" \
    com.example.orders.OrdersJob host=127.0.0.1 "port=$port" "jar=$folder/job.jar" "$@" >"$folder/submit.log" 2>&1 ||
    { tail -n 30 "$folder/submit.log" >&2; fail "the job was not taken: $folder/submit.log"; }
  grep '^job ' "$folder/submit.log"
}

get() {
  # shellcheck disable=SC1091
  source "$folder/cluster"
  # shellcheck disable=SC2154
  case $1 in
    metrics) set -- "http://127.0.0.1:$prometheus/metrics" ;;
    rest) set -- "http://127.0.0.1:$port${2:-/overview}" ;;
    *) fail "what is $1? metrics or rest" ;;
  esac
  python3 -c 'import shutil, sys, urllib.request as r; shutil.copyfileobj(r.build_opener(r.ProxyHandler({})).open(sys.argv[1], timeout=30), sys.stdout.buffer)' "$1"
}

down() {
  local name pid
  for name in taskmanager jobmanager; do
    [[ -s $folder/$name.pid && ! -e $folder/$name.status ]] || continue
    pid=$(<"$folder/$name.pid")
    kill -KILL "$pid" 2>/dev/null || true
    for _ in {1..100}; do
      [[ ! -e $folder/$name.status ]] || break
      sleep 0.1
    done
  done
}

(($# >= 2)) || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
action=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
shift 2
logging=("-Dlog4j.configurationFile=file://$folder/conf/log4j.properties" "-Dlog4j.configuration=file://$folder/conf/log4j-1.properties")
case $action in
  up | submit | get | down) "$action" "$@" ;;
  *) fail "what is $action? up, submit, get or down" ;;
esac
