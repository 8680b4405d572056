#include "preload/frame_lines.h"

#include "preload/module_file.h"

namespace wrackline::preload {

void ResolveLines(LineJob* job) {
  job->done = true;
  // Opened anew for each slice: a descriptor that is held could be closed by the program, and its
  // number be another file's.
  ModuleFile file;
  symbols::LineTable table;
  if (!file.Open(job->module, &job->checked) ||
      file.OpenLines(&table) != ModuleFile::Lines::kReadable) {
    return;
  }
  symbols::LinePaths paths = {job->paths, LineJob::kPathBytes, job->paths_used, job->paths_full};
  job->at = table.Resolve(job->at, LineJob::kSliceBytes, job->queries, job->count, &paths);
  job->paths_used = paths.used;
  job->paths_full = paths.full;
  job->done = job->at >= table.size();
}

}  // namespace wrackline::preload
