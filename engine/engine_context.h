// What every part of the engine needs at hand.
#ifndef OXBOW_ENGINE_ENGINE_CONTEXT_H_
#define OXBOW_ENGINE_ENGINE_CONTEXT_H_

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/inbox.h"
#include "engine/reader.h"
#include "engine/state_pool.h"
#include "store/log_writer.h"
#include "store/store_worker.h"
#include "store/stream_store.h"

namespace oxbow {

// Borrowed things; the engine owns them and outlives every part.
struct EngineContext {
  EngineOptions options;
  StreamStore* store = nullptr;
  const Clock* clock = nullptr;
  Inbox* inbox = nullptr;
  LogWriter* log = nullptr;
  // Reads and checkpoints, in the order asked: who reads after a checkpoint
  // was queued finds it.
  StoreWorker* worker = nullptr;
  // Of both readers' slots: a stream has its states in both or in none.
  StatePool* pool = nullptr;
  Reader* generator = nullptr;
  Reader* embedder = nullptr;  // null: none

  Reranker* reranker = nullptr;  // of embedding_reader(); null: none

  // The reader whose model embeds: the embedder; without one the generator, if
  // it has trained heads; else null.
  Reader* embedding_reader() const {
    if (embedder != nullptr) return embedder;
    return generator->info().embedding_heads.empty() ? nullptr : generator;
  }

  // Runs `work` on the store's thread, then `done` with its result on the
  // engine thread.
  template <typename T>
  void Async(std::function<absl::StatusOr<T>()> work,
             std::function<void(absl::StatusOr<T>)> done) const {
    worker->Run(
        [work = std::move(work), done = std::move(done), to = inbox]() mutable {
          auto result = std::make_shared<absl::StatusOr<T>>(work());
          // Everything goes back, so that what it refers to also ends there.
          to->Post([work = std::exchange(work, nullptr),
                    done = std::exchange(done, nullptr),
                    result]() { done(std::move(*result)); });
        });
  }

  // Queues a synced write; `done` comes on the engine thread.
  void Log(StoreBatch batch, std::function<void(absl::Status)> done) const {
    log->Write(std::move(batch), [done = std::move(done),
                                  to = inbox](absl::Status status) mutable {
      to->Post([done = std::exchange(done, nullptr),
                status = std::move(status)]() { done(status); });
    });
  }
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_ENGINE_CONTEXT_H_
