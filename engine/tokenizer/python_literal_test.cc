#include "engine/tokenizer/python_literal.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

TEST(PythonLiteralTest, ReadsAsPythonDoes) {
  const struct {
    const char* literal;
    std::string bytes;
  } cases[] = {
      {"'a b'", "a b"},
      {"\"it's\"", "it's"},
      {R"('it\'s')", "it's"},
      {R"("say \"hi\"")", "say \"hi\""},
      {R"('\\')", "\\"},
      {R"('\a\b\f\n\r\t\v')", "\a\b\f\n\r\t\v"},
      {R"('\0\7\101\1012')", std::string("\0\7AA2", 5)},
      {R"('\x41\x7f')", "A\x7f"},
      // A code point in text is two bytes, in bytes it is one.
      {R"('\x80')", "\xc2\x80"},
      {R"(b'\x80')", "\x80"},
      {R"(b'\xff\377')", "\xff\xff"},
      {R"('\377')", "\xc3\xbf"},
      {R"('\u4f60\u00e9')", "\xe4\xbd\xa0\xc3\xa9"},
      {R"('\U0001F600')", "\xf0\x9f\x98\x80"},
      {"'\xe4\xbd\xa0'", "\xe4\xbd\xa0"},
      {"b\"plain 'bytes'\"", "plain 'bytes'"},
      {"''", ""},
      {"b''", ""},
      {R"('\xAb')", "\xc2\xab"},
  };
  for (const auto& known : cases) {
    const auto bytes = ParsePythonLiteral(known.literal);
    ASSERT_TRUE(bytes.ok()) << known.literal << " " << bytes.status();
    EXPECT_EQ(*bytes, known.bytes) << known.literal;
  }
}

TEST(PythonLiteralTest, RefusesWhatPythonWould) {
  for (const char* literal : {"",
                              "'",
                              "a",
                              "'a",
                              "a'",
                              "'a\"",
                              "b",
                              "b'",
                              "B'a'",
                              "r'a'",
                              "'a'b'",
                              R"('a\')",
                              R"('\x4')",
                              R"('\x4g')",
                              R"('\u123')",
                              R"('\U0001F60')",
                              R"('\ud800')",
                              R"('\udfff')",
                              R"('\U00110000')",
                              R"('\q')",
                              R"('\N{DASH}')",
                              R"(b'\u0041')",
                              R"(b'\400')",
                              "'\n'",
                              "'\t'",
                              "'\x80'",
                              "'\xc3'",
                              "'\xed\xa0\x80'",
                              "b'\xc3\xa9'",
                              "'''a'''"}) {
    const auto bytes = ParsePythonLiteral(literal);
    EXPECT_EQ(bytes.status().code(), absl::StatusCode::kInvalidArgument)
        << literal;
    EXPECT_FALSE(bytes.status().message().empty());
  }
}

}  // namespace
}  // namespace oxbow
