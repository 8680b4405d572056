// The file of performance counters that a HotSpot VM leaves in /tmp/hsperfdata_USER/PID when it is killed: what the VM said of
// itself, where nobody asked it from inside.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/source.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

// One set of figures, as old as the file's newest time stamp of its own: its clock, which JDK 17 and older bring up to date 20
// times a second, else the last collection. G1 brings its figures up to date at a collection only. Nothing when the bytes are
// no such file.
std::optional<Jvm> JvmFromHsperfdata(std::string_view bytes);

Result<Jvm> ReadHsperfdata(const std::string& path);

// Gives `evidence` the file's figures where nobody asked the VM from inside.
void AddHsperfdata(Jvm from_file, Evidence* evidence);

// As a row of the table of readers. Not used where the VM was asked from inside, or for another process: the file's name is its
// id.
bool IsHsperfdata(const SourceFile& file);
Result<std::string> AddHsperfdataFile(const SourceFile& file, Evidence* evidence);

// The file hsperfdata_*/PID in the folder of the recording; empty: there is none.
std::string HsperfdataBeside(const std::string& recording, std::uint32_t pid);

}  // namespace wrackline::evidence
