// The words that the masker (mask.h) knows secrets and harmless variables by. Pure; any thread.
#pragma once

#include <string_view>

namespace wrackline::collect {

// An environment variable that says something of memory: its value is kept, masked as any text.
bool IsTellingVariable(std::string_view name);

// A whole word of letters, digits and ._- that is a secret by its own form.
bool IsTokenByForm(std::string_view word);

}  // namespace wrackline::collect
