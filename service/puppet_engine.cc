#include "service/puppet_engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "service/puppet_text.h"

namespace oxbow {
namespace {

constexpr int kQueueMax = 1 << 20;
constexpr int kSpansPerPage = 3;  // few, so that every test turns pages

absl::Status NoStream(const StreamName& name) {
  return WithReason(
      absl::NotFoundError(absl::StrCat("no stream ", name.stream)),
      "NO_STREAM");
}

}  // namespace

PuppetEngine::PuppetEngine()
    : id_(Sha256("puppet model")),
      tokenizer_(NewPuppetTokenizer()),
      thread_(kQueueMax) {
  info_.version = "puppet";
  info_.width = kPuppetDimensions;
  info_.vocabulary_size = 257;
  info_.has_lm_head = true;
}

void PuppetEngine::set_endless(bool endless) {
  absl::MutexLock lock(&mu_);
  endless_ = endless;
}

std::shared_ptr<PuppetAppend> PuppetEngine::session(int number) {
  absl::MutexLock lock(&mu_);
  const auto opened = [this, number] {
    return static_cast<int>(sessions_.size()) > number;
  };
  mu_.Await(absl::Condition(&opened));
  return sessions_[number];
}

std::string PuppetEngine::text(const std::string& stream) {
  absl::MutexLock lock(&mu_);
  PuppetStream* const found = Find({"default", stream});
  return found == nullptr ? "" : found->text;
}

void PuppetEngine::set_text(const std::string& stream,
                            const std::string& text) {
  absl::MutexLock lock(&mu_);
  auto& slot = streams_[stream];
  if (slot == nullptr) slot = std::make_unique<PuppetStream>();
  slot->info.name.stream = stream;
  slot->text = text;
}

int PuppetEngine::cancelled_count() {
  absl::MutexLock lock(&mu_);
  return cancelled_count_;
}

absl::Status PuppetEngine::Allow(const std::string& method) {
  if (on_request != nullptr) RETURN_IF_ERROR(on_request(method));
  absl::MutexLock lock(&mu_);
  if (!draining_) return absl::OkStatus();
  return WithReason(absl::UnavailableError("draining"), "DRAINING");
}

template <typename T>
void PuppetEngine::Answer(const std::string& method, Callback<T> done,
                          std::function<absl::StatusOr<T>()> answer) {
  OXBOW_CHECK_OK(thread_.Run([this, method, done, answer] {
    const absl::Status allowed = Allow(method);
    if (!allowed.ok()) return done(allowed);
    absl::StatusOr<T> reply = absl::UnknownError("not answered");
    {
      absl::MutexLock lock(&mu_);
      reply = answer();
    }
    done(std::move(reply));
  }));
}

PuppetStream* PuppetEngine::Find(const StreamName& name) {
  const auto found = streams_.find(name.stream);
  return found == streams_.end() ? nullptr : found->second.get();
}

absl::StatusOr<uint64_t> PuppetEngine::Locate(const PuppetStream& stream,
                                              const At& at) {
  if (at.kind == At::Kind::kHead) return stream.text.size();
  if (at.kind == At::Kind::kLabel) return absl::NotFoundError("no label");
  if (at.offset <= stream.text.size()) return at.offset;
  return WithReason(absl::OutOfRangeError("past the end"), "PAST_END");
}

StreamInfo PuppetEngine::InfoOf(const PuppetStream& stream) {
  StreamInfo info = stream.info;
  info.durable = info.applied = {stream.text.size(), 0};
  info.token_offset = stream.text.size();
  return info;
}

void PuppetEngine::CreateStream(CreateStreamRequest request,
                                Callback<StreamInfo> done) {
  Answer<StreamInfo>("CreateStream", std::move(done), [this, request] {
    PuppetStream* const found = Find(request.name);
    if (found != nullptr && !(found->info.plan == request.plan)) {
      return absl::StatusOr<StreamInfo>(
          WithReason(absl::AlreadyExistsError("taken"), "STREAM_EXISTS"));
    }
    auto& slot = streams_[request.name.stream];
    if (slot == nullptr) slot = std::make_unique<PuppetStream>();
    slot->info.name = request.name;
    slot->info.labels = request.labels;
    slot->info.plan = request.plan;
    slot->info.expires = absl::InfiniteFuture();
    return absl::StatusOr<StreamInfo>(InfoOf(*slot));
  });
}

void PuppetEngine::GetStream(StreamName name, bool full,
                             Callback<StreamInfo> done) {
  Answer<StreamInfo>("GetStream", std::move(done),
                     [this, name, full]() -> absl::StatusOr<StreamInfo> {
                       PuppetStream* const stream = Find(name);
                       if (stream == nullptr) return NoStream(name);
                       StreamInfo info = InfoOf(*stream);
                       if (full) info.state_digest = Sha256(stream->text);
                       return info;
                     });
}

void PuppetEngine::ListStreams(std::string tenant, std::string after, int limit,
                               Callback<std::vector<StreamInfo>> done) {
  Answer<std::vector<StreamInfo>>(
      "ListStreams", std::move(done), [this, after, limit] {
        std::vector<StreamInfo> infos;
        for (auto it = streams_.upper_bound(after);
             it != streams_.end() && static_cast<int>(infos.size()) < limit;
             ++it) {
          infos.push_back(InfoOf(*it->second));
        }
        return absl::StatusOr<std::vector<StreamInfo>>(infos);
      });
}

void PuppetEngine::DeleteStream(StreamName name, Callback<bool> done) {
  Answer<bool>("DeleteStream", std::move(done),
               [this, name]() -> absl::StatusOr<bool> {
                 if (streams_.erase(name.stream) == 0) return NoStream(name);
                 return true;
               });
}

std::shared_ptr<AppendSession> PuppetEngine::OpenAppend(
    StreamName name, absl::optional<Position> last_durable,
    AppendSession::Observer* observer) {
  std::shared_ptr<PuppetAppend> session;
  {
    absl::MutexLock lock(&mu_);
    session = std::make_shared<PuppetAppend>(&thread_, &mu_, Find(name),
                                             &append_script_, observer);
    sessions_.push_back(session);
  }
  session->Open(last_durable);
  return session;
}

void PuppetEngine::Embed(EmbedRequest request, Callback<EmbedReply> done) {
  Answer<EmbedReply>(
      "Embed", std::move(done),
      [this, request]() -> absl::StatusOr<EmbedReply> {
        EmbedReply reply;
        reply.pooling = request.pooling;
        for (const std::string& text : request.texts) {
          reply.vectors.push_back(CountLetters(text));
        }
        for (const std::vector<int>& ids : request.ids) {
          reply.vectors.push_back(
              CountLetters(std::string(ids.begin(), ids.end())));
        }
        if (!request.name.has_value()) return reply;
        PuppetStream* const stream = Find(*request.name);
        if (stream == nullptr) return NoStream(*request.name);
        ASSIGN_OR_RETURN(const uint64_t at, Locate(*stream, request.at));
        reply.point = {{at, 0}, at};
        reply.vectors.push_back(CountLetters(stream->text.substr(0, at)));
        return reply;
      });
}

void PuppetEngine::Rerank(RerankRequest request, Callback<RerankReply> done) {
  Answer<RerankReply>(
      "Rerank", std::move(done),
      [this, request]() -> absl::StatusOr<RerankReply> {
        RerankReply reply;
        const std::string query = request.query.empty()
                                      ? std::string(request.query_ids.begin(),
                                                    request.query_ids.end())
                                      : request.query;
        for (const StreamPoint& point : request.streams) {
          PuppetStream* const stream = Find(point.name);
          if (stream == nullptr) return NoStream(point.name);
          ASSIGN_OR_RETURN(const uint64_t at, Locate(*stream, point.at));
          const std::string text = stream->text.substr(0, at);
          RankedStream ranked;
          ranked.name = point.name;
          ranked.index = static_cast<int>(reply.ranked.size());
          for (size_t i = text.find(query); i != std::string::npos;
               i = text.find(query, i + 1)) {
            ++ranked.logit;
          }
          ranked.score = RankScore(ranked.logit);
          ranked.point = {{at, 0}, at};
          ranked.plain = stream->info.plan.prefix.empty();
          reply.ranked.push_back(std::move(ranked));
        }
        std::stable_sort(reply.ranked.begin(), reply.ranked.end(),
                         [](const RankedStream& a, const RankedStream& b) {
                           return a.logit > b.logit;
                         });
        return reply;
      });
}

void PuppetEngine::ReadEmbeddings(ReadEmbeddingsRequest request,
                                  Callback<ReadEmbeddingsReply> done) {
  if (request.follow && !*request.cancelled) {
    // There is never more: look again until the client is gone.
    const absl::Status allowed = Allow("ReadEmbeddings");
    if (!allowed.ok()) return done(allowed);
    OXBOW_CHECK_OK(
        thread_.Run([this, request, done] { ReadEmbeddings(request, done); }));
    return;
  }
  Answer<ReadEmbeddingsReply>(
      "ReadEmbeddings", std::move(done),
      [this, request]() -> absl::StatusOr<ReadEmbeddingsReply> {
        if (*request.cancelled) {
          ++cancelled_count_;
          return absl::CancelledError("the client is gone");
        }
        PuppetStream* const stream = Find(request.name);
        if (stream == nullptr) return NoStream(request.name);
        ReadEmbeddingsReply reply;
        reply.at_end = true;
        const uint64_t step = stream->info.plan.tokens;
        const uint64_t size = stream->text.size();
        reply.applied = {{size, 0}, size};
        if (step == 0) {
          return WithReason(absl::FailedPreconditionError("no plan"),
                            "NO_PLAN");
        }
        uint64_t begin = (request.from_token + step - 1) / step * step;
        for (; begin < size; begin += step) {
          if (reply.entries.size() == kSpansPerPage) {
            reply.at_end = false;
            break;
          }
          const uint64_t end = std::min(begin + step, size);
          TimelineEntry entry;
          entry.partial = end - begin < step;
          if (entry.partial && !request.partial) break;
          entry.record = {begin, end, begin, end,
                          CountLetters(stream->text.substr(begin, step))};
          reply.entries.push_back(std::move(entry));
        }
        return reply;
      });
}

void PuppetEngine::Score(ScoreRequest request, Callback<ScoreReply> done) {
  Answer<ScoreReply>("Score", std::move(done),
                     [this, request]() -> absl::StatusOr<ScoreReply> {
                       PuppetStream* const stream = Find(request.name);
                       if (stream == nullptr) return NoStream(request.name);
                       ASSIGN_OR_RETURN(const uint64_t at,
                                        Locate(*stream, request.at));
                       ScoreReply reply;
                       reply.point = {{at, 0}, at};
                       std::vector<std::vector<int>> lists = request.ids;
                       for (const std::string& text : request.texts) {
                         lists.push_back(oxbow::Tokenize(*tokenizer_, text));
                       }
                       for (const std::vector<int>& ids : lists) {
                         ScoredText score;
                         for (const int id : ids)
                           score.tokens.push_back({id, -1.0f});
                         score.logprob = -static_cast<double>(ids.size());
                         reply.scores.push_back(std::move(score));
                       }
                       return reply;
                     });
}

void PuppetEngine::Fork(ForkRequest request, Callback<StreamInfo> done) {
  Answer<StreamInfo>(
      "Fork", std::move(done), [this, request]() -> absl::StatusOr<StreamInfo> {
        PuppetStream* const from = Find(request.from);
        if (from == nullptr) return NoStream(request.from);
        ASSIGN_OR_RETURN(const uint64_t at, Locate(*from, request.at));
        auto child = std::make_unique<PuppetStream>();
        child->info.name = request.to;
        child->info.forked_from = request.from.stream;
        child->info.fork_position = {at, 0};
        child->text = from->text.substr(0, at);
        const StreamInfo info = InfoOf(*child);
        streams_[request.to.stream] = std::move(child);
        return info;
      });
}

void PuppetEngine::Checkpoint(CheckpointRequest request,
                              Callback<CheckpointInfo> done) {
  Answer<CheckpointInfo>(
      "Checkpoint", std::move(done),
      [this, request]() -> absl::StatusOr<CheckpointInfo> {
        PuppetStream* const stream = Find(request.name);
        if (stream == nullptr) return NoStream(request.name);
        ASSIGN_OR_RETURN(const uint64_t at, Locate(*stream, request.at));
        CheckpointInfo info;
        info.position = {at, 0};
        info.token_offset = at;
        info.created = absl::UnixEpoch();
        if (!request.label.empty()) info.labels.push_back(request.label);
        info.state_digest = Sha256(stream->text.substr(0, at));
        checkpoints_[request.name.stream].push_back(info);
        return info;
      });
}

void PuppetEngine::ExportState(ExportStateRequest request,
                               Callback<std::string> done) {
  Answer<std::string>("ExportState", std::move(done),
                      [this, request]() -> absl::StatusOr<std::string> {
                        PuppetStream* const stream = Find(request.name);
                        if (stream == nullptr) return NoStream(request.name);
                        ASSIGN_OR_RETURN(const uint64_t at,
                                         Locate(*stream, request.at));
                        return stream->text.substr(0, at);
                      });
}

void PuppetEngine::ImportState(ImportStateRequest request,
                               Callback<StreamInfo> done) {
  Answer<StreamInfo>("ImportState", std::move(done),
                     [this, request]() -> absl::StatusOr<StreamInfo> {
                       auto stream = std::make_unique<PuppetStream>();
                       stream->info.name = request.create.name;
                       stream->info.labels = request.create.labels;
                       stream->text = request.file;
                       const StreamInfo info = InfoOf(*stream);
                       streams_[info.name.stream] = std::move(stream);
                       return info;
                     });
}

void PuppetEngine::ListCheckpoints(StreamName name,
                                   Callback<std::vector<CheckpointInfo>> done) {
  using Infos = std::vector<CheckpointInfo>;
  Answer<Infos>("ListCheckpoints", std::move(done),
                [this, name]() -> absl::StatusOr<Infos> {
                  if (Find(name) == nullptr) return NoStream(name);
                  return checkpoints_[name.stream];
                });
}

void PuppetEngine::DeleteCheckpoint(StreamName name, std::string label,
                                    Callback<bool> done) {
  Answer<bool>("DeleteCheckpoint", std::move(done),
               [this, name]() -> absl::StatusOr<bool> {
                 if (Find(name) == nullptr) return NoStream(name);
                 checkpoints_[name.stream].clear();
                 return true;
               });
}

void PuppetEngine::ReadText(ReadTextRequest request,
                            Callback<ReadTextReply> done) {
  Answer<ReadTextReply>(
      "ReadText", std::move(done),
      [this, request]() -> absl::StatusOr<ReadTextReply> {
        PuppetStream* const stream = Find(request.name);
        if (stream == nullptr) return NoStream(request.name);
        ReadTextReply reply;
        reply.durable = stream->text.size();
        const uint64_t end = request.to_byte.value_or(reply.durable);
        if (end > reply.durable || request.from_byte > end) {
          return WithReason(absl::OutOfRangeError("past the end"), "PAST_END");
        }
        reply.byte_offset = request.from_byte;
        // Small pieces, so that every test turns pages.
        reply.text = stream->text.substr(
            request.from_byte,
            std::min<uint64_t>(end - request.from_byte, 1000));
        return reply;
      });
}

void PuppetEngine::Drain(std::function<void()> done) {
  OXBOW_CHECK_OK(thread_.Run([this, done] {
    {
      absl::MutexLock lock(&mu_);
      draining_ = true;
    }
    done();
  }));
}

}  // namespace oxbow
