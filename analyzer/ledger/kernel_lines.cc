#include <algorithm>

#include "analyzer/ledger/lines.h"

namespace wrackline::ledger {
namespace {

void Add(Ledger* ledger, const char* id, const char* label, Holder holder, Bytes amount,
         const char* source, Confidence confidence) {
  if (amount.count > 0)
    ledger->lines.push_back(
        {id, label, holder, amount, std::nullopt, std::nullopt, source, confidence});
}

// Slab, page tables and stacks where the kernel says them apart; what else of its memory was charged (percpu data, vmalloc) is its own
// total less these.
void AddKernelMemory(const evidence::TimelinePoint& point, Ledger* ledger) {
  const Bytes parts = point.slab.value_or(Bytes{}) + point.kernel_stack.value_or(Bytes{}) +
                      point.page_tables.value_or(Bytes{});
  // v1 counts slab in pages of its own, page tables in neither.
  if (point.kernel && (parts.count == 0 || parts > *point.kernel)) {
    Add(ledger, "kernel.memory", "kernel memory", Holder::kKernel, *point.kernel,
        "kernel memory charged to the cgroup", Confidence::kExact);
    return;
  }
  Add(ledger, "kernel.slab", "kernel, slab (dentries, inodes, ...)", Holder::kKernel,
      point.slab.value_or(Bytes{}), "memory.stat: slab", Confidence::kExact);
  Add(ledger, "kernel.page_tables", "kernel, page tables", Holder::kKernel,
      point.page_tables.value_or(Bytes{}), "memory.stat: pagetables", Confidence::kExact);
  Add(ledger, "kernel.stacks", "kernel, stacks", Holder::kKernel,
      point.kernel_stack.value_or(Bytes{}), "memory.stat: kernel_stack", Confidence::kExact);
  if (point.kernel)
    Add(ledger, "kernel.other", "kernel, other", Holder::kKernel, *point.kernel - parts,
        "memory.stat: kernel less slab, pagetables and kernel_stack", Confidence::kDerived);
}

}  // namespace

void AddKernelLines(const evidence::TimelinePoint& point, Bytes jvm_shared, Ledger* ledger) {
  if (ledger->basis == Basis::kResident) {
    if (point.resident_shared)
      Add(ledger, "file.resident", "mapped files, shared memory", Holder::kFile,
          *point.resident_shared - jvm_shared, "statm", Confidence::kExact);
    return;
  }
  if (point.file) {
    // `file` holds shared memory too, and `file_mapped` may hold mapped shared memory: what is
    // mapped of real files is at most what is not shared memory.
    const Bytes shmem = std::min(point.shmem.value_or(Bytes{}), *point.file);
    const Bytes real = *point.file - shmem;
    const Bytes mapped = std::min(point.file_mapped.value_or(Bytes{}), real);
    Add(ledger, "file.page_cache", "page cache (reclaimable)", Holder::kFile, real - mapped,
        "memory.stat: file less shmem and file_mapped", Confidence::kDerived);
    Add(ledger, "file.mapped", "mapped program and libraries", Holder::kFile, mapped,
        "memory.stat: file_mapped", Confidence::kExact);
    Add(ledger, "file.shmem", "shared memory and tmpfs", Holder::kFile, shmem - jvm_shared,
        jvm_shared.count > 0 ? "memory.stat: shmem less the Java heap" : "memory.stat: shmem",
        Confidence::kExact);
  }
  AddKernelMemory(point, ledger);
  if (point.sock)
    Add(ledger, "kernel.sockets", "network buffers", Holder::kKernel, *point.sock,
        "memory.stat: sock", Confidence::kExact);
}

}  // namespace wrackline::ledger
