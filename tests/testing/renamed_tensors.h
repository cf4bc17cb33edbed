// A model's tensors as other projects' converters write them, made from
// BlinkDL's by the rules those converters follow.
#ifndef OXBOW_TESTS_TESTING_RENAMED_TENSORS_H_
#define OXBOW_TESTS_TESTING_RENAMED_TENSORS_H_

#include <vector>

#include "tests/testing/tiny_tensor.h"

namespace oxbow {

using TinyTensors = std::vector<TinyTensor>;

// fla's utils/convert_from_rwkv7.py: RWKV-7 only. With `fused`, as its older
// models hold the six mixes, in one x_x [6,1,1,D].
TinyTensors AsFla(const TinyTensors& tensors, bool fused);

// transformers' convert_rwkv_checkpoint_to_hf.py and its heirs: RWKV-4, 5, 6.
TinyTensors AsHuggingFace(const TinyTensors& tensors);

// web-rwkv's assets/scripts/convert_safetensors.py: RWKV-5.2, 6 and 7. With
// `turns_all`, the list of matrices it turns is that of RWKV-7's time, and a
// name that two of its patterns match is turned twice.
TinyTensors AsWebRwkv(const TinyTensors& tensors, bool turns_all);

// The last two dimensions the other way round.
TinyTensor Turned(const TinyTensor& tensor);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_RENAMED_TENSORS_H_
