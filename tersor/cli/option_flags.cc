#include "tersor/cli/option_flags.h"

#include <algorithm>

#include "tersor/formats/formats.h"

namespace tersor::cli {
namespace {

std::string HelpOf(const Option& option) {
  std::string help(option.doc);
  if (option.type == OptionType::kInteger || option.type == OptionType::kReal ||
      option.type == OptionType::kReals) {
    help += StrCat("; ", LegalText(option));
  }
  if (!option.legal.when_option.empty()) {
    std::string choices(option.legal.when_choices);
    for (size_t at = choices.find(' '); at != std::string::npos; at = choices.find(' ', at + 4)) {
      choices.replace(at, 1, " or ");
    }
    help += StrCat(" (only with ", FlagName(option.legal.when_option), " ", choices, ")");
  }
  return help;
}

std::string TypeName(const Option& option) {
  switch (option.type) {
    case OptionType::kInteger:
      return "INT";
    case OptionType::kReal:
      return "FLOAT";
    case OptionType::kChoice: {
      std::string names;
      for (std::string_view name : option.choices) {
        names += StrCat(names.empty() ? "{" : ",", name);
      }
      return names + "}";
    }
    case OptionType::kReals:
      return "FLOAT,...";
    default:
      return "TEXT";
  }
}

void AddFlag(CLI::App& app, const Option& option, const std::string& names, OptionValues& values) {
  std::string both = names;
  for (std::string_view rest = names; !rest.empty();) {
    const size_t end = std::min(rest.find(','), rest.size());
    both += StrCat(",!--no-", rest.substr(2, end - 2));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  app.add_flag_function(
         both,
         [&values, name = std::string(option.name)](int64_t count) { values[name] = count > 0; },
         HelpOf(option))
      ->default_str(OptionText(option.standard()));
}

void AddTextFlag(CLI::App& app, const Option& option, const std::string& names,
                 OptionValues& values) {
  CLI::callback_t take = [&values, &option](const std::vector<std::string>& texts) {
    auto value = option.type == OptionType::kTexts ? ParseOption(option, std::span(texts))
                                                   : ParseOption(option, texts.at(0));
    if (!value.ok()) throw CLI::ValidationError(FlagName(option.name), value.status().message());
    values[std::string(option.name)] = *std::move(value);
    return true;
  };
  CLI::Option* flag = app.add_option(names, take, HelpOf(option));
  flag->type_name(TypeName(option))->expected(1);
  // A list of texts is one flag for each, so that a flag swallows nothing of what follows it.
  if (option.type == OptionType::kTexts) {
    flag->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  const std::string standard = OptionText(option.standard());
  if (!standard.empty()) flag->default_str(standard);
}

}  // namespace

void AddOptionFlags(CLI::App& app, OptionTable table, OptionValues& values,
                    const std::vector<FlagAlias>& aliases,
                    const std::vector<std::string_view>& without) {
  for (const Option& option : table) {
    if (std::find(without.begin(), without.end(), option.name) != without.end()) continue;
    std::string names = FlagName(option.name);
    for (const FlagAlias& alias : aliases) {
      if (alias.option == option.name) names += StrCat(",", alias.flag);
    }
    if (option.type == OptionType::kBool) {
      AddFlag(app, option, names, values);
    } else {
      AddTextFlag(app, option, names, values);
    }
  }
}

void ExportFlags::AddTo(CLI::App& app) {
  AddOptionFlags(app, formats::ExportOptions::Table(), values);
}

Status ExportFlags::Export(const ir::Graph& model, const std::string& path) const {
  formats::ExportOptions options;
  SetOptions(formats::ExportOptions::Table(), values, &options);
  return formats::ExportModel(model, path, options);
}

}  // namespace tersor::cli
