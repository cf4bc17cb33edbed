// Makes a stream's timeline: one embedding for each span of its plan.
#ifndef OXBOW_ENGINE_TIMELINE_H_
#define OXBOW_ENGINE_TIMELINE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "engine/cursor.h"
#include "engine/engine_context.h"
#include "engine/span_splitter.h"
#include "store/records.h"

namespace oxbow {

// `vector` scaled to length 1; unchanged if it is all zero.
void Normalize(std::vector<float>* vector);

// The head a timeline and a client that names none use: "retr" if there is
// one, else the first; "" for a model without heads.
std::string DefaultHead(const ModelInfo& info);

// Listens to a live stream's cursor. With a trained head (an embedder), a
// scratch copy of the state reads the end-of-text token at the end of each
// span and the head makes the vector; the stream's own state never sees it.
// Without one, the vector is the mean of the span's hidden rows.
//
// Engine thread only. Held by shared_ptr, by its own pending work too. Borrows
// the context and the cursor; LetGo() or Stop() before they go.
class Timeline : public TokenListener,
                 public std::enable_shared_from_this<Timeline> {
 public:
  // `begin_token` and `begin_byte`: where the first span not yet stored
  // begins. `on_stored` is told of every span that is.
  Timeline(const EngineContext* context, Reader* reader, StreamUid uid,
           const EmbeddingPlan& plan, uint64_t begin_token, uint64_t begin_byte,
           std::function<void()> on_stored);

  // Goes on with a cursor that stands where the one before was let go, or at or
  // before begin_token. `scratch`: a slot for probes; unused without a head.
  void Follow(Cursor* cursor, OwnedSlot scratch);
  // Lets go of cursor and slot and remembers the open span. idle() holds.
  void LetGo();

  size_t RunLength(uint64_t token_offset,
                   const std::deque<FedToken>& decided) override;
  bool wants_hidden() const override { return !uses_head_; }
  void OnTokens(uint64_t first_offset, absl::Span<const FedToken> tokens,
                const float* hidden) override;
  void AfterRun() override;

  // The open span as if the text ended here, undecided bytes included.
  // Computed on a copy of the state; nothing is stored. nullopt: the span is
  // empty, the cursor is running, or no slot is free.
  void Partial(std::function<void(absl::optional<EmbeddingRecord>)> done);
  // Where the first span begins that is not stored, or not on its way there.
  uint64_t begin_token() const { return token_begin_; }
  uint64_t begin_byte() const { return byte_begin_; }
  // Spans up to there are stored, copied from a stream that has the same. The
  // cursor stands there or before. Nothing happens if they were made here.
  void SkipTo(uint64_t token, uint64_t byte);
  // The first span that the store refused and that waits for StoreAgain; null:
  // none does. They are kept in memory: text that makes them is not taken while
  // the disk is full.
  const EmbeddingRecord* first_unstored() const;
  // Tries to store what was refused, in order. Call now and then.
  void StoreAgain();
  // Nothing is being computed or stored.
  bool idle() const { return !probing_ && storing_ == 0; }
  // Nothing is computed any more.
  void Stop();

 private:
  struct OpenEnd {
    EmbeddingRecord record;
    std::vector<double> sum;
    OwnedSlot slot;
  };

  void CloseSpan();
  EmbeddingRecord OpenSpan() const;
  void Probe(EmbeddingRecord span, std::function<void(EmbeddingRecord)> done);
  static std::vector<float> Mean(const std::vector<double>& sum);
  std::vector<float> OfHead(StateSlot slot) const;
  void Store(EmbeddingRecord record);
  void Submit(const std::shared_ptr<const StoreBatch>& span);

  const EngineContext* const context_;
  Cursor* cursor_ = nullptr;
  Reader* const reader_;
  const StreamUid uid_;
  const bool uses_head_;
  const std::function<void()> on_stored_;
  // In order. A span is never stored before the one in front of it: who goes on
  // after a crash goes on behind the last.
  std::deque<std::shared_ptr<const StoreBatch>> unstored_;
  bool refused_ = false;
  // refused_ as the store's thread knows it; it may outlive the timeline.
  const std::shared_ptr<bool> refused_there_ = std::make_shared<bool>(false);
  OwnedSlot scratch_;
  const EmbeddingPlan plan_;
  SpanSplitter splitter_;
  uint64_t token_begin_;
  uint64_t byte_begin_;
  uint64_t token_end_;
  uint64_t byte_end_;
  std::vector<double> sum_;  // of the open span's hidden rows
  bool probing_ = false;
  int storing_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TIMELINE_H_
