#include "store/verify_pass.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "store/keys.h"
#include "store/rocks_view.h"

namespace oxbow {
namespace {

constexpr uint64_t kTellBytes = 1 << 20;
constexpr size_t kNameShown = 64;

std::string FamilyName(Family family) {
  return kFamilyNames[static_cast<int>(family)];
}

}  // namespace

void VerifyPass::Find(std::string sentence) {
  ++report_.findings_count;
  if (report_.findings.size() < options_.findings_max) {
    report_.findings.push_back(std::move(sentence));
  }
}

void VerifyPass::FindError(absl::string_view where,
                           const absl::Status& status) {
  if (!status.ok()) Find(absl::StrCat(where, ": ", status.message()));
}

void VerifyPass::Count(Family family, size_t bytes) {
  bytes_read_ += bytes;
  if (bytes_read_ < told_at_ + kTellBytes || !options_.on_progress) return;
  told_at_ = bytes_read_;
  options_.on_progress({kFamilyNames[static_cast<int>(family)], bytes_read_});
}

bool VerifyPass::GoToNextUid(RocksRange* entries, const std::string& at) const {
  const absl::StatusOr<StreamUid> uid = UidOfKey(at);
  if (!uid.ok()) return false;
  const auto next = uids_.upper_bound(*uid);
  if (next == uids_.end()) return false;
  entries->AtOrAfter(AllOf(next->first).begin);
  return true;
}

void VerifyPass::Each(
    Family family, const KeyRange& range,
    const std::function<void(absl::string_view, absl::string_view)>& visit) {
  RocksRange entries = db_->Range(family, range);
  std::string at = range.begin;
  bool more = true;
  entries.First();
  while (more) {
    for (; entries.Valid(); entries.Next()) {
      at = std::string(entries.key());
      Count(family, at.size() + entries.value().size());
      visit(entries.key(), entries.value());
    }
    if (entries.status().ok()) return;
    const absl::StatusOr<StreamUid> uid = UidOfKey(at);
    const bool is_meta = family == Family::kMeta;
    FindError(absl::StrCat("Family ", FamilyName(family),
                           is_meta || !uid.ok()
                               ? std::string()
                               : absl::StrCat(", at or behind ", NameOf(*uid)),
                           ", entries cannot be read"),
              entries.status());
    if (is_meta) ForgetOwners();
    more = !is_meta && GoToNextUid(&entries, at);
    if (more) at = AllOf(uids_.upper_bound(*uid)->first).begin;
  }
}

std::string VerifyPass::NameOf(StreamUid uid) {
  const auto known = uids_.find(uid);
  if (known == uids_.end()) return absl::StrCat("uid ", uid);
  if (!known->second.is_stream) {
    return absl::StrCat("uid ", uid, " (a deleted stream, or none yet)");
  }
  const auto stream = ReadStream(*db_, uid);
  if (!stream.ok() || !*stream) return absl::StrCat("stream of uid ", uid);
  return absl::StrCat(
      "stream \"",
      absl::CHexEscape(
          absl::string_view((*stream)->name).substr(0, kNameShown)),
      "\" (uid ", uid, ")");
}

UidFacts* VerifyPass::OwnerOf(StreamUid uid, Family family,
                              absl::string_view key) {
  const auto known = uids_.find(uid);
  if (known != uids_.end()) return &known->second;
  if (knows_owners_ && uid != last_nobody_) {
    last_nobody_ = uid;
    Find(absl::StrCat(
        "Family ", FamilyName(family), ", key ",
        absl::BytesToHexString(key.substr(0, 64)), ": its uid ", uid,
        " is no stream's and waits for no sweep: nothing would remove it."));
  }
  return nullptr;
}

}  // namespace oxbow
