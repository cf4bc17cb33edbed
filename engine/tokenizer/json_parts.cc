#include "engine/tokenizer/json_parts.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

constexpr size_t kDepthMax = 16;
constexpr size_t kPartsMax = 1 << 17;
constexpr size_t kListMax = 1 << 20;
// Of a key or string in an error, or kept of a string no one will read.
constexpr size_t kShownBytesMax = 64;
constexpr size_t kStringBytesMax = 4096;

// Fills a JsonParts as the parser goes: neither list is ever a tree of values.
class Collector : public nlohmann::json_sax<Json> {
 public:
  explicit Collector(JsonParts* parts) : parts_(parts) {}

  const std::string& fault() const { return fault_; }

  bool null() override { return Value(Json()); }
  bool boolean(bool value) override { return Value(value); }
  bool number_integer(number_integer_t value) override { return Value(value); }
  bool number_unsigned(number_unsigned_t value) override {
    return Value(value);
  }
  bool number_float(number_float_t value, const string_t&) override {
    return Value(value);
  }
  bool string(string_t& value) override { return Value(std::move(value)); }
  bool binary(binary_t&) override { return Fail("binary data"); }
  bool start_object(size_t) override { return Enter(Json::object()); }
  bool start_array(size_t) override { return Enter(Json::array()); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool key(string_t& value) override {
    levels_.back().key = std::move(value);
    return true;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail(absl::StrCat("not JSON at byte ", position));
  }

 private:
  enum class Place {
    kParts,
    kVocabulary,  // the entries of model/vocab
    kMerges,      // the entries of model/merges
    kMerge,       // the two strings of one of them
    kSkipped,     // below what is at fault already
  };
  struct Level {
    Place place = Place::kParts;
    bool is_array = false;
    std::string path;  // with a '/' at the end; empty at the top
    std::string key;
    size_t count = 0;  // of an array's values so far
  };

  bool Value(Json value);
  bool Enter(Json container);
  bool Leave();
  Place PlaceOf(const Json& container, const std::string& path);
  // The path of the value that comes next.
  std::string TakePath();
  bool AddPart(std::string path, Json value);
  bool AddToken(const Json& value);
  bool AddMerge(std::string left, std::string right);
  Place VocabularyFault(absl::string_view fault);
  Place MergesFault(absl::string_view fault);
  bool Fail(std::string fault) {
    if (fault_.empty()) fault_ = std::move(fault);
    return false;
  }

  JsonParts* const parts_;
  std::vector<Level> levels_;
  std::vector<std::string> merge_;
  std::string fault_;
};

std::string Collector::TakePath() {
  if (levels_.empty()) return "";
  Level& level = levels_.back();
  const std::string name =
      level.is_array
          ? absl::StrCat(level.count++)
          : absl::StrReplaceAll(level.key, {{"~", "~0"}, {"/", "~1"}});
  return absl::StrCat(level.path, name);
}

bool Collector::AddPart(std::string path, Json value) {
  if (parts_->parts.size() == kPartsMax) {
    return Fail(absl::StrCat("more than ", kPartsMax, " parts"));
  }
  const auto added = parts_->parts.emplace(std::move(path), std::move(value));
  return added.second ||
         Fail(absl::StrCat(added.first->first.substr(0, 4 * kShownBytesMax),
                           " is there twice"));
}

bool Collector::Value(Json value) {
  if (levels_.empty()) return Fail("not an object");
  switch (levels_.back().place) {
    case Place::kParts:
      if (value.is_string()) {
        auto& text = value.get_ref<std::string&>();
        if (text.size() > kStringBytesMax) text.clear();
      }
      return AddPart(TakePath(), std::move(value));
    case Place::kVocabulary:
      return AddToken(value);
    case Place::kMerges: {
      const std::string text =
          value.is_string() ? value.get<std::string>() : "";
      const size_t space = text.find(' ');
      if (space == std::string::npos) {
        return AddMerge("", "");
      }
      return AddMerge(text.substr(0, space), text.substr(space + 1));
    }
    case Place::kMerge:
      merge_.push_back(value.is_string() ? value.get<std::string>() : "");
      if (merge_.size() > 3) merge_.resize(3);
      return true;
    case Place::kSkipped:
      return true;
  }
  return Fail("unreachable");
}

bool Collector::AddToken(const Json& value) {
  if (!value.is_number_unsigned()) {
    VocabularyFault(absl::StrCat("the id of '",
                                 levels_.back().key.substr(0, kShownBytesMax),
                                 "' is not a number from 0 on"));
    return true;
  }
  if (parts_->vocabulary.size() == kListMax) {
    return Fail(absl::StrCat("more than ", kListMax, " tokens"));
  }
  parts_->vocabulary.emplace_back(std::move(levels_.back().key),
                                  value.get<uint64_t>());
  return true;
}

bool Collector::AddMerge(std::string left, std::string right) {
  if (left.empty() || right.empty()) {
    MergesFault(
        absl::StrCat("merge ", parts_->merges.size(), " is not two tokens"));
    return true;
  }
  if (parts_->merges.size() == kListMax) {
    return Fail(absl::StrCat("more than ", kListMax, " merges"));
  }
  parts_->merges.emplace_back(std::move(left), std::move(right));
  return true;
}

Collector::Place Collector::VocabularyFault(absl::string_view fault) {
  if (parts_->vocabulary_fault.empty()) {
    parts_->vocabulary_fault = std::string(fault);
  }
  return Place::kSkipped;
}

Collector::Place Collector::MergesFault(absl::string_view fault) {
  if (parts_->merges_fault.empty()) parts_->merges_fault = std::string(fault);
  return Place::kSkipped;
}

Collector::Place Collector::PlaceOf(const Json& container,
                                    const std::string& path) {
  switch (levels_.empty() ? Place::kParts : levels_.back().place) {
    case Place::kParts:
      if (path == "model/vocab") {
        return container.is_object() ? Place::kVocabulary
                                     : VocabularyFault("not an object");
      }
      if (path == "model/merges") {
        return container.is_array() ? Place::kMerges
                                    : MergesFault("not an array");
      }
      return Place::kParts;
    case Place::kVocabulary:
      return VocabularyFault("an id is not a number");
    case Place::kMerges:
      if (!container.is_array()) return MergesFault("a merge is an object");
      merge_.clear();
      return Place::kMerge;
    case Place::kMerge:
      return MergesFault("a merge is not two strings");
    case Place::kSkipped:
      return Place::kSkipped;
  }
  return Place::kSkipped;
}

bool Collector::Enter(Json container) {
  if (levels_.size() == kDepthMax) return Fail("nested too deep");
  if (levels_.empty() && container.is_array()) return Fail("not an object");
  Level level;
  level.is_array = container.is_array();
  const bool is_part = levels_.empty() || levels_.back().place == Place::kParts;
  std::string path = is_part ? TakePath() : "";
  level.place = PlaceOf(container, path);
  if (!path.empty()) level.path = absl::StrCat(path, "/");
  if (is_part && !AddPart(std::move(path), std::move(container))) return false;
  levels_.push_back(std::move(level));
  return true;
}

bool Collector::Leave() {
  const Place place = levels_.back().place;
  levels_.pop_back();
  if (place != Place::kMerge) return true;
  if (merge_.size() != 2) merge_.assign(2, "");
  return AddMerge(std::move(merge_[0]), std::move(merge_[1]));
}

}  // namespace

absl::StatusOr<JsonParts> TakeApart(absl::string_view text) {
  JsonParts parts;
  Collector collector(&parts);
  if (!Json::sax_parse(text.begin(), text.end(), &collector)) {
    return absl::InvalidArgumentError(collector.fault());
  }
  return parts;
}

}  // namespace oxbow
