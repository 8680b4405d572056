// The masker of secrets: it ends, it does not grow a text absurdly, what it masked stays as it is, and a secret planted behind a
// sensitive key at the start of a line does not come through, whatever stands before and after it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "analyzer/collect/collection.h"
#include "analyzer/collect/mask.h"

namespace collect = wrackline::collect;

namespace {

void Check(std::string_view text, const std::string& masked) {
  if (masked.size() > text.size() * 8 + 64) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  collect::Masker masker;
  const std::string once = masker.Text(text);
  Check(text, once);
  if (collect::Masker().Text(once) != once) std::abort();
  const std::string arguments = masker.Arguments(text);
  Check(text, arguments);
  Check(text, masker.Environment(text));
  if (collect::MaskTextsWithin(text, &masker).size() != size) std::abort();

  constexpr std::string_view kSecret = "Qz7planted7zQ";
  if (text.find("Qz7") != std::string_view::npos) return 0;
  // Half of the input before, half behind.
  const std::string before(text.substr(0, size / 2)), after(text.substr(size / 2));
  for (const std::string_view form :
       {"x.password: ", "x.password=", "  s3.secret-key: \"", "-Dx.token=", "\"secret\": \"",
        "https://user:", "INFO - Loading configuration property: x.token, "}) {
    const std::string planted = before + "\n" + std::string(form) + std::string(kSecret) +
                                (form.find("https") == 0 ? "@host"
                                 : form.back() == '"'    ? "\""
                                                         : "") +
                                "\n" + after;
    if (collect::Masker().Text(planted).find(kSecret) != std::string::npos) std::abort();
  }
  return 0;
}
