// Which keys name a secret, and which variables say something of memory.
#include "analyzer/collect/mask_words.h"

#include <algorithm>
#include <array>
#include <string>

#include "analyzer/collect/mask.h"

namespace wrackline::collect {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Anywhere in a key without its marks.
constexpr std::array<std::string_view, 26> kParts = {
    "password",   "passwd",        "passphrase",    "secret",           "token",      "apikey",
    "accesskey",  "accountkey",    "privatekey",    "servicekey",       "sharedkey",  "signingkey",
    "masterkey",  "encryptionkey", "storagekey",    "credential",       "authparams", "basicauth",
    "jaasconfig", "httpheaders",   "authorization", "connectionstring", "sessionkey", "clientkey",
    "keypass",    "storepass"};
// A word of its own.
constexpr std::array<std::string_view, 9> kWords = {"pwd",    "pass", "pw",  "sas",     "sig",
                                                    "cookie", "auth", "dsn", "userinfo"};
// Beginnings of names of variables that set or say something of memory, of Java, of Flink or of the pod.
constexpr std::array<std::string_view, 19> kTelling = {
    "JAVA_",           "JDK_",       "_JAVA_",      "JVM_",      "FLINK_",
    "MALLOC_",         "LD_",        "GLIBC_",      "JE_MALLOC", "MIMALLOC",
    "TCMALLOC",        "HEAPPROF",   "WRACKLINE_",  "HOSTNAME",  "POD_",
    "HADOOP_HEAPSIZE", "CONTAINER_", "TM_RESOURCE", "JEMALLOC"};

}  // namespace

bool IsTellingVariable(std::string_view name) {
  return std::any_of(kTelling.begin(), kTelling.end(), [name](std::string_view beginning) {
    return name.substr(0, beginning.size()) == beginning;
  });
}

bool IsSensitiveKey(std::string_view key) {
  // A key is a name: what is longer is data. Its end says most.
  constexpr std::size_t kLongest = 512;
  if (key.size() > kLongest) key.remove_prefix(key.size() - kLongest);
  std::string letters, word;
  const auto is_word = [&word] {
    return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
  };
  for (const char& c : key) {
    // dbPwd: a capital begins a word.
    const bool hump = c >= 'A' && c <= 'Z' && !word.empty() && key.data() != &c &&
                      *(&c - 1) >= 'a' && *(&c - 1) <= 'z';
    if (hump) {
      if (is_word()) return true;
      word.clear();
    }
    if (IsWordCharacter(c)) {
      letters.push_back(Lower(c));
      word.push_back(Lower(c));
      continue;
    }
    if (is_word()) return true;
    word.clear();
  }
  return is_word() || std::any_of(kParts.begin(), kParts.end(), [&letters](std::string_view part) {
           return letters.find(part) != std::string::npos;
         });
}

bool IsTokenByForm(std::string_view word) {
  const auto upper_or_digit = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  // A sentence may end with it.
  while (!word.empty() && std::string_view("._-").find(word.back()) != std::string_view::npos)
    word.remove_suffix(1);
  // AWS access key ids: four letters and 16 characters.
  if (word.size() == 20 && (word.substr(0, 4) == "AKIA" || word.substr(0, 4) == "ASIA"))
    return std::all_of(word.begin(), word.end(), upper_or_digit);
  // JSON web tokens: three parts of base64, the first is that of {"...
  if (word.size() >= 30 && word.substr(0, 3) == "eyJ")
    return std::count(word.begin(), word.end(), '.') >= 2;
  constexpr std::array<std::string_view, 15> kPrefixes = {
      "ghp_",  "gho_",  "ghs_",  "ghu_", "ghr_",     "github_pat_", "glpat-", "xoxb-",
      "xoxp-", "xoxa-", "xapp-", "hvs.", "sk_live_", "rk_live_",    "hvb."};
  return word.size() >= 20 &&
         std::any_of(kPrefixes.begin(), kPrefixes.end(), [word](std::string_view prefix) {
           return word.substr(0, prefix.size()) == prefix;
         });
}

}  // namespace wrackline::collect
