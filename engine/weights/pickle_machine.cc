#include "engine/weights/pickle_machine.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr size_t kGlobalBytesMax = 128;
// A file of kTensorsMax tensors makes some 200,000 values.
constexpr size_t kValuesMax = size_t{1} << 20;

const absl::flat_hash_map<absl::string_view, PickleGlobal>& KnownGlobals() {
  static const auto* const globals =
      new absl::flat_hash_map<absl::string_view, PickleGlobal>{
          {"collections OrderedDict", PickleGlobal::kOrderedDict},
          {"torch._utils _rebuild_tensor_v2", PickleGlobal::kRebuildTensor},
          {"torch._utils _rebuild_parameter", PickleGlobal::kRebuildParameter},
          {"torch FloatStorage", PickleGlobal::kFloatStorage},
          {"torch HalfStorage", PickleGlobal::kHalfStorage},
          {"torch BFloat16Storage", PickleGlobal::kBFloat16Storage},
      };
  return *globals;
}

// The instructions of pickle protocol 2 that torch.save writes.
enum Instruction : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersistentId = 'Q',
  kReduce = 'R',
  kBinUnicode = 'X',
  kBuild = 'b',
  kGlobal = 'c',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kEmptyDict = '}',
  kEmptyList = ']',
  kAppend = 'a',
  kAppends = 'e',
  kProtocol = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
};

}  // namespace

absl::Status PickleMachine::Fault(absl::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat("pickle byte ", at_, ": ", why));
}

absl::Status PickleMachine::Take(size_t count, absl::string_view* bytes) {
  if (count > pickle_.size() - next_) return Fault("the pickle ends too soon");
  *bytes = pickle_.substr(next_, count);
  next_ += count;
  return absl::OkStatus();
}

absl::Status PickleMachine::TakeNumber(size_t bytes, uint32_t* number) {
  absl::string_view text;
  RETURN_IF_ERROR(Take(bytes, &text));
  *number = 0;
  for (size_t i = 0; i < bytes; ++i) {
    *number |= uint32_t{static_cast<uint8_t>(text[i])} << (8 * i);
  }
  return absl::OkStatus();
}

absl::Status PickleMachine::Pop(PickleIndex* value) {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) return Fault("the stack is empty");
  *value = stack_.back();
  stack_.pop_back();
  return absl::OkStatus();
}

absl::Status PickleMachine::PopMark(size_t* begin) {
  if (marks_.empty()) return Fault("there is no mark");
  *begin = marks_.back();
  marks_.pop_back();
  return absl::OkStatus();
}

absl::Status PickleMachine::Push(PickleValue value) {
  if (values_.size() >= kValuesMax) return Fault("too many values");
  stack_.push_back(static_cast<PickleIndex>(values_.size()));
  values_.push_back(std::move(value));
  return absl::OkStatus();
}

absl::Status PickleMachine::PushTuple(size_t begin) {
  PickleValue tuple;
  tuple.kind = PickleKind::kTuple;
  tuple.items.assign(stack_.begin() + begin, stack_.end());
  stack_.resize(begin);
  return Push(std::move(tuple));
}

absl::Status PickleMachine::Run() {
  while (true) {
    at_ = next_;
    absl::string_view byte;
    RETURN_IF_ERROR(Take(1, &byte));
    const uint8_t instruction = byte[0];
    if (at_ == 0 && instruction != kProtocol) {
      return Fault("not a pickle of protocol 2");
    }
    if (instruction == kStop) break;
    RETURN_IF_ERROR(Step(instruction));
  }
  if (next_ != pickle_.size()) return Fault("bytes after the end");
  if (stack_.size() != 1 || values_[stack_[0]].kind != PickleKind::kDict) {
    return Fault("the result is not a dict of tensors");
  }
  return absl::OkStatus();
}

absl::Status PickleMachine::Step(uint8_t instruction) {
  switch (instruction) {
    case kProtocol:
    case kBinInt:
    case kBinInt1:
    case kBinInt2:
    case kNone:
    case kNewTrue:
    case kNewFalse:
      return StepNumber(instruction);
    case kLong1:
      return StepLong1();
    case kBinGet:
    case kLongBinGet:
    case kBinPut:
    case kLongBinPut:
      return StepMemo(instruction);
    case kTuple:
    case kTuple1:
    case kTuple2:
    case kTuple3:
    case kEmptyTuple:
      return StepTuple(instruction);
    case kMark:
      marks_.push_back(stack_.size());
      return absl::OkStatus();
    case kEmptyDict: {
      PickleValue dict;
      dict.kind = PickleKind::kDict;
      return Push(std::move(dict));
    }
    case kEmptyList: {
      PickleValue list;
      list.kind = PickleKind::kList;
      return Push(std::move(list));
    }
    case kAppend:
      return StepAppend();
    case kAppends: {
      size_t begin = 0;
      RETURN_IF_ERROR(PopMark(&begin));
      return StepAppends(begin);
    }
    case kBinUnicode:
      return StepString();
    case kGlobal:
      return StepGlobal();
    case kBinPersistentId:
      return StepPersistentId();
    case kReduce:
      return StepReduce();
    case kBuild:
      return StepBuild();
    case kSetItem:
      return StepSetItem();
    case kSetItems: {
      size_t begin = 0;
      RETURN_IF_ERROR(PopMark(&begin));
      return StepSetItems(begin);
    }
    default:
      return Fault(absl::StrCat("instruction 0x",
                                absl::Hex(instruction, absl::kZeroPad2),
                                " is not one of a tensor file"));
  }
}

absl::Status PickleMachine::StepNumber(uint8_t instruction) {
  PickleValue value;
  uint32_t number = 0;
  value.kind = PickleKind::kInt;
  switch (instruction) {
    case kProtocol:
      RETURN_IF_ERROR(TakeNumber(1, &number));
      if (number != 2) {
        return Fault(absl::StrCat("protocol ", number, ", want 2"));
      }
      return absl::OkStatus();
    case kBinInt:
      RETURN_IF_ERROR(TakeNumber(4, &number));
      value.number = static_cast<int32_t>(number);
      break;
    case kBinInt1:
      RETURN_IF_ERROR(TakeNumber(1, &number));
      value.number = number;
      break;
    case kBinInt2:
      RETURN_IF_ERROR(TakeNumber(2, &number));
      value.number = number;
      break;
    case kNone:
      value.kind = PickleKind::kNone;
      break;
    default:
      value.kind = PickleKind::kBool;
      value.number = instruction == kNewTrue;
  }
  return Push(std::move(value));
}

absl::Status PickleMachine::StepLong1() {
  uint32_t count = 0;
  RETURN_IF_ERROR(TakeNumber(1, &count));
  if (count > 8) return Fault("a number of more than 64 bits");
  absl::string_view bytes;
  RETURN_IF_ERROR(Take(count, &bytes));
  uint64_t bits = 0;
  for (size_t i = 0; i < count; ++i) {
    bits |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  // Two's complement of `count` bytes.
  if (count > 0 && count < 8 && (bits >> (8 * count - 1)) != 0) {
    bits |= ~uint64_t{0} << (8 * count);
  }
  PickleValue value;
  value.kind = PickleKind::kInt;
  value.number = static_cast<int64_t>(bits);
  return Push(std::move(value));
}

absl::Status PickleMachine::StepString() {
  uint32_t count = 0;
  RETURN_IF_ERROR(TakeNumber(4, &count));
  PickleValue value;
  value.kind = PickleKind::kString;
  RETURN_IF_ERROR(Take(count, &value.text));
  return Push(std::move(value));
}

absl::Status PickleMachine::StepMemo(uint8_t instruction) {
  const bool is_long = instruction == kLongBinGet || instruction == kLongBinPut;
  uint32_t number = 0;
  RETURN_IF_ERROR(TakeNumber(is_long ? 4 : 1, &number));
  if (instruction == kBinPut || instruction == kLongBinPut) {
    PickleIndex value = 0;
    RETURN_IF_ERROR(Pop(&value));
    stack_.push_back(value);
    memo_[number] = value;
    return absl::OkStatus();
  }
  const auto found = memo_.find(number);
  if (found == memo_.end()) {
    return Fault(absl::StrCat("nothing is kept under ", number));
  }
  stack_.push_back(found->second);
  return absl::OkStatus();
}

absl::Status PickleMachine::StepTuple(uint8_t instruction) {
  if (instruction == kTuple) {
    size_t begin = 0;
    RETURN_IF_ERROR(PopMark(&begin));
    return PushTuple(begin);
  }
  const size_t count =
      instruction == kEmptyTuple ? 0 : instruction - kTuple1 + 1;
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - floor < count) return Fault("the stack is empty");
  return PushTuple(stack_.size() - count);
}

absl::Status PickleMachine::StepGlobal() {
  absl::string_view parts[2];
  for (absl::string_view& part : parts) {
    const size_t end = pickle_.substr(next_, kGlobalBytesMax).find('\n');
    if (end == absl::string_view::npos) return Fault("a name without an end");
    RETURN_IF_ERROR(Take(end, &part));
    ++next_;
  }
  const std::string name = absl::StrCat(parts[0], " ", parts[1]);
  const auto found = KnownGlobals().find(name);
  if (found == KnownGlobals().end()) {
    return Fault(absl::StrCat("'", absl::CEscape(name),
                              "' is not a name of a tensor file"));
  }
  PickleValue value;
  value.kind = PickleKind::kGlobal;
  value.global = found->second;
  return Push(std::move(value));
}

// ('storage', its type, key, location, count) -> a storage.
absl::Status PickleMachine::StepPersistentId() {
  PickleIndex top = 0;
  RETURN_IF_ERROR(Pop(&top));
  const std::vector<PickleIndex>& items = values_[top].items;
  if (values_[top].kind != PickleKind::kTuple || items.size() != 5 ||
      values_[items[0]].kind != PickleKind::kString ||
      values_[items[0]].text != "storage" ||
      values_[items[1]].kind != PickleKind::kGlobal ||
      values_[items[1]].global < PickleGlobal::kFloatStorage ||
      values_[items[2]].kind != PickleKind::kString ||
      values_[items[4]].kind != PickleKind::kInt) {
    return Fault("a reference that is not to a storage");
  }
  PickleValue storage;
  storage.kind = PickleKind::kStorage;
  storage.global = values_[items[1]].global;
  storage.text = values_[items[2]].text;
  storage.number = values_[items[4]].number;
  return Push(std::move(storage));
}

absl::Status PickleMachine::StepReduce() {
  PickleIndex arguments = 0, callee = 0;
  RETURN_IF_ERROR(Pop(&arguments));
  RETURN_IF_ERROR(Pop(&callee));
  if (values_[callee].kind != PickleKind::kGlobal ||
      values_[arguments].kind != PickleKind::kTuple) {
    return Fault("a call of something that is no function");
  }
  const std::vector<PickleIndex>& items = values_[arguments].items;
  switch (values_[callee].global) {
    case PickleGlobal::kOrderedDict: {
      if (!items.empty()) return Fault("OrderedDict with arguments");
      PickleValue dict;
      dict.kind = PickleKind::kDict;
      return Push(std::move(dict));
    }
    case PickleGlobal::kRebuildTensor:
      return CallRebuildTensor(values_[arguments]);
    case PickleGlobal::kRebuildParameter:
      if (items.empty() || values_[items[0]].kind != PickleKind::kTensor) {
        return Fault("a parameter that is no tensor");
      }
      stack_.push_back(items[0]);
      return absl::OkStatus();
    default:
      return Fault("a call of a storage type");
  }
}

// (storage, offset, shape, strides, requires_grad, hooks) -> a tensor.
absl::Status PickleMachine::CallRebuildTensor(const PickleValue& arguments) {
  const std::vector<PickleIndex>& items = arguments.items;
  if (items.size() < 6 || items.size() > 7 ||
      values_[items[0]].kind != PickleKind::kStorage ||
      values_[items[1]].kind != PickleKind::kInt ||
      values_[items[2]].kind != PickleKind::kTuple ||
      values_[items[3]].kind != PickleKind::kTuple) {
    return Fault("_rebuild_tensor_v2 with strange arguments");
  }
  PickleValue tensor;
  tensor.kind = PickleKind::kTensor;
  tensor.items.assign(items.begin(), items.begin() + 4);
  return Push(std::move(tensor));
}

absl::Status PickleMachine::StepSetItem() {
  if (stack_.size() < 2) return Fault("the stack is empty");
  return StepSetItems(stack_.size() - 2);
}

absl::Status PickleMachine::StepSetItems(size_t begin) {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (begin <= floor || begin > stack_.size() ||
      (stack_.size() - begin) % 2 != 0 ||
      values_[stack_[begin - 1]].kind != PickleKind::kDict) {
    return Fault("items without a dict");
  }
  std::vector<PickleIndex>& items = values_[stack_[begin - 1]].items;
  items.insert(items.end(), stack_.begin() + begin, stack_.end());
  stack_.resize(begin);
  return absl::OkStatus();
}

absl::Status PickleMachine::StepAppend() {
  if (stack_.size() < 2) return Fault("the stack is empty");
  return StepAppends(stack_.size() - 1);
}

absl::Status PickleMachine::StepAppends(size_t begin) {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (begin <= floor || begin > stack_.size() ||
      values_[stack_[begin - 1]].kind != PickleKind::kList) {
    return Fault("members without a list");
  }
  std::vector<PickleIndex>& items = values_[stack_[begin - 1]].items;
  items.insert(items.end(), stack_.begin() + begin, stack_.end());
  stack_.resize(begin);
  return absl::OkStatus();
}

// Attributes of the dict (torch's _metadata): nothing to us.
absl::Status PickleMachine::StepBuild() {
  PickleIndex attributes = 0, object = 0;
  RETURN_IF_ERROR(Pop(&attributes));
  RETURN_IF_ERROR(Pop(&object));
  if (values_[object].kind != PickleKind::kDict) {
    return Fault("attributes of something that is no dict");
  }
  stack_.push_back(object);
  return absl::OkStatus();
}

}  // namespace oxbow
