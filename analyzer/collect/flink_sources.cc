// Flink's configuration, its logs, its metrics.
#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <set>

#include "analyzer/collect/read.h"
#include "analyzer/collect/sources.h"
#include "analyzer/flink/config_file.h"

namespace wrackline::collect {
namespace {

namespace fs = std::filesystem;

// "--configDir X" or "-c X" of Flink's own main classes, then the environment, then where the images have it.
std::vector<std::string> ConfigurationFolders(const Target& target) {
  std::vector<std::string> folders;
  for (std::size_t i = 0; i + 1 < target.arguments.size(); ++i)
    if (target.arguments[i] == "--configDir")
      folders.push_back(target.Path(target.arguments[i + 1]));
  if (const std::string folder = target.Variable("FLINK_CONF_DIR"); !folder.empty())
    folders.push_back(target.Path(folder));
  if (const std::string home = target.Variable("FLINK_HOME"); !home.empty())
    folders.push_back(target.Path(home + "/conf"));
  folders.push_back(target.Path("/opt/flink/conf"));
  return folders;
}

// "9249", or "9249-9260": the first eight.
void AddPorts(const std::string& text, std::vector<int>* ports) {
  int first = 0, last = 0;
  const char* const end = text.data() + text.size();
  const auto one = std::from_chars(text.data(), end, first);
  if (one.ec != std::errc{}) return;
  last = first;
  if (one.ptr < end && *one.ptr == '-') std::from_chars(one.ptr + 1, end, last);
  constexpr int kMost = 8, kHighest = 65535;
  for (int port = first; port <= std::min(last, first + kMost - 1); ++port)
    if (port > 0 && port <= kHighest) ports->push_back(port);
}

void PortsOf(const std::string& path, const std::string& name, std::vector<int>* ports) {
  const Result<std::string> text = ReadBounded(path, kSmallFile);
  if (!text.ok()) return;
  const auto configuration = flink::ParseConfigFile(text.value(), name, std::nullopt);
  if (!configuration.ok()) return;
  for (const auto& [key, value] : configuration.value()) {
    constexpr std::string_view kStart = "metrics.reporter.", kEnd = ".port";
    if (key.compare(0, kStart.size(), kStart) != 0 || !key.ends_with(kEnd)) continue;
    const std::string reporter = key.substr(0, key.size() - kEnd.size());
    std::string kind = configuration.value().Get(reporter + ".factory.class").value_or("") +
                       configuration.value().Get(reporter + ".class").value_or("");
    if (kind.find("PrometheusReporter") != std::string::npos) AddPorts(value.text, ports);
  }
}

std::size_t Append(char* data, std::size_t size, std::size_t count, void* body) {
  constexpr std::size_t kMost = std::size_t{64} << 20;
  auto* text = static_cast<std::string*>(body);
  if (text->size() + size * count > kMost) return 0;  // ends the transfer with an error
  text->append(data, size * count);
  return size * count;
}

}  // namespace

std::vector<int> TakeFlinkConfiguration(const Target& target, Collection* collection) {
  std::vector<int> ports;
  for (const std::string& folder : ConfigurationFolders(target)) {
    std::vector<std::string> names;
    for (const std::string& name : NamesIn(folder)) {
      if (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".properties"))
        names.push_back(name);
    }
    if (names.empty()) continue;
    std::sort(names.begin(), names.end());
    constexpr std::size_t kMostFiles = 32;
    if (names.size() > kMostFiles) names.resize(kMostFiles);
    for (const std::string& name : names) {
      const std::string path = Within(folder, name);
      collection->TakeFile("conf/" + name, path, Form::kText, kSmallFile);
      if (name == "config.yaml" || name == "flink-conf.yaml") PortsOf(path, name, &ports);
    }
    return ports;
  }
  collection->Missing("Flink's configuration",
                      "no --configDir, FLINK_CONF_DIR or /opt/flink/conf that can be read");
  return ports;
}

void TakeLogs(const Target& target, const std::vector<std::string>& folders, Bytes most,
              Collection* collection) {
  std::vector<std::string> all = folders;
  for (const std::string& option : target.Options()) {
    constexpr std::string_view kFile = "-Dlog.file=";
    if (option.compare(0, kFile.size(), kFile) == 0)
      all.push_back(fs::path(target.Path(option.substr(kFile.size()))).parent_path().string());
  }
  if (const std::string folder = target.Variable("FLINK_LOG_DIR"); !folder.empty())
    all.push_back(target.Path(folder));
  if (const std::string home = target.Variable("FLINK_HOME"); !home.empty())
    all.push_back(target.Path(home + "/log"));
  all.push_back(target.Path("/opt/flink/log"));
  struct Found {
    std::string path;
    std::time_t modified;
  };
  std::vector<Found> files;
  std::set<std::string> seen;
  for (const std::string& folder : all) {
    for (const std::string& name : NamesIn(folder)) {
      // "x.log", "x.out", "x.err", and rotated "x.log.1".
      const bool log = name.find(".log") != std::string::npos || name.ends_with(".out") ||
                       name.ends_with(".err");
      const std::string path = Within(folder, name);
      const auto modified = ModifiedOf(path);
      if (log && !name.ends_with(".gz") && modified &&
          seen.insert(fs::path(path).lexically_normal().string()).second)
        files.push_back({path, *modified});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const Found& a, const Found& b) { return a.modified > b.modified; });
  constexpr std::size_t kMostFiles = 8;
  if (files.size() > kMostFiles) {
    collection->Missing(std::to_string(files.size() - kMostFiles) + " older logs",
                        "the newest eight are taken");
    files.resize(kMostFiles);
  }
  for (const Found& file : files)
    collection->TakeFile("log/" + fs::path(file.path).filename().string(), file.path, Form::kText,
                         static_cast<std::size_t>(most.count));
  if (files.empty())
    collection->Missing(
        "logs",
        "no -Dlog.file=, FLINK_LOG_DIR or /opt/flink/log with logs (--logs names a folder)");
}

bool IsLoopback(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return false;
  char* text = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_HOST, &text, 0) != CURLUE_OK) return false;
  const std::string host = text;
  curl_free(text);
  if (host == "localhost" || host == "[::1]") return true;
  // curl takes "127.1" and its like for addresses and writes them out.
  return host.compare(0, 4, "127.") == 0 &&
         host.find_first_not_of("0123456789.") == std::string::npos;
}

Result<std::string> Scrape(const std::string& url, bool any_host) {
  if (!any_host && !IsLoopback(url)) {
    return Error{url + " is not this machine's loopback", "--any-host allows it"};
  }
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  if (!curl) {
    return Error{"out of memory", ""};
  }
  std::string body;
  char reason[CURL_ERROR_SIZE] = "";
  constexpr long kConnectMilliseconds = 2000, kSeconds = 15;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, any_host ? "http,https" : "http");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, static_cast<char*>(reason));
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    return Error{
        url + ": " + (*static_cast<char*>(reason) != '\0' ? reason : curl_easy_strerror(code)), ""};
  }
  return body;
}

}  // namespace wrackline::collect
