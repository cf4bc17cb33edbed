// e^x for numbers that a model is made of.
#ifndef OXBOW_ENGINE_MODEL_OWN_EXP_H_
#define OXBOW_ENGINE_MODEL_OWN_EXP_H_

namespace oxbow {

// e^x within 4e-16 of its size, x clamped to [-700, 700]: the same bits on
// every machine, which the library's exp() does not promise.
double OwnExp(double x);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_OWN_EXP_H_
