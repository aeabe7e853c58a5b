#include "tersor/cli/command.h"

#include <cmath>
#include <cstdio>

#include "tersor/guide/run_recipe.h"

namespace tersor::cli {

CLI::Validator IsNumber() {
  return CLI::Validator(
      [](std::string& text) {
        double number = 0;
        const bool is_one = CLI::detail::lexical_cast(text, number) && !std::isnan(number);
        return is_one ? std::string() : StrCat("'", text, "' is no number");
      },
      "");
}

std::string Printable(std::string_view text) {
  std::string printable;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    // U+0080 to U+009F are control characters too: two bytes in UTF-8.
    const bool two_bytes = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    if (two_bytes || (byte < 0x20 && byte != '\n') || byte == 0x7f) {
      char hex[8];
      std::snprintf(hex, sizeof(hex), "\\x%02x", two_bytes ? next : byte);
      printable += hex;
      i += two_bytes;
    } else {
      printable += text[i];
    }
  }
  return printable;
}

void Say(const CommonFlags& flags, const std::string& line) {
  if (!flags.json) std::printf("%s\n", Printable(line).c_str());
}

void Remark(const CommonFlags& flags, const std::string& text) {
  if (!flags.quiet) std::fprintf(stderr, "tersor: note: %s\n", Printable(text).c_str());
}

void SayJson(const Json& json) {
  // Names may come from a hostile file: bytes that are no UTF-8 are replaced.
  std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

void NormalizeFlag::AddTo(CLI::App& app) {
  using data::Normalize;
  std::vector<std::string> names;
  for (Normalize normalize : {Normalize::kSigned, Normalize::kUnit, Normalize::kRaw}) {
    names.emplace_back(data::NormalizeName(normalize));
  }
  app.add_option("--normalize", name,
                 "how pixels become the input: signed [-1,1], unit [0,1], raw 0 to 255 "
                 "(default: what the model's file says, else signed)")
      ->check(CLI::IsMember(names));
}

Result<data::Normalize> NormalizeFlag::For(const ir::Graph& model) const {
  const auto chosen = data::ParseNormalize(name);
  return chosen ? *chosen : guide::NormalizeOf(model);
}

std::string_view NormalizeFlag::Source(const ir::Graph& model) const {
  if (!name.empty()) return "flag";
  return model.metadata().contains(guide::kNormalizeKey) ? "model" : "assumed";
}

void NormalizeFlag::RemarkIfAssumed(const ir::Graph& model, const std::string& path,
                                    const CommonFlags& flags) const {
  if (Source(model) != "assumed") return;
  Remark(flags, StrCat(path,
                       " does not say how it wants its pixels: signed, [-1,1], is assumed; "
                       "--normalize says otherwise"));
}

void AddExtentFlag(CLI::App& app, std::map<std::string, int64_t>& extents) {
  const auto add = [&extents](const std::string& text) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    int64_t extent = 0;
    if (equals == std::string::npos || !ParseSymbol(name) ||
        !CLI::detail::lexical_cast(text.substr(equals + 1), extent)) {
      throw CLI::ValidationError("--extent", StrCat("expected NAME=NUMBER, found '", text, "'"));
    }
    extents[name] = extent;
  };
  app.add_option_function<std::vector<std::string>>(
         "--extent",
         [add](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) add(text);
         },
         "NAME=NUMBER: what a symbolic extent of the model becomes, once for each")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Result<data::Split> SplitFlag(const std::string& name) {
  auto split = data::ParseSplit(name);
  if (!split) {
    return InvalidArgument("--split is '", name,
                           "', expected train, validation, test or train+validation");
  }
  return *split;
}

std::string TypeText(const TensorType& type) {
  std::string text = type.ToString();
  if (type.quantization && !type.quantization->per_channel()) {
    text += StrCat(" scale ", type.quantization->scales[0], " zero point ",
                   type.quantization->zero_points[0]);
  }
  return text;
}

Json TypeJson(const ir::Graph& graph, ir::ValueId id) {
  const ir::Value& value = graph.value(id);
  Json json;
  json["name"] = value.name();
  json["dtype"] = DTypeName(value.type().dtype);
  json["shape"] = Json::array();
  for (int64_t extent : value.type().shape.dims()) {
    const bool named = IsSymbol(extent) && extent != kBatch;
    json["shape"].push_back(named ? Json(SymbolName(extent)) : Json(extent));
  }
  const auto& quantization = value.type().quantization;
  if (quantization && !quantization->per_channel()) {
    json["scale"] = quantization->scales[0];
    json["zero_point"] = quantization->zero_points[0];
  }
  return json;
}

}  // namespace tersor::cli
