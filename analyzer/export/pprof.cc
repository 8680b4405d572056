#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "analyzer/export/formats.h"
#include "analyzer/export/profile.pb.h"
#include "analyzer/render/inert.h"

namespace wrackline::exports {
namespace {

class Writer {
 public:
  explicit Writer(const Profile& from) : from_(from) { String(""); }

  pprof::Profile Write() {
    // What is not known has no column: zeros would say that there was none.
    if (from_.live_known) AddTypes("inuse_objects", "inuse_space");
    if (from_.allocated_known) AddTypes("alloc_objects", "alloc_space");
    to_.set_default_sample_type(String(from_.live_known ? "inuse_space" : "alloc_space"));
    if (from_.end) to_.set_time_nanos(from_.end->time_since_epoch().count());
    if (from_.start && from_.end && *from_.start < *from_.end)
      to_.set_duration_nanos((*from_.end - *from_.start).count());
    to_.mutable_period_type()->set_type(String("space"));
    to_.mutable_period_type()->set_unit(String("bytes"));
    to_.set_period(from_.interval.count);
    to_.add_comment(String(render::Inert(from_.subject, true)));
    AddMappings();
    for (std::size_t i = 0; i < from_.frames.size(); ++i) AddLocation(i);
    for (const Stack& stack : from_.stacks) AddStack(stack);
    for (std::string& text : texts_) *to_.add_string_table() = std::move(text);
    return std::move(to_);
  }

 private:
  std::int64_t String(std::string_view text) {
    const auto [place, fresh] = known_.try_emplace(std::string(text), texts_.size());
    if (fresh) texts_.emplace_back(text);
    return static_cast<std::int64_t>(place->second);
  }

  void AddTypes(const char* objects, const char* bytes) {
    for (const auto& [type, unit] : {std::pair(objects, "count"), std::pair(bytes, "bytes")}) {
      pprof::ValueType* value = to_.add_sample_type();
      value->set_type(String(type));
      value->set_unit(String(unit));
    }
  }

  void AddMappings() {
    std::vector<bool> lines(from_.mappings.size());
    for (const Frame& frame : from_.frames)
      if (frame.mapping && frame.names.front().line != 0) lines[*frame.mapping] = true;
    for (std::size_t i = 0; i < from_.mappings.size(); ++i) {
      const Mapping& mapping = from_.mappings[i];
      pprof::Mapping* to = to_.add_mapping();
      to->set_id(i + 1);
      to->set_memory_start(mapping.start);
      to->set_memory_limit(mapping.limit);
      to->set_file_offset(mapping.offset);
      to->set_filename(String(render::Inert(mapping.path, true)));
      to->set_build_id(String(mapping.build_id));
      // All that can be named is: a viewer shall not look for binaries of its own.
      to->set_has_functions(true);
      to->set_has_filenames(lines[i]);
      to->set_has_line_numbers(lines[i]);
      to->set_has_inline_frames(lines[i]);
    }
  }

  std::uint64_t Function(const evidence::SiteFrame& frame) {
    const std::int64_t name = String(NameOf(frame));
    const std::int64_t file = String(render::Inert(frame.file, true));
    const auto [place, fresh] = functions_.try_emplace({name, file}, functions_.size() + 1);
    if (fresh) {
      pprof::Function* function = to_.add_function();
      function->set_id(place->second);
      function->set_name(name);
      function->set_system_name(name);
      function->set_filename(file);
    }
    return place->second;
  }

  void AddLocation(std::size_t index) {
    const Frame& frame = from_.frames[index];
    pprof::Location* location = to_.add_location();
    location->set_id(index + 1);
    if (frame.mapping) {
      location->set_mapping_id(*frame.mapping + 1);
      // A return address; the call is before it.
      location->set_address(frame.address - 1);
    }
    for (const evidence::SiteFrame& name : frame.names) {
      pprof::Line* line = location->add_line();
      line->set_function_id(Function(name));
      line->set_line(name.line);
    }
  }

  // Of a stack without frames, and above one whose outermost frames are missing.
  std::uint64_t Marker(const char* name) {
    auto& id = markers_[name];
    if (id == 0) {
      evidence::SiteFrame frame;
      frame.function = name;
      pprof::Location* location = to_.add_location();
      id = from_.frames.size() + markers_.size();
      location->set_id(id);
      location->add_line()->set_function_id(Function(frame));
    }
    return id;
  }

  pprof::Sample* AddSample(const Stack& stack, const Amount& live, const Amount& allocated) {
    pprof::Sample* sample = to_.add_sample();
    for (const std::size_t frame : stack.frames) sample->add_location_id(frame + 1);
    if (stack.frames.empty()) sample->add_location_id(Marker("(no stack)"));
    if (stack.truncated) sample->add_location_id(Marker("(cut)"));
    for (const auto& [known, amount] :
         {std::pair(from_.live_known, &live), std::pair(from_.allocated_known, &allocated)}) {
      if (!known) continue;
      sample->add_value(std::llround(amount->objects));
      sample->add_value(amount->bytes);
    }
    return sample;
  }

  void AddLabel(const char* key, const std::string& value, pprof::Sample* sample) {
    if (value.empty()) return;
    pprof::Label* label = sample->add_label();
    label->set_key(String(key));
    label->set_str(String(render::Inert(value, true)));
  }

  void AddStack(const Stack& stack) {
    bool allocated_in = stack.allocated.bytes <= 0;
    for (const exports::Live& live : stack.live) {
      const Thread& thread = from_.threads[live.thread];
      const bool labelled = !thread.name.empty() || !thread.op.empty() ||
                            (stack.in_rocksdb && !thread.family.empty());
      const bool both = !labelled && !allocated_in;
      pprof::Sample* sample = AddSample(stack, live.amount, both ? stack.allocated : Amount{});
      allocated_in |= both;
      AddLabel("thread", thread.name, sample);
      AddLabel("operator", thread.op, sample);
      if (stack.in_rocksdb) AddLabel("rocksdb_family", thread.family, sample);
    }
    if (!allocated_in) AddSample(stack, {}, stack.allocated);
  }

  struct PairHash {
    std::size_t operator()(const std::pair<std::int64_t, std::int64_t>& pair) const {
      return std::hash<std::int64_t>()(pair.first * 1000003 + pair.second);
    }
  };

  const Profile& from_;
  pprof::Profile to_;
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::size_t> known_;
  std::unordered_map<std::pair<std::int64_t, std::int64_t>, std::uint64_t, PairHash> functions_;
  std::unordered_map<std::string, std::uint64_t> markers_;
};

}  // namespace

std::string Pprof(const Profile& profile) {
  std::string out;
  {
    google::protobuf::io::StringOutputStream text(&out);
    google::protobuf::io::GzipOutputStream gzip(&text);
    Writer(profile).Write().SerializeToZeroCopyStream(&gzip);
  }
  return out;
}

}  // namespace wrackline::exports
