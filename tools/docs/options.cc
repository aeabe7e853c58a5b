// The page of all options, from the lists that declare them.
#include "tersor/base/options.h"

#include <array>
#include <string>

#include "tersor/architectures/family.h"
#include "tersor/compression/technique.h"
#include "tersor/formats/options.h"
#include "tersor/guide/step.h"
#include "tersor/training/trainer.h"
#include "tools/docs/pages.h"

namespace tersor::docs {
namespace {

std::string Meaning(const Option& option) {
  std::string text(option.doc);
  if (!option.legal.when_option.empty()) {
    text += StrCat(". Only with ", Code(option.legal.when_option), " ", option.legal.when_choices);
  }
  if (option.legal.per_layer) text += ". Layers may differ";
  return text;
}

std::string Section(std::string_view title, std::string_view about, OptionTable options) {
  constexpr std::string_view kHead[] = {"option", "default", "legal", "decides bits", "meaning"};
  Table table(kHead);
  for (const Option& option : options) {
    const std::string standard = OptionText(option.standard());
    table.Row(std::array{Code(option.name), standard.empty() ? "" : Code(standard),
                         LegalText(option), std::string(option.bits == kBits ? "yes" : ""),
                         Meaning(option)});
  }
  return StrCat("## ", title, "\n\n", about, "\n\n", table.text(), "\n");
}

}  // namespace

std::string Options() {
  std::string page =
      "# Options\n\nFrom the lists that declare them. An option has this name in a recipe "
      "(docs/guide.md) and in canonical JSON; its flag is the name with dashes: `weight_decay` is "
      "`--weight-decay`. A checkpoint is resumed only with the same values of the options that "
      "decide bits.\n\n";
  page += Section("New models", "`tersor train --family`, step `train`: beside those of training.",
                  guide::NewModelOptions::Table());
  page += Section("Families", "The same: what every family has.",
                  architectures::FamilyOptions::Table());
  page += Section("Training",
                  "`tersor train`, steps `train` and `finetune`: the trainer, optimizer, schedule "
                  "and augmentation.",
                  training::TrainerOptions::Table());
  for (const compression::Technique& technique : compression::AllTechniques()) {
    page += Section(
        StrCat("Technique: ", technique.name),
        StrCat("`tersor ", technique.name, "`, step `", technique.name, "`: ", technique.doc, "."),
        technique.functions.options);
  }
  page += Section("Model files",
                  "What every command that writes a model has: `tersor convert`, `opt`, `train`, "
                  "`compress` and those of the techniques. No step of a recipe has them.",
                  formats::ExportOptions::Table());
  page.pop_back();
  return page;
}

}  // namespace tersor::docs
