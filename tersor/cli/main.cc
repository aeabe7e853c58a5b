// The command line: exit code 0 when all went well, 2 when the command line makes no sense, 1 for
// every other failure.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>

#include "tersor/base/cpu.h"
#include "tersor/base/log.h"
#include "tersor/base/options.h"
#include "tersor/base/progress.h"
#include "tersor/base/threads.h"
#include "tersor/cli/command.h"

namespace tersor::cli {

#define COMMAND(name, function, doc) Action function(CLI::App& app, CommonFlags& flags);
#include "tersor/cli/commands.inc"
#undef COMMAND

namespace {

constexpr int kUsageError = 2, kFailure = 1;

struct CommandRow {
  const char* name;
  Register add;
  const char* doc;
};

constexpr CommandRow kCommands[] = {
#define COMMAND(name, function, doc) {#name, &function, doc},
#include "tersor/cli/commands.inc"
#undef COMMAND
};

void AddCommonFlags(CLI::App& app, CommonFlags& flags) {
  app.add_option("--threads", flags.threads, "threads to use")
      ->check(CLI::Range(1, kMaxThreads))
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "seed of everything that is drawn")->capture_default_str();
  app.add_flag("--json", flags.json, "standard output is one JSON object and nothing else");
  app.add_flag("--quiet", flags.quiet, "no progress and no remarks");
}

int Fail(const Status& status) {
  std::fprintf(stderr, "tersor: %s\n", Printable(status.message()).c_str());
  return status.code() == StatusCode::kInvalidArgument ? kUsageError : kFailure;
}

std::string WithNearest(const std::string& what, const std::string& name,
                        const std::vector<std::string>& names) {
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto nearest = NearestName(name, known);
  return StrCat(what, nearest ? StrCat(", did you mean '", *nearest, "'?") : "");
}

// "--warmup is unknown, did you mean '--warmup-steps'?" for flags that the subcommand lacks, the
// same for a subcommand, and CLI11's own words for everything else.
std::string UsageText(const CLI::App& app, const CLI::ParseError& error) {
  std::vector<std::string> names;
  if (app.get_subcommands().empty()) {
    for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
    for (const std::string& word : app.remaining()) {
      if (!word.starts_with("-"))
        return WithNearest(StrCat("there is no command '", word, "'"), word, names);
    }
    return error.what();
  }
  const CLI::App& sub = *app.get_subcommands()[0];
  for (const CLI::Option* option : sub.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const std::string& extra : sub.remaining()) {
    if (!extra.starts_with("--")) continue;
    const std::string flag = extra.substr(0, extra.find('='));
    return WithNearest(flag + " is unknown", flag, names);
  }
  return error.what();
}

int CannotWrite() {
  std::fprintf(stderr, "tersor: cannot write standard output\n");
  return kFailure;
}

Status CheckEnvironment() {
  const char* cap = std::getenv("TERSOR_CPU");
  if (cap == nullptr || *cap == '\0' || ParseCpuLevel(cap)) return OkStatus();
  return InvalidArgument("TERSOR_CPU is '", cap,
                         "', expected reference, avx2, avx512, avx512vnni or neon");
}

int Main(int argc, char** argv) {
  CLI::App app{"tersor makes deep-learning models smaller, faster and better, and proves it",
               "tersor"};
  app.set_version_flag("--version", TERSOR_VERSION);
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default(false);
  CommonFlags flags;
  flags.command_line = "tersor";
  for (int i = 1; i < argc; ++i) flags.command_line += StrCat(" ", argv[i]);
  std::vector<std::pair<CLI::App*, Action>> actions;
  auto add = [&](std::string_view name, std::string_view doc, const auto& add_flags) {
    CLI::App* sub = app.add_subcommand(std::string(name), std::string(doc));
    Action action = add_flags(*sub, flags);
    AddCommonFlags(*sub, flags);
    actions.emplace_back(sub, std::move(action));
  };
  for (const CommandRow& row : kCommands) add(row.name, row.doc, row.add);
  for (const compression::Technique& technique : compression::AllTechniques()) {
    add(technique.name, technique.doc, [&](CLI::App& sub, CommonFlags& common) {
      return RegisterTechnique(sub, common, technique);
    });
  }
  if (argc == 1) {
    std::string names;
    for (const auto& [sub, action] : actions) {
      names += StrCat(names.empty() ? "" : ", ", sub->get_name());
    }
    std::fprintf(stderr, "tersor: a command is missing, one of %s\n", names.c_str());
    std::fputs(
        "try: tersor --help\n"
        "try: tersor train --family survey-cnn --data fashion-mnist --output model.tersor\n"
        "try: tersor shrink model.tersor --data fashion-mnist --out study --max-bytes 100KB\n",
        stderr);
    return kUsageError;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0) return CannotWrite();
    return 0;
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "tersor: %s\n", Printable(UsageText(app, error)).c_str());
    std::fprintf(
        stderr, "try: tersor %s--help\n",
        app.get_subcommands().empty() ? "" : (app.get_subcommands()[0]->get_name() + " ").c_str());
    return kUsageError;
  }
  if (Status status = CheckEnvironment(); !status.ok()) return Fail(status);
  if (flags.json || flags.quiet) SetProgressMode(ProgressMode::kSilent);
  for (const auto& [sub, action] : actions) {
    if (!sub->parsed()) continue;
    if (Status status = action(); !status.ok()) return Fail(status);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return CannotWrite();
  }
  return 0;
}

}  // namespace
}  // namespace tersor::cli

int main(int argc, char** argv) {
  // A file that may not grow further is an error of that write, as a full disk is, not the end of
  // the program.
  std::signal(SIGXFSZ, SIG_IGN);
  // Exceptions end here: what a library throws past our borders (memory that runs out) is a failure
  // like others.
  try {
    return tersor::cli::Main(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("tersor: out of memory\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tersor: %s\n", error.what());
  }
  return 1;
}
