// The fields of a protocol buffer message, one after the other (protobuf.dev, "Encoding"). For pprof's profiles alone, which are
// hostile and large: a parser that builds all messages first takes twenty times the bytes of a file of empty ones.
#pragma once

#include <cstdint>
#include <string_view>

namespace wrackline::evidence {

class WireMessage {
 public:
  explicit WireMessage(std::string_view bytes) : rest_(bytes) {}

  // The next field; false at the end, and where the bytes are no field (then damaged()).
  bool Next() {
    if (rest_.empty() || damaged_) return false;
    std::uint64_t tag = 0, length = 0;
    value_ = 0;
    bytes_ = {};
    if (!TakeVarint(&rest_, &tag) || tag >> 3 == 0 || tag >> 3 > kMostFields) return Fail();
    field_ = static_cast<std::uint32_t>(tag >> 3);
    type_ = static_cast<std::uint32_t>(tag & 7);
    switch (type_) {
      case 0:
        return TakeVarint(&rest_, &value_) || Fail();
      case 1:
        return Skip(8) || Fail();
      case 2:
        if (!TakeVarint(&rest_, &length) || length > rest_.size()) return Fail();
        bytes_ = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return true;
      case 5:
        return Skip(4) || Fail();
      default:
        return Fail();
    }
  }

  std::uint32_t field() const { return field_; }
  bool is_number() const { return type_ == 0; }
  bool is_bytes() const { return type_ == 2; }
  std::uint64_t value() const { return value_; }
  std::string_view bytes() const { return bytes_; }
  bool damaged() const { return damaged_; }

  // One number off the front of a packed list.
  static bool TakeVarint(std::string_view* from, std::uint64_t* value) {
    *value = 0;
    for (std::size_t i = 0; i < from->size() && i < 10; ++i) {
      const auto byte = static_cast<std::uint8_t>((*from)[i]);
      *value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        from->remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

 private:
  static constexpr std::uint64_t kMostFields = 536870911;  // 2^29 - 1

  bool Skip(std::size_t count) {
    if (rest_.size() < count) return false;
    rest_.remove_prefix(count);
    return true;
  }
  bool Fail() {
    damaged_ = true;
    return false;
  }

  std::string_view rest_, bytes_;
  std::uint64_t value_ = 0;
  std::uint32_t field_ = 0, type_ = 0;
  bool damaged_ = false;
};

}  // namespace wrackline::evidence
