#include "engine/rebuild.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "engine/check_request.h"
#include "engine/log_view.h"
#include "engine/measure_record.h"
#include "engine/model_id.h"

namespace oxbow {
namespace {

constexpr int kStreamsAPage = 1000;
constexpr size_t kLogBytesAPage = 1 << 20;
constexpr absl::Duration kLookAgain = absl::Milliseconds(2);

// A savepoint of the old store, and the stream that shall have it.
struct Label {
  std::string stream;
  std::string label;
  Position position;
};

// Waits for a callback's answer.
template <typename T>
absl::StatusOr<T> Await(const std::function<void(Callback<T>)>& ask) {
  absl::Notification given;
  absl::StatusOr<T> answer = absl::UnknownError("no answer");
  ask([&](absl::StatusOr<T> told) {
    answer = std::move(told);
    given.Notify();
  });
  given.WaitForNotification();
  return answer;
}

// What is taken from one store to the other before any model reads.
class LogCopy {
 public:
  LogCopy(StreamStore& from, StreamStore* to, const Tokenizer& tokenizer,
          int vocabulary_size)
      : from_(from),
        to_(to),
        tokenizer_(tokenizer),
        vocabulary_size_(vocabulary_size) {}

  // All streams of the tenant, parents before their forks.
  absl::StatusOr<std::vector<StreamRecord>> Streams(
      const std::string& tenant) const {
    std::vector<StreamRecord> streams;
    std::string after;
    while (true) {
      ASSIGN_OR_RETURN(std::vector<StreamRecord> page,
                       from_.ListStreams(tenant, after, kStreamsAPage));
      if (page.empty()) break;
      after = page.back().name;
      std::move(page.begin(), page.end(), std::back_inserter(streams));
    }
    std::sort(streams.begin(), streams.end(),
              [](const StreamRecord& a, const StreamRecord& b) {
                return a.uid < b.uid;
              });
    return streams;
  }

  // The logs they read, then they themselves. Uids stay.
  absl::Status Copy(const std::vector<StreamRecord>& streams) const {
    std::set<StreamUid> uids;
    for (const StreamRecord& stream : streams) {
      uids.insert(stream.uid);
      for (const Segment& segment : stream.ancestry) uids.insert(segment.uid);
    }
    if (uids.empty()) return absl::OkStatus();
    StreamUid given = 0;
    while (given <= *uids.rbegin()) {
      ASSIGN_OR_RETURN(given, to_->NewUid());
    }
    for (StreamUid uid : uids) RETURN_IF_ERROR(CopyLog(uid));
    for (const StreamRecord& stream : streams) {
      StoreBatch batch;
      batch.put_streams.push_back(stream);
      RETURN_IF_ERROR(to_->Write(batch, /*sync=*/false));
    }
    return absl::OkStatus();
  }

  // The savepoints that each stream knows. One of a parent that is still there
  // is the parent's.
  absl::StatusOr<std::vector<Label>> Labels(
      const std::vector<StreamRecord>& streams) const {
    std::set<StreamUid> named;
    for (const StreamRecord& stream : streams) named.insert(stream.uid);
    std::vector<Label> labels;
    for (const StreamRecord& stream : streams) {
      const LogView view(stream);
      for (const LogView::Part& part : view.parts()) {
        if (part.uid != stream.uid && named.count(part.uid) > 0) continue;
        ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> headers,
                         from_.ListCheckpoints(part.uid, "generator"));
        for (const CheckpointHeader& header : headers) {
          for (const Savepoint& savepoint : header.savepoints) {
            if (part.end.has_value() && *part.end < savepoint.position) {
              continue;
            }
            labels.push_back(
                {stream.name, savepoint.label, savepoint.position});
          }
        }
      }
    }
    return labels;
  }

 private:
  absl::Status CopyLog(StreamUid uid) const {
    uint64_t byte_offset = 0;
    absl::optional<uint64_t> after;
    while (true) {
      ASSIGN_OR_RETURN(std::vector<LogRecord> records,
                       from_.ReadLog(uid, byte_offset, after, kLogBytesAPage));
      if (records.empty()) return absl::OkStatus();
      StoreBatch batch;
      for (LogRecord& record : records) {
        RETURN_IF_ERROR(CheckRecord(uid, record));
        byte_offset = record.begin.byte_offset;
        after = record.sequence;
        batch.appends.push_back({uid, std::move(record)});
      }
      RETURN_IF_ERROR(to_->Write(batch, /*sync=*/false));
    }
  }

  absl::Status CheckRecord(StreamUid uid, const LogRecord& record) const {
    LogRecord measured = record;
    bool fits = CheckIds(record.ids, vocabulary_size_).ok();
    if (fits) {
      MeasureRecord(tokenizer_, &measured);
      fits = measured.End() == record.End();
    }
    if (fits) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "the log of uid ", uid, " has token ids at byte ",
        record.begin.byte_offset,
        " that the new model's tokenizer has not, or whose bytes are not as "
        "many: the new model needs the old one's tokenizer"));
  }

  StreamStore& from_;
  StreamStore* const to_;
  const Tokenizer& tokenizer_;
  const int vocabulary_size_;
};

// Takes those out that begin as imported states; their names.
std::vector<std::string> TakeImported(std::vector<StreamRecord>* streams) {
  std::vector<std::string> names;
  const auto stay = std::stable_partition(
      streams->begin(), streams->end(),
      [](const StreamRecord& stream) { return !LogView(stream).imported(); });
  for (auto it = stay; it != streams->end(); ++it) names.push_back(it->name);
  streams->erase(stay, streams->end());
  return names;
}

absl::Status Adopt(const ReaderSpec& generator,
                   const absl::optional<ReaderSpec>& embedder,
                   StreamRecord* stream) {
  stream->model_ids = {
      {"generator", ModelId(*generator.model, *generator.tokenizer)}};
  if (embedder.has_value()) {
    stream->model_ids["embedder"] =
        ModelId(*embedder->model, *embedder->tokenizer);
  }
  if (stream->plan.prefix.empty()) return absl::OkStatus();
  if (embedder.has_value()) {
    stream->plan.prefix_reader = "embedder";
  } else if (!generator.model->info().embedding_heads.empty()) {
    stream->plan.prefix_reader = "generator";
  } else {
    return absl::FailedPreconditionError(
        absl::StrCat("the plan of stream \"", stream->name,
                     "\" has a prefix, and no model is given that embeds"));
  }
  return absl::OkStatus();
}

// Lets the engine read everything once.
class EngineRun {
 public:
  EngineRun(Engine* engine, std::string tenant)
      : engine_(engine), tenant_(std::move(tenant)) {}

  absl::Status Read(const std::string& stream) {
    const StreamName name = {tenant_, stream};
    RETURN_IF_ERROR(Get(name, /*full=*/true).status());
    while (true) {  // The embedder may be behind.
      ASSIGN_OR_RETURN(const StreamInfo info, Get(name, /*full=*/false));
      if (info.applied == info.durable) return absl::OkStatus();
      absl::SleepFor(kLookAgain);
    }
  }
  absl::Status Put(const Label& label) {
    CheckpointRequest request;
    request.name = {tenant_, label.stream};
    request.at.kind = At::Kind::kPosition;
    request.at.position = label.position;
    request.label = label.label;
    return Await<CheckpointInfo>([&](Callback<CheckpointInfo> done) {
             engine_->Checkpoint(request, std::move(done));
           })
        .status();
  }
  void Drain() {
    absl::Notification drained;
    engine_->Drain([&drained]() { drained.Notify(); });
    drained.WaitForNotification();
  }

 private:
  absl::StatusOr<StreamInfo> Get(const StreamName& name, bool full) {
    return Await<StreamInfo>([&](Callback<StreamInfo> done) {
      engine_->GetStream(name, full, std::move(done));
    });
  }

  Engine* const engine_;
  const std::string tenant_;
};

}  // namespace

absl::StatusOr<RebuildReport> Rebuild(StreamStore& from, StreamStore* to,
                                      ReaderSpec generator,
                                      absl::optional<ReaderSpec> embedder,
                                      const Clock* clock,
                                      const RebuildOptions& options) {
  const LogCopy copy(from, to, *generator.tokenizer,
                     generator.model->info().vocabulary_size);
  ASSIGN_OR_RETURN(std::vector<StreamRecord> streams,
                   copy.Streams(options.tenant));
  RebuildReport report;
  report.left_out = TakeImported(&streams);
  if (!report.left_out.empty() && !options.leave_imported_out) {
    return absl::FailedPreconditionError(absl::StrCat(
        report.left_out.size(),
        " streams begin as imported states, whose text is not here to be read "
        "again: ",
        absl::StrJoin(report.left_out, ", ")));
  }
  for (StreamRecord& stream : streams) {
    RETURN_IF_ERROR(Adopt(generator, embedder, &stream));
  }
  RETURN_IF_ERROR(copy.Copy(streams));
  ASSIGN_OR_RETURN(const std::vector<Label> labels, copy.Labels(streams));

  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                   Engine::Start(options.engine, std::move(generator),
                                 std::move(embedder), to, clock));
  EngineRun run(engine.get(), options.tenant);
  for (const StreamRecord& stream : streams) {
    if (options.on_progress) {
      options.on_progress(report.streams, static_cast<int>(streams.size()));
    }
    RETURN_IF_ERROR(run.Read(stream.name));
    ++report.streams;
  }
  for (const Label& label : labels) {
    RETURN_IF_ERROR(run.Put(label));
    ++report.savepoints;
  }
  run.Drain();
  return report;
}

}  // namespace oxbow
