// Digests by which streams that begin alike find each other.
#ifndef OXBOW_ENGINE_BEGINNING_MARKS_H_
#define OXBOW_ENGINE_BEGINNING_MARKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "base/sha256.h"
#include "store/records.h"

namespace oxbow {

// The marks of one stream as one reader reads it. Two streams of a tenant with
// the same mark have the same tokens up to there, read by the same model; so
// their states are the same bits. If they make timelines, by the same plan: so
// are their spans. Other than that nothing needs to be the same: not the
// records, not the cuts.
//
// A value.
class BeginningMarks {
 public:
  // `reader`: "generator", "embedder". `makes_timeline`: the reader makes the
  // stream's.
  BeginningMarks(const StreamRecord& stream, std::string reader,
                 bool makes_timeline);

  StreamUid uid() const { return uid_; }
  const std::string& tenant() const { return tenant_; }
  const std::string& reader() const { return reader_; }
  bool makes_timeline() const { return plan_.has_value(); }

  // What another must have for this stream to share what came of it.
  // `id_chain`: as CheckpointHeader's.
  Digest Wanted(const Digest& id_chain) const;
  // What this stream has to offer after `token_offset` tokens: its state, and
  // if it makes a timeline, its spans.
  std::vector<Beginning> Offered(uint64_t token_offset,
                                 const Digest& id_chain) const;

 private:
  StreamUid uid_;
  std::string tenant_;
  std::string reader_;
  absl::optional<EmbeddingPlan> plan_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_BEGINNING_MARKS_H_
