// The stack machine that a pickle is a program for, reduced to describing data.
#ifndef OXBOW_ENGINE_WEIGHTS_PICKLE_MACHINE_H_
#define OXBOW_ENGINE_WEIGHTS_PICKLE_MACHINE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace oxbow {

enum class PickleKind {
  kNone,
  kBool,
  kInt,
  kString,
  kTuple,  // items: its members
  kList,   // items: its members
  kDict,   // items: key, value, key, value, ..
  kGlobal,
  kStorage,  // text: key; number: count
  kTensor,   // items: storage, offset, shape, strides
};

enum class PickleGlobal {
  kOrderedDict,
  kRebuildTensor,
  kRebuildParameter,
  kFloatStorage,
  kHalfStorage,
  kBFloat16Storage,
};

// Values refer to each other by index, so that a value that is used often is
// held once, and no copy can grow without bound.
using PickleIndex = uint32_t;

struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  int64_t number = 0;
  PickleGlobal global = PickleGlobal::kOrderedDict;
  absl::string_view text;
  std::vector<PickleIndex> items;
};

// Runs a pickle of protocol 2 with the instructions torch.save uses, and
// refuses all others: see pickle.h. Values refer to the pickle's bytes.
class PickleMachine {
 public:
  explicit PickleMachine(absl::string_view pickle) : pickle_(pickle) {}

  // Runs to the stop instruction. After OK, the result is a dict.
  absl::Status Run();

  const PickleValue& result() const { return values_[stack_[0]]; }
  const PickleValue& value(PickleIndex index) const { return values_[index]; }

  // InvalidArgument with the offset of the instruction being run, the last.
  absl::Status Fault(absl::string_view why) const;

 private:
  absl::Status Step(uint8_t instruction);
  absl::Status StepNumber(uint8_t instruction);
  absl::Status StepMemo(uint8_t instruction);
  absl::Status StepTuple(uint8_t instruction);
  absl::Status StepAppends(size_t begin);
  absl::Status StepAppend();
  absl::Status StepGlobal();
  absl::Status StepPersistentId();
  absl::Status StepReduce();
  absl::Status StepSetItems(size_t begin);
  absl::Status StepSetItem();
  absl::Status StepBuild();
  absl::Status StepString();
  absl::Status StepLong1();

  absl::Status CallRebuildTensor(const PickleValue& arguments);

  absl::Status Take(size_t count, absl::string_view* bytes);
  // Little-endian, unsigned.
  absl::Status TakeNumber(size_t bytes, uint32_t* number);
  // Pops the top value.
  absl::Status Pop(PickleIndex* value);
  // Pops the newest mark: where its values start on the stack.
  absl::Status PopMark(size_t* begin);
  absl::Status Push(PickleValue value);
  absl::Status PushTuple(size_t begin);

  const absl::string_view pickle_;
  size_t next_ = 0;
  size_t at_ = 0;  // the offset of the instruction being run
  std::vector<PickleValue> values_;
  std::vector<PickleIndex> stack_;
  std::vector<size_t> marks_;
  absl::flat_hash_map<uint32_t, PickleIndex> memo_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_PICKLE_MACHINE_H_
