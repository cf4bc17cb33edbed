#include "engine/reader.h"

#include <utility>

#include "base/check.h"
#include "engine/error_reason.h"
#include "engine/model_id.h"

namespace oxbow {
Reader::Reader(std::string name, std::unique_ptr<Model> model,
               std::unique_ptr<Tokenizer> tokenizer,
               const Scheduler::Options& options)
    : name_(std::move(name)),
      model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      id_(ModelId(*model_, *tokenizer_)),
      scheduler_(options) {}

void Reader::Submit(Run run) {
  OXBOW_CHECK(!run.tokens.empty()) << "a run without tokens";
  const uint64_t id = next_id_++;
  scheduler_.Add(id, run.priority, static_cast<int>(run.tokens.size()));
  active_[id].run = std::move(run);
}

Reader::Ran Reader::Step(int bulk_rows_max) {
  const std::vector<Scheduler::Share> shares = scheduler_.Next(bulk_rows_max);
  if (shares.empty()) return Ran();
  std::vector<Part> parts;
  const Batch batch = MakeBatch(shares, &parts);
  const Ran ran = RowsOf(parts);
  std::vector<float> hidden(batch.hidden_rows.size() * info().width);
  model_->Step(batch, absl::MakeSpan(hidden));
  Deliver(parts, hidden);
  return ran;
}

Reader::Ran Reader::RowsOf(const std::vector<Part>& parts) const {
  Ran ran;
  for (const Part& part : parts) {
    const bool bulk = active_.at(part.id).run.priority == Priority::kBulk;
    (bulk ? ran.bulk : ran.interactive) += part.count;
  }
  return ran;
}

Batch Reader::MakeBatch(const std::vector<Scheduler::Share>& shares,
                        std::vector<Part>* parts) {
  Batch batch;
  for (const Scheduler::Share& share : shares) {
    Active& active = active_.at(share.id);
    const Run& run = active.run;
    Part part;
    part.id = share.id;
    part.first = active.done;
    part.count = share.rows;
    part.hidden_row = static_cast<int>(batch.hidden_rows.size());
    part.ends = active.done + share.rows == static_cast<int>(run.tokens.size());
    for (int i = 0; i < share.rows; ++i) {
      const int row = static_cast<int>(batch.tokens.size());
      const bool is_last = part.ends && i + 1 == share.rows;
      if (run.on_rows || (is_last && run.wants_logits)) {
        batch.hidden_rows.push_back(row);
      }
      batch.tokens.push_back(run.tokens[part.first + i]);
    }
    batch.row_end.push_back(static_cast<int>(batch.tokens.size()));
    batch.slots.push_back(run.slot);
    active.done += share.rows;
    parts->push_back(part);
  }
  return batch;
}

std::vector<float> Reader::LastLogits(const std::vector<Part>& parts,
                                      const std::vector<float>& hidden) {
  const int width = info().width;
  std::vector<float> rows;
  for (const Part& part : parts) {
    const Run& run = active_.at(part.id).run;
    if (!part.ends || !run.wants_logits) continue;
    const int row = part.hidden_row + (run.on_rows ? part.count - 1 : 0);
    rows.insert(rows.end(), hidden.begin() + row * width,
                hidden.begin() + (row + 1) * width);
  }
  if (rows.empty()) return {};
  return Logits(rows);
}

void Reader::Deliver(const std::vector<Part>& parts,
                     const std::vector<float>& hidden) {
  const std::vector<float> logits = LastLogits(parts, hidden);
  const size_t vocabulary = info().vocabulary_size;
  size_t logits_row = 0;
  // A callback may submit: take what ended out of `active_` first.
  for (const Part& part : parts) {
    Active& active = active_.at(part.id);
    if (active.run.on_rows) {
      active.run.on_rows(part.first, part.count,
                         hidden.data() + part.hidden_row * info().width);
    }
    if (!part.ends) continue;
    const Run run = std::move(active.run);
    active_.erase(part.id);
    absl::Span<const float> row;
    if (run.wants_logits) {
      row = absl::MakeConstSpan(logits).subspan(logits_row++ * vocabulary,
                                                vocabulary);
    }
    run.on_done(row);
  }
}

std::vector<float> Reader::Logits(absl::Span<const float> hidden) {
  const size_t rows = hidden.size() / info().width;
  std::vector<float> logits(rows * info().vocabulary_size);
  model_->Logits(hidden, absl::MakeSpan(logits));
  return logits;
}

std::vector<float> Reader::HiddenOf(StateSlot slot) {
  std::vector<float> hidden(info().width);
  model_->HiddenOf(slot, absl::MakeSpan(hidden));
  return hidden;
}

absl::StatusOr<OwnedSlot> NewSlot(Reader& reader) {
  absl::StatusOr<StateSlot> slot = reader.model().NewState();
  if (!slot.ok() && reader.MakeRoom()) slot = reader.model().NewState();
  if (!slot.ok()) return WithReason(slot.status(), "NO_STATE_SLOT");
  return OwnedSlot(&reader.model(), *slot);
}

absl::StatusOr<OwnedSlot> CopySlot(Reader& reader, StateSlot from) {
  absl::StatusOr<OwnedSlot> copy = NewSlot(reader);
  if (copy.ok()) reader.model().CopyState(copy->get(), from);
  return copy;
}

}  // namespace oxbow
