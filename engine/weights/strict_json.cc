#include "engine/weights/strict_json.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

constexpr size_t kShownKeyBytes = 256;

// Builds a Json value, and stops at what nlohmann::json would let pass.
class StrictParser : public nlohmann::json_sax<Json> {
 public:
  StrictParser(const StrictJsonLimits& limits, Json* root)
      : limits_(limits), builder_(*root, false) {}

  const std::string& fault() const { return fault_; }

  bool null() override { return Count() && builder_.null(); }
  bool boolean(bool value) override {
    return Count() && builder_.boolean(value);
  }
  bool number_integer(number_integer_t value) override {
    return Count() && builder_.number_integer(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Count() && builder_.number_unsigned(value);
  }
  bool number_float(number_float_t value, const string_t& text) override {
    return Count() && builder_.number_float(value, text);
  }
  bool string(string_t& value) override {
    return Count() && builder_.string(value);
  }
  bool binary(binary_t& value) override {
    return Count() && builder_.binary(value);
  }
  bool start_object(size_t size) override {
    keys_.emplace_back();
    return Enter() && builder_.start_object(size);
  }
  bool end_object() override {
    --depth_;
    keys_.pop_back();
    return builder_.end_object();
  }
  bool start_array(size_t size) override {
    return Enter() && builder_.start_array(size);
  }
  bool end_array() override {
    --depth_;
    return builder_.end_array();
  }
  bool key(string_t& value) override {
    if (!keys_.back().insert(value).second) {
      return Fail(absl::StrCat("key '", value.substr(0, kShownKeyBytes),
                               "' is there twice"));
    }
    return builder_.key(value);
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail(absl::StrCat("not JSON at byte ", position));
  }

 private:
  bool Enter() {
    if (++depth_ > limits_.depth_max) return Fail("nested too deep");
    return Count();
  }
  bool Count() {
    if (++values_ <= limits_.values_max) return true;
    return Fail(absl::StrCat("more than ", limits_.values_max, " values"));
  }
  bool Fail(std::string fault) {
    fault_ = std::move(fault);
    return false;
  }

  const StrictJsonLimits limits_;
  nlohmann::detail::json_sax_dom_parser<Json> builder_;
  std::vector<absl::flat_hash_set<std::string>> keys_;
  int depth_ = 0;
  int values_ = 0;
  std::string fault_;
};

}  // namespace

absl::StatusOr<Json> ParseStrictJson(const std::string& text,
                                     const StrictJsonLimits& limits) {
  Json root;
  StrictParser parser(limits, &root);
  if (!Json::sax_parse(text, &parser)) {
    return absl::InvalidArgumentError(parser.fault());
  }
  return root;
}

}  // namespace oxbow
