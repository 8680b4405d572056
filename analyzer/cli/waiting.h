// Work that may take long, told on a terminal: after a second a line on stderr says what is done and for how long, and it is gone
// when the work is, or something else is written. Nothing is written where stderr is no terminal.
//
//   Waiting waiting;
//   for (...) { waiting.For("reading 3 of 10: " + path); ... }
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace wrackline::cli {

// One at a time.
class Waiting {
 public:
  explicit Waiting(const std::string& what = "");
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting();

  // What is done now.
  void For(const std::string& what);
  // Before anything else is written: takes the line off the terminal, if it is there. Where nobody waits too.
  static void Hide();

 private:
  void Tell();

  std::mutex mutex_;
  std::string what_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace wrackline::cli
