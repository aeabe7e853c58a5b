#include "tersor/kernels/simd/epilogue_chain.h"

#include <gtest/gtest.h>

#include "tersor/kernels/simd/integer_chain.h"

namespace tersor::kernels {
namespace {

/// A result [1,4,6,3] and the operators behind it.
class Chain {
 public:
  explicit Chain(DType dtype = DType::kF32)
      : dtype_(dtype), results_{Type({1, 4, 6, 3})}, current_(results_[0].shape) {
    pool_.Set(Attr::window, std::vector<int64_t>{2, 2})
        .Set(Attr::strides, std::vector<int64_t>{2, 2});
  }

  /// With a constant operand, or one that comes with the call.
  Chain& Add(const Shape& shape, bool constant, bool multiplies = false) {
    types_.push_back(std::make_unique<TensorType>(Type(shape)));
    Epilogue link{multiplies ? Epilogue::Kind::kMultiply : Epilogue::Kind::kAdd, {}, &none_, {}};
    link.operand = {types_.back().get(), constant ? zeros_ : nullptr};
    link.result = Type(current_);
    epilogue_.push_back(link);
    return *this;
  }
  Chain& Pool(std::vector<int64_t> strides = {2, 2}) {
    pool_.Set(Attr::strides, std::move(strides));
    current_ = {1, current_[1] / 2, current_[2] / 2, 3};
    epilogue_.push_back({Epilogue::Kind::kMaxPool2d, {}, &pool_, Type(current_)});
    return *this;
  }

  std::optional<std::vector<ChainLink>> Read() const { return ReadChain(Spec(), dtype_); }
  bool IsInteger() const {
    const std::vector<float> multipliers(3, 0.5f);
    return MakeIntegerChain(Spec(), Activation::kNone, multipliers, 8).has_value();
  }

 private:
  TensorType Type(Shape shape) const {
    TensorType type{dtype_, std::move(shape), {}};
    if (dtype_ == DType::kI8) type.quantization = Quantization{{0.5f}, {3}, -1};
    return type;
  }
  KernelSpec Spec() const {
    KernelSpec spec;
    spec.operands = operands_;
    spec.results = results_;
    spec.attributes = &none_;
    spec.epilogue = epilogue_;
    return spec;
  }

  alignas(8) static constexpr char zeros_[64] = {};
  DType dtype_;
  std::vector<TensorType> results_;
  std::vector<ConstTensorView> operands_ = std::vector<ConstTensorView>(4);
  std::vector<std::unique_ptr<TensorType>> types_;
  std::vector<Epilogue> epilogue_;
  Attributes none_, pool_;
  Shape current_;
};

const Shape kResult = {1, 4, 6, 3};

TEST(EpilogueChain, LinksAreReadInOrder) {
  Chain chain;
  chain.Add({3}, true, true).Add(kResult, false).Add({1}, true).Add(kResult, false).Pool();
  const auto links = chain.Read();
  ASSERT_TRUE(links.has_value());
  ASSERT_EQ(links->size(), 5u);
  using Kind = ChainLink::Kind;
  const Kind kinds[] = {Kind::kMultiplyConstant, Kind::kAddTensor, Kind::kAddConstant,
                        Kind::kAddTensor, Kind::kMaxPool2x2};
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ((*links)[i].kind, kinds[i]) << i;
  EXPECT_EQ((*links)[1].operand, 4u) << "behind the kernel's own operands";
  EXPECT_EQ((*links)[3].operand, 5u);
}

TEST(EpilogueChain, WhatNoKernelFusesIsRefused) {
  EXPECT_TRUE(Chain().Read().has_value());
  EXPECT_FALSE(Chain().Add({1, 4, 6, 1}, false).Read()) << "a tensor of another shape";
  EXPECT_FALSE(Chain().Add(kResult, false, true).Read()) << "a product with a tensor";
  EXPECT_FALSE(Chain().Add(kResult, true).Read()) << "a constant that is not along the channels";
  EXPECT_FALSE(Chain().Add({4}, true).Read()) << "a constant of another length";
  EXPECT_FALSE(Chain().Pool().Add({3}, true).Read()) << "something behind a pool";
  EXPECT_FALSE(Chain().Pool({1, 1}).Read()) << "windows that overlap";
}

TEST(EpilogueChain, IntegersPoolWhereTheirChainIsMonotone) {
  EXPECT_TRUE(Chain(DType::kI8).Add({3}, true, true).Add({3}, true).Pool().IsInteger());
  EXPECT_TRUE(Chain(DType::kI8).Add(kResult, false).IsInteger());
  EXPECT_FALSE(Chain(DType::kI8).Add(kResult, false).Pool().IsInteger());
  EXPECT_FALSE(Chain(DType::kF32).IsInteger());
}

}  // namespace
}  // namespace tersor::kernels
