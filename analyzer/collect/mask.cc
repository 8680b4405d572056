#include "analyzer/collect/mask.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "analyzer/collect/mask_text.h"
#include "analyzer/collect/mask_words.h"

namespace wrackline::collect {
namespace {

bool IsMasked(std::string_view value) {
  while (!value.empty() && IsBlank(value.back())) value.remove_suffix(1);
  return value == kMask;
}

}  // namespace

// One text, line by line, with what one line says of the next.
class LineMasker {
 public:
  explicit LineMasker(Masker* masker) : masker_(masker) {}

  std::string Run(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 64);
    std::size_t key_end = 0;
    if (const std::size_t key = CutKey(text, &key_end); key < text.size()) {
      out = Run(text.substr(0, key));
      Mask("(private key)", text.substr(key, key_end - key), &out);
      out.push_back('\n');
      text.remove_prefix(key_end);
    }
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      rest_ = end == kNone ? std::string_view() : text.substr(end + 1);
      const std::size_t before = out.size();
      const bool kept = Line(line, &out);
      // Of several lines that one value took, one is left.
      if (end != kNone && (kept || out.size() != before)) out.push_back('\n');
      text = rest_;
    }
    return out;
  }

 private:
  // The lines that belong to a sensitive key's value.
  struct Block {
    std::size_t indent = 0;  // of the key: deeper lines belong to it
    bool open = false;       // the key's own line had no value: the next line is it, however deep
    bool said = false;       // the mask stands for it already
    bool text = false;       // in quotes or as a block: blank lines belong to it
  };

  // False when the line was left out.
  bool Line(std::string_view line, std::string* out) {
    if (in_private_key_) return PrivateKeyEnd(line, out);
    if (quoted_lines_ > 0) {
      quoted_lines_ = line.find(quote_) == kNone ? quoted_lines_ - 1 : 0;
      return false;
    }
    if (whole_next_line_) {
      whole_next_line_ = !line.empty() && line.back() == '\\';
      Mask("(continued)", line, out);
      return true;
    }
    if (block_ && InBlock(line)) {
      if (SkipBlanks(line, 0) == line.size()) {
        out->append(line);
        return true;
      }
      block_->open = false;
      if (block_->said) return false;
      block_->said = true;
      out->append(block_->indent + 2, ' ');
      out->append(kMask);
      if (line.substr(SkipBlanks(line, 0)) != kMask) masker_->Count(block_key_);
      return true;
    }
    block_.reset();
    if (pair_lines_ > 0) --pair_lines_;
    // A list's next item is another pair.
    if (const std::size_t begin = SkipBlanks(line, 0);
        begin + 1 < line.size() && line[begin] == '-' && IsBlank(line[begin + 1]))
      pair_lines_ = 0;
    Words(line, out);
    return true;
  }

  bool InBlock(std::string_view line) const {
    const std::size_t begin = SkipBlanks(line, 0);
    if (begin == line.size()) return true;
    if (begin > block_->indent) return true;
    // A comment ends no mapping, wherever it stands.
    if (line[begin] == '#' && !block_->text) return true;
    const bool item = begin + 1 < line.size() && line[begin] == '-' && IsBlank(line[begin + 1]);
    if (begin == block_->indent && item && (block_->open || block_->said) && !block_->text)
      return true;
    // The value of a key that had none: in a flow mapping it may stand anywhere.
    return block_->open && line.find_first_of(":=") == kNone;
  }

  void Mask(std::string_view what, std::string_view value, std::string* out) {
    out->append(kMask);
    if (!IsMasked(value)) masker_->Count(what);
    in_private_key_ = in_private_key_ || OpensPrivateKey(value);
  }

  bool PrivateKeyEnd(std::string_view line, std::string* out) {
    const std::size_t end = line.find("-----END");
    if (end == kNone) return false;
    in_private_key_ = false;
    out->append(line.substr(end));
    return true;
  }

  // "-----BEGIN RSA PRIVATE KEY-----..." from `at` on; to its end, which may be on the same line. `at` is behind it then.
  bool PrivateKey(std::string_view line, std::size_t* at, std::string* out) {
    constexpr std::string_view kBegin = "-----BEGIN ", kKey = "PRIVATE KEY-----";
    if (!line.substr(*at).starts_with(kBegin)) return false;
    const std::size_t key = line.substr(0, *at + 64).find(kKey, *at);
    if (key == kNone) return false;
    const std::size_t body = key + kKey.size();
    out->append(line.substr(*at, body - *at));
    const std::size_t end = line.find("-----END", body);
    Mask("(private key)", end == kNone ? line.substr(body) : line.substr(body, end - body), out);
    in_private_key_ = end == kNone;
    *at = end == kNone ? line.size() : end + std::strlen("-----END");
    if (end != kNone) out->append("-----END");
    return true;
  }

  // "://user:password@host": `at` is at the colon.
  bool UrlUser(std::string_view line, std::size_t* at, std::string* out) {
    constexpr std::string_view kMark = "://";
    if (!line.substr(*at).starts_with(kMark)) return false;
    const std::size_t begin = *at + kMark.size();
    // Each part of a line is looked at once, however many such marks it has.
    if (begin >= url_end_) {
      url_end_ = line.find_first_of(" \t\"'<>`", begin);
      if (url_end_ == kNone) url_end_ = line.size();
      url_at_ = line.substr(begin, url_end_ - begin).rfind('@');
      if (url_at_ != kNone) url_at_ += begin;
    }
    if (url_at_ == kNone || url_at_ < begin || url_at_ >= url_end_) return false;
    const std::string_view user = line.substr(begin, url_at_ - begin);
    // "@" of a path is none: there is a password, or the host's part has not ended.
    if (user.find(':') == kNone && user.find('/') != kNone) return false;
    out->append(kMark);
    Mask("(url)", user, out);
    *at = url_at_;
    return true;
  }

  void Words(std::string_view line, std::string* out) {
    url_end_ = 0;
    indent_ = Indent(line);
    logged_ = line.find("configuration property") != kNone;
    std::size_t at = 0;
    while (at < line.size()) {
      if (line[at] == '-' && PrivateKey(line, &at, out)) continue;
      if (line[at] == ':' && UrlUser(line, &at, out)) continue;
      // "\n" within a text of JSON: the letter is no part of the next word.
      if (line[at] == '\\' && at + 1 < line.size() && std::strchr("nrt", line[at + 1]) != nullptr) {
        out->append(line.substr(at, 2));
        at += 2;
        continue;
      }
      if (!IsKeyCharacter(line[at])) {
        out->push_back(line[at++]);
        continue;
      }
      std::size_t end = at;
      while (end < line.size() && IsKeyCharacter(line[end])) {
        // What begins behind other letters begins here all the same.
        if (end > at && line[end] == '-' && line.substr(end).starts_with("-----BEGIN")) break;
        ++end;
      }
      const std::string_view word = line.substr(at, end - at);
      const bool first = indent_ == at || (at > 0 && indent_ == at - 1 && !IsBlank(line[at - 1]));
      if (IsTokenByForm(word)) {
        Mask("(token)", word, out);
      } else {
        out->append(word);
      }
      at = end;
      if (IsBearer(word)) {
        Bearer(line, &at, out);
      } else {
        Value(line, word, first, &at, out);
      }
    }
  }

  static bool IsBearer(std::string_view word) {
    return word == "Bearer" || word == "bearer" || word == "BEARER";
  }

  void Bearer(std::string_view line, std::size_t* at, std::string* out) {
    const std::size_t begin = SkipBlanks(line, *at);
    std::size_t end = begin;
    while (end < line.size() && !IsBlank(line[end]) && std::strchr("\"'<>,;", line[end]) == nullptr)
      ++end;
    constexpr std::size_t kShortest =
        6;  // "Bearer token" of a sentence is masked too, and harmless
    if (begin == *at || end - begin < kShortest) return;
    out->append(line.substr(*at, begin - *at));
    Mask("(token)", line.substr(begin, end - begin), out);
    *at = end;
  }

  // Behind the key `word`: when a value follows that is a secret, its mask is written and `at` is behind it.
  void Value(std::string_view line, std::string_view word, bool first, std::size_t* at,
             std::string* out) {
    std::size_t separator = *at;
    // tokens[0]=...
    if (separator < line.size() && line[separator] == '[') {
      const std::size_t close = line.substr(0, separator + 16).find(']', separator);
      if (close != kNone) separator = close + 1;
    }
    // The key's own closing quote, which in a text within a text has backslashes before it.
    while (separator < line.size() &&
           (line[separator] == '\\' || line[separator] == '"' || line[separator] == '\''))
      ++separator;
    separator = SkipBlanks(line, separator);
    const bool flag = word.size() > 2 && word.starts_with("-") && separator > *at &&
                      separator < line.size() && line[separator] != '-' && line[separator] != ':' &&
                      line[separator] != '=';
    const bool logged = logged_ && separator == *at && line.substr(separator).starts_with(", ");
    std::size_t value = separator;
    bool colon = false;
    const bool ends = separator == line.size();
    // Of Scala's maps; and of properties, where a blank is enough behind a key.
    const bool arrow = line.substr(separator).starts_with("->");
    const bool blank = first && separator > *at && word.find('.') != kNone;
    if (!flag && !ends) {
      if (std::strchr(":=>", line[separator]) == nullptr && !logged && !arrow && !blank) return;
      colon = line[separator] == ':';
      if (arrow) ++value;
      if (arrow || std::strchr(":=>", line[separator]) != nullptr || logged) ++value;
      while (value < line.size() && (line[value] == '=' || line[value] == '>')) ++value;
      value = SkipBlanks(line, value);
      if (line.substr(separator).starts_with("://")) return;
    }
    // Its value may be on the next line all the same: "? key" of YAML, an option of a list of arguments.
    if (ends && !line.substr(SkipBlanks(line, 0)).starts_with("? ") &&
        !(word.size() > 2 && word.front() == '-'))
      return;
    const std::string_view key = StripFlag(word);
    const bool of_pair = (key == "value" || key == "Value") && !flag && !ends &&
                         (pair_lines_ > 0 || PairFollows(line, value));
    if (!IsSensitiveKey(key) && !of_pair) {
      // Not at the end of an element: "</name>".
      const bool closes = word.data() > line.data() && *(word.data() - 1) == '/';
      if ((key == "name" || key == "Name" || key == "key") && !flag && !ends && !closes)
        NoteName(line.substr(value));
      return;
    }
    if (of_pair) pair_lines_ = 0;
    block_key_ = std::string(word.substr(0, 128));
    const std::string_view rest = line.substr(value);
    if (ends || rest.empty() || (first && colon && IsNoValue(rest))) {
      // The value is on the next lines.
      out->append(line.substr(*at, value - *at));
      if (const std::size_t comment = rest.find('#'); comment != kNone) {
        out->append(rest.substr(0, comment)).append("# ");
        Mask(block_key_, rest.substr(SkipBlanks(rest, comment + 1)), out);
      } else {
        out->append(rest);
      }
      *at = line.size();
      // "</password>" has had its value.
      const bool closed = word.data() > line.data() && *(word.data() - 1) == '/';
      if (first && colon) {
        block_ = Block{indent_, true, false, false};
      } else if (ends || colon || (line[separator] == '>' && !closed)) {
        whole_next_line_ = true;
      }
      return;
    }
    out->append(line.substr(*at, value - *at));
    *at = logged
              ? Whole(line, value, out)
              : Secret(line, value, first || OpensBelow(rest), colon, word.starts_with("-"), out);
  }

  std::size_t Whole(std::string_view line, std::size_t value, std::string* out) {
    Mask(block_key_, line.substr(value), out);
    return line.size();
  }

  // The value that begins at `value` is masked; returns where it ends. `first`: its key begins the line.
  std::size_t Secret(std::string_view line, std::size_t value, bool first, bool colon,
                     bool argument, std::string* out) {
    // Further lines of the same scalar, deeper than the key.
    const bool yaml_line = first && colon;
    if (yaml_line) block_ = Block{indent_, false, true, true};
    if (line.back() == '\\') whole_next_line_ = true;
    std::size_t quote = value;
    while (quote < line.size() && line[quote] == '\\') ++quote;
    if (quote < line.size() && (line[quote] == '"' || line[quote] == '\'')) {
      const std::size_t end = QuoteEnd(line, value, quote);
      // Where quotes belong to the value, more of it may follow them.
      const std::size_t next = end == kNone ? end : SkipBlanks(line, end);
      const bool ends_there = end != kNone && (!first || next == line.size() ||
                                               std::strchr(",;}])#", line[next]) != nullptr);
      if (ends_there) {
        const std::string_view mark = line.substr(value, quote + 1 - value);
        out->append(mark);
        Mask(block_key_, line.substr(quote + 1, end - mark.size() - (quote + 1)), out);
        out->append(mark);
        return end;
      }
      // It goes on, to its closing quote: how far nobody knows.
      if (line.find(line[quote], quote + 1) == kNone) {
        quote_ = line[quote];
        quoted_lines_ = kQuotedLines;
      }
      return Whole(line, value, out);
    }
    std::size_t end = line.size();
    if (argument) {
      // Of a command line: what follows may be the next option.
      for (std::size_t at = line.find(" -", value); at != kNone; at = line.find(" -", at + 1)) {
        if (at + 2 < line.size() && !IsBlank(line[at + 2])) {
          end = at;
          break;
        }
      }
    }
    const std::string_view secret = line.substr(value, end - value);
    if (IsHarmless(secret)) {
      out->append(secret);
      // A harmless word has no second line.
      if (yaml_line) block_.reset();
      return end;
    }
    Mask(block_key_, secret, out);
    return end;
  }

  // Behind the closing quote of the quoted text whose opening (with its backslashes) is line[value..quote]. Nothing when it does not
  // close on this line, or goes on behind it.
  static std::size_t QuoteEnd(std::string_view line, std::size_t value, std::size_t quote) {
    const std::string_view mark = line.substr(value, quote + 1 - value);
    const std::size_t slashes = mark.size() - 1;
    std::size_t run = 0;  // backslashes before this character
    for (std::size_t at = quote + 1; at < line.size(); ++at) {
      if (line[at] == '\\') {
        ++run;
        continue;
      }
      if (line[at] == mark.back() && run == slashes) {
        const std::size_t end = at + 1;
        if (end == line.size() || std::strchr(" \t\r,;}])>\\", line[end]) != nullptr ||
            line[end] == '"' || line[end] == '\'') {
          // '' is a quote within a YAML text; another kind of quote closes what this one is within.
          if (end < line.size() && line[end] == mark.back()) {
            if (mark.back() == '\'') {
              run = 0;
              ++at;
              continue;
            }
            return kNone;
          }
          return end;
        }
        return kNone;
      }
      run = 0;
    }
    return kNone;
  }

  static std::string_view StripFlag(std::string_view word) {
    while (!word.empty() && word.front() == '-') word.remove_prefix(1);
    return word;
  }

  // name: DB_PASSWORD -- the `value` of the next lines is one.
  void NoteName(std::string_view value) {
    constexpr std::size_t kLongest = 256;
    value = value.substr(0, std::min(value.find_first_of(",<}"), kLongest));
    pair_lines_ = IsSensitiveKey(value) ? 4 : 0;
  }

  // `value` comes before its `name` here, on this line or on the next two.
  bool PairFollows(std::string_view line, std::size_t value) const {
    constexpr std::size_t kWindow = 512;
    const auto named = [](std::string_view text) {
      for (const std::string_view key : {"name", "Name", "key"}) {
        for (std::size_t at = text.find(key); at != kNone; at = text.find(key, at + 1)) {
          std::size_t begin = at + key.size();
          while (begin < text.size() && std::strchr("\\\"' \t:=>", text[begin]) != nullptr) ++begin;
          const std::size_t end = text.find_first_of("\\\"',<} \t", begin);
          if (begin > at + key.size() &&
              IsSensitiveKey(text.substr(begin, end == kNone ? kNone : end - begin)))
            return true;
        }
      }
      return false;
    };
    if (named(line.substr(value, kWindow))) return true;
    std::string_view rest = rest_.substr(0, 4 * kWindow);
    for (int i = 0; i < 2 && !rest.empty(); ++i) {
      const std::string_view next = rest.substr(0, std::min(rest.find('\n'), kWindow));
      // The next item of the list is another pair.
      const std::size_t begin = SkipBlanks(next, 0);
      if (begin < next.size() && next[begin] == '-') return false;
      if (named(next)) return true;
      const std::size_t end = rest.find('\n');
      if (end == kNone) break;
      rest.remove_prefix(end + 1);
    }
    return false;
  }

  Masker* masker_;
  std::string_view rest_;  // the lines behind this one
  std::optional<Block> block_;
  std::string block_key_;
  bool in_private_key_ = false, whole_next_line_ = false;
  static constexpr int kQuotedLines = 32;
  int quoted_lines_ = 0;  // that may still be of a value whose quote, `quote_`, did not close
  char quote_ = '\0';
  int pair_lines_ = 0;
  // Of this line.
  std::size_t indent_ = 0, url_end_ = 0, url_at_ = kNone;
  bool logged_ = false;
};

void Masker::Count(std::string_view what) {
  constexpr std::size_t kMost = 256;  // names; what is beyond is counted together
  std::string name;
  for (const char c : what.substr(0, 128)) name.push_back(c >= ' ' && c <= '~' ? c : '?');
  if (masked_.size() >= kMost && masked_.find(name) == masked_.end()) name = "(other)";
  ++masked_[name];
}

std::string Masker::Text(std::string_view text) {
  // A mask may take away what told a line from its neighbour's value (a colon): it is looked at again until nothing changes, which for
  // any text that people write is at once.
  constexpr int kMost = 6;
  std::string masked = LineMasker(this).Run(text);
  for (int i = 0; i < kMost; ++i) {
    std::string again = LineMasker(this).Run(masked);
    if (again == masked) break;
    masked = std::move(again);
  }
  return masked;
}

std::string Masker::Arguments(std::string_view items) {
  std::string out;
  bool whole = false;
  while (!items.empty()) {
    const std::size_t end = items.find('\0');
    const std::string_view item = items.substr(0, end);
    const std::size_t equals = item.find('=');
    const bool key_alone = equals == kNone;
    if (whole && !item.empty()) {
      out.append(kMask);
      if (item != kMask) Count("(argument)");
    } else if (!key_alone && equals <= 512 &&
               item.substr(0, equals).find_first_of(" \t\n'\"") == kNone &&
               IsSensitiveKey(item.substr(0, equals)) && !IsHarmless(item.substr(equals + 1))) {
      out.append(item.substr(0, equals + 1));
      out.append(kMask);
      if (item.substr(equals + 1) != kMask) Count(item.substr(0, equals));
    } else {
      out.append(Text(item));
    }
    whole = key_alone && item.size() > 1 && item.front() == '-' && item.size() <= 512 &&
            IsSensitiveKey(item);
    if (end == kNone) break;
    out.push_back('\0');
    items.remove_prefix(end + 1);
  }
  return out;
}

std::string Masker::Environment(std::string_view items) {
  std::string out;
  while (!items.empty()) {
    const std::size_t end = items.find('\0');
    const std::string_view item = items.substr(0, end);
    const std::size_t equals = item.find('=');
    if (equals == kNone) {
      // No variable: nothing is known of it.
      if (!item.empty()) Count("(environment)");
    } else {
      const std::string_view name = item.substr(0, equals), value = item.substr(equals + 1);
      out.append(name).push_back('=');
      if (IsHarmless(value) || value == kMask) {
        out.append(value);
      } else if (!IsTellingVariable(name)) {
        out.append(kMask);
        Count("(environment)");
      } else if (IsSensitiveKey(name)) {
        out.append(kMask);
        Count(name);
      } else {
        out.append(Text(value));
      }
    }
    if (end == kNone) break;
    out.push_back('\0');
    items.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace wrackline::collect
