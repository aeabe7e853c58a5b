#include "tersor/ir/text.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tersor/ir/base64.h"
#include "tersor/ir/builder.h"

namespace tersor::ir {
namespace {

std::string Reprint(std::string_view text, const PrintOptions& options = {}) {
  const auto graph = Parse(text);
  return graph.ok() ? Print(*graph, options) : graph.status().message();
}

std::string ErrorOf(std::string_view text) {
  const auto graph = Parse(text);
  return graph.ok() ? "parsed" : graph.status().message();
}

// Every operator stands in one of these.
constexpr std::string_view kGraphs[] = {
    R"(graph @elementwise(%a: f32[N,4], %b: f32[4]) -> (%clamped: f32[N,4]) {
  %0 = add(%a, %b) {activation=relu6}
  %1 = subtract(%0, %b)
  %2 = multiply(%1, %b) {activation=relu}
  %3 = divide(%2, %b)
  %4 = maximum(%3, %a)
  %5 = minimum(%4, %a)
  %6 = exp(%5)
  %7 = log(%6)
  %8 = sqrt(%7)
  %9 = rsqrt(%8)
  %10 = negate(%9)
  %11 = relu(%10)
  %12 = relu6(%11)
  %13 = sigmoid(%12)
  %14 = tanh(%13)
  %15 = leaky_relu(%14) {slope=0.2}
  %clamped = clamp(%15) {max=inf, min=-0.5}
}
)",
    R"(graph @images(%image: f32[N,8,8,3]) -> (%probabilities: f32[N,5], %18: f32[N,5]) {
  metadata "a key" = "two\nlines, a \"quote\" and \x07"
  metadata normalize = "signed"
  %0 = conv2d(%image, @conv.filter, @conv.bias) {activation=relu, padding=same}
  %1 = conv2d(%0, @second, _, @pad) {groups=2, padding=[1,0,1,0], strides=[2,2]}
  %2 = batch_norm(%1, @scale, @scale, @scale, @scale) {epsilon=1e-05}
  %3 = max_pool2d(%2) {window=[2,2]}
  %4 = avg_pool2d(%3) {count_padding=true, padding=same, strides=[2,2], window=[3,3]}
  %5 = pad(%4) {pads=[0,0,1,1,1,1,0,0], value=0.25}
  %6 = concat(%5, %5, %5) {axis=3}
  %7 = transpose(%6) {permutation=[0,3,1,2]}
  %8 = reduce_mean(%7) {axes=[2,3]}
  %9 = reduce_sum(%7) {axes=[2,3]}
  %10 = reduce_max(%7) {axes=[2], keep_dims=true}
  %11 = reshape(%10) {shape=[-1,48]}
  %12 = fully_connected(%8, @dense) {activation=relu6}
  %13 = fully_connected(%9, @dense)
  %14 = mat_mul(%13, %13) {transpose_lhs=true}
  %15 = mat_mul(%12, %14)
  %16 = dropout(%15, @counter) {rate=0.5, seed=7}
  %17 = cast(%16) {dtype=bf16}
  %18 = cast(%17) {dtype=f32}
  %probabilities = softmax(%18)
  %19 = log_softmax(%18)
  %20 = slice(%19) {begin=[0,1], shape=[-1,1]}
  %21 = broadcast_to(%20) {shape=[-1,5]}
}
variable @conv.filter: f32[4,3,3,3] trainable
variable @conv.bias: f32[4] trainable = [0.5, -0, 1e-20, 3]
variable @second: f32[4,2,2,2] trainable
variable @pad: f32[4]
variable @scale: f32[4]
variable @dense: f32[5,12] trainable
variable @counter: i64[] = [-3]
)",
    R"(graph @integers(%x: i8[N,4,4,2] q(0.5, -1)) -> (%5: f32[N,2]) {
  %0: i8[N,4,4,3] q(0.25, 3) = conv2d(%x, @w, @b) {padding=same}
  %1 = max_pool2d(%0) {strides=[2,2], window=[2,2]}
  %2: u8[N,2,2,3] q(0.125, 128) = quantize(%1)
  %3: u8[N,3] q(0.125, 100) = reduce_mean(%2) {axes=[1,2]}
  %4: u8[N,2] q(1, 0) = fully_connected(%3, @f)
  %5 = dequantize(%4)
}
variable @w: i8[3,1,1,2] q([0.1, 0.2, 0.3], [0, 0, 0], axis=0) = [1, -2, 3, -4, 127, -128]
variable @b: i32[3] q([0.05, 0.1, 0.15], [0, 0, 0], axis=0) = [1000, -1000, 0]
variable @f: u8[2,3] q(0.5, 7) = [0, 1, 2, 3, 4, 255]
)",
    R"(graph @gradients(%x: f32[N,4,4,2], %g: f32[N,4,4,2], %labels: i32[N]) -> () {
  %sums = batch_norm_moments(%x)
  %0 = all_reduce_sum(%sums)
  %mean, %variance, %count = batch_norm_statistics(%0)
  %1 = batch_norm_grad_sums(%g, %x, %mean, %variance)
  %2 = batch_norm_grad(%g, %x, @scale, %mean, %variance, %1, %count)
  %3 = relu_grad(%2, %x)
  %4 = relu6_grad(%3, %x)
  %5 = sigmoid_grad(%4, %x)
  %6 = tanh_grad(%5, %x)
  %7 = softmax_grad(%6, %x)
  %8 = max_pool2d(%x) {strides=[2,2], window=[2,2]}
  %9 = max_pool2d_grad(%8, %x, %8) {strides=[2,2], window=[2,2]}
  %10 = avg_pool2d_grad(%8) {input_shape=[-1,4,4,2], strides=[2,2], window=[2,2]}
  %11 = conv2d_grad_filter(%x, %10) {filter_shape=[2,3,3,2], padding=same}
  %12 = conv2d_grad_input(@filter, %10) {input_shape=[-1,4,4,2], padding=same}
  %13 = reshape(%12) {shape=[-1,32]}
  %14 = cross_entropy(%13, %labels) {label_smoothing=0.1}
  %15 = cross_entropy_grad(%14, %13, %labels) {label_smoothing=0.1}
  %16 = cross_entropy(%13, %13)
  %17 = embedding(@table, %labels)
  %18 = embedding_grad(%17, %labels) {input_shape=[5,3]}
  sgd_update(@filter, %11, @velocity, @rate) {momentum=0.9, nesterov=true}
  sgd_update(@filter, %11, _, @rate)
  adam_update(@filter, %11, @velocity, @moment2, @rate, @step) {decoupled=true, weight_decay=0.01}
  moving_average_update(@scale, %mean) {decay=0.9}
}
variable @filter: f32[2,3,3,2] trainable
variable @velocity: f32[2,3,3,2]
variable @moment2: f32[2,3,3,2]
variable @scale: f32[2] trainable
variable @rate: f32[]
variable @step: f32[]
variable @table: f32[5,3]
)",
    R"(graph @"a b"(%"1": f32[2,N]) -> () {
}
)",
};

TEST(Text, RoundTripsByteForByte) {
  for (std::string_view text : std::span(kGraphs).first(4)) EXPECT_EQ(Reprint(text), text);
}

TEST(Text, EveryOperatorStandsInACase) {
  std::set<std::string_view> seen;
  std::vector<Graph> graphs;
  for (std::string_view text : std::span(kGraphs).first(4)) {
    auto graph = Parse(text);
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    for (const auto& node : graph->nodes()) seen.insert(node->info().text_name);
  }
  for (const OpInfo& info : AllOps()) EXPECT_TRUE(seen.contains(info.text_name)) << info.text_name;
}

TEST(Text, PrintsDataOnRequest) {
  const std::string text = R"(graph @data() -> () {
}
variable @long: f32[3,3] trainable = base64 "AACAPwAAAEAAAEBAAACAQAAAoEAAAMBAAADgQAAAAEEAABBB"
variable @half: f16[2] = base64 "ADwAQA=="
variable @nan: f32[1] = base64 "AADA/w=="
variable @packed: i4[2,3] q(0.5, -8) = base64 "IQNDBQ=="
variable @none: f32[3,3]
variable @wide: i64[2] = [-9223372036854775808, 9223372036854775807]
variable @short: i16[2] = [-32768, 32767]
)";
  EXPECT_EQ(Reprint(text, {.data = true}), text);
  EXPECT_EQ(Reprint(Reprint(text)), Reprint(text));
  EXPECT_EQ(Reprint(text).find("long: f32[3,3] trainable ="), std::string::npos);
}

TEST(Text, QuotesNamesThatWouldReadAsSomethingElse) {
  const std::string text =
      R"(graph @"a b"(%"1": f32[N,2], %"x:0": f32[2]) -> (%"2": f32[N,2], @w: f32[2]) {
  %0 = add(%"1", @w)
  %"2" = add(%0, %"x:0")
}
variable @w: f32[2] = [1, 2]
)";
  EXPECT_EQ(Reprint(text), text);
}

TEST(Text, ReadsNumbersInAnyOrderAndComments) {
  EXPECT_EQ(Reprint(R"(graph @g(%x: f32[2]) -> (%7: f32[2]) {  # all of it
      %9 = relu(%x) %7 = relu(%9) })"),
            R"(graph @g(%x: f32[2]) -> (%1: f32[2]) {
  %0 = relu(%x)
  %1 = relu(%0)
}
)");
}

TEST(Text, ErrorsSayWhere) {
  const std::string head = "graph @g(%x: f32[N,4]) -> (%y: f32[N,4]) {\n";
  const std::pair<std::string, std::string> cases[] = {
      {"", "1:1: expected 'graph', the text ends"},
      {"graph g", "1:7: expected '@', found 'g'"},
      {"graph @g(%x: f31[2]) -> () {}", "1:14: unknown element type 'f31'"},
      {"graph @g(%x: f32[0]) -> () {}", "1:18: extent is 0, expected at least 1"},
      {"graph @g(%x: f32[2,_N]) -> () {}", "1:20: expected a number, found '_N'"},
      {"graph @g(%x: f32[2,elevenchars]) -> () {}",
       "1:20: expected an extent, found 'elevenchars', which is no name of up to 10 letters, "
       "digits and _"},
      {"graph @g(%x: f32[99999999999999999999]) -> () {}", "1:18: number is out of range"},
      {"graph @g(%x: f32[2] q(1, 0)) -> () {}", "1:14: f32[2] cannot have a scale"},
      {"graph @g(%x: i8[2] q(0, 0)) -> () {}",
       "1:14: i8[2]: scale is 0, expected positive and finite"},
      {"graph @g(%x: i8[2] q(1, 128)) -> () {}",
       "1:14: i8[2]: zero point is 128, expected -128 to 127"},
      {"graph @g(%x: f32[2], %x: f32[2]) -> () {}", "1:22: name %x is taken"},
      {"graph @g(%1: f32[2]) -> () {}", "1:10: an input is written %name, not as a number"},
      {"graph @g() -> () {}\nvariable @v: f32[N]", "2:10: a variable has no symbolic extent"},
      {"graph @g() -> () {}\nvariable @v: f32[2] = [1]",
       "2:23: tensor f32[2]: needs 8 bytes, found 4"},
      {"graph @g() -> () {}\nvariable @v: i8[1] = [128]", "2:23: number is out of range"},
      {"graph @g() -> () {}\nvariable @v: f32[1] = base64 \"AAA\"", "2:30: this is not base64"},
      {"graph @g() -> () {} nonsense", "1:21: expected 'variable' or the end, found 'nonsense'"},
      {head + "  %y = conv3d(%x)\n}", "2:8: unknown operator 'conv3d'"},
      {head + "  %y = relu(%z)\n}", "2:13: unknown value %z"},
      {head + "  %y = relu(@x)\n}", "2:13: unknown value @x"},
      {head + "  %y = relu(%x) {rate=1}\n}",
       "2:8: relu: attribute rate does not belong to this operator"},
      {head + "  %y = relu(%x) {speed=1}\n}", "2:18: unknown attribute 'speed'"},
      {head + "  %y = clamp(%x) {min=1}\n}", "2:8: clamp: attribute max is missing"},
      {head + "  %y = clamp(%x) {min=1, min=2}\n}", "2:26: attribute min is given twice"},
      {head + "  %y = clamp(%x) {min=low}\n}",
       "2:23: attribute min: expected a number, found 'low'"},
      {head + "  %y = clamp(%x) {min=nan, max=1}\n}", "2:8: clamp: attribute min is not a number"},
      {head + "  %y, %z = relu(%x)\n}", "2:12: relu: 2 results, expected 1"},
      {head + "  relu(%x)\n}", "2:3: relu: 0 results, expected 1"},
      {head + "  %y: f32[N,5] = relu(%x)\n}", "2:3: %y is f32[N,4], written as f32[N,5]"},
      {head + "  %y: i8[N,4] q(1, 0) = relu(%x)\n}", "2:25: relu: result is f32[N,4], not i8"},
      {head + "  %y = relu(%x)\n", "3:1: expected a name, the text ends"},
      {head + "}", "1:28: unknown value %y"},
      {head + "  metadata a = \"1\" metadata a = \"2\" }", "2:29: metadata has this key already"},
      {head + "  metadata a = \"\\q\" }",
       R"(2:17: expected \", \\, \n or \x and two hexadecimal digits)"},
      {head + "  metadata a = \"b }", "2:16: quoted text has no end"},
      {head + "  moving_average_update(%x, %x) %y = relu(%x) }",
       "node 0: moving_average_update: variable is written, so it must be a variable"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(ErrorOf(text), message) << text;
}

TEST(Text, ParseTypeIsTheInverseOfPrintType) {
  for (std::string_view text :
       {"f32[]", "i8[N,2] q(0.1, -3)", "bool[4]", "i4[2,3] q([0.1, 0.2], [0, 1], axis=0)"}) {
    const auto type = ParseType(text);
    ASSERT_TRUE(type.ok()) << type.status().message();
    EXPECT_EQ(PrintType(*type), text);
  }
  EXPECT_EQ(ParseType("f32[2] x").status().message(),
            "1:8: expected the end of the type, found 'x'");
}

// The fenced blocks of docs/ir.md that are graphs.
std::vector<std::string> DocumentedGraphs() {
  std::ifstream file("docs/ir.md");
  std::vector<std::string> graphs;
  std::string line, block;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line != "```") {
      if (inside) block += line + "\n";
      continue;
    }
    inside = !inside;
    if (!inside && block.starts_with("graph @")) graphs.push_back(block);
    if (!inside) block.clear();
  }
  return graphs;
}

TEST(Text, ExamplesOfTheDocumentationRoundTrip) {
  const auto graphs = DocumentedGraphs();
  EXPECT_EQ(graphs.size(), 3u);
  for (const std::string& text : graphs) EXPECT_EQ(Reprint(text), text);
}

TEST(Text, SurvivesAnyTruncationAndAnyWrongByte) {
  for (std::string_view text : kGraphs) {
    for (size_t size = 0; size < text.size(); ++size) {
      (void)Parse(text.substr(0, size));
      std::string changed(text);
      changed[size] = static_cast<char>(changed[size] ^ (1 << size % 8));
      if (auto graph = Parse(changed); graph.ok()) {
        const std::string printed = Print(*graph, {.data = true});
        EXPECT_EQ(Reprint(printed, {.data = true}), printed);
      }
    }
  }
}

TEST(Base64, RoundTripsEveryLength) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 70; ++i) {
    const auto decoded = DecodeBase64(EncodeBase64(bytes));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, bytes);
    bytes.push_back(static_cast<std::byte>(i * 37 + 200));
  }
}

TEST(Base64, RefusesWhatEncodeDoesNotMake) {
  for (std::string_view text : {"A", "AA=A", "====", "A===", "AB==", "AAB=", "AA==AAAA", "AA A"}) {
    EXPECT_FALSE(DecodeBase64(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace tersor::ir
