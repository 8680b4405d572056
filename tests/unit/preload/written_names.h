// What FrameNames writes, read back from a real file.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

#include "lib/recorder/reader.h"
#include "lib/recorder/recorder.h"
#include "preload/frame_names.h"
#include "preload/state_sink.h"
#include "tests/support/profiled_process.h"

namespace wrackline::preload {

inline std::map<std::uint64_t, proto::FrameName> Written(FrameNames& names,
                                                         std::uint64_t file_bytes = 4 << 20) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "names.wrack";
  recorder::Recorder recorder;
  recorder::RecorderOptions options;
  options.path = path.c_str();
  options.file_bytes = file_bytes;
  EXPECT_EQ(recorder.Open(options), 0);
  StateSink sink(recorder, false);
  names.PutChanges(sink);
  EXPECT_EQ(recorder.Flush(), 0);
  recorder.Close();
  auto recording = recorder::ReadRecording(path);
  EXPECT_TRUE(recording.ok());
  return recording.ok() ? recording.value().frame_names
                        : std::map<std::uint64_t, proto::FrameName>{};
}

}  // namespace wrackline::preload
