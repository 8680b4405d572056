// `completion` and `manual`: what shells and man read, from the same source as the help.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include "analyzer/cli/command.h"
#include "analyzer/cli/manual/page.h"

namespace wrackline::cli {

Action AddCompletion(CLI::App* app, const CLI::App* root) {
  auto shell = std::make_shared<std::string>();
  app->add_option("shell", *shell, "Which one")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  return [shell, root] {
    const std::string script = Completion(MakePages(*root), *shell);
    if (std::fwrite(script.data(), 1, script.size(), stdout) != script.size())
      return Fail("standard output cannot be written");
    return kOk;
  };
}

Action AddManual(CLI::App* app, const CLI::App* root) {
  auto folder = std::make_shared<std::string>();
  app->add_option("folder", *folder, "Made when missing: man1, man7, bash, zsh, fish")->required();
  return [folder, root] {
    namespace fs = std::filesystem;
    const auto write = [&](const fs::path& path, const std::string& text) {
      std::error_code error;
      fs::create_directories(path.parent_path(), error);
      std::ofstream out(path, std::ios::binary);
      out << text;
      out.close();
      return out.good();
    };
    const fs::path to = *folder;
    const std::vector<Page> pages = MakePages(*root);
    bool good = write(to / "man7/wrackline-preload.7", PreloadManPage(WRACKLINE_VERSION));
    for (const Page& page : pages) {
      good &= write(to / "man1" / (page.Manual() + ".1"), ManPage(page, WRACKLINE_VERSION));
    }
    good &= write(to / "bash/wrackline", Completion(pages, "bash"));
    good &= write(to / "zsh/_wrackline", Completion(pages, "zsh"));
    good &= write(to / "fish/wrackline.fish", Completion(pages, "fish"));
    return good ? kOk : Fail(to.string() + " cannot be written");
  };
}

}  // namespace wrackline::cli
