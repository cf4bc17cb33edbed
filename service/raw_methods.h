// A generated service whose methods take raw bytes, in callbacks.
#ifndef OXBOW_SERVICE_RAW_METHODS_H_
#define OXBOW_SERVICE_RAW_METHODS_H_

namespace oxbow {

// RawMethods<S::Service, S::WithRawCallbackMethod_A, ...>::Type is the service
// S with each given method raw.
template <typename Base, template <typename> class Method,
          template <typename> class... Methods>
struct RawMethods {
  using Type = Method<typename RawMethods<Base, Methods...>::Type>;
};
template <typename Base, template <typename> class Method>
struct RawMethods<Base, Method> {
  using Type = Method<Base>;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_RAW_METHODS_H_
