// tersor_docs FOLDER: writes every generated page into FOLDER as NAME.md.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tools/docs/pages.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: tersor_docs FOLDER\n");
    return 2;
  }
  for (const tersor::docs::Page& page : tersor::docs::kPages) {
    const auto path = std::filesystem::path(argv[1]) / (std::string(page.name) + ".md");
    std::ofstream file(path, std::ios::binary);
    file << page.print();
    file.close();
    if (!file) {
      std::fprintf(stderr, "tersor_docs: cannot write %s\n", path.c_str());
      return 1;
    }
  }
  return 0;
}
