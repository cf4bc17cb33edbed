// An Append session of the puppet engine.
#ifndef OXBOW_SERVICE_PUPPET_APPEND_H_
#define OXBOW_SERVICE_PUPPET_APPEND_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "engine/engine.h"
#include "service/tokenize_worker.h"

namespace oxbow {

// One stream of the puppet: its text is all there is.
struct PuppetStream {
  StreamInfo info;
  std::string text;
};

// How sessions behave. A test may change it while calls run.
struct PuppetAppendScript {
  // The test says when: acks, OnReady and the end come by Ack(), Ready() and
  // End() only, and chunks are only recorded.
  bool by_hand = false;
  // After so many bytes of one stream the session ends with Unavailable, as
  // when a server goes away; 0: never. Used up when it happens.
  uint64_t break_after_bytes = 0;
  // What the stream holds after that, if it is not what was appended.
  absl::optional<std::string> text_after_break;
};

// Keeps append's contract for text: repeats are no-ops, gaps and conflicts
// errors. Everything happens on the puppet's thread, as in the real engine.
class PuppetAppend : public AppendSession,
                     public std::enable_shared_from_this<PuppetAppend> {
 public:
  // All borrowed; `stream` may be null: there is none of that name.
  PuppetAppend(TokenizeWorker* thread, absl::Mutex* mu, PuppetStream* stream,
               PuppetAppendScript* script, Observer* observer);

  void Open(absl::optional<Position> last_durable);
  void Write(AppendChunk chunk) override;
  void Close() override;
  void Cancel() override;

  // By hand.
  void Ack(uint64_t durable_bytes);
  void Ready();
  void End(const absl::Status& status);

  // What was seen; safe from any thread.
  std::vector<AppendChunk> chunks() const;
  bool closed() const;
  bool cancelled() const;

 private:
  void Post(std::function<void()> work);
  AppendAck NewAck() const;
  absl::Status Apply(const AppendChunk& chunk);
  void Finish(const absl::Status& status);  // on the thread

  TokenizeWorker* const thread_;
  absl::Mutex* const mu_;  // the engine's, guards everything below
  PuppetStream* const stream_;
  PuppetAppendScript* const script_;
  Observer* const observer_;
  std::vector<AppendChunk> chunks_;
  bool closed_ = false;
  bool cancelled_ = false;
  bool ended_ = false;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_PUPPET_APPEND_H_
