#include "store/seal.h"

#include <string>

#include "gtest/gtest.h"
#include "store/records.pb.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

using absl::StatusCode;

store::Opaque Message(const std::string& value) {
  store::Opaque message;
  message.set_value(value);
  return message;
}

TEST(SealTest, ComesBack) {
  store::Opaque read;
  ASSERT_OK(Unseal("key", Seal("key", Message("value")), &read));
  EXPECT_EQ(read.value(), "value");
}

TEST(SealTest, EveryFlippedBitIsNoticed) {
  const std::string sealed = Seal("key", Message("some value"));
  for (size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    std::string damaged = sealed;
    damaged[bit / 8] ^= 1 << bit % 8;
    store::Opaque read;
    // The first byte is the version: another one is a later release's.
    EXPECT_THAT(
        Unseal("key", damaged, &read),
        StatusIs(bit < 8 ? StatusCode::kUnimplemented : StatusCode::kDataLoss));
  }
}

TEST(SealTest, EveryShorterValueIsNoticed) {
  const std::string sealed = Seal("key", Message("some value"));
  for (size_t size = 0; size < sealed.size(); ++size) {
    store::Opaque read;
    EXPECT_THAT(Unseal("key", sealed.substr(0, size), &read),
                StatusIs(StatusCode::kDataLoss));
  }
}

TEST(SealTest, AnotherKeysValueIsNoticed) {
  store::Opaque read;
  EXPECT_THAT(Unseal("kez", Seal("key", Message("v")), &read),
              StatusIs(StatusCode::kDataLoss));
}

TEST(SealTest, AnotherTypesValueIsNoticed) {
  store::UidLimit other;
  EXPECT_THAT(Unseal("key", Seal("key", store::NameOwner()), &other),
              StatusIs(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace oxbow
