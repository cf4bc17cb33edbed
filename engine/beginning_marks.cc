#include "engine/beginning_marks.h"

#include <utility>

namespace oxbow {
namespace {

Digest StateMark(const Digest& id_chain) {
  Sha256Hasher hasher;
  hasher.AddSized("state");
  hasher.AddSized(AsBytes(id_chain));
  return hasher.Finish();
}

// What stands before the first byte is in the chain already.
Digest TimelineMark(const Digest& id_chain, const EmbeddingPlan& plan) {
  Sha256Hasher hasher;
  hasher.AddSized("timeline");
  hasher.AddSized(AsBytes(id_chain));
  hasher.AddNumber(static_cast<uint64_t>(plan.kind));
  hasher.AddNumber(plan.tokens);
  return hasher.Finish();
}

}  // namespace

BeginningMarks::BeginningMarks(const StreamRecord& stream, std::string reader,
                               bool makes_timeline)
    : uid_(stream.uid), tenant_(stream.tenant), reader_(std::move(reader)) {
  if (makes_timeline) plan_ = stream.plan;
}

Digest BeginningMarks::Wanted(const Digest& id_chain) const {
  return plan_.has_value() ? TimelineMark(id_chain, *plan_)
                           : StateMark(id_chain);
}

std::vector<Beginning> BeginningMarks::Offered(uint64_t token_offset,
                                               const Digest& id_chain) const {
  std::vector<Beginning> offered = {
      {uid_, tenant_, reader_, StateMark(id_chain), token_offset}};
  if (plan_.has_value()) {
    offered.push_back(
        {uid_, tenant_, reader_, TimelineMark(id_chain, *plan_), token_offset});
  }
  return offered;
}

}  // namespace oxbow
