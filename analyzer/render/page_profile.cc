#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "analyzer/evidence/sites.h"
#include "analyzer/evidence/thread_groups.h"
#include "analyzer/render/page_data.h"

namespace wrackline::render {
namespace {

using evidence::Site;
using evidence::SiteFrame;
using evidence::ThreadGroup;

// Figures of this many rows and more are in KiB: samples say no more, and the page is a third smaller.
constexpr std::size_t kManyRows = 10'000;

// What a frame is, for its colour. A set of bits, as the page reads it.
enum FrameFlag : unsigned { kJava = 1, kRocksDb = 2, kPlumbing = 4, kNamed = 8, kNoFrame = 16 };

// Each text once, in the order of first use.
class Texts {
 public:
  std::size_t Index(const std::string& text) {
    const auto [place, fresh] = known_.try_emplace(text, list_.size());
    if (fresh) list_.push_back(text);
    return place->second;
  }
  Json Take() { return std::move(list_); }

 private:
  std::unordered_map<std::string, std::size_t> known_;
  Json list_ = Json::array();
};

// Who handed the memory out: the innermost library that is neither the C and C++ run-time nor plumbing; for a Java stack without one, Java.
std::string LibraryOf(const Site& site) {
  static constexpr std::array<std::string_view, 6> kRunTime = {
      "libc.so", "libc-", "libstdc++", "libgcc_s", "ld-linux", "libpthread"};
  bool java = false;
  for (const SiteFrame& frame : site.frames) {
    java |= frame.java;
    if (frame.java || frame.module.empty() || IsPlumbing(frame) ||
        frame.module.starts_with("libwrackline_"))
      continue;
    if (std::none_of(kRunTime.begin(), kRunTime.end(),
                     [&](std::string_view name) { return frame.module.starts_with(name); }))
      return frame.module;
  }
  return java ? "Java code" : "not known";
}

class Tree {
 public:
  explicit Tree(std::size_t most) : most_(most) {}

  // The node of this stack. A stack that no more nodes can be made for ends where the tree does.
  std::size_t Add(const Site& site) {
    std::size_t at = 0;
    if (site.truncated || site.frames.empty()) {
      SiteFrame cut;
      cut.function = site.frames.empty() ? "(stack not recorded)" : "(stack cut short)";
      at = Child(at, Frame(cut, kNoFrame));
    }
    for (auto frame = site.frames.rbegin(); frame != site.frames.rend(); ++frame) {
      const std::size_t next = Child(at, Frame(*frame, 0));
      if (next == at) {
        cut_ += 1;
        break;
      }
      at = next;
    }
    return at;
  }

  // Of all stacks that are too small to have their own.
  std::size_t AddSmaller() {
    SiteFrame smaller;
    smaller.function = "(smaller stacks)";
    return Child(0, Frame(smaller, kNoFrame), true);
  }

  // For the order of siblings only: largest first.
  void Weigh(std::size_t node, std::int64_t amount) {
    for (; node != 0; node = nodes_[node].parent)
      nodes_[node].weight += static_cast<double>(amount);
  }

  // Depth-first; from then on Rank() says where a node went.
  Json Take() {
    std::vector<std::vector<std::uint32_t>> children(nodes_.size());
    for (std::uint32_t i = 1; i < nodes_.size(); ++i) children[nodes_[i].parent].push_back(i);
    for (auto& list : children)
      std::stable_sort(list.begin(), list.end(), [this](std::uint32_t a, std::uint32_t b) {
        return nodes_[a].weight > nodes_[b].weight;
      });
    Json up = Json::array(), frame = Json::array();
    rank_.assign(nodes_.size(), 0);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> path;  // node, depth
    for (auto child = children[0].rbegin(); child != children[0].rend(); ++child)
      path.emplace_back(*child, 1);
    std::uint32_t depth_before = 0;
    std::size_t next = 1;
    while (!path.empty()) {
      const auto [node, depth] = path.back();
      path.pop_back();
      rank_[node] = next++;
      up.push_back(depth_before + 1 - depth);
      frame.push_back(nodes_[node].frame);
      depth_before = depth;
      for (auto child = children[node].rbegin(); child != children[node].rend(); ++child)
        path.emplace_back(*child, depth + 1);
    }
    return {{"up", std::move(up)}, {"frame", std::move(frame)}};
  }
  std::size_t Rank(std::size_t node) const { return rank_[node]; }

  Json Frames() { return std::move(frames_); }
  Json Strings() { return strings_.Take(); }
  Json Modules() { return modules_.Take(); }
  std::size_t cut() const { return cut_; }

 private:
  struct Node {
    std::uint32_t parent = 0, frame = 0;
    double weight = 0;
  };

  std::uint32_t Frame(const SiteFrame& frame, unsigned flags) {
    if (flags == 0) {
      if (frame.java) flags |= kJava;
      if (frame.rocksdb) flags |= kRocksDb;
      if (frame.named) flags |= kNamed;
      if (IsPlumbing(frame)) flags |= kPlumbing;
    }
    key_.assign(frame.function).append(1, '\0').append(frame.module).append(1, '\0');
    key_ += static_cast<char>(flags);
    const auto [place, fresh] =
        known_.try_emplace(key_, static_cast<std::uint32_t>(frames_.size()));
    if (fresh)
      frames_.push_back({strings_.Index(frame.function), modules_.Index(frame.module), flags});
    return place->second;
  }

  std::size_t Child(std::size_t parent, std::uint32_t frame, bool always = false) {
    const std::uint64_t key = (static_cast<std::uint64_t>(parent) << 32) | frame;
    const auto found = children_.find(key);
    if (found != children_.end()) return found->second;
    if (nodes_.size() > most_ && !always) return parent;
    children_.emplace(key, static_cast<std::uint32_t>(nodes_.size()));
    nodes_.push_back({static_cast<std::uint32_t>(parent), frame, 0});
    return nodes_.size() - 1;
  }

  std::size_t most_;
  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::unordered_map<std::uint64_t, std::uint32_t> children_;
  std::unordered_map<std::string, std::uint32_t> known_;
  std::string key_;
  Json frames_ = Json::array();
  Texts strings_, modules_;
  std::vector<std::size_t> rank_;
  std::size_t cut_ = 0;
};

// One row of a view: of one stack, what one thread group holds.
struct Row {
  std::size_t node = 0, group = 0, library = 0;
  Bytes amount;
  std::vector<Bytes> by_age = {};

  void Add(Bytes more, const std::vector<Bytes>& ages) {
    amount += more;
    if (by_age.size() < ages.size()) by_age.resize(ages.size());
    for (std::size_t part = 0; part < ages.size(); ++part) by_age[part] += ages[part];
  }
};

class Profile {
 public:
  explicit Profile(const PageLimits& limits) : tree_(limits.nodes) {}

  // Of what is live at one moment, the largest sites by themselves. A site's bytes that no group has are those of group 0, which has no name.
  std::vector<Row> Live(const std::vector<Site>& sites, const std::vector<ThreadGroup>& groups,
                        std::size_t most) {
    std::size_t known = 0;
    while (known < sites.size() && sites[known].live.count > 0) ++known;
    const std::size_t own = std::min(known, most);
    std::vector<std::size_t> nodes(own), libraries(own);
    for (std::size_t i = 0; i < own; ++i) {
      nodes[i] = tree_.Add(sites[i]);
      libraries[i] = libraries_.Index(LibraryOf(sites[i]));
      tree_.Weigh(nodes[i], sites[i].live.count);
    }
    std::vector<Bytes> left(known);
    for (std::size_t i = 0; i < known; ++i) left[i] = sites[i].live;
    std::vector<Row> rows;
    const auto add = [&](std::size_t site, std::size_t group, Bytes amount,
                         const std::vector<Bytes>& ages, Row* smaller) {
      if (site >= own) {
        smaller->group = group;
        smaller->Add(amount, ages);
      } else {
        rows.push_back({nodes[site], group, libraries[site], amount, ages});
      }
    };
    std::vector<Row> smaller(groups.size() + 1);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const std::size_t index = Group(groups[i]);
      for (const ThreadGroup::Part& part : groups[i].by_site) {
        if (part.site >= known || part.live.count <= 0) continue;
        const Bytes amount = std::min(part.live, left[part.site]);
        left[part.site] -= amount;
        add(part.site, index, amount, part.by_age, &smaller[i]);
      }
    }
    for (std::size_t i = 0; i < known; ++i) {
      // What is left of a site with groups is what rounding left.
      const bool grouped = left[i] < sites[i].live;
      if (left[i].count <= 0 || (grouped && left[i].count < 64)) continue;
      add(i, 0, left[i], grouped ? std::vector<Bytes>() : sites[i].live_by_age, &smaller.back());
    }
    AddSmaller(std::move(smaller), known - own, &rows);
    return rows;
  }

  std::vector<Row> Allocated(const std::vector<Site>& sites, std::size_t most) {
    std::vector<const Site*> order;
    for (const Site& site : sites)
      if (site.allocated.count > 0) order.push_back(&site);
    std::stable_sort(order.begin(), order.end(),
                     [](const Site* a, const Site* b) { return a->allocated > b->allocated; });
    const std::size_t own = std::min(most, order.size());
    std::vector<Row> rows;
    for (std::size_t i = 0; i < own; ++i)
      rows.push_back({tree_.Add(*order[i]),
                      0,
                      libraries_.Index(LibraryOf(*order[i])),
                      order[i]->allocated,
                      {}});
    std::vector<Row> smaller(1);
    for (std::size_t i = own; i < order.size(); ++i) smaller[0].Add(order[i]->allocated, {});
    AddSmaller(std::move(smaller), order.size() - own, &rows);
    return rows;
  }

  // In the order of the tree: the difference to the row before is short.
  Json Rows(std::vector<Row> rows, std::int64_t unit) const {
    for (Row& row : rows) row.node = tree_.Rank(row.node);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.node < b.node; });
    Json node = Json::array(), group = Json::array(), library = Json::array(),
         bytes = Json::array();
    std::array<Json, evidence::kAgeParts> ages;
    ages.fill(Json::array());
    bool grouped = false, aged = false;
    std::size_t before = 0;
    const auto in_units = [unit](Bytes amount) { return (amount.count + unit / 2) / unit; };
    for (const Row& row : rows) {
      node.push_back(row.node - before);
      before = row.node;
      group.push_back(row.group);
      library.push_back(row.library);
      bytes.push_back(in_units(row.amount));
      for (std::size_t part = 0; part < ages.size(); ++part)
        ages[part].push_back(part < row.by_age.size() ? in_units(row.by_age[part]) : 0);
      grouped |= row.group != 0;
      aged |= !row.by_age.empty();
    }
    Json json = {
        {"node", std::move(node)}, {"library", std::move(library)}, {"bytes", std::move(bytes)}};
    if (grouped) json["group"] = std::move(group);
    if (aged) json["age"] = std::move(ages);
    return json;
  }

  Json Finish(Json tree, Json views, std::int64_t unit) {
    Json json = {{"unit", unit},
                 {"strings", tree_.Strings()},
                 {"modules", tree_.Modules()},
                 {"frames", tree_.Frames()},
                 {"groups", std::move(groups_)},
                 {"libraries", libraries_.Take()},
                 {"tree", std::move(tree)},
                 {"views", std::move(views)}};
    if (tree_.cut() > 0) json["cut_short"] = tree_.cut();
    if (smaller_ > 0) json["smaller"] = smaller_;
    return json;
  }

  Json TakeTree() { return tree_.Take(); }

 private:
  void AddSmaller(std::vector<Row> smaller, std::size_t stacks, std::vector<Row>* rows) {
    smaller_ = std::max(smaller_, stacks);
    if (stacks == 0) return;
    const std::size_t node = tree_.AddSmaller();
    for (Row& row : smaller) {
      if (row.amount.count <= 0) continue;
      row.node = node;
      row.library = libraries_.Index("(smaller stacks)");
      tree_.Weigh(node, row.amount.count);
      rows->push_back(std::move(row));
    }
  }

  std::size_t Group(const ThreadGroup& group) {
    const std::string key = std::string(Name(group.kind)) + '\0' + group.name;
    const auto [place, fresh] = known_groups_.try_emplace(key, groups_.size());
    if (fresh) groups_.push_back({{"name", group.name}, {"kind", Name(group.kind)}});
    return place->second;
  }

  Tree tree_;
  Texts libraries_;
  Json groups_ = Json::array({{{"name", ""}, {"kind", "unknown"}}});
  std::unordered_map<std::string, std::size_t> known_groups_;
  std::size_t smaller_ = 0;  // stacks of the view that has the most of them
};

}  // namespace

Json PageProfileJson(const evidence::Evidence& evidence, const std::vector<PastProfile>& past,
                     const PageLimits& limits) {
  if (evidence.sites.empty()) return nullptr;
  const evidence::Time end =
      evidence.heap_profile ? evidence.heap_profile->taken : evidence.last_record;
  Profile profile(limits);
  struct View {
    Json head;
    std::vector<Row> rows;
  };
  std::vector<View> views;
  views.push_back({{{"id", "end"}, {"kind", "live"}, {"time", Stamp(end)}},
                   profile.Live(evidence.sites, evidence.thread_groups, limits.rows)});
  for (const PastProfile& moment : past)
    views.push_back({{{"id", "past"}, {"kind", "live"}, {"time", Stamp(moment.time)}},
                     profile.Live(moment.sites, moment.thread_groups, limits.rows / 2)});
  std::vector<Row> allocated = profile.Allocated(evidence.sites, limits.rows / 2);
  if (!allocated.empty())
    views.push_back(
        {{{"id", "allocated"}, {"kind", "allocated"}, {"time", Stamp(end)}}, std::move(allocated)});
  Json tree = profile.TakeTree();
  const std::int64_t unit = views.front().rows.size() >= kManyRows ? 1024 : 1;
  Json list = Json::array();
  for (View& view : views) {
    view.head["rows"] = profile.Rows(std::move(view.rows), unit);
    list.push_back(std::move(view.head));
  }
  Json json = profile.Finish(std::move(tree), std::move(list), unit);
  if (evidence.process.start || evidence.process.recording_start)
    json["start"] = Stamp(end - evidence.Lifetime());
  return json;
}

}  // namespace wrackline::render
