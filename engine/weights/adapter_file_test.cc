#include "engine/weights/adapter_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

void ExpectParsed(const std::string& text, const std::string& path,
                  float scale) {
  const auto file = ParseAdapterFile(text);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->path, path);
  EXPECT_EQ(file->scale, scale);
}

TEST(AdapterFileTest, ANumberAfterTheLastColonIsTheScale) {
  ExpectParsed("lora.pth", "lora.pth", 1.0f);
  ExpectParsed("lora.pth:2", "lora.pth", 2.0f);
  ExpectParsed("/a:b/lora.pth:-0.5", "/a:b/lora.pth", -0.5f);
  ExpectParsed("/a:b/lora.pth", "/a:b/lora.pth", 1.0f);
  ExpectParsed("lora:1:2e1", "lora:1", 20.0f);
  ExpectParsed("lora.pth:", "lora.pth:", 1.0f);
}

TEST(AdapterFileTest, RefusesScalesThatMakeNoSense) {
  for (const char* text :
       {"a:0", "a:-0", "a:nan", "a:inf", "a:-inf", "a:1e39", "a:1e-60"}) {
    EXPECT_THAT(std::string(ParseAdapterFile(text).status().message()),
                HasSubstr("the scale must be a finite number other than 0"))
        << text;
  }
  EXPECT_FALSE(ParseAdapterFile("").ok());
  EXPECT_FALSE(ParseAdapterFile(":2").ok());
}

TEST(AdapterFileTest, NamesAreShort) {
  EXPECT_EQ(NameOf(AdapterFile{"/x/lora.pth", 1.0f}), "lora.pth");
  EXPECT_EQ(NameOf(AdapterFile{"lora.pth", 0.25f}), "lora.pth:0.25");
}

}  // namespace
}  // namespace oxbow
