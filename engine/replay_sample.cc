#include "engine/replay_sample.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr int kPage = 1000;

struct Sampled {
  StreamRecord stream;
  CheckpointHeader header;
};

// `count` of all checkpoints, each as likely as the others (reservoir
// sampling); those at token 0 are no function of the log.
class Reservoir {
 public:
  explicit Reservoir(const ReplaySampleOptions& options)
      : count_(options.count), random_(options.seed) {}

  void Add(const StreamRecord& stream, const CheckpointHeader& header) {
    if (header.token_offset == 0) return;
    ++seen_;
    if (sample_.size() < count_) return sample_.push_back({stream, header});
    const uint64_t place = random_() % seen_;
    if (place < count_) sample_[place] = {stream, header};
  }
  std::vector<Sampled> Take() { return std::move(sample_); }

 private:
  const size_t count_;
  std::mt19937_64 random_;
  uint64_t seen_ = 0;
  std::vector<Sampled> sample_;
};

absl::StatusOr<std::vector<Sampled>> Choose(StreamStore& store,
                                            const ReplaySampleOptions& options,
                                            const std::string& reader) {
  Reservoir reservoir(options);
  std::string after;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<StreamRecord> page,
                     store.ListStreams(options.tenant, after, kPage));
    if (page.empty()) return reservoir.Take();
    for (const StreamRecord& stream : page) {
      ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> headers,
                       store.ListCheckpoints(stream.uid, reader));
      for (const CheckpointHeader& header : headers) {
        reservoir.Add(stream, header);
      }
    }
    after = page.back().name;
  }
}

std::string Short(const std::string& state) {
  return ToHex(Sha256(state)).substr(0, 16);
}

// "" if the replay gave what is stored.
std::string Difference(const Checkpoint& stored, const Checkpoint& replayed) {
  if (stored.header.position != replayed.header.position) {
    return absl::StrCat("replaying its log ends at byte ",
                        replayed.header.position.byte_offset);
  }
  if (stored.header.id_chain != replayed.header.id_chain) {
    return "replaying its log gives other tokens";
  }
  if (stored.state == replayed.state) return "";
  return absl::StrCat("replaying its log gives another state, of digest ",
                      Short(replayed.state), ", than is stored, of digest ",
                      Short(stored.state));
}

void Compare(StreamStore& store, const Sampled& sampled,
             CheckpointReplay* replay, ReplayReport* report) {
  const CheckpointHeader& header = sampled.header;
  const std::string where = absl::StrCat(
      "The checkpoint (", header.reader, ") of stream \"", sampled.stream.name,
      "\" (uid ", header.uid, ") at token ", header.token_offset, ", byte ",
      header.position.byte_offset, ": ");
  const auto find = [&](absl::string_view what) {
    report->findings.push_back(absl::StrCat(where, what, "."));
  };
  ++report->replayed;
  const absl::StatusOr<Checkpoint> stored =
      store.ReadCheckpoint(header.uid, header.reader, header.token_offset);
  if (!stored.ok()) return find(stored.status().message());
  const absl::StatusOr<Checkpoint> replayed =
      replay->Replay(sampled.stream, header);
  if (!replayed.ok()) return find(replayed.status().message());
  const std::string difference = Difference(*stored, *replayed);
  if (!difference.empty()) find(difference);
}

absl::Status CheckModel(const Sampled& sampled, const Reader& reader) {
  if (sampled.header.model_id == reader.id()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the states of stream \"", sampled.stream.name,
                   "\" were made by model ", ToHex(sampled.header.model_id),
                   ", and the one given with its tokenizer "
                   "is ",
                   ToHex(reader.id())));
}

}  // namespace

absl::StatusOr<ReplayReport> ReplaySample(StreamStore& store,
                                          const ReplaySampleOptions& options,
                                          CheckpointReplay* replay) {
  const Reader& reader = replay->reader();
  ASSIGN_OR_RETURN(const std::vector<Sampled> sample,
                   Choose(store, options, reader.name()));
  ReplayReport report;
  int done = 0;
  for (const Sampled& sampled : sample) {
    if (options.on_progress) {
      options.on_progress(done++, static_cast<int>(sample.size()));
    }
    RETURN_IF_ERROR(CheckModel(sampled, reader));
    if (sampled.header.numerics_id != reader.info().numerics_id) {
      ++report.other_numerics;
      continue;
    }
    Compare(store, sampled, replay, &report);
  }
  return report;
}

}  // namespace oxbow
