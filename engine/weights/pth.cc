#include "engine/weights/pth.h"

#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/internal/endian.h"
#include "absl/container/flat_hash_set.h"
#include "absl/memory/memory.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/weights/pickle.h"

namespace oxbow {
namespace {

constexpr int64_t kPickleBytesMax = int64_t{8} << 20;
// Each tensor's storage and a handful of small files.
constexpr uint64_t kZipEntriesMax = kTensorsMax + 64;
constexpr uint64_t kDirectoryBytesMax = uint64_t{16} << 20;

struct CloseZip {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Zip = std::unique_ptr<zip_t, CloseZip>;

struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};

// libzip allocates what the end record of the archive says: look first.
absl::Status CheckEndRecord(const InputFile& file) {
  constexpr int kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56;
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(), ": bad zip archive: ", why));
  };
  if (file.size() < kEndBytes) return bad("the file is too short");
  char end[kEndBytes];
  RETURN_IF_ERROR(file.ReadAt(file.size() - kEndBytes, absl::MakeSpan(end)));
  if (absl::string_view(end, 4) != "PK\5\6" ||
      absl::little_endian::Load16(end + 20) != 0) {
    return bad("it does not end in an end record");
  }
  uint64_t entries = absl::little_endian::Load16(end + 10);
  uint64_t directory_bytes = absl::little_endian::Load32(end + 12);
  const int64_t locator_at = file.size() - kEndBytes - kLocatorBytes;
  char locator[kLocatorBytes] = {};
  if (locator_at >= 0) {
    RETURN_IF_ERROR(file.ReadAt(locator_at, absl::MakeSpan(locator)));
  }
  if (absl::string_view(locator, 4) == "PK\6\7") {
    const uint64_t at = absl::little_endian::Load64(locator + 8);
    if (locator_at < kEnd64Bytes ||
        at > static_cast<uint64_t>(locator_at - kEnd64Bytes)) {
      return bad("its zip64 end record is outside the file");
    }
    char end64[kEnd64Bytes];
    RETURN_IF_ERROR(file.ReadAt(at, absl::MakeSpan(end64)));
    if (absl::string_view(end64, 4) != "PK\6\6") {
      return bad("its zip64 end record is damaged");
    }
    entries = absl::little_endian::Load64(end64 + 32);
    directory_bytes = absl::little_endian::Load64(end64 + 40);
  }
  if (entries > kZipEntriesMax || directory_bytes > kDirectoryBytesMax) {
    return bad(absl::StrCat(entries, " entries in ", directory_bytes,
                            " bytes of directory are too many"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Zip> OpenZip(const InputFile& file) {
  RETURN_IF_ERROR(CheckEndRecord(file));
  const int descriptor = dup(file.descriptor());
  if (descriptor < 0) {
    return absl::ResourceExhaustedError("too many open files");
  }
  int code = 0;
  zip_t* archive = zip_fdopen(descriptor, ZIP_CHECKCONS, &code);
  if (archive == nullptr) {
    close(descriptor);
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(), ": bad zip archive: ", why));
  }
  return Zip(archive);
}

// A storage's place in the archive.
struct View {
  uint64_t entry = 0;
  int64_t offset_bytes = 0;
  int64_t storage_bytes = 0;
};

class Pth : public TensorSource {
 public:
  Pth(InputFile file, Zip zip)
      : path_(file.path()), file_(std::move(file)), zip_(std::move(zip)) {}

  absl::Span<const TensorEntry> entries() const override { return entries_; }
  SourceFacts facts() const override { return facts_; }
  absl::Status Read(int index, absl::Span<char> bytes) override;

  // Finds the pickle and takes over the tensors it describes.
  absl::Status AddAll();

 private:
  // The size of an entry that is stored as it is.
  absl::StatusOr<int64_t> StoredBytes(uint64_t entry) const;
  absl::Status ReadEntry(uint64_t entry, int64_t offset, absl::Span<char> bytes,
                         bool to_end);
  // Finds "NAME/data.pkl" and sets prefix_ to "NAME/".
  absl::StatusOr<uint64_t> FindPickle();
  absl::Status CheckByteOrder();
  absl::Status Add(const PickledTensor& tensor);
  absl::Status Bad(absl::string_view why) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", why));
  }

  std::string path_;
  InputFile file_;
  Zip zip_;
  std::string prefix_;
  std::vector<TensorEntry> entries_;
  std::vector<View> views_;
  SourceFacts facts_;
};

absl::StatusOr<int64_t> Pth::StoredBytes(uint64_t entry) const {
  zip_stat_t info;
  zip_stat_init(&info);
  constexpr zip_uint64_t kWanted =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_NAME;
  if (zip_stat_index(zip_.get(), entry, 0, &info) != 0 ||
      (info.valid & kWanted) != kWanted) {
    return Bad(absl::StrCat("zip entry ", entry, " is damaged"));
  }
  const bool is_plain = (info.valid & ZIP_STAT_ENCRYPTION_METHOD) == 0 ||
                        info.encryption_method == ZIP_EM_NONE;
  if (info.comp_method != ZIP_CM_STORE || !is_plain ||
      info.size != info.comp_size ||
      info.size > static_cast<uint64_t>(file_.size())) {
    return Bad(absl::StrCat("zip entry '", absl::CEscape(info.name),
                            "' is not stored as it is"));
  }
  return static_cast<int64_t>(info.size);
}

absl::Status Pth::ReadEntry(uint64_t entry, int64_t offset,
                            absl::Span<char> bytes, bool to_end) {
  const std::unique_ptr<zip_file_t, CloseEntry> open(
      zip_fopen_index(zip_.get(), entry, 0));
  if (open == nullptr ||
      (offset != 0 && zip_fseek(open.get(), offset, SEEK_SET) != 0)) {
    return Bad(absl::StrCat("zip entry ", entry,
                            " cannot be read: ", zip_strerror(zip_.get())));
  }
  size_t done = 0;
  while (done < bytes.size()) {
    const zip_int64_t got =
        zip_fread(open.get(), bytes.data() + done, bytes.size() - done);
    if (got <= 0) {
      return Bad(absl::StrCat("zip entry ", entry, " cannot be read: ",
                              zip_file_strerror(open.get())));
    }
    done += got;
  }
  // libzip compares the checksum when it meets the end.
  char more;
  if (to_end && zip_fread(open.get(), &more, 1) != 0) {
    return Bad(absl::StrCat("zip entry ", entry,
                            " is damaged: ", zip_file_strerror(open.get())));
  }
  return absl::OkStatus();
}

absl::Status Pth::Read(int index, absl::Span<char> bytes) {
  const View& view = views_[index];
  const bool is_whole =
      view.offset_bytes == 0 &&
      view.storage_bytes == static_cast<int64_t>(bytes.size());
  return ReadEntry(view.entry, view.offset_bytes, bytes, is_whole);
}

absl::StatusOr<uint64_t> Pth::FindPickle() {
  constexpr absl::string_view kPickle = "/data.pkl";
  const int64_t count = zip_get_num_entries(zip_.get(), 0);
  for (int64_t entry = 0; entry < count; ++entry) {
    const char* name = zip_get_name(zip_.get(), entry, ZIP_FL_ENC_RAW);
    if (name == nullptr) return Bad("a zip entry has no name");
    if (absl::EndsWith(name, kPickle)) {
      prefix_ = std::string(name, strlen(name) - kPickle.size() + 1);
      return static_cast<uint64_t>(entry);
    }
  }
  return Bad("a zip archive without data.pkl: not a torch file");
}

absl::Status Pth::CheckByteOrder() {
  const int64_t entry = zip_name_locate(
      zip_.get(), absl::StrCat(prefix_, "byteorder").c_str(), ZIP_FL_ENC_RAW);
  if (entry < 0) return absl::OkStatus();  // Older files have none.
  ASSIGN_OR_RETURN(const int64_t size, StoredBytes(entry));
  std::string order(std::min<int64_t>(size, 16), '\0');
  RETURN_IF_ERROR(
      ReadEntry(entry, 0, absl::MakeSpan(order.data(), order.size()), false));
  if (order != "little") {
    return Bad(
        absl::StrCat("byte order '", absl::CEscape(order), "', want little"));
  }
  return absl::OkStatus();
}

absl::Status Pth::Add(const PickledTensor& tensor) {
  const std::string name = absl::CEscape(tensor.name);
  if (name.empty() || name.size() > kNameBytesMax) {
    return Bad(absl::StrCat("a tensor's name has ", name.size(),
                            " bytes, want 1 to ", kNameBytesMax));
  }
  RETURN_IF_ERROR(CheckShape(name, tensor.dtype, tensor.shape));
  if (tensor.strides.size() != tensor.shape.size()) {
    return Bad(absl::StrCat(name, ": strides ", ShapeText(tensor.strides),
                            " for shape ", ShapeText(tensor.shape)));
  }
  int64_t step = 1;
  for (int i = static_cast<int>(tensor.shape.size()) - 1; i >= 0; --i) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != step) {
      return Bad(absl::StrCat(name, ": strides ", ShapeText(tensor.strides),
                              " of shape ", ShapeText(tensor.shape),
                              " are not contiguous"));
    }
    step *= tensor.shape[i];
  }
  const std::string storage =
      absl::StrCat(prefix_, "data/", tensor.storage_key);
  const int64_t entry =
      zip_name_locate(zip_.get(), storage.c_str(), ZIP_FL_ENC_RAW);
  if (entry < 0) {
    return Bad(absl::StrCat(name, ": its storage '",
                            absl::CEscape(tensor.storage_key),
                            "' is not in the archive"));
  }
  ASSIGN_OR_RETURN(const int64_t storage_bytes, StoredBytes(entry));
  TensorEntry added{name, tensor.dtype, tensor.shape};
  const int64_t number_bytes = BytesPerBlock(tensor.dtype);
  const int64_t storage_count = storage_bytes / number_bytes;
  if (tensor.storage_count != storage_count ||
      storage_bytes % number_bytes != 0) {
    return Bad(absl::StrCat(name, ": its storage has ", storage_bytes,
                            " bytes, the pickle says ", tensor.storage_count,
                            " numbers of ", number_bytes));
  }
  if (tensor.offset < 0 || tensor.offset > storage_count ||
      added.Count() > storage_count - tensor.offset) {
    return Bad(absl::StrCat(name, ": ", added.Count(), " numbers from ",
                            tensor.offset, " on leave its storage of ",
                            storage_count));
  }
  entries_.push_back(std::move(added));
  views_.push_back({static_cast<uint64_t>(entry), tensor.offset * number_bytes,
                    storage_bytes});
  return absl::OkStatus();
}

absl::Status Pth::AddAll() {
  ASSIGN_OR_RETURN(const uint64_t entry, FindPickle());
  ASSIGN_OR_RETURN(const int64_t size, StoredBytes(entry));
  if (size > kPickleBytesMax) {
    return Bad(absl::StrCat("a pickle of ", size, " bytes, at most ",
                            kPickleBytesMax, " are read"));
  }
  std::string pickle(size, '\0');
  RETURN_IF_ERROR(
      ReadEntry(entry, 0, absl::MakeSpan(pickle.data(), pickle.size()), true));
  RETURN_IF_ERROR(CheckByteOrder());
  absl::StatusOr<PickledFile> pickled = ReadPickle(pickle);
  if (!pickled.ok()) return Bad(pickled.status().message());
  facts_.reranker_layers = std::move(pickled->reranker_layers);
  absl::flat_hash_set<std::string> names;
  for (const PickledTensor& tensor : pickled->tensors) {
    RETURN_IF_ERROR(Add(tensor));
    if (!names.insert(entries_.back().name).second) {
      return Bad(absl::StrCat(entries_.back().name, ": is there twice"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool LooksLikeZip(const InputFile& file) {
  char magic[4];
  return file.ReadAt(0, absl::MakeSpan(magic)).ok() &&
         absl::string_view(magic, 4) == "PK\3\4";
}

absl::StatusOr<std::unique_ptr<TensorSource>> OpenPth(InputFile file) {
  ASSIGN_OR_RETURN(Zip zip, OpenZip(file));
  auto source = absl::make_unique<Pth>(std::move(file), std::move(zip));
  RETURN_IF_ERROR(source->AddAll());
  return std::unique_ptr<TensorSource>(std::move(source));
}

}  // namespace oxbow
