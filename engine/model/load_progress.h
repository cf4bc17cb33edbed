// Tells how far the loading of a model is, if it takes long.
#ifndef OXBOW_ENGINE_MODEL_LOAD_PROGRESS_H_
#define OXBOW_ENGINE_MODEL_LOAD_PROGRESS_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "base/clock.h"

namespace oxbow {

// Silent for two seconds, then a line a second; on a terminal one line that
// is redrawn. Thread-compatible.
class LoadProgress {
 public:
  // Borrows stream and clock, which must outlive it.
  LoadProgress(std::string file_name, bool is_terminal, std::ostream* out,
               const Clock* clock);

  void Update(int64_t done, int64_t total);
  // Ends a redrawn line.
  void Finish();

 private:
  const std::string file_name_;
  const bool is_terminal_;
  std::ostream* const out_;
  const Clock* const clock_;
  absl::Time next_;
  bool shown_ = false;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_LOAD_PROGRESS_H_
