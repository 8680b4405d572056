#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  const StateBackend chosen = StateBackendOf(context);
  const std::string option(StateBackendOption(context.version).key);
  const Entry* rocksdb = FirstBelow(context, kRocksDbBackend.stem);
  const Entry* forst = FirstBelow(context, kForStBackend.stem);
  const auto unused = [&](const Entry* entry, const EmbeddedBackend& backend) {
    if (entry == nullptr) return;
    findings.push_back(
        {Severity::kWarning, "", entry->key_at,
         entry->key + " has no effect: the state backend is not " + std::string(backend.name),
         option + " chooses another, so that every " + std::string(backend.stem) +
             "* key of this file is unused, unless a job chooses " + std::string(backend.name) +
             " in its code.",
         "Delete them, or choose the backend that they belong to."});
  };
  switch (chosen) {
    case StateBackend::kRocksDb:
      unused(forst, kForStBackend);
      return;
    case StateBackend::kForSt:
      unused(rocksdb, kRocksDbBackend);
      return;
    case StateBackend::kHeap:
      unused(rocksdb, kRocksDbBackend);
      unused(forst, kForStBackend);
      return;
    case StateBackend::kOther:
      return;
    case StateBackend::kUnset:
      break;
  }
  if (rocksdb != nullptr && forst != nullptr) {
    findings.push_back(
        {Severity::kWarning, "", forst->key_at,
         "Keys of ForSt and of RocksDB are mixed, and no state backend is chosen",
         "They are two backends with separate options: at most one of the two has any "
         "effect, and without a choice in the file or the job neither.",
         "Write " + option + ", and delete the keys of the other."});
    return;
  }
  const Entry* first = rocksdb != nullptr ? rocksdb : forst;
  if (first == nullptr) return;
  const EmbeddedBackend& backend = rocksdb != nullptr ? kRocksDbBackend : kForStBackend;
  findings.push_back(
      {Severity::kInfo, "", first->key_at,
       "Keys of " + std::string(backend.name) + " are set, and no state backend is chosen",
       "Without " + option + " state is on the heap, unless a job chooses " +
           std::string(backend.name) + " in its code; these keys have no effect then.",
       "Write " + option + ": " +
           (rocksdb != nullptr ? std::string("rocksdb") : std::string("forst")) +
           " if it is meant for all jobs."});
}

}  // namespace

extern const Rule kOtherBackendsKeys;
const Rule kOtherBackendsKeys{
    .id = "other-backends-keys",
    .severity = Severity::kWarning,
    .title = "keys of RocksDB or ForSt where another state backend is chosen",
    .explanation =
        "state.backend.rocksdb.* counts only for RocksDB and state.backend.forst.* (2.0 and later) "
        "only for ForSt, although their names are alike: write buffers that were tuned for one do "
        "nothing for the other. A warning where the file chooses another backend or mixes the two, "
        "an info where it chooses none and a job may.",
    .wrong = {.config = "taskmanager:\n"
                        "  memory:\n"
                        "    process:\n"
                        "      size: 4g\n"
                        "state:\n"
                        "  backend:\n"
                        "    type: forst\n"
                        "    rocksdb:\n"
                        "      writebuffer:\n"
                        "        size: 32m\n",
              .file = "config.yaml",
              .version = "2.1.3"},
    .right = {.config = "taskmanager:\n"
                        "  memory:\n"
                        "    process:\n"
                        "      size: 4g\n"
                        "state:\n"
                        "  backend:\n"
                        "    type: forst\n"
                        "    forst:\n"
                        "      writebuffer:\n"
                        "        size: 32m\n",
              .file = "config.yaml",
              .version = "2.1.3"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
