#include "analyzer/cli/manual/texts.h"

#include <algorithm>

namespace wrackline::cli {

const std::vector<Texts>& AllTexts() {
  static const std::vector<Texts> kTexts = {
      {"",
       "COMMAND [OPTIONS] ...",
       {"A container is OOMKilled and nobody knows which byte was too many. wrackline answers "
        "three questions: who held the memory (a library loaded with LD_PRELOAD samples "
        "allocations with their stacks, through Java and native frames, into a file that survives "
        "SIGKILL); what RocksDB held, each byte once; and what to set, for a Flink TaskManager in "
        "its pod."},
       {{"wrackline run --limit 350m -- ./server --port 80", "record a program under a limit"},
        {"wrackline report wrackline.out", "why it died, and who held the memory"},
        {"wrackline report --format html -o why.html wrackline.out", "the same as a page"},
        {"wrackline size --config conf/config.yaml wrackline.out", "what to set instead"},
        {"wrackline lint conf/config.yaml", "before it happens: mistakes in a configuration"}},
       {{"0", "done"},
        {"1",
         "an answer that a script wants to know: findings, growth, a configuration that does "
         "not hold; each command says when"},
        {"2", "bad input or usage"},
        {"125, 126, 127",
         "of run: wrackline failed, the command cannot be executed, is not found; "
         "else run exits as its command does"}},
       {"wrackline-preload(7)"}},
      {"run",
       "[OPTIONS] -- COMMAND [ARGUMENTS...]",
       {"Runs COMMAND with the shim preloaded, waits for it, and adds to its recorder file what "
        "only its parent can know: how it ended, the cgroup's OOM counter, the peak, the kernel's "
        "report of the kill. A recording that cannot be made never keeps the command from running.",
        "Signals (INT, TERM, HUP, QUIT, USR1, USR2) go to the command."},
       {{"wrackline run -- ./server --port 80", "recorded into wrackline.out"},
        {"wrackline run --limit 350m --report -- ./server", "under a limit (root), with a report"},
        {"wrackline run --interval 64k --out /dumps -- java -jar app.jar", "sharper, elsewhere"}},
       {{"as COMMAND's", "it was run; 128 and the signal's number when one ended it"},
        {"125", "wrackline failed: bad usage, no cgroup"},
        {"126", "COMMAND cannot be executed"},
        {"127", "COMMAND is not found"}},
       {"report", "wrackline-preload(7)"}},
      {"report",
       "[OPTIONS] [FILE|FOLDER|ARCHIVE|-]",
       {"Says why a process died, who held its memory and what to set instead. Of a folder it "
        "reads every file that says something of it, recognised by content: recordings, kernel "
        "logs, pod status, Flink's log and configuration, metrics, heap profiles. Of several "
        "recordings it takes the newest that did not end cleanly."},
       {{"wrackline report wrackline.out", "the newest that did not end cleanly"},
        {"wrackline report evidence.tar.zst", "what wrackline collect gathered"},
        {"wrackline report --flink-config conf/config.yaml lost/", "with a proposal for it"},
        {"wrackline report --format html -o report.html lost/", "a page for a browser, one file"},
        {"curl -s http://taskmanager:9249/metrics | wrackline report -", "nothing was recorded"}},
       {{"0", "done"}, {"2", "bad input or usage"}},
       {"size", "diff", "rocksdb", "collect"}},
      {"export",
       "--format FORMAT [-o FILE] [OPTIONS] FILE|FOLDER|ARCHIVE",
       {"Writes a report, or the samples that it is made of, for other tools: json, markdown and "
        "csv "
        "(the ledger) are of the report; pprof, collapsed stacks, speedscope, jemalloc's heap dump "
        "and jeprof (the same with all names in it) are of the samples, also of a heap profile "
        "that another tool wrote.",
        "The sums are the report's in every format. Nothing that a name holds is a format's own "
        "sign, a spreadsheet's formula or a terminal's command."},
       {{"wrackline export --format pprof -o profile.pb.gz lost/",
         "then: go tool pprof -top profile.pb.gz"},
        {"wrackline export --format jeprof -o live.heap lost/", "then: jeprof --text live.heap"},
        {"wrackline export --format speedscope -o live.speedscope.json lost/",
         "then: speedscope live.speedscope.json"},
        {"wrackline export --format collapsed lost/ | flamegraph.pl > live.svg", "a flame graph"},
        {"wrackline export --format markdown lost/ | gh issue create --title OOM --body-file -",
         "a ticket"},
        {"wrackline export --format csv -o ledger.csv lost/", "the ledger in a spreadsheet"},
        {"wrackline export --format json lost/ | jq .verdict", "the report for programs"}},
       {{"0", "done"}, {"2", "bad input or usage"}},
       {"report", "diff"}},
      {"size",
       "[OPTIONS] [--check] [--config FILE] DUMPS...",
       {"Sizes a Flink TaskManager by what recorded runs of it needed, component by component, and "
        "tries the answer on the same runs before it gives it. With --check it tries a "
        "configuration of yours.",
        "A killed run needed more than it lived to show, and is counted so; a leak gets a name and "
        "a time, no size. What is assumed where nothing was recorded is said with every answer."},
       {{"wrackline size lost/", "killed: what to set, the pod as it is"},
        {"wrackline size --config conf/config.yaml --limit 2g a.wrackpack b.wrackpack",
         "for another limit"},
        {"wrackline size --config deployment.yaml --format patch lost/", "as a patch of it"},
        {"wrackline size --minimize --headroom 15% lost/", "the smallest pod"},
        {"wrackline size --save-runs runs.jsonl lost/", "keep the demand, not the files"},
        {"wrackline size --check --config conf/config.yaml runs.jsonl", "in CI"}},
       {{"0", "a proposal; with --check: it would have lived with that headroom"},
        {"1", "nothing fits; with --check: it would not have lived"},
        {"2", "bad input or usage"}},
       {"report", "model", "lint"}},
      {"diff",
       "[OPTIONS] A B | --at TIME [--to TIME] FILE",
       {"Says what grew between two recordings, heap profiles or moments of one recording. Sites "
        "match by the names of their functions, so A and B may be of different processes, builds "
        "and machines. A sampled difference is 'certain' when it holds among all that were tested "
        "(Benjamini-Hochberg at 5 %), 'likely' when it holds alone, else 'noise'."},
       {{"wrackline diff before.wrackpack after.wrackpack", "two recordings"},
        {"wrackline diff jeprof.1.0.i0.heap jeprof.1.9.i9.heap", "two heap profiles"},
        {"wrackline diff --at +10m wrackline.out/tm.wrack", "since it was warm"},
        {"wrackline diff --per-hour --format json baseline.wrackpack candidate.wrackpack",
         "runs of different length"}},
       {{"0", "nothing grew"},
        {"1", "something grew beyond chance, --min-growth and --min-percent"},
        {"2", "bad input or usage"}},
       {"report"}},
      {"rocksdb",
       "[OPTIONS] FILE|SCRAPE...",
       {"Every column family reports the whole cache that it uses, and memtables that a write "
        "buffer manager charges to a cache are in the cache's usage too. So the families' figures "
        "must not be added up: with 8 families on one cache of 192 MiB their sum is 1.5 GiB. Here "
        "each cache and each memtable counts once, and the last table says what a plain sum counts "
        "again.",
        "The metrics must be switched on in Flink: state.backend.rocksdb.metrics."
        "block-cache-usage, block-cache-capacity, block-cache-pinned-usage, "
        "cur-size-active-mem-table, size-all-mem-tables and estimate-table-readers-mem: true."},
       {{"wrackline rocksdb wrackline.out/tm.wrack", "of a recording"},
        {"curl -s http://taskmanager:9249/metrics | wrackline rocksdb -", "of a live TaskManager"},
        {"wrackline rocksdb 10-00.prom 10-05.prom 10-10.prom", "the last, and the peaks of all"}},
       {{"0", "done"}, {"2", "bad input, or no figure of RocksDB in it"}},
       {"report"}},
      {"model",
       "[OPTIONS] [--config FILE] [-D KEY=VALUE ...]",
       {"Flink divides a process's memory by rules that changed between its versions. This shows "
        "the division to the byte, with Flink's own message where it would refuse to start. "
        "Settings of FLINK_PROPERTIES in the environment win over the file, -D wins over both.",
        "A line of --batch asks: flink-memory and jobmanager-memory "
        "{\"mode\":\"standalone\",\"config\":{...}}; the other kinds are in "
        "docs/flink-memory-model.md."},
       {{"wrackline model --flink-version 1.20.3 --config conf/config.yaml --limit 4g",
         "does it fit"},
        {"wrackline model --flink-version 1.10.0 -D taskmanager.memory.process.size=1g",
         "without a file"},
        {"kubectl get flinkdeployment job -o yaml | wrackline model --config - --role jobmanager",
         "of a cluster"},
        {"wrackline model --from 1.16.3 --to 1.20.3 --config flink-conf.yaml", "before an upgrade"},
        {"wrackline model --batch --kind flink-memory --flink-version 1.20.3 < rows.jsonl",
         "many at once"}},
       {{"0", "it fits"},
        {"1",
         "Flink would refuse it, or it is larger than the limit (with --from: the new version "
         "would refuse it)"},
        {"2", "bad input, also one bad line of --batch, or bad usage"}},
       {"lint", "size"}},
      {"lint",
       "[OPTIONS] FILE|FOLDER|MANIFEST|-",
       {"Names every mistake that the configuration makes with memory: keys that no Flink version "
        "or not this one reads, keys that another one overrules, values that do not parse, sizes "
        "with which Flink refuses to start, memory that nothing bounds. Each finding has its "
        "place, "
        "its reason and what to write instead.",
        "An error: Flink or a job fails with it, or the process cannot hold it. A warning: the "
        "setting does not do what it says. An info: worth knowing."},
       {{"wrackline lint conf/flink-conf.yaml --flink-version 1.17.2", "a file"},
        {"wrackline lint conf/ --flink-version 2.0 --fail-on error", "a folder, in CI"},
        {"wrackline lint conf/flink-conf.yaml --pod taskmanager-deployment.yaml", "with its pod"},
        {"wrackline lint flinkdeployment.yaml", "a manifest"},
        {"wrackline lint conf/config.yaml --format sarif -o lint.sarif", "for code scanning"},
        {"wrackline lint --explain unknown-key", "a rule, with an example"}},
       {{"0", "no finding of --fail-on's severity"},
        {"1", "findings"},
        {"2", "bad input or usage"}},
       {"model", "size"}},
      {"collect",
       "[OPTIONS] -o FOLDER|FILE.tar.zst",
       {"Gathers what says where a process's memory is, or was: /proc and cgroup files, the "
        "kernel's log, the VM's own figures, Flink's log, configuration and metrics, recordings. "
        "Values of keys that look like secrets are masked. Nothing is changed in the process, but "
        "for a signal that asks a Java VM to listen (as jcmd does)."},
       {{"wrackline collect -o evidence.tar.zst", "of what runs in this pod"},
        {"wrackline collect --pid 4711 -o evidence", "of a process"},
        {"wrackline collect --previous -o evidence.tar.zst", "of the container that died"},
        {"wrackline collect --wait-for-kill -o evidence", "as a sidecar"}},
       {{"0", "something was taken"},
        {"1", "nothing was"},
        {"2", "bad usage, or the output cannot be written"}},
       {"report"}},
      {"inspect",
       "[OPTIONS] FILE",
       {"Shows what a recorder file holds, uninterpreted, as text or JSON: for those who want to "
        "compute with it, or to know why a report says what it says."},
       {{"wrackline inspect wrackline.out/tm.wrack", "all of it"},
        {"wrackline inspect --section losses --section process tm.wrackpack", "some of it"},
        {"wrackline inspect --section rocksdb --format json tm.wrackpack", "to compute with"}},
       {{"0", "done"}, {"2", "bad input or usage"}},
       {"report", "pack"}},
      {"pack",
       "FILE [-o OUT]",
       {"Makes a small portable dump of a recorder file, which is preallocated and of 64 MiB. "
        "Every command that reads a recorder file reads a dump."},
       {{"wrackline pack wrackline.out/tm.wrack", "writes tm.wrackpack beside it"},
        {"wrackline pack tm.wrack -o /tmp/incident-17.wrackpack", "elsewhere"}},
       {{"0", "done"}, {"2", "bad input or usage"}},
       {"inspect"}},
      {"completion",
       "bash|zsh|fish",
       {"Prints what a shell needs to complete wrackline's commands, options and their values. An "
        "installed wrackline has it where the shells look for it."},
       {{"wrackline completion bash > ~/.local/share/bash-completion/completions/wrackline",
         "for this user"},
        {"source <(wrackline completion bash)", "for this shell"},
        {"wrackline completion zsh > \"${fpath[1]}/_wrackline\"", "zsh"},
        {"wrackline completion fish > ~/.config/fish/completions/wrackline.fish", "fish"}},
       {{"0", "done"}, {"2", "bad usage"}},
       {}},
  };
  return kTexts;
}

const Texts* TextsOf(std::string_view command) {
  const std::vector<Texts>& all = AllTexts();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Texts& texts) { return texts.command == command; });
  return found == all.end() ? nullptr : &*found;
}

const std::vector<EnvironmentVariable>& PreloadEnvironment() {
  static const std::vector<EnvironmentVariable> kVariables = {
      {"WRACKLINE_OUT", "${TMPDIR:-/tmp}/wrackline",
       "folder for the files; made (mode 0700, parents too) when missing", "WRACKLINE_OUT=/dumps"},
      {"WRACKLINE_INTERVAL", "512k",
       "mean bytes between two samples; smaller is sharper and dearer; 0: no sampling, the "
       "timeline only",
       "WRACKLINE_INTERVAL=128k"},
      {"WRACKLINE_ONLY", "every program",
       "shell glob on the executable's name (or the name it was started by): others only pass "
       "their calls on",
       "WRACKLINE_ONLY='java'"},
      {"WRACKLINE_RECORDER_SIZE", "64m",
       "size of a file, at least 1m; preallocated, never exceeded; old timeline is thinned first",
       "WRACKLINE_RECORDER_SIZE=16m"},
      {"WRACKLINE_KEEP", "16,1g",
       "FILES or FILES,BYTES: what the folder may hold, the new file included",
       "WRACKLINE_KEEP=4,256m"},
      {"WRACKLINE_DEPTH", "128", "frames kept of a stack, 1 to 128", "WRACKLINE_DEPTH=32"},
      {"WRACKLINE_REGION", "on",
       "off: sampled objects stay where the allocator puts them; a free is then dearer",
       "WRACKLINE_REGION=off"},
      {"WRACKLINE_MAPPINGS", "on", "off: mappings and the stacks of threads are not recorded",
       "WRACKLINE_MAPPINGS=off"},
      {"WRACKLINE_JVM", "on",
       "off: a Java VM in the process is left alone; stacks then end where Java begins",
       "WRACKLINE_JVM=off"},
      {"WRACKLINE_ROCKSDB", "1000",
       "milliseconds between two readings of the databases that a VM's RocksDB has open; off: "
       "they are left alone",
       "WRACKLINE_ROCKSDB=off"},
      {"WRACKLINE_VERBOSE", "off",
       "anything but empty and 0: say on stderr where the file is and why there is none",
       "WRACKLINE_VERBOSE=1"},
  };
  return kVariables;
}

}  // namespace wrackline::cli
