// A large translation unit: the standard library's headers, and templates by the hundred.
#include <algorithm>
#include <any>
#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N>
struct Node {
  std::map<int, std::vector<std::string>> table;
  std::variant<int, std::string, std::array<double, N % 7 + 1>> value = N;
  std::optional<std::tuple<int, Node<N - 1>>> next;

  std::string Walk(const std::function<bool(int)>& keep) const {
    std::ostringstream text;
    for (const auto& [key, names] : table) {
      if (!keep(key)) continue;
      for (const auto& name : names) text << name << '/' << N;
    }
    std::visit([&text](const auto& held) { text << sizeof(held); }, value);
    return text.str() + (next ? std::get<1>(*next).Walk(keep) : "");
  }
};
template <>
struct Node<0> {
  std::string Walk(const std::function<bool(int)>&) const { return "."; }
};

std::string All(int n) {
  Node<LARGE> root;
  root.table[n] = {"a", "b"};
  std::regex pattern("([a-z]+)/([0-9]+)");
  const std::string text = root.Walk([n](int key) { return key <= n; });
  return std::regex_replace(text, pattern, "$2-$1");
}
