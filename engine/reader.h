// A model with its tokenizer, reading many streams: the place where waiting
// tokens become steps.
#ifndef OXBOW_ENGINE_READER_H_
#define OXBOW_ENGINE_READER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/bulk_share.h"
#include "engine/log_view.h"
#include "engine/model/model.h"
#include "engine/scheduler.h"
#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

// Tokens to be run on one slot. The slot is the run's until `on_done`.
struct Run {
  StateSlot slot = 0;
  std::vector<int> tokens;  // at least one
  Priority priority = Priority::kBulk;
  // Called with the hidden rows of tokens first .. first+count-1, [count,D],
  // after each step that ran some of them. May be empty.
  std::function<void(int first, int count, const float* hidden)> on_rows;
  // Called once after the last token. `logits` is [V] of that token if asked
  // for, else empty.
  bool wants_logits = false;
  std::function<void(absl::Span<const float> logits)> on_done;
};

// Engine thread only.
class Reader {
 public:
  // Rows of a step.
  struct Ran {
    int interactive = 0;
    int bulk = 0;
  };

  // `name` is how the store knows it: "generator" or "embedder".
  Reader(std::string name, std::unique_ptr<Model> model,
         std::unique_ptr<Tokenizer> tokenizer,
         const Scheduler::Options& options);

  const std::string& name() const { return name_; }
  Model& model() { return *model_; }
  const ModelInfo& info() const { return model_->info(); }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  // What an embedder reads behind a text: EmbeddingRWKV's end-of-text token,
  // the last id of the vocabulary.
  int end_of_text() const { return info().vocabulary_size - 1; }
  // Digest over weights and tokenizer: what a state belongs to.
  const Digest& id() const { return id_; }
  // The generator's ids are what `tokens` records hold.
  IdsAre ids_are() const {
    return name_ == "generator" ? IdsAre::kIds : IdsAre::kText;
  }

  // Queues a run; its callbacks come from Step(). They may queue more.
  void Submit(Run run);
  bool idle() const { return scheduler_.empty(); }
  BulkShare::Waiting waiting() const {
    return {scheduler_.interactive_rows(), scheduler_.decode_rows(),
            scheduler_.has_bulk()};
  }
  // Runs one step, with at most so many bulk rows. No rows: there was nothing
  // to do.
  Ran Step(int bulk_rows_max);
  // `make_room` frees a slot of the model if it can, and says whether it did.
  void set_make_room(std::function<bool()> make_room) {
    make_room_ = std::move(make_room);
  }
  bool MakeRoom() const { return make_room_ && make_room_(); }
  // Lets go of every run, uncalled: what they hold ends while all readers are
  // still there. No step comes after it.
  void DropRuns() { active_.clear(); }

  // Logits [n,V] of hidden rows [n,D].
  std::vector<float> Logits(absl::Span<const float> hidden);
  std::vector<float> HiddenOf(StateSlot slot);

 private:
  struct Active {
    Run run;
    int done = 0;
  };
  struct Part {  // one sequence's rows in a step
    uint64_t id;
    int first;  // token
    int count;
    int hidden_row;  // its first hidden row in the step's output
    bool ends;
  };

  Batch MakeBatch(const std::vector<Scheduler::Share>& shares,
                  std::vector<Part>* parts);
  Ran RowsOf(const std::vector<Part>& parts) const;
  void Deliver(const std::vector<Part>& parts,
               const std::vector<float>& hidden);
  std::vector<float> LastLogits(const std::vector<Part>& parts,
                                const std::vector<float>& hidden);

  const std::string name_;
  const std::unique_ptr<Model> model_;
  const std::unique_ptr<Tokenizer> tokenizer_;
  Digest id_;
  Scheduler scheduler_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, Active> active_;
  std::function<bool()> make_room_;
};

// A slot that gives itself back. Movable.
class OwnedSlot {
 public:
  OwnedSlot() = default;
  OwnedSlot(Model* model, StateSlot slot) : model_(model), slot_(slot) {}
  ~OwnedSlot() { Reset(); }
  OwnedSlot(OwnedSlot&& other) noexcept { *this = std::move(other); }
  OwnedSlot& operator=(OwnedSlot&& other) noexcept {
    if (this == &other) return *this;
    Reset();
    model_ = other.model_;
    slot_ = other.slot_;
    other.model_ = nullptr;
    return *this;
  }

  bool empty() const { return model_ == nullptr; }
  StateSlot get() const { return slot_; }
  void Reset() {
    if (model_ != nullptr) model_->FreeState(slot_);
    model_ = nullptr;
  }

 private:
  Model* model_ = nullptr;
  StateSlot slot_ = 0;
};

// A new slot with the initial state; the states of a stream at rest go to the
// store if need be. ResourceExhausted/NO_STATE_SLOT.
absl::StatusOr<OwnedSlot> NewSlot(Reader& reader);
// A new slot with a copy of `from`'s state.
absl::StatusOr<OwnedSlot> CopySlot(Reader& reader, StateSlot from);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_READER_H_
