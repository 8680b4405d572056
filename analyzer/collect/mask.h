// Secrets in what is collected, replaced before anything is written: a dump of memory figures goes to a ticket, a password must not.
//
//   Masker masker;
//   masker.Text("s3.secret-key: abc\n")            ->  "s3.secret-key: ******\n"
//   masker.Text("-Dssl.key-password=abc -Xmx1g")   ->  "-Dssl.key-password=****** -Xmx1g"
//   masker.masked()                                ->  {"-Dssl.key-password": 1, "s3.secret-key": 1}
//
// What is looked for:
//   - values of keys that name a secret (IsSensitiveKey), in any form that a configuration, a log, a command line, JSON, YAML or an
//     environment takes; a Kubernetes pair of `name: DB_PASSWORD` and `value: ...`; all that is indented below such a key
//   - by their own form: user and password in a URL, private keys (PEM), AWS key ids, `Bearer` tokens, JSON web tokens, and tokens of
//     well-known services by their prefix
//
// The replacement does not say how long the value was. Where the end of a value cannot be told for certain, more is masked rather than
// less: to the end of the line. Masking what was masked changes nothing. A secret behind a key that says nothing of it, and has no
// form of its own, is not found.
//
// Text is hostile: time is linear in its length, and it grows by a constant for each value at most. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace wrackline::collect {

inline constexpr std::string_view kMask = "******";

// What Flink itself hides (GlobalConfiguration of 1.10 to 2.x: password, secret, fs.azure.account.key, apikey, api-key, auth-params,
// service-key, token, basic-auth, jaas.config, http-headers), and other names of the same. Letters of either case, with or without
// the marks between words.
bool IsSensitiveKey(std::string_view key);

class Masker {
 public:
  // A text of lines.
  std::string Text(std::string_view text);
  // Items that each end with a NUL byte, as in /proc/PID/cmdline: what follows `--password` is masked whole.
  std::string Arguments(std::string_view items);
  // The same form, of NAME=value: as in /proc/PID/environ. Values of variables that say nothing of memory are masked whatever they
  // are, and counted under "(environment)".
  std::string Environment(std::string_view items);

  // How often, by key, or by the form in parentheses: "(url)", "(private key)", "(token)", "(environment)".
  const std::map<std::string, std::uint64_t>& masked() const { return masked_; }

 private:
  friend class LineMasker;
  void Count(std::string_view what);
  std::map<std::string, std::uint64_t> masked_;
};

}  // namespace wrackline::collect
