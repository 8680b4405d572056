// The dress of a line of the kernel's log: what dmesg, journald, syslog and those who pass logs on put before the kernel's own words.
//
//   PeelDress("<4>[    6.194037] eat invoked oom-killer: ...").text   -> "eat invoked oom-killer: ..."
//
// Known: "<4>", "[ 6.194037]", "[ 6.194037][  T185]" (printk.caller), "[Sat Nov 21 02:47:47 2026]", "kern  :warn  : ",
// "6,305,3816544225424,-;" (/dev/kmsg), "Nov 28 10:00:00 host kernel: ", ISO times, "10.2.7.9: kern: info: [2025-06-04T04:51:57Z]: "
// (talosctl), "2023-12-04T10:49:30Z In(05) vcpu-5 - Guest: <6>[..]" (VMware), and each behind another.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace wrackline::evidence {

struct DressedLine {
  std::string_view text;          // without the dress
  std::optional<double> seconds;  // since boot
  std::string_view wall;          // as printed; empty: none
  std::string_view host, caller;  // "T185", "C1"; empty: not printed
  bool kernel = false;            // the dress is one that only the kernel's lines have
};

DressedLine PeelDress(std::string_view line);

// Of "Sat Nov 21 02:47:47 2026" (taken as UTC: dmesg -T prints no zone) and ISO 8601 with or without a zone. A time without a year
// (syslog's) is nothing.
std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> ParseWallTime(std::string_view text);

}  // namespace wrackline::evidence
