// Work that may take long, told on a terminal: after a second a line on stderr says what is done and for how long, and it is gone
// when the work is. Nothing is written where stderr is no terminal.
//
//   Waiting waiting("reading " + path);
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace wrackline::cli {

class Waiting {
 public:
  explicit Waiting(const std::string& what);
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting();

 private:
  void Tell();

  std::string what_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace wrackline::cli
