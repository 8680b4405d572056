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

// A node is some eight bytes of the page. With what else is in it the page stays below 3 MiB.
constexpr std::size_t kMostNodes = 160'000;
// So do the rows of all views together.
constexpr std::size_t kMostRows = 160'000;

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

  std::size_t Child(std::size_t parent, std::uint32_t frame) {
    const std::uint64_t key = (static_cast<std::uint64_t>(parent) << 32) | frame;
    const auto found = children_.find(key);
    if (found != children_.end()) return found->second;
    if (nodes_.size() > kMostNodes) return parent;
    children_.emplace(key, static_cast<std::uint32_t>(nodes_.size()));
    nodes_.push_back({static_cast<std::uint32_t>(parent), frame, 0});
    return nodes_.size() - 1;
  }

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
  const std::vector<Bytes>* by_age = nullptr;
};

class Profile {
 public:
  // Of what is live at one moment. A site's bytes that no group has are those of group 0, which has no name.
  std::vector<Row> Live(const std::vector<Site>& sites, const std::vector<ThreadGroup>& groups) {
    std::vector<Row> rows;
    std::vector<std::size_t> nodes(sites.size()), libraries(sites.size());
    std::vector<Bytes> left(sites.size());
    std::size_t used = 0;
    for (; used < sites.size() && sites[used].live.count > 0 && used < Room(); ++used) {
      const Site& site = sites[used];
      nodes[used] = tree_.Add(site);
      libraries[used] = libraries_.Index(LibraryOf(site));
      left[used] = site.live;
      tree_.Weigh(nodes[used], site.live.count);
    }
    for (std::size_t i = used; i < sites.size(); ++i) left_out_ += sites[i].live.count > 0 ? 1 : 0;
    for (const ThreadGroup& group : groups) {
      const std::size_t index = Group(group);
      for (const ThreadGroup::Part& part : group.by_site) {
        if (part.site >= used || part.live.count <= 0) continue;
        const Bytes amount = std::min(part.live, left[part.site]);
        left[part.site] -= amount;
        rows.push_back({nodes[part.site], index, libraries[part.site], amount,
                        part.by_age.empty() ? nullptr : &part.by_age});
      }
    }
    for (std::size_t i = 0; i < used; ++i) {
      // What is left of a site with groups is what rounding left.
      const bool grouped = left[i] < sites[i].live;
      if (left[i].count <= 0 || (grouped && left[i].count < 64)) continue;
      rows.push_back({nodes[i], 0, libraries[i], left[i],
                      grouped || sites[i].live_by_age.empty() ? nullptr : &sites[i].live_by_age});
    }
    rows_ += rows.size();
    return rows;
  }

  std::vector<Row> Allocated(const std::vector<Site>& sites) {
    std::vector<const Site*> order;
    for (const Site& site : sites)
      if (site.allocated.count > 0) order.push_back(&site);
    std::stable_sort(order.begin(), order.end(),
                     [](const Site* a, const Site* b) { return a->allocated > b->allocated; });
    std::vector<Row> rows;
    for (const Site* site : order) {
      if (rows.size() >= Room()) {
        left_out_ += 1;
        continue;
      }
      rows.push_back(
          {tree_.Add(*site), 0, libraries_.Index(LibraryOf(*site)), site->allocated, nullptr});
    }
    rows_ += rows.size();
    return rows;
  }

  Json Rows(const std::vector<Row>& rows) const {
    Json node = Json::array(), group = Json::array(), library = Json::array(),
         bytes = Json::array();
    bool grouped = false, aged = false;
    for (const Row& row : rows) {
      node.push_back(tree_.Rank(row.node));
      group.push_back(row.group);
      library.push_back(row.library);
      bytes.push_back(row.amount.count);
      grouped |= row.group != 0;
      aged |= row.by_age != nullptr;
    }
    Json json = {
        {"node", std::move(node)}, {"library", std::move(library)}, {"bytes", std::move(bytes)}};
    if (grouped) json["group"] = std::move(group);
    if (!aged) return json;
    for (std::size_t part = 0; part < evidence::kAgeParts; ++part) {
      Json column = Json::array();
      for (const Row& row : rows)
        column.push_back(
            row.by_age != nullptr && part < row.by_age->size() ? (*row.by_age)[part].count : 0);
      json["age"].push_back(std::move(column));
    }
    return json;
  }

  Json Finish(Json views) {
    Json json = {{"strings", tree_.Strings()},
                 {"modules", tree_.Modules()},
                 {"frames", tree_.Frames()},
                 {"groups", std::move(groups_)},
                 {"libraries", libraries_.Take()}};
    json["views"] = std::move(views);
    if (tree_.cut() > 0) json["cut_short"] = tree_.cut();
    if (left_out_ > 0) json["left_out"] = left_out_;
    return json;
  }

  Json TakeTree() { return tree_.Take(); }

 private:
  std::size_t Room() const { return rows_ < kMostRows ? kMostRows - rows_ : 0; }

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
  std::size_t rows_ = 0, left_out_ = 0;
};

}  // namespace

Json PageProfileJson(const evidence::Evidence& evidence, const std::vector<PastProfile>& past) {
  if (evidence.sites.empty()) return nullptr;
  const evidence::Time end =
      evidence.heap_profile ? evidence.heap_profile->taken : evidence.last_record;
  Profile profile;
  struct View {
    Json head;
    std::vector<Row> rows;
  };
  std::vector<View> views;
  views.push_back({{{"id", "end"}, {"kind", "live"}, {"time", Stamp(end)}},
                   profile.Live(evidence.sites, evidence.thread_groups)});
  for (const PastProfile& moment : past)
    views.push_back({{{"id", "past"}, {"kind", "live"}, {"time", Stamp(moment.time)}},
                     profile.Live(moment.sites, moment.thread_groups)});
  std::vector<Row> allocated = profile.Allocated(evidence.sites);
  if (!allocated.empty())
    views.push_back(
        {{{"id", "allocated"}, {"kind", "allocated"}, {"time", Stamp(end)}}, std::move(allocated)});
  Json tree = profile.TakeTree();
  Json list = Json::array();
  for (View& view : views) {
    view.head["rows"] = profile.Rows(view.rows);
    list.push_back(std::move(view.head));
  }
  Json json = profile.Finish(std::move(list));
  json["tree"] = std::move(tree);
  if (evidence.process.start || evidence.process.recording_start)
    json["start"] = Stamp(end - evidence.Lifetime());
  return json;
}

}  // namespace wrackline::render
