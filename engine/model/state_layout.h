// Where the parts of a state lie among its numbers.
#ifndef OXBOW_ENGINE_MODEL_STATE_LAYOUT_H_
#define OXBOW_ENGINE_MODEL_STATE_LAYOUT_H_

#include <cstdint>
#include <string>

#include "engine/model/model_config.h"

namespace oxbow {

// A model remembers in each layer what its recurrence keeps ("wkv") and two
// rows (the last inputs of time mixing and channel mixing); then comes the
// hidden row of the last token. All fp32:
//
//   layer 0: wkv [..]  time shift [D]  channel shift [D]
//   layer 1: ..
//   hidden [D]
//
// At the start all is zero but wkv, which the version knows.
class StateLayout {
 public:
  // A wkv of `wkv_count` numbers a layer, which `wkv` names.
  StateLayout(const ModelConfig& config, int64_t wkv_count,
              const std::string& wkv);
  // wkv [H,S key,S value], of RWKV-5 to RWKV-7.
  static StateLayout OfHeads(const ModelConfig& config);

  int64_t Wkv(int layer) const { return layer * layer_count_; }
  int64_t TimeShift(int layer) const { return Wkv(layer) + wkv_count_; }
  int64_t ChannelShift(int layer) const { return TimeShift(layer) + width_; }
  int64_t Hidden() const { return hidden_; }
  // Numbers of one layer's wkv.
  int64_t wkv_count() const { return wkv_count_; }
  // All numbers.
  int64_t count() const { return hidden_ + width_; }
  // Names what the numbers mean; it changes whenever the layout does.
  const std::string& id() const { return id_; }

 private:
  int64_t width_;
  int64_t wkv_count_;
  int64_t layer_count_;  // of one layer, with its two rows
  int64_t hidden_;
  std::string id_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_STATE_LAYOUT_H_
